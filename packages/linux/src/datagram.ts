/** One datagram at a time with recvmsg and sendmsg: addresses and packet info beside the octets. */
import { iovec, MSG_DONTWAIT, MSG_NOSIGNAL, msghdr } from "./abi.ts";
import { addressOf, type Fd, raw } from "./syscalls.ts";

/** The largest payload that there is, and some. */
const LARGEST = 65_536;
/** `sockaddr_in6`, `sockaddr_l2tpip6` and their like. */
const NAME = 128;
const CONTROL = 256;

/**
 * A `msghdr` with one `iovec`, and the memory that it points to: made once, used for every datagram. Neither direction
 * waits. What it holds is valid until the next call.
 */
export class DatagramBuffer {
  /** The octets received; see {@link receive}. */
  readonly payload = new Uint8Array(LARGEST);
  readonly #header = new Uint8Array(msghdr.size);
  readonly #view = new DataView(this.#header.buffer);
  readonly #iov = new DataView(new ArrayBuffer(iovec.size));
  readonly #iovOctets = new Uint8Array(this.#iov.buffer);
  readonly #name = new Uint8Array(NAME);
  readonly #control = new Uint8Array(CONTROL);

  /** @throws `UnsupportedError` where there are no system calls to make */
  constructor() {
    this.#iov.setBigUint64(iovec.iov_base, BigInt(addressOf(this.payload)), true);
    this.#point(msghdr.msg_iov, this.#iovOctets);
    this.#view.setBigUint64(msghdr.msg_iovlen, 1n, true);
  }

  #point(at: number, to: Uint8Array | null): void {
    this.#view.setBigUint64(at, to === null ? 0n : BigInt(addressOf(to)), true);
  }

  #set(name: number, control: number, payload: number): void {
    const view = this.#view;
    this.#point(msghdr.msg_name, name === 0 ? null : this.#name);
    view.setUint32(msghdr.msg_namelen, name, true);
    this.#point(msghdr.msg_control, control === 0 ? null : this.#control);
    view.setBigUint64(msghdr.msg_controllen, BigInt(control), true);
    view.setInt32(msghdr.msg_flags, 0, true);
    this.#iov.setBigUint64(iovec.iov_len, BigInt(payload), true);
  }

  /** @returns octets of the datagram in {@link payload}, or the negative error number. */
  receive(fd: Fd): number {
    this.#set(NAME, CONTROL, LARGEST);
    return raw().recvmsg(fd, this.#header, MSG_DONTWAIT);
  }

  /** Who sent what {@link receive} got, as `sockaddr`. */
  get from(): Uint8Array {
    return this.#name.subarray(0, this.#view.getUint32(msghdr.msg_namelen, true));
  }

  /** The control messages beside what {@link receive} got, for `readControl`. */
  get control(): Uint8Array {
    return this.#control.subarray(0, Number(this.#view.getBigUint64(msghdr.msg_controllen, true)));
  }

  /**
   * @param to - a `sockaddr`; `null` on a connected socket.
   * @param control - from `encodeControl`; empty for none.
   * @returns octets sent, or the negative error number.
   */
  send(fd: Fd, datagram: Uint8Array, to: Uint8Array | null, control: Uint8Array): number {
    this.payload.set(datagram);
    if (to !== null) this.#name.set(to);
    this.#control.set(control);
    this.#set(to?.length ?? 0, control.length, datagram.length);
    return raw().sendmsg(fd, this.#header, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}
