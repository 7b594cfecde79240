/**
 * Control messages of a wire: read from whichever of its sockets the kernel delivered them to, and sent by the one whose
 * address they are to leave from. Each datagram is judged by itself, by its own octets and its own sender, so that it
 * does not matter which socket it came by.
 */
import type { ControlDatagram, ControlMessageOut } from "@l2tp/dataplane";
import {
  DatagramBuffer,
  decodeSocketAddress,
  ERRNO,
  encodeControl,
  type Fd,
  packetInfoControl,
  Reactor,
  type Registration,
  readControl,
} from "@l2tp/linux";
import type { IpAddress, SocketAddress } from "@l2tp/protocol";
import { wireAddress } from "./sockaddr.ts";
import type { WireSockets } from "./wire-sockets.ts";

/** Messages read in one turn of the event loop; the rest waits for the next one. */
const MESSAGES_PER_TURN = 128;
/** And how long: each is handled by the control plane. */
const MS_PER_TURN = 5;
const EAGAIN = ERRNO["EAGAIN"] as number;
const EINVAL = ERRNO["EINVAL"] as number;
const NOTHING = new Uint8Array(0);
/** T bit of the first octet (RFC 2661 §3.1, RFC 3931 §3.2.1): a control message. */
const T_BIT = 0x80;

/** What comes out of the sockets. */
export interface ChannelListener {
  onControl(message: ControlDatagram): void;
  /** What the kernel passed up and is no control message; the octets are valid only during the call. */
  onOther(datagram: Uint8Array, from: SocketAddress): void;
  /** So many datagrams did not fit the listener's buffer since the last call. */
  onOverrun(count: number): void;
}

/** One for all wires: it is used between two other things of the event loop, never across. */
let shared: DatagramBuffer | undefined;

export class ControlChannel {
  readonly #sockets: WireSockets;
  readonly #inNamespace: <T>(work: () => T) => T;
  readonly #listener: ChannelListener;
  readonly #watches = new Map<Fd, Registration>();
  readonly #buffer: DatagramBuffer;
  #dropped = 0;
  #closed = false;

  constructor(sockets: WireSockets, inNamespace: <T>(work: () => T) => T, listener: ChannelListener) {
    this.#sockets = sockets;
    this.#inNamespace = inNamespace;
    this.#listener = listener;
    shared ??= new DatagramBuffer();
    this.#buffer = shared;
  }

  /**
   * Begins to read a socket.
   * @param local - the address that it is bound to.
   */
  watch(fd: Fd, local: IpAddress): void {
    const watch = Reactor.shared().watch(fd, () => this.#drain(fd, local), { ref: false });
    this.#watches.set(fd, watch);
  }

  /** Hands up what is still waiting and reads the socket no more; call it before the socket is closed. */
  unwatch(fd: Fd, local: IpAddress): void {
    this.#watches.get(fd)?.close();
    if (this.#watches.delete(fd) && !this.#closed) this.#drain(fd, local);
  }

  /** From now on nothing is handed up. */
  close(): void {
    this.#closed = true;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  #drain(fd: Fd, local: IpAddress): void {
    const buffer = this.#buffer;
    const end = performance.now() + MS_PER_TURN;
    for (let i = 0; i < MESSAGES_PER_TURN && !this.#closed; i++) {
      // What is left is told of again; of a socket that is about to be closed there is no next time.
      if (i > 0 && this.#watches.has(fd) && performance.now() > end) return;
      const octets = buffer.receive(fd);
      if (octets === -EAGAIN) return;
      // The report of an earlier message (an ICMP answer): it is gone with this call.
      if (octets < 0) continue;
      const from = this.#from();
      if (from === undefined) continue;
      // The handler may send, which uses the same buffer: what it is given is its own.
      const datagram = buffer.payload.slice(0, octets);
      const { packetInfo, dropped } = readControl(buffer.control);
      if (dropped !== undefined && dropped !== this.#dropped && fd === this.#sockets.listener) {
        this.#listener.onOverrun((dropped - this.#dropped) >>> 0);
        this.#dropped = dropped;
      }
      // Over IP the kernel takes the four zero octets away, and passes up nothing but control messages.
      const control = this.#sockets.encapsulation === "ip" || ((datagram[0] ?? 0) & T_BIT) !== 0;
      if (control) this.#listener.onControl({ from, to: packetInfo?.address ?? local, datagram });
      else this.#listener.onOther(datagram, from);
    }
  }

  #from(): SocketAddress | undefined {
    const { from } = this.#buffer;
    if (from.length === 0) return undefined;
    const { address, port } = decodeSocketAddress(from) as SocketAddress;
    const { local, encapsulation } = this.#sockets;
    return { family: local.family, address, port: encapsulation === "udp" ? port : 0 };
  }

  /**
   * Sends a message, or loses it as any wire may.
   *
   * @param socket - the tunnel's, when it is to go to the tunnel's peer from the tunnel's address.
   * @param from - source address on a wire bound to all addresses.
   * @returns 0, or the error's number.
   */
  send({ to, datagram }: ControlMessageOut, socket: Fd | undefined, from: IpAddress | undefined): number {
    if (datagram.length > 65_535) return ERRNO["EMSGSIZE"] as number;
    if (socket !== undefined) return this.#transmit(socket, datagram, null, NOTHING);
    const { encapsulation, wildcard } = this.#sockets;
    let fd = this.#sockets.listener;
    let control: Uint8Array = NOTHING;
    let name: Uint8Array;
    try {
      const encode = () => wireAddress(encapsulation, encapsulation === "udp" ? to : { ...to, port: 0 }, 0);
      // A scope by name (fe80::1%eth0) is one of the wire's namespace.
      name = to.address.includes("%") ? this.#inNamespace(encode) : encode();
      if (wildcard && from !== undefined) {
        if (encapsulation === "ip" && to.family === 4) {
          fd = this.#sockets.sender(from, (opened) => this.watch(opened, from));
        } else control = encodeControl([packetInfoControl({ address: from, interfaceIndex: 0 })]);
      }
    } catch {
      return EINVAL; // An address that is none.
    }
    return fd === undefined ? (ERRNO["EBADF"] as number) : this.#transmit(fd, datagram, name, control);
  }

  #transmit(fd: Fd, datagram: Uint8Array, to: Uint8Array | null, control: Uint8Array): number {
    let n = this.#buffer.send(fd, datagram, to, control);
    // The error may be that of an earlier message (an ICMP answer): it is told once.
    if (n < 0 && n !== -EAGAIN) n = this.#buffer.send(fd, datagram, to, control);
    return n < 0 ? -n : 0;
  }
}
