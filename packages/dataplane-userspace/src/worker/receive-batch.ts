/**
 * Datagrams as `recvmmsg` gives them: a fixed table of buffers, and what came beside each. With UDP GRO a message
 * is several datagrams of one size from one sender.
 */
import { abi, type RawSyscalls } from "@l2tp/linux";
import type { Arena } from "../arena.ts";

/** Messages of one call; each may be a GRO batch of 64 KiB. */
export const MESSAGES = 32;
/** The largest datagram, and some: an odd number of cache lines, so that buffers do not share cache sets. */
export const SLOT = 65_536 + 5 * 64;
const NAME = 32;
const CONTROL = 128;

const MSGHDR = abi.msghdr;
const STRIDE = abi.mmsghdr.size;
const IOV = abi.iovec.size;
/** Offsets of the address in `struct in_pktinfo` (`ipi_addr`), behind the cmsg header. */
const PKTINFO_ADDRESS = abi.cmsghdr.size + abi.in_pktinfo.ipi_addr;

/** Octets of the arena that one batch needs; untouched pages cost nothing. */
export const RECEIVE_BATCH_OCTETS = MESSAGES * (SLOT + STRIDE + IOV + NAME + CONTROL + 256);

export class ReceiveBatch {
  /** The message looked at by {@link look}: its octets … */
  offset = 0;
  length = 0;
  /** … the size of each of its datagrams but the last, which may be shorter … */
  segment = 0;
  /** … the sender's `sockaddr`, and the local address that was called or 0, as offsets in the arena. */
  name = 0;
  local = 0;
  /** The buffer was too small for it. */
  truncated = false;
  /** The socket's own count of datagrams lost in its full buffer, since it was made, modulo 2^32. */
  lost = 0;
  readonly #arena: Arena;
  readonly #sys: RawSyscalls;
  readonly #socket: number;
  readonly #buffers: number;
  readonly #messages: number;
  readonly #names: number;
  readonly #controls: number;

  constructor(arena: Arena, sys: RawSyscalls, socket: number) {
    this.#arena = arena;
    this.#sys = sys;
    this.#socket = socket;
    this.#buffers = arena.take(MESSAGES * SLOT);
    this.#messages = arena.take(MESSAGES * STRIDE);
    this.#names = arena.take(MESSAGES * NAME);
    this.#controls = arena.take(MESSAGES * CONTROL);
    const iov = arena.take(MESSAGES * IOV);
    for (let i = 0; i < MESSAGES; i++) {
      arena.pointer(iov + i * IOV, this.#buffers + i * SLOT);
      arena.size(iov + i * IOV + 8, SLOT);
      const at = this.#messages + i * STRIDE;
      arena.pointer(at + MSGHDR.msg_name, this.#names + i * NAME);
      arena.pointer(at + MSGHDR.msg_iov, iov + i * IOV);
      arena.size(at + MSGHDR.msg_iovlen, 1);
      arena.pointer(at + MSGHDR.msg_control, this.#controls + i * CONTROL);
      this.done(i);
    }
  }

  /** Takes what has arrived, without waiting: how many messages, or a negative error number. */
  receive(): number {
    const { base } = this.#arena;
    return this.#sys.recvmmsg(this.#socket, base + this.#messages, MESSAGES, abi.MSG_DONTWAIT, null);
  }

  /** The message `i` is done with. The kernel has written the lengths: they are set again for the next call. */
  done(i: number): void {
    const at = this.#messages + i * STRIDE;
    this.#arena.view.setUint32(at + MSGHDR.msg_namelen, NAME, true);
    this.#arena.size(at + MSGHDR.msg_controllen, CONTROL);
    this.#arena.view.setUint32(at + MSGHDR.msg_flags, 0, true);
  }

  /** Reads what the kernel says of message `i` into the fields. */
  look(i: number): void {
    const { view } = this.#arena;
    const at = this.#messages + i * STRIDE;
    this.offset = this.#buffers + i * SLOT;
    this.length = view.getUint32(at + abi.mmsghdr.msg_len, true);
    this.segment = this.length;
    this.name = this.#names + i * NAME;
    this.local = 0;
    this.truncated = (view.getUint32(at + MSGHDR.msg_flags, true) & abi.MSG_TRUNC) !== 0;
    const controlLength = view.getUint32(at + MSGHDR.msg_controllen, true);
    if (controlLength > 0) this.#readControl(this.#controls + i * CONTROL, controlLength);
  }

  #readControl(start: number, length: number): void {
    const { view } = this.#arena;
    for (let at = start; at + 16 <= start + length; ) {
      const octets = view.getUint32(at, true);
      if (octets < 16) return;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (level === abi.SOL_UDP && type === abi.UDP_GRO)
        this.segment = view.getUint16(at + 16, true) || this.length;
      else if (level === abi.SOL_SOCKET && type === abi.SO_RXQ_OVFL)
        this.lost = view.getUint32(at + 16, true);
      else if (level === abi.IPPROTO_IP && type === abi.IP_PKTINFO) this.local = at + PKTINFO_ADDRESS;
      else if (level === abi.IPPROTO_IPV6 && type === abi.IPV6_PKTINFO) this.local = at + 16;
      at += (octets + 7) & ~7;
    }
  }

  /**
   * Takes one report of what became of a datagram that was sent (IP_RECVERR): an ICMP error, or that it was too
   * large for the path. {@link name} is then where the datagram was sent to.
   *
   * @returns the error number; 0 for a report without one; -1 when there is none. What is left in the queue keeps
   * the socket ready.
   */
  readError(): number {
    const { base, view } = this.#arena;
    const flags = abi.MSG_ERRQUEUE | abi.MSG_DONTWAIT;
    if (this.#sys.recvmsg(this.#socket, base + this.#messages, flags) < 0) return -1;
    this.name = this.#names;
    const start = this.#controls;
    const end = start + view.getUint32(this.#messages + MSGHDR.msg_controllen, true);
    this.done(0);
    for (let at = start; at + 20 <= end; ) {
      const octets = view.getUint32(at, true);
      if (octets < 16) return 0;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      // struct sock_extended_err begins with the error number.
      if (level === abi.IPPROTO_IP && type === abi.IP_RECVERR) return view.getUint32(at + 16, true);
      if (level === abi.IPPROTO_IPV6 && type === abi.IPV6_RECVERR) return view.getUint32(at + 16, true);
      at += (octets + 7) & ~7;
    }
    return 0;
  }
}
