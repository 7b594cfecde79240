/**
 * Gathers what is to be sent and sends it with as few system calls and trips through the stack as the platform
 * allows: one `sendmmsg` for many messages, and with UDP GSO (`UDP_SEGMENT`) many datagrams in one message.
 *
 * A datagram is one or two slices of the arena (a header and payload that stays where it was read). Datagrams
 * to one peer share a message while each is as long as the first; a shorter one ends it, as GSO wants.
 */
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE } from "../errno.ts";

/** Messages of one `sendmmsg`. */
const MESSAGES = 64;
/** Datagrams gathered before they are sent. */
const DATAGRAMS = 1024;
/** The kernel's UDP_MAX_SEGMENTS (128 since Linux 6.9). */
const GSO_DATAGRAMS = 64;
/** What one UDP message holds behind the longest headers: 65,535 - 40 - 8 and some. */
const GSO_OCTETS = 65_400;
/** Control room of a message: IPV6_PKTINFO (40), then UDP_SEGMENT (24). */
const CONTROL = 64;
const SEGMENT_CMSG = 24;
/** How often a full socket buffer is waited for before the message is given up. */
const MAX_WAITS = 10;

/** One destination, and from which socket and address it is reached. */
export interface Destination {
  readonly fd: number;
  /** A `sockaddr` in the arena. */
  readonly name: number;
  readonly nameLength: number;
  /** A ready control message (packet info: the source address) in the arena; 0 octets when there is none. */
  readonly control: number;
  readonly controlLength: number;
  /** Datagrams longer than this do not go into a GSO message: the path refused them. 0 for none at all. */
  gsoLimit: number;
}

/** What the outbox needs of the world. */
export interface OutboxPort {
  /** `sendmmsg` without waiting; a negative error number on failure. */
  sendmmsg(fd: number, messages: number, count: number): number;
  /** Waits until the socket takes more; false to give up. */
  waitWritable(fd: number): boolean;
  /** A datagram of `octets` of the row `row` could not be sent. */
  failed(row: number, octets: number, destination: Destination, errno: number): void;
  /** The kernel refused a GSO message that it takes in pieces. */
  gsoRefused(destination: Destination, octets: number, errno: number): void;
}

const { msg_name, msg_namelen, msg_iov, msg_iovlen, msg_control, msg_controllen, msg_flags } = abi.msghdr;
const STRIDE = abi.mmsghdr.size;
const IOV = abi.iovec.size;

export class Outbox {
  /** Datagrams waiting. */
  datagrams = 0;
  readonly #arena: Arena;
  readonly #port: OutboxPort;
  readonly #messages: number;
  readonly #iov: number;
  readonly #control: number;
  /** Where one datagram of a refused message is sent from. */
  readonly #single: number;
  #count = 0;
  #iovCount = 0;
  #fd = -1;
  /** The open message: nothing can join it when `#room` is 0. */
  #destination: Destination | undefined;
  #segment = 0;
  #octets = 0;
  #room = 0;
  readonly #destinations: (Destination | undefined)[] = new Array(MESSAGES).fill(undefined);
  /** Per message: its first datagram. */
  readonly #first = new Int32Array(MESSAGES + 1);
  /** Per datagram: its row in the statistics, length, and first iovec. */
  readonly #rows = new Int32Array(DATAGRAMS);
  readonly #lengths = new Int32Array(DATAGRAMS);
  readonly #iovs = new Int32Array(DATAGRAMS + 1);

  constructor(arena: Arena, port: OutboxPort) {
    this.#arena = arena;
    this.#port = port;
    this.#messages = arena.take(MESSAGES * STRIDE);
    this.#iov = arena.take(2 * DATAGRAMS * IOV);
    this.#control = arena.take(MESSAGES * CONTROL);
    this.#single = arena.take(STRIDE);
    for (let i = 0; i < MESSAGES; i++) {
      arena.view.setUint32(this.#messages + i * STRIDE + msg_flags, 0, true);
    }
  }

  /** Whether one more datagram may be added without {@link flush}. */
  get full(): boolean {
    return this.datagrams >= DATAGRAMS || this.#count >= MESSAGES;
  }

  /**
   * Adds a datagram of one slice, or two when `secondLength` is not 0. The slices must stay as they are until
   * {@link flush}. Sends what is there when there is no room for more.
   *
   * @param row - for the statistics, should it fail.
   */
  add(
    destination: Destination,
    row: number,
    first: number,
    firstLength: number,
    second: number,
    secondLength: number,
  ): void {
    const length = firstLength + secondLength;
    const joins =
      this.#room > 0 &&
      destination === this.#destination &&
      length <= this.#segment &&
      this.#octets + length <= GSO_OCTETS;
    if (this.datagrams >= DATAGRAMS || (!joins && (this.#count >= MESSAGES || destination.fd !== this.#fd))) {
      this.flush();
    }
    if (joins && this.#count > 0) {
      this.#room = length < this.#segment ? 0 : this.#room - 1;
      this.#octets += length;
    } else {
      this.#begin(destination, length);
    }
    this.#rows[this.datagrams] = row;
    this.#lengths[this.datagrams] = length;
    this.#iovs[this.datagrams] = this.#iovCount;
    this.datagrams++;
    this.#slice(first, firstLength);
    if (secondLength > 0) this.#slice(second, secondLength);
  }

  #begin(destination: Destination, length: number): void {
    this.#fd = destination.fd;
    this.#destination = destination;
    this.#segment = length;
    this.#octets = length;
    this.#room = length <= destination.gsoLimit ? GSO_DATAGRAMS - 1 : 0;
    this.#destinations[this.#count] = destination;
    this.#first[this.#count] = this.datagrams;
    this.#count++;
  }

  #slice(offset: number, length: number): void {
    const at = this.#iov + this.#iovCount * IOV;
    this.#arena.pointer(at, offset);
    this.#arena.size(at + 8, length);
    this.#iovCount++;
  }

  /** Sends all; what cannot be sent is reported and forgotten. */
  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#first[count] = this.datagrams;
    this.#iovs[this.datagrams] = this.#iovCount;
    for (let i = 0; i < count; i++) this.#lay(i);
    this.#send(count);
    this.datagrams = 0;
    this.#count = 0;
    this.#iovCount = 0;
    this.#room = 0;
    this.#destination = undefined;
  }

  /** Writes the msghdr of message `i`. */
  #lay(i: number): void {
    const arena = this.#arena;
    const destination = this.#destinations[i] as Destination;
    const first = this.#first[i] as number;
    const last = this.#first[i + 1] as number;
    const at = this.#messages + i * STRIDE;
    const control = this.#control + i * CONTROL;
    this.#address(at, destination, first, last);
    let controlLength = destination.controlLength;
    if (last - first > 1) {
      if (controlLength > 0) {
        arena.u8.copyWithin(control, destination.control, destination.control + controlLength);
      }
      const segment = control + controlLength;
      arena.size(segment, 18);
      arena.view.setUint32(segment + 8, abi.SOL_UDP, true);
      arena.view.setUint32(segment + 12, abi.UDP_SEGMENT, true);
      arena.view.setUint16(segment + 16, this.#lengths[first] as number, true);
      controlLength += SEGMENT_CMSG;
      arena.pointer(at + msg_control, control);
    } else {
      arena.pointer(at + msg_control, destination.control);
    }
    arena.size(at + msg_controllen, controlLength);
  }

  /** Writes destination and slices of datagrams [first, last) into the msghdr at `at`. */
  #address(at: number, destination: Destination, first: number, last: number): void {
    const arena = this.#arena;
    const from = this.#iovs[first] as number;
    arena.pointer(at + msg_name, destination.name);
    arena.view.setUint32(at + msg_namelen, destination.nameLength, true);
    arena.pointer(at + msg_iov, this.#iov + from * IOV);
    arena.size(at + msg_iovlen, (this.#iovs[last] as number) - from);
  }

  #send(count: number): void {
    let sent = 0;
    let waits = 0;
    let retried = -1;
    while (sent < count) {
      const n = this.#port.sendmmsg(this.#fd, this.#messages + sent * STRIDE, count - sent);
      if (n > 0) {
        sent += n;
        waits = 0;
        continue;
      }
      const errno = -n;
      if (errno === EINTR) continue;
      if (errno === EAGAIN) {
        if (++waits <= MAX_WAITS && this.#port.waitWritable(this.#fd)) continue;
      } else if (errno !== EMSGSIZE && errno !== EINVAL && errno !== EIO && retried !== sent) {
        // It may be the report of an earlier datagram (an ICMP error): the next call tells.
        retried = sent;
        continue;
      }
      this.#give(sent, errno);
      sent++;
      waits = 0;
    }
  }

  /** Message `i` failed: a GSO message goes datagram by datagram, a single one is lost. */
  #give(i: number, errno: number): void {
    const destination = this.#destinations[i] as Destination;
    const first = this.#first[i] as number;
    const last = this.#first[i + 1] as number;
    const inPieces = last - first > 1 && (errno === EMSGSIZE || errno === EINVAL || errno === EIO);
    if (inPieces) this.#port.gsoRefused(destination, this.#lengths[first] as number, errno);
    for (let datagram = first; datagram < last; datagram++) {
      let failure = errno;
      if (inPieces) {
        const at = this.#single;
        this.#address(at, destination, datagram, datagram + 1);
        this.#arena.pointer(at + msg_control, destination.control);
        this.#arena.size(at + msg_controllen, destination.controlLength);
        const n = this.#port.sendmmsg(this.#fd, at, 1);
        if (n > 0) continue;
        failure = -n;
      }
      this.#port.failed(
        this.#rows[datagram] as number,
        this.#lengths[datagram] as number,
        destination,
        failure,
      );
    }
  }
}
