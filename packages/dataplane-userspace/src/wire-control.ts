/** The control messages of a wire: those of its control socket, and those that came among data. */
import type { ControlHandler, ControlMessageOut } from "@l2tp/dataplane";
import { decodeSocketAddress, formatIp } from "@l2tp/linux";
import type { Encapsulation, IpAddress, SocketAddress } from "@l2tp/protocol";
import { ControlChannel } from "./control-channel.ts";
import type { WireSockets } from "./sockets.ts";
import { NOTICE_INTERVAL_MS } from "./worker/loop.ts";
import type { Ring } from "./worker/ring.ts";

/** What it needs of its wire. */
export interface WireControlOwner {
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  readonly sockets: WireSockets;
  /** Nothing is handed up any more. */
  readonly closing: boolean;
  inNamespace<T>(work: () => T): T;
  /** Lets the receiving thread tell again when the control socket has something. */
  armControl(): void;
  /** The network answered so many messages with an error, the last of them by this one. */
  refused(to: SocketAddress, errno: number, count: number): void;
}

export class WireControl {
  received = 0;
  sent = 0;
  malformed = 0;
  readonly #owner: WireControlOwner;
  readonly #channel: ControlChannel;
  /** What the receiving thread found among data. */
  readonly #strays: Ring;
  readonly #onControl: ControlHandler;
  /** ICMP errors that came to the control socket and were not told of yet. */
  #errors = 0;
  #errorsToldAt = Number.NEGATIVE_INFINITY;

  constructor(owner: WireControlOwner, strays: Ring, onControl: ControlHandler) {
    this.#owner = owner;
    this.#strays = strays;
    this.#onControl = onControl;
    this.#channel = new ControlChannel(owner.sockets, owner.encapsulation, (work) => owner.inNamespace(work));
  }

  /**
   * Sends a message, or loses it as any wire may.
   *
   * @param from - source address on a wire bound to all addresses.
   * @returns 0, or the error's number.
   */
  send(message: ControlMessageOut, from: IpAddress | undefined): number {
    const errno = this.#channel.send(message, from);
    if (errno === 0) this.sent++;
    return errno;
  }

  /** Reads the control socket: a turn's share, then the others have theirs. */
  readSocket(): void {
    const owner = this.#owner;
    if (owner.closing) return;
    this.#channel.receiveErrors((to, errno) => this.#countError(to, errno));
    const more = this.#channel.receive(
      (message) => {
        if (owner.closing) return;
        this.received++;
        this.#onControl(message);
      },
      () => {
        this.malformed++;
      },
    );
    if (owner.closing) return;
    if (more) setImmediate(() => this.readSocket());
    else owner.armControl();
  }

  /** Reads what the receiving thread found among data. */
  readStrays(): void {
    const { sockets, local } = this.#owner;
    for (let stray = this.#strays.shift(); stray !== undefined; stray = this.#strays.shift()) {
      if (this.#owner.closing) return;
      const known = sockets.wildcard && stray.local.some((octet) => octet !== 0);
      const to = known ? formatIp(stray.local.subarray(0, local.family === 4 ? 4 : 16)) : local.address;
      this.received++;
      this.#onControl({ from: this.address(stray.from), to, datagram: stray.datagram });
    }
  }

  /** A `sockaddr` of this wire's family; the port is 0 over IP. */
  address(octets: Uint8Array): SocketAddress {
    const { local, encapsulation } = this.#owner;
    const { address, port } = decodeSocketAddress(octets) as SocketAddress;
    return { family: local.family, address, port: encapsulation === "udp" ? port : 0 };
  }

  #countError(to: Uint8Array, errno: number): void {
    const now = performance.now();
    this.#errors++;
    if (now - this.#errorsToldAt < NOTICE_INTERVAL_MS) return;
    this.#owner.refused(this.address(to), errno, this.#errors);
    this.#errors = 0;
    this.#errorsToldAt = now;
  }
}
