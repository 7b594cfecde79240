/**
 * TUN interfaces that PPP sessions share: made with the first of them, and there until its wire closes. That wire's
 * sending thread reads the interface, and sends for sessions of other wires, too; each wire's receiving thread writes to it.
 */
import { PlaneError, planeError } from "@l2tp/dataplane";
import {
  address as addresses,
  interfaceIndex,
  link as links,
  type NetlinkRequest,
  route as routes,
  type TunInterface,
} from "@l2tp/linux";
import {
  type PrefixOwner,
  type SharedAttachment,
  type SharedInterface,
  type SharedInterfaces,
  type SharedUser,
  type TunnelHost,
  tell,
} from "./host.ts";
import { type NamedPrefix, parsePrefix } from "./prefixes.ts";
import { trySwitch } from "./sysctl.ts";
import { openInterface } from "./tun-interface.ts";

/**
 * Packets that wait for the sending thread. A TUN has room for 500, which a thousand TCP flows that begin together overflow
 * many times: a third of their segments were lost then, and sent again.
 */
const QUEUE_PACKETS = 8_192;

/** One interface, and who of its sessions has which prefix. */
export class SharedTun implements SharedInterface {
  readonly name: string;
  readonly wire: TunnelHost;
  readonly users = new Set<SharedUser>();
  /** Wires whose receiving threads know it. */
  readonly known = new Map<TunnelHost, Promise<void>>();
  readonly number: number;
  readonly tun: TunInterface;
  readonly interfaceIndex: number;
  readonly mtuOctets: number;
  readonly routes: readonly NamedPrefix[];
  readonly #owners = new Map<string, PrefixOwner>();

  constructor(
    wire: TunnelHost,
    number: number,
    tun: TunInterface,
    index: number,
    mtuOctets: number,
    to: readonly NamedPrefix[],
  ) {
    this.wire = wire;
    this.name = tun.name;
    this.number = number;
    this.tun = tun;
    this.interfaceIndex = index;
    this.mtuOctets = mtuOctets;
    this.routes = to;
  }

  own(owner: PrefixOwner, before: readonly NamedPrefix[], now: readonly NamedPrefix[]): void {
    for (const { text } of now) {
      const other = this.#owners.get(text);
      if (other !== undefined && other !== owner) {
        throw new PlaneError(
          "address-in-use",
          `${owner.what}: ${text} belongs to ${other.what} on ${this.name}`,
        );
      }
    }
    this.disown(owner, before);
    for (const { text } of now) this.#owners.set(text, owner);
  }

  disown(owner: PrefixOwner, prefixes: readonly NamedPrefix[]): void {
    for (const { text } of prefixes) if (this.#owners.get(text) === owner) this.#owners.delete(text);
  }
}

/** Those of a data plane. */
export class SharedTuns implements SharedInterfaces {
  /** By network namespace and name. */
  readonly #byName = new Map<string, Promise<SharedTun>>();
  readonly #made: (SharedTun | undefined)[] = [];

  async get(wire: TunnelHost, attachment: SharedAttachment, mtuOctets: number): Promise<SharedTun> {
    const key = `${wire.namespacePath ?? ""} ${attachment.name}`;
    let made = this.#byName.get(key);
    if (made === undefined) {
      made = this.#make(wire, attachment, mtuOctets);
      this.#byName.set(key, made);
      made.catch(() => this.#byName.delete(key));
    }
    const shared = await made;
    let known = shared.known.get(wire);
    if (known === undefined) {
      known = wire.receiver.order({ do: "set-shared", shared: shared.number, tap: shared.tun.fd });
      shared.known.set(wire, known);
    }
    await known;
    return shared;
  }

  async #make(
    wire: TunnelHost,
    { name, addresses: own = [], routes: to = [] }: SharedAttachment,
    mtuOctets: number,
  ): Promise<SharedTun> {
    const prefixes = to.map(parsePrefix);
    const { tun, index } = wire.inNamespace(() => {
      const opened = openInterface("tun", name, wire.features.vnet);
      return { tun: opened, index: interfaceIndex(opened.name) };
    });
    const number = this.#made.length;
    this.#made.push(undefined);
    try {
      const run = (request: NetlinkRequest<unknown>) => wire.network.run(request);
      await wire.network.limitGso(index);
      await run(links.set({ index }, { mtuOctets, txQueueLength: QUEUE_PACKETS }));
      if ([...own, ...to].some((text) => text.includes(":"))) {
        // Off by default on some hosts; asked for here.
        wire.inNamespace(() => trySwitch(`ipv6/conf/${tun.name}/disable_ipv6`, "0"));
      }
      for (const text of own) await run(addresses.add({ index, ...splitAddress(text) }));
      await run(links.set({ index }, { up: true }));
      for (const { text } of prefixes) await run(routes.add({ destination: text, interfaceIndex: index }));
      await wire.sender.order({ do: "set-shared", shared: number, tap: tun.fd });
    } catch (error) {
      tun.close();
      throw planeError(error, `interface ${name}`, {
        EBUSY: "name-in-use",
        EEXIST: "address-in-use",
        EINVAL: "invalid-parameters",
      });
    }
    const shared = new SharedTun(wire, number, tun, index, mtuOctets, prefixes);
    this.#made[number] = shared;
    return shared;
  }

  /** Somebody deleted it: its sessions are lost, and the next one that asks gets a new one. */
  lost(number: number, errno: string): void {
    const shared = this.#made[number];
    if (shared !== undefined) void this.#end(shared, `its interface ${shared.name} is gone (${errno})`);
  }

  /** The wire closes, after its sessions: what it reads goes with it. */
  async close(wire: TunnelHost): Promise<void> {
    await Promise.allSettled([...this.#byName.values()]);
    await Promise.all(
      this.#made.map(async (shared) => {
        if (shared?.wire === wire) await this.#end(shared, `the wire that read its interface has closed`);
        else shared?.known.delete(wire);
      }),
    );
  }

  async #end(shared: SharedTun, reason: string): Promise<void> {
    if (this.#made[shared.number] !== shared) return;
    this.#made[shared.number] = undefined;
    for (const [key, made] of this.#byName) if ((await made) === shared) this.#byName.delete(key);
    await Promise.all([...shared.users].map((user) => user.lost(reason)));
    const threads = [shared.wire.sender, ...[...shared.known.keys()].map(({ receiver }) => receiver)];
    const order = { do: "set-shared", shared: shared.number, tap: -1 } as const;
    await Promise.all(threads.map((thread) => tell(thread, order)));
    await shared.wire.network.remove(shared.tun.fd, shared.interfaceIndex);
  }
}

/** `10.0.0.1/16`; without a length it is the address alone. */
export function splitAddress(text: string): {
  readonly address: string;
  readonly prefixLength: number;
  readonly noDuplicateDetection?: boolean;
} {
  const { length, family } = parsePrefix(text);
  return {
    address: text.split("/")[0] as string,
    prefixLength: length,
    ...(family === 6 && { noDuplicateDetection: true }),
  };
}
