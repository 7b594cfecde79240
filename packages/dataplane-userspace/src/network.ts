/**
 * The network of a wire's namespace, through rtnetlink: setting interfaces up, finding the way to a peer, and
 * hearing of what changes.
 */
import { type EthernetInterface, PlaneError } from "@l2tp/dataplane";
import {
  address as addresses,
  type Fd,
  link as links,
  Monitor,
  NetlinkError,
  NetlinkSocket,
  nlabi,
  route as routes,
  type SyscallError,
} from "@l2tp/linux";
import type { IpAddress } from "@l2tp/protocol";

/** How packets to a peer leave. */
export interface Path {
  readonly interfaceIndex: number | undefined;
  readonly mtuOctets: number;
}

/** A frame that is cut up again by the sender must fit into one UDP message with the headers that are added. */
const GSO_MAX_OCTETS = 60_000;
/** Changes come in bursts. */
const SETTLE_MS = 50;

export class NetworkView {
  readonly #namespace: Fd | undefined;
  readonly #onChange: () => void;
  #socket: NetlinkSocket | undefined;
  #monitor: Monitor | undefined;
  #settling: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param namespace - undefined for the process's own.
   * @param onChange - called some time after interfaces or routes changed.
   */
  constructor(namespace: Fd | undefined, onChange: () => void) {
    this.#namespace = namespace;
    this.#onChange = onChange;
  }

  get #netlink(): NetlinkSocket {
    if (this.#closed) throw new PlaneError("closed", "the wire is closed");
    this.#socket ??= new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: this.#namespace });
    return this.#socket;
  }

  /** Begins to listen to changes; once. */
  watch(): void {
    if (this.#monitor !== undefined || this.#closed) return;
    this.#monitor = new Monitor({ subjects: ["route", "link"], namespace: this.#namespace });
    void this.#listen(this.#monitor);
  }

  async #listen(monitor: Monitor): Promise<void> {
    try {
      for await (const event of monitor) {
        if (event.type === "overrun") continue;
        this.#settling ??= setTimeout(() => {
          this.#settling = undefined;
          if (!this.#closed) this.#onChange();
        }, SETTLE_MS);
      }
    } catch {
      // The socket failed: from here on, loops are found at creation only.
    }
  }

  /**
   * How packets to the address leave now.
   *
   * @returns `undefined` when they do not: no route.
   */
  async path(to: IpAddress, source: IpAddress | undefined): Promise<Path | undefined> {
    let route: routes.Route;
    try {
      route = await this.#netlink.run(
        routes.lookUp(to.replace(/%.*$/, ""), source === undefined ? {} : { source }),
      );
    } catch (error) {
      if (error instanceof NetlinkError) return undefined;
      throw error;
    }
    if (route.kind !== "unicast" && route.kind !== "local") return undefined;
    const { interfaceIndex } = route;
    if (interfaceIndex === undefined) return undefined;
    const link = await this.#netlink.run(links.get({ index: interfaceIndex }));
    const mtuOctets = Math.min(route.mtuOctets ?? Number.POSITIVE_INFINITY, link.mtuOctets ?? 1500);
    return { interfaceIndex, mtuOctets };
  }

  /**
   * Makes a new interface what the session wants it to be.
   * @throws PlaneError `no-bridge`, `invalid-parameters`; {@link SyscallError}
   */
  async setUp(index: number, mtuOctets: number, wanted: EthernetInterface): Promise<void> {
    const netlink = this.#netlink;
    const { bridge, macAddress } = wanted;
    const master = bridge === undefined ? undefined : await this.#bridge(bridge);
    await netlink.run(links.set({ index }, { gsoMaxOctets: GSO_MAX_OCTETS })).catch(() => {});
    await netlink.run(
      links.set({ index }, { mtuOctets, ...(macAddress === undefined ? {} : { address: macAddress }) }),
    );
    if (master !== undefined) await netlink.run(links.set({ index }, { master }));
    for (const one of wanted.addresses ?? []) {
      await netlink.run(
        addresses.add({
          index,
          address: one.address,
          prefixLength: one.prefixLength,
          ...(one.peer === undefined ? {} : { peer: one.peer }),
        }),
      );
    }
    if (wanted.up ?? true) await netlink.run(links.set({ index }, { up: true }));
  }

  async #bridge(name: string): Promise<number> {
    try {
      const found = await this.#netlink.run(links.get({ name }));
      if (found.kind === "bridge") return found.index;
      throw new PlaneError("no-bridge", `${name} is no bridge but ${found.kind ?? "a network interface"}`);
    } catch (error) {
      if ((error as SyscallError).code !== "ENODEV") throw error;
      throw new PlaneError(
        "no-bridge",
        `there is no bridge ${name}; ip link add ${name} type bridge makes one`,
        {
          cause: error,
        },
      );
    }
  }

  /** @throws {@link SyscallError} */
  async setMtu(index: number, mtuOctets: number): Promise<void> {
    await this.#netlink.run(links.set({ index }, { mtuOctets }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#settling);
    await Promise.all([this.#monitor?.close(), this.#socket?.close()]);
  }
}
