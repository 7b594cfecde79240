/** A host of the simulated network: its addresses, who listens on them, and what its data planes share. */
import { PlaneError } from "@l2tp/dataplane";
import type { Encapsulation, Instant, IpAddress, SocketAddress } from "@l2tp/protocol";
import { canonical, isWildcard, parseAddress, socketAddress } from "./address.ts";
import type { Scheduler } from "./clock.ts";
import type { Random } from "./random.ts";
import type { WireRecord } from "./trace.ts";

/** A datagram to put on the wire. */
export interface Packet {
  readonly encapsulation: Encapsulation;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  /** Copied; over IP with the four zero octets of a control message. */
  readonly datagram: Uint8Array;
  /** Refuse it when it exceeds the MTU of the way; otherwise it is fragmented, which here costs nothing. */
  readonly dontFragment?: boolean;
}

/** What a host needs of the network that it is on. */
export interface Medium {
  readonly scheduler: Scheduler;
  readonly random: Random;
  now(): Instant;
  claim(address: IpAddress, host: MockHost | undefined): void;
  transmit(sender: MockHost, packet: Packet): "sent" | "too-big";
  pathMtu(from: MockHost, to: IpAddress): number;
  findHost(name: string): MockHost | undefined;
}

/** Who gets the datagrams for an address and port. The datagram is borrowed for the call. */
export type DatagramHandler = (from: SocketAddress, to: IpAddress, datagram: Uint8Array) => void;

/** A bound address; give it back with `close`. */
export interface MockSocket {
  /** With the port that was really bound. */
  readonly local: SocketAddress;
  close(): void;
}

interface Listener {
  readonly encapsulation: Encapsulation;
  readonly local: SocketAddress;
  readonly handle: DatagramHandler;
}

/** Where the search for a free port begins (IANA's dynamic ports, RFC 6335). */
const FIRST_FREE_PORT = 49_152;

/** One host. Make it with `network.host(name, …addresses)`. */
export class MockHost {
  readonly network: Medium;
  readonly name: string;
  readonly addresses = new Set<IpAddress>();
  /** Tunnel IDs in use or reserved: one number space per host, as in the kernel. */
  readonly tunnelIds = new Set<number>();
  /** Session IDs of L2TPv3 over IP: one number space per host, too, as there is no port to tell them apart. */
  readonly ipSessionIds = new Set<number>();
  readonly interfaceNames = new Set<string>();
  /** Datagrams that came for a port where nobody listens. */
  unclaimed = 0;
  readonly #listeners = new Set<Listener>();

  constructor(network: Medium, name: string) {
    this.network = network;
    this.name = name;
  }

  /** Gives the host one more address. */
  addAddress(address: IpAddress): void {
    this.network.claim(address, this);
    this.addresses.add(canonical(address));
  }

  /** Takes an address away: what is sent to it is lost from now on. */
  removeAddress(address: IpAddress): void {
    if (this.addresses.delete(canonical(address))) this.network.claim(address, undefined);
  }

  /**
   * Listens on an address and port.
   * @throws PlaneError `address-not-local`, `address-in-use`
   */
  bind(encapsulation: Encapsulation, local: SocketAddress, handle: DatagramHandler): MockSocket {
    const wanted = `${local.address} port ${local.port} on host "${this.name}"`;
    if (!isWildcard(local.address) && !this.addresses.has(canonical(local.address))) {
      throw new PlaneError(
        "address-not-local",
        `bind ${wanted}: it has only ${[...this.addresses].join(", ") || "no address"}`,
      );
    }
    const port = encapsulation === "ip" ? 0 : local.port || this.#freePort(local);
    const listener = { encapsulation, local: socketAddress(local.address, port), handle };
    if (this.#conflicts(listener)) throw new PlaneError("address-in-use", `bind ${wanted}: it is in use`);
    this.#listeners.add(listener);
    return { local: listener.local, close: () => this.#listeners.delete(listener) };
  }

  /** Puts a datagram on the wire as it is. Any `from` is believed: tests forge. */
  send(packet: Packet): "sent" | "too-big" {
    return this.network.transmit(this, packet);
  }

  /** The address that the host would send from to reach `to`. */
  sourceFor(to: IpAddress): IpAddress | undefined {
    const { family } = parseAddress(to);
    return [...this.addresses].find((address) => parseAddress(address).family === family);
  }

  /** @internal Called by the network on arrival. */
  deliver({ encapsulation, from, to, datagram }: WireRecord): boolean {
    const matches = [...this.#listeners].filter(
      (listener) =>
        listener.encapsulation === encapsulation &&
        listener.local.family === to.family &&
        listener.local.port === to.port &&
        (isWildcard(listener.local.address) || listener.local.address === canonical(to.address)),
    );
    // As the kernel's lookup does, the exact address goes before the wildcard.
    const listener = matches.find(({ local }) => !isWildcard(local.address)) ?? matches[0];
    if (listener === undefined || !this.addresses.has(canonical(to.address))) {
      this.unclaimed += 1;
      return false;
    }
    listener.handle(from, canonical(to.address), datagram);
    return true;
  }

  #freePort(local: SocketAddress): number {
    for (let port = FIRST_FREE_PORT; port <= 0xffff; port++) {
      if (!this.#conflicts({ encapsulation: "udp", local: { ...local, port } })) return port;
    }
    throw new PlaneError("limit", `host "${this.name}" has no free port left`);
  }

  /** Also a wildcard conflicts with an address, as without SO_REUSEADDR. */
  #conflicts(wanted: Pick<Listener, "encapsulation" | "local">): boolean {
    return [...this.#listeners].some(
      ({ encapsulation, local }) =>
        encapsulation === wanted.encapsulation &&
        local.family === wanted.local.family &&
        local.port === wanted.local.port &&
        (isWildcard(local.address) ||
          isWildcard(wanted.local.address) ||
          local.address === canonical(wanted.local.address)),
    );
  }
}
