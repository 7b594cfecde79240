/**
 * PPP frames in data messages (RFC 2661 §5.4): `[FF 03] protocol information`. The address and control fields, and the
 * high octet of a protocol below 0x0100, may be missing, negotiated or not (RFC 1661 §6.5, §6.6).
 */

/** Protocols that the packet threads know by themselves. */
export const PPP = { ipv4: 0x0021, ipv6: 0x0057, compressed: 0x00fd, lcp: 0xc021 } as const;

/** Address and Control, as one word. */
export const ADDRESS_CONTROL = 0xff03;
/** FF 03, protocol 00 FD, the MPPE header, and the encrypted protocol field: the most that is put before a packet. */
export const MAX_PPP_HEADER = 8;
const HEADER_V4 = 20;
const HEADER_V6 = 40;

/** Where a frame's parts are; reused, so that nothing is allocated. */
export class PppFrame {
  protocol = 0;
  /** Offset of the protocol field, of one octet or two. */
  start = 0;
  /** Offset of the information field. */
  information = 0;
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  /**
   * Reads the frame in [at, end).
   *
   * @returns false when it has no protocol: nothing at all, or an odd high octet or an even low one.
   */
  read(at: number, end: number): boolean {
    const view = this.#view;
    const start = at + 2 <= end && view.getUint16(at) === ADDRESS_CONTROL ? at + 2 : at;
    return this.readProtocol(start, end);
  }

  /** The same from the protocol field on. */
  readProtocol(at: number, end: number): boolean {
    const view = this.#view;
    if (at >= end) return false;
    const first = view.getUint8(at);
    this.start = at;
    if ((first & 1) === 1) {
      this.protocol = first;
      this.information = at + 1;
      return true;
    }
    if (at + 2 > end) return false;
    const second = view.getUint8(at + 1);
    this.protocol = (first << 8) | second;
    this.information = at + 2;
    return (second & 1) === 1;
  }
}

/**
 * The length of the IP packet at `at`: what its header says, so that padding is cut off.
 *
 * @returns 0 when it is none of this version, or claims more than there is.
 */
export function packetLength(view: DataView, at: number, end: number, version: number): number {
  const room = end - at;
  if (room < (version === 4 ? HEADER_V4 : HEADER_V6) || view.getUint8(at) >>> 4 !== version) return 0;
  const length = version === 4 ? view.getUint16(at + 2) : HEADER_V6 + view.getUint16(at + 4);
  return length > room || length < HEADER_V4 ? 0 : length;
}

/** ICMPv6 types of Router and Neighbor Solicitation and Advertisement (RFC 4861 §4). */
const SOLICITATION_FIRST = 133;
const ADVERTISEMENT_LAST = 136;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;
const ECHO_REQUEST = 128;
/** DHCPv6: client and server (RFC 8415 §7.2). */
const DHCPV6_CLIENT = 546;
const DHCPV6_SERVER = 547;

/** fe80::/10 */
const isLinkLocal = (view: DataView, at: number): boolean => (view.getUint16(at) & 0xffc0) === 0xfe80;

/** Whether an IPv6 packet is an Echo Request to a link-local address: see `PppLink.ipv6Control`. */
export const isLinkEcho = (view: DataView, at: number, length: number): boolean =>
  length >= 48 &&
  isLinkLocal(view, at + 24) &&
  view.getUint8(at + 6) === PROTOCOL_ICMPV6 &&
  view.getUint8(at + 40) === ECHO_REQUEST;

/** Whether an IPv6 packet belongs to how addresses come to be: see `PppLink.ipv6Control`. */
export function isIpv6Control(view: DataView, at: number, length: number): boolean {
  if (length < 44) return false;
  // Or ff02::/16.
  if (!isLinkLocal(view, at + 24) && view.getUint16(at + 24) !== 0xff02) return false;
  const next = view.getUint8(at + 6);
  if (next === PROTOCOL_ICMPV6) {
    const type = view.getUint8(at + 40);
    return type >= SOLICITATION_FIRST && type <= ADVERTISEMENT_LAST;
  }
  const port = view.getUint16(at + 42);
  return next === PROTOCOL_UDP && (port === DHCPV6_CLIENT || port === DHCPV6_SERVER);
}
