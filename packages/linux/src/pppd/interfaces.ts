/**
 * The PPP interfaces of a network namespace: what they are called, their MTU and addresses, and that they go. One
 * listener to rtnetlink serves all sessions of the namespace.
 */
import { NETLINK_ROUTE } from "../abi-netlink.ts";
import { ClosedError } from "../errors.ts";
import type { SettingsAddress } from "../interface-settings.ts";
import { NetlinkSocket } from "../netlink-socket.ts";
import * as addresses from "../rtnetlink/address.ts";
import * as links from "../rtnetlink/link.ts";
import { Monitor } from "../rtnetlink/monitor.ts";

/** What is known of an interface. */
export interface PppInterfaceState {
  readonly name: string;
  readonly mtuOctets: number | undefined;
  /** None while it is down: pppd gives it its addresses first. */
  readonly addresses: readonly SettingsAddress[];
}

/** Who follows an interface. */
export interface InterfaceFollower {
  /** Name, MTU or addresses are others now. */
  changed(state: PppInterfaceState): void;
  /** It was deleted. */
  gone(): void;
}

interface Followed {
  readonly follower: InterfaceFollower;
  name: string;
  up: boolean;
  mtuOctets: number | undefined;
  addresses: Map<string, SettingsAddress>;
  /** While the tables are read again: what has been found. */
  found: Map<string, SettingsAddress> | undefined;
  seen: boolean;
}

type AddressEntry = Parameters<typeof addressKey>[0];

const addressKey = (entry: {
  readonly address: string;
  readonly prefixLength: number;
  readonly peer?: string;
}) => `${entry.address}/${entry.prefixLength} ${entry.peer ?? ""}`;

const asAddress = ({ address, prefixLength, peer }: AddressEntry): SettingsAddress => ({
  address,
  prefixLength,
  ...(peer !== undefined && { peer }),
});

/** Where sockets are opened: in the namespace that is listened to. */
export type InNamespace = <T>(work: () => T) => T;

export class PppInterfaces {
  readonly #inNamespace: InNamespace;
  readonly #followed = new Map<number, Followed>();
  #monitor: Monitor | undefined;
  #tables: NetlinkSocket | undefined;
  #users = 0;

  constructor(inNamespace: InNamespace) {
    this.#inNamespace = inNamespace;
  }

  /**
   * Begins to listen, before an interface is made, so that nothing of it is missed; with the last user it ends.
   * @throws SyscallError
   */
  use(): Disposable {
    if (this.#monitor === undefined) {
      const [monitor, tables] = this.#inNamespace(() => [
        new Monitor({ subjects: ["link", "address"] }),
        new NetlinkSocket(NETLINK_ROUTE),
      ]);
      this.#monitor = monitor;
      this.#tables = tables;
      void this.#listen(monitor);
    }
    this.#users++;
    let using = true;
    return {
      [Symbol.dispose]: () => {
        if (!using) return;
        using = false;
        if (--this.#users === 0) this.#close();
      },
    };
  }

  #close(): void {
    void this.#monitor?.close();
    void this.#tables?.close();
    this.#monitor = undefined;
    this.#tables = undefined;
  }

  /**
   * Follows an interface that is there. `changed` is called before this resolves.
   * @returns ends the following
   * @throws SyscallError ENODEV when it is gone already
   */
  async follow(index: number, follower: InterfaceFollower): Promise<Disposable> {
    const tables = this.#tables;
    if (tables === undefined) throw new ClosedError("interfaces are not listened to: call use() first");
    const one: Followed = {
      follower,
      name: "",
      up: false,
      mtuOctets: undefined,
      addresses: new Map(),
      found: undefined,
      seen: true,
    };
    this.#followed.set(index, one);
    const end = () => {
      if (this.#followed.get(index) === one) this.#followed.delete(index);
    };
    try {
      const link = await tables.run(links.get({ index }));
      const there = await tables.run(addresses.list({ index }));
      // What the monitor told meanwhile is newer or the same.
      if (one.name === "") {
        one.name = link.name;
        one.up = link.up;
        one.mtuOctets = link.mtuOctets;
      }
      for (const entry of there) one.addresses.set(addressKey(entry), asAddress(entry));
    } catch (error) {
      end();
      throw error;
    }
    this.#tell(one);
    return { [Symbol.dispose]: end };
  }

  #tell(one: Followed): void {
    const { name, mtuOctets, up } = one;
    one.follower.changed({ name, mtuOctets, addresses: up ? [...one.addresses.values()] : [] });
  }

  async #listen(monitor: Monitor): Promise<void> {
    try {
      for await (const event of monitor) {
        if (event.type === "overrun") this.#forgetAll();
        else if (event.type === "resynchronized") this.#compare();
        else if (event.type === "link") this.#onLink(event.action, event.link);
        else if (event.type === "address") this.#onAddress(event.action, event.address.index, event.address);
      }
    } catch {
      // The socket failed: from here on only pppd's own end is noticed.
    }
  }

  #onLink(action: string, link: links.Link): void {
    const one = this.#followed.get(link.index);
    if (one === undefined) return;
    if (action === "removed") {
      this.#followed.delete(link.index);
      one.follower.gone();
      return;
    }
    one.seen = true;
    const same = one.name === link.name && one.up === link.up && one.mtuOctets === link.mtuOctets;
    one.name = link.name;
    one.up = link.up;
    one.mtuOctets = link.mtuOctets;
    if (!same) this.#tell(one);
  }

  #onAddress(action: string, index: number, entry: AddressEntry): void {
    const one = this.#followed.get(index);
    if (one === undefined) return;
    const key = addressKey(entry);
    if (one.found !== undefined && action === "known") {
      one.found.set(key, asAddress(entry));
      return;
    }
    if (action === "removed" ? !one.addresses.delete(key) : one.addresses.has(key)) return;
    if (action !== "removed") one.addresses.set(key, asAddress(entry));
    this.#tell(one);
  }

  #forgetAll(): void {
    for (const one of this.#followed.values()) {
      one.found = new Map();
      one.seen = false;
    }
  }

  #compare(): void {
    for (const [index, one] of [...this.#followed]) {
      if (one.found === undefined) continue; // Followed since: read by itself.
      if (!one.seen) {
        this.#followed.delete(index);
        one.follower.gone();
        continue;
      }
      one.addresses = one.found;
      one.found = undefined;
      this.#tell(one);
    }
  }
}

const known = new WeakMap<object, PppInterfaces>();

/** The one of a namespace, by the object that stands for it. */
export function interfacesOf(namespace: { inNamespace<T>(work: () => T): T }): PppInterfaces {
  let found = known.get(namespace);
  if (found === undefined) {
    found = new PppInterfaces((work) => namespace.inNamespace(work));
    known.set(namespace, found);
  }
  return found;
}
