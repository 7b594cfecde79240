/**
 * The control socket of a wire, on the main thread: without waiting in either direction. When it is readable is
 * told by the receiving worker, whose epoll watches it; packet info says which of our addresses was called, and
 * answers leave from there.
 */
import type { ControlDatagram, ControlMessageOut } from "@l2tp/dataplane";
import {
  abi,
  addressOf,
  decodeControl,
  decodeSocketAddress,
  encodeControl,
  encodeSocketAddress,
  type Fd,
  packetInfoControl,
  raw,
  readControl,
} from "@l2tp/linux";
import type { Encapsulation, IpAddress, SocketAddress } from "@l2tp/protocol";
import { EAGAIN, EINTR, EINVAL, EMSGSIZE } from "./errno.ts";

/** The largest datagram there is. */
const LARGEST = 65_535;
/** `sockaddr_in6` and some. */
const NAME = 32;
const CONTROL = 256;
/** Messages read in one turn of the event loop; the rest waits for the next one. */
const MESSAGES_PER_TURN = 256;
/** Over IP a control message begins with 32 bits of zeros (RFC 3931 §4.1.1.2). */
const ZEROS = 4;

const { msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control, msg_controllen, msg_flags, size } =
  abi.msghdr;

/** A msghdr with one iovec, name and control room, and the memory that it points to. */
class Message {
  readonly header = new Uint8Array(size);
  readonly name = new Uint8Array(NAME);
  readonly control = new Uint8Array(CONTROL);
  readonly payload = new Uint8Array(LARGEST + ZEROS);
  readonly #iov = new Uint8Array(abi.iovec.size);
  readonly #view = new DataView(this.header.buffer);

  constructor() {
    const put = (at: number, view: Uint8Array, to = this.#view) =>
      to.setBigUint64(at, BigInt(addressOf(view)), true);
    put(0, this.payload, new DataView(this.#iov.buffer));
    put(msg_name, this.name);
    put(msg_iov, this.#iov);
    this.#view.setBigUint64(msg_iovlen, 1n, true);
    put(msg_control, this.control);
  }

  set(nameLength: number, controlLength: number, payloadLength: number): void {
    this.#view.setUint32(msg_namelen, nameLength, true);
    this.#view.setBigUint64(msg_controllen, BigInt(controlLength), true);
    this.#view.setInt32(msg_flags, 0, true);
    new DataView(this.#iov.buffer).setBigUint64(8, BigInt(payloadLength), true);
  }

  get nameLength(): number {
    return this.#view.getUint32(msg_namelen, true);
  }

  get controlLength(): number {
    return Number(this.#view.getBigUint64(msg_controllen, true));
  }
}

/** Sends and receives control messages. */
export class ControlChannel {
  readonly #fd: Fd;
  readonly #encapsulation: Encapsulation;
  readonly #local: SocketAddress;
  readonly #wildcard: boolean;
  readonly #inNamespace: <T>(work: () => T) => T;
  readonly #in = new Message();
  readonly #out = new Message();

  constructor(
    sockets: { readonly control: Fd; readonly local: SocketAddress; readonly wildcard: boolean },
    encapsulation: Encapsulation,
    inNamespace: <T>(work: () => T) => T,
  ) {
    this.#fd = sockets.control;
    this.#local = sockets.local;
    this.#wildcard = sockets.wildcard;
    this.#encapsulation = encapsulation;
    this.#inNamespace = inNamespace;
  }

  /**
   * Sends a message, or loses it as any wire may.
   *
   * @param from - source address on a wire bound to all addresses.
   * @returns 0, or the error's number.
   */
  send(message: ControlMessageOut, from: IpAddress | undefined): number {
    const zeros = this.#encapsulation === "ip" ? ZEROS : 0;
    const length = message.datagram.length + zeros;
    if (length > LARGEST) return EMSGSIZE;
    const out = this.#out;
    const port = this.#encapsulation === "udp" ? message.to.port : 0;
    let name: Uint8Array;
    let control: Uint8Array = new Uint8Array(0);
    try {
      // A scope by name (fe80::1%eth0) is one of the wire's namespace.
      const { family, address } = message.to;
      const encode = () => encodeSocketAddress({ family, address, port });
      name = message.to.address.includes("%") ? this.#inNamespace(encode) : encode();
      if (this.#wildcard && from !== undefined) {
        control = encodeControl([packetInfoControl({ address: from, interfaceIndex: 0 })]);
      }
    } catch {
      return EINVAL; // An address that is none.
    }
    out.name.set(name);
    out.control.set(control);
    out.payload.fill(0, 0, zeros);
    out.payload.set(message.datagram, zeros);
    out.set(name.length, control.length, length);
    for (let attempt = 0; ; attempt++) {
      const n = raw().sendmsg(this.#fd, out.header, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL);
      if (n >= 0) return 0;
      // The error may be that of an earlier message (an ICMP answer): it is told once.
      if (n === -EAGAIN || attempt === 1) return -n;
    }
  }

  /**
   * Reads what became of messages that were sent (IP_RECVERR). To be called before {@link receive}: what is left in
   * the queue keeps the socket readable.
   *
   * @param each - called with where a message was sent to, and the error number that came back.
   */
  receiveErrors(each: (to: Uint8Array, errno: number) => void): void {
    const message = this.#in;
    for (let i = 0; i < MESSAGES_PER_TURN; i++) {
      message.set(NAME, CONTROL, LARGEST);
      const n = raw().recvmsg(this.#fd, message.header, abi.MSG_ERRQUEUE | abi.MSG_DONTWAIT);
      if (n < 0) return;
      for (const { level, type, data } of decodeControl(message.control.subarray(0, message.controlLength))) {
        const mine = level === abi.IPPROTO_IP ? abi.IP_RECVERR : abi.IPV6_RECVERR;
        // struct sock_extended_err begins with the error number.
        if (type !== mine || data.length < 4) continue;
        const errno = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
        if (errno !== 0) each(message.name.slice(0, message.nameLength), errno);
      }
    }
  }

  /**
   * Reads what has arrived, up to a turn's share.
   *
   * @param each - called for each control message; the datagram is valid only during the call.
   * @param malformed - called for each datagram that is none.
   * @returns whether there may be more.
   */
  receive(each: (message: ControlDatagram) => void, malformed: () => void): boolean {
    const message = this.#in;
    for (let i = 0; i < MESSAGES_PER_TURN; i++) {
      message.set(NAME, CONTROL, LARGEST);
      const n = raw().recvmsg(this.#fd, message.header, abi.MSG_DONTWAIT);
      if (n < 0) {
        if (n === -EAGAIN) return false;
        if (n === -EINTR) i--;
        continue; // The report of an earlier message; it is gone with this call.
      }
      const skip = this.#headerLength(message.payload, n);
      if (skip < 0) {
        malformed();
        continue;
      }
      const { packetInfo } = readControl(message.control.subarray(0, message.controlLength));
      each({
        from: decodeSocketAddress(message.name.subarray(0, message.nameLength)) as SocketAddress,
        to: packetInfo?.address ?? this.#local.address,
        datagram: message.payload.subarray(skip, n),
      });
    }
    return true;
  }

  /** Octets before the L2TP message, or -1 when it is no control message. */
  #headerLength(payload: Uint8Array, length: number): number {
    const first = payload[0] as number;
    if (this.#encapsulation === "udp") return length > 0 && (first & 0x80) !== 0 ? 0 : -1;
    // Raw IPv4 sockets deliver the IP header, IPv6 ones do not.
    const header = this.#local.family === 4 ? (first & 0x0f) * 4 : 0;
    return length > header + ZEROS ? header + ZEROS : -1;
  }
}
