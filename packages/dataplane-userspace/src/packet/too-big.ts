/**
 * IP packets that are larger than what a PPP session carries, on an interface whose MTU is larger still: the sender is told
 * (RFC 1191 §4, RFC 4443 §3.2), or the packet is cut into fragments where it may be (RFC 791 §3.2).
 */
import { type Checksum, complement } from "./checksum.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const ICMP_HEADER = 8;
const PROTOCOL = { icmp: 1, icmp6: 58 } as const;
/** RFC 1812 §4.3.2.3, RFC 4443 §3.2: an answer quotes the packet as far as it stays within this many octets. */
const LONGEST_ANSWER = { 4: 576, 6: 1_280 } as const;
const UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
const PACKET_TOO_BIG = 2;
/** ICMP messages that are questions or answers, not errors: echo, router discovery, timestamp, information, address mask. */
const QUERIES = new Set([0, 8, 9, 10, 13, 14, 15, 16, 17, 18]);
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET = 0x1fff;
const TTL = 64;

/** Octets of memory that an answer needs at most. */
export const LARGEST_ANSWER = LONGEST_ANSWER[6];

/** Judges packets in one memory, and writes what follows from it there. */
export class TooBig {
  readonly #view: DataView;
  readonly #u8: Uint8Array;
  readonly #checksum: Checksum;

  constructor(view: DataView, u8: Uint8Array, checksum: Checksum) {
    this.#view = view;
    this.#u8 = u8;
    this.#checksum = checksum;
  }

  /**
   * Writes the answer to the packet's sender. It is in the name of the packet's destination: any host takes that, and a
   * router's check of the reverse path, too.
   *
   * @param at - where the packet begins, of IPv4 or IPv6 with its whole header.
   * @param into - room for {@link LARGEST_ANSWER} octets.
   * @returns the answer's length; 0 where there is none to give (RFC 1122 §3.2.2, RFC 4443 §2.4).
   */
  answer(at: number, length: number, mtu: number, into: number): number {
    return this.#view.getUint8(at) >>> 4 === 4
      ? this.#answer4(at, length, mtu, into)
      : this.#answer6(at, length, mtu, into);
  }

  #answer4(at: number, length: number, mtu: number, into: number): number {
    const view = this.#view;
    const header = (view.getUint8(at) & 0x0f) * 4;
    const flags = view.getUint16(at + 6);
    if (header < IPV4_HEADER || length < header + ICMP_HEADER) return 0;
    if ((flags & DONT_FRAGMENT) === 0 || (flags & OFFSET) !== 0) return 0;
    if (!isHost4(view.getUint32(at + 12)) || !isHost4(view.getUint32(at + 16))) return 0;
    if (view.getUint8(at + 9) === PROTOCOL.icmp && !QUERIES.has(view.getUint8(at + header))) return 0;
    const quoted = Math.min(length, LONGEST_ANSWER[4] - IPV4_HEADER - ICMP_HEADER);
    const icmp = into + IPV4_HEADER;
    const total = IPV4_HEADER + ICMP_HEADER + quoted;
    view.setUint32(into, 0x45c00000 | total); // Internetwork control, as routers do (RFC 1812 §4.3.2.5).
    view.setUint32(into + 4, 0);
    view.setUint32(into + 8, (TTL << 24) | (PROTOCOL.icmp << 16));
    view.setUint32(into + 12, view.getUint32(at + 16));
    view.setUint32(into + 16, view.getUint32(at + 12));
    view.setUint16(into + 10, complement(this.#checksum.sum(into, IPV4_HEADER)));
    view.setUint32(icmp, (UNREACHABLE << 24) | (FRAGMENTATION_NEEDED << 16));
    view.setUint32(icmp + 4, mtu);
    this.#u8.copyWithin(icmp + ICMP_HEADER, at, at + quoted);
    view.setUint16(icmp + 2, complement(this.#checksum.sum(icmp, ICMP_HEADER + quoted)));
    return total;
  }

  #answer6(at: number, length: number, mtu: number, into: number): number {
    const view = this.#view;
    if (length < IPV6_HEADER + ICMP_HEADER) return 0;
    // From or to a group or nobody; to a group there could be one, but in whose name?
    if (view.getUint8(at + 8) === 0xff || view.getUint32(at + 8) === 0) return 0;
    if (view.getUint8(at + 24) === 0xff) return 0;
    // The highest bit of the type is 0 in errors.
    if (view.getUint8(at + 6) === PROTOCOL.icmp6 && view.getUint8(at + IPV6_HEADER) < 128) return 0;
    const quoted = Math.min(length, LONGEST_ANSWER[6] - IPV6_HEADER - ICMP_HEADER);
    const icmp = into + IPV6_HEADER;
    const payload = ICMP_HEADER + quoted;
    view.setUint32(into, 0x60000000);
    view.setUint32(into + 4, (payload << 16) | (PROTOCOL.icmp6 << 8) | TTL);
    this.#u8.copyWithin(into + 8, at + 24, at + 40);
    this.#u8.copyWithin(into + 24, at + 8, at + 24);
    view.setUint32(icmp, PACKET_TOO_BIG << 24);
    view.setUint32(icmp + 4, mtu);
    this.#u8.copyWithin(icmp + ICMP_HEADER, at, at + quoted);
    const sum =
      this.#checksum.sum(into + 8, 32) + payload + PROTOCOL.icmp6 + this.#checksum.sum(icmp, payload);
    view.setUint16(icmp + 2, complement(sum));
    return IPV6_HEADER + payload;
  }

  /**
   * How much of the payload each fragment carries: a multiple of 8. 0 where the packet may not be cut; packets with options,
   * of which some belong into the first fragment only, are not cut either.
   */
  fragmentPayload(at: number, length: number, mtu: number): number {
    const view = this.#view;
    if (view.getUint8(at) !== 0x45 || (view.getUint16(at + 6) & DONT_FRAGMENT) !== 0) return 0;
    if (view.getUint16(at + 2) !== length) return 0;
    return (mtu - IPV4_HEADER) & ~7;
  }

  /**
   * Writes one fragment.
   *
   * @param from - which octet of the payload it begins with, a multiple of {@link fragmentPayload}.
   * @param most - octets of the payload in it.
   * @returns its length.
   */
  fragment(at: number, length: number, from: number, most: number, into: number): number {
    const view = this.#view;
    const end = Math.min(IPV4_HEADER + from + most, length);
    const octets = end - from;
    this.#u8.copyWithin(into, at, at + IPV4_HEADER);
    this.#u8.copyWithin(into + IPV4_HEADER, at + IPV4_HEADER + from, at + end);
    // What is cut may be a fragment itself, and not the last one.
    const flags = view.getUint16(at + 6);
    const more = end < length ? MORE_FRAGMENTS : 0;
    view.setUint16(into + 2, octets);
    view.setUint16(into + 6, (flags | more) + (from >>> 3));
    view.setUint16(into + 10, 0);
    view.setUint16(into + 10, complement(this.#checksum.sum(into, IPV4_HEADER)));
    return octets;
  }
}

/** Neither 0/8, loopback, a group nor reserved, broadcast among them: a host that can be told, or in whose name. */
function isHost4(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
