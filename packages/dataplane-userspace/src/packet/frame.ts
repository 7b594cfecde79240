/** Where the headers of an Ethernet frame or an IP packet are: what TCP offloads and MSS clamping need to know of it. */

/** TCP flags (RFC 9293 §3.1, RFC 3168). */
export const TCP = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80 };

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_SERVICE_VLAN = 0x88a8;
const PROTOCOL_TCP = 6;

/** Offsets of one TCP/IP frame, found anew by each {@link locate}; reused, so that nothing is allocated. */
export class TcpFrame {
  /** 4 or 6. */
  family = 0;
  /** All from the start of the memory. */
  frame = 0;
  ip = 0;
  tcp = 0;
  payload = 0;
  /** One past the last octet that the IP header claims. */
  end = 0;
  /** The frame is longer than its IP packet: padding, or something worse. */
  padded = false;
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  /**
   * Finds the headers of the frame at `offset`.
   *
   * @param bare - an IP packet without Ethernet header, as TUN interfaces and PPP have them.
   * @returns false when it is no TCP over IPv4 or IPv6 without fragments, or is malformed; the fields then mean nothing.
   */
  locate(offset: number, length: number, bare: boolean): boolean {
    const view = this.#view;
    const limit = offset + length;
    if (bare) {
      if (length === 0) return false;
      this.frame = offset;
      return this.#packet(offset, limit, view.getUint8(offset) >>> 4);
    }
    let type = offset + 12;
    if (type + 2 > limit) return false;
    let ethertype = view.getUint16(type);
    while (ethertype === ETHERTYPE_VLAN || ethertype === ETHERTYPE_SERVICE_VLAN) {
      type += 4;
      if (type + 2 > limit) return false;
      ethertype = view.getUint16(type);
    }
    this.frame = offset;
    if (ethertype === ETHERTYPE_IPV4) return this.#packet(type + 2, limit, 4);
    return ethertype === ETHERTYPE_IPV6 && this.#packet(type + 2, limit, 6);
  }

  #packet(ip: number, limit: number, version: number): boolean {
    const view = this.#view;
    this.ip = ip;
    if (version === 4) {
      if (ip + 20 > limit || view.getUint8(ip) >>> 4 !== 4) return false;
      const headerLength = (view.getUint8(ip) & 0x0f) * 4;
      // More-fragments, or any offset: there is no whole TCP header to find.
      if (headerLength < 20 || (view.getUint16(ip + 6) & 0x3fff) !== 0) return false;
      if (view.getUint8(ip + 9) !== PROTOCOL_TCP) return false;
      this.family = 4;
      this.tcp = ip + headerLength;
      this.end = ip + view.getUint16(ip + 2);
    } else if (version === 6) {
      if (ip + 40 > limit || view.getUint8(ip) >>> 4 !== 6) return false;
      if (view.getUint8(ip + 6) !== PROTOCOL_TCP) return false;
      this.family = 6;
      this.tcp = ip + 40;
      this.end = ip + 40 + view.getUint16(ip + 4);
    } else {
      return false;
    }
    if (this.end > limit || this.tcp + 20 > this.end) return false;
    this.payload = this.tcp + (view.getUint8(this.tcp + 12) >>> 4) * 4;
    if (this.payload < this.tcp + 20 || this.payload > this.end) return false;
    this.padded = this.end !== limit;
    return true;
  }
}

/** The part of the TCP pseudo-header that all segments of a flow share: addresses and protocol, unfolded. */
export function pseudoHeaderSum(view: DataView, family: number, ip: number): number {
  const from = family === 4 ? ip + 12 : ip + 8;
  const words = family === 4 ? 4 : 16;
  let sum = PROTOCOL_TCP;
  for (let i = 0; i < words; i++) sum += view.getUint16(from + i * 2);
  return sum;
}
