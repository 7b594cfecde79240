/**
 * Cuts one large TCP frame, as a TAP with `TUN_F_TSO4`/`TUN_F_TSO6` hands it over, into the segments that the
 * wire takes. Payload stays where it is: each segment is a fresh header and a slice.
 */
import { type Checksum, complement } from "./checksum.ts";
import { pseudoHeaderSum, TCP, TcpFrame } from "./frame.ts";

/** The longest header that is cut: Ethernet with two VLAN tags, IPv4 with options or IPv6, TCP with options. */
export const MAX_CUT_HEADER = 22 + 60 + 60;

/** One frame being cut: {@link begin}, then {@link header} for each segment. */
export class TcpCutter {
  /** Number of segments. */
  segments = 0;
  /** Octets of Ethernet, IP and TCP header in front of each segment. */
  headerLength = 0;
  /** Of the segment whose header was written last. */
  payloadOffset = 0;
  payloadLength = 0;
  readonly #view: DataView;
  readonly #u8: Uint8Array;
  readonly #checksum: Checksum;
  readonly #at: TcpFrame;
  #frame = 0;
  #end = 0;
  #size = 0;
  #family = 0;
  #ip = 0;
  #tcp = 0;
  #sequence = 0;
  #flags = 0;
  #id = 0;
  /** Sums of what does not change from segment to segment. */
  #ipSum = 0;
  #tcpSum = 0;

  constructor(view: DataView, checksum: Checksum) {
    this.#view = view;
    this.#u8 = new Uint8Array(view.buffer);
    this.#checksum = checksum;
    this.#at = new TcpFrame(view);
  }

  /**
   * Looks at the frame to be cut.
   *
   * @param size - payload octets of each segment (`gso_size`).
   * @param bare - an IP packet without Ethernet header.
   * @returns false when the frame is not TCP as its virtio header claims; it is to be dropped.
   */
  begin(offset: number, length: number, size: number, bare = false): boolean {
    const view = this.#view;
    const at = this.#at;
    if (size === 0) return false;
    if (!at.locate(offset, length, bare)) return false;
    this.#frame = offset;
    this.#end = at.end;
    this.#size = size;
    this.#family = at.family;
    this.#ip = at.ip - offset;
    this.#tcp = at.tcp - offset;
    this.headerLength = at.payload - offset;
    if (this.headerLength > MAX_CUT_HEADER) return false;
    this.payloadOffset = at.payload;
    this.payloadLength = 0;
    this.segments = Math.max(1, Math.ceil((at.end - at.payload) / size));
    this.#sequence = view.getUint32(at.tcp + 4);
    this.#flags = view.getUint8(at.tcp + 13);
    if (at.family === 4) {
      this.#id = view.getUint16(at.ip + 4);
      // Total length, identification and checksum differ; all else is the same in every segment.
      let sum = 0;
      for (let i = at.ip; i < at.tcp; i += 2) sum += view.getUint16(i);
      this.#ipSum = sum - view.getUint16(at.ip + 2) - this.#id - view.getUint16(at.ip + 10);
    }
    // Sequence number, flags and checksum differ.
    let sum = pseudoHeaderSum(view, at.family, at.ip);
    for (let i = at.tcp; i < at.payload; i += 2) sum += view.getUint16(i);
    this.#tcpSum =
      sum -
      view.getUint16(at.tcp + 4) -
      view.getUint16(at.tcp + 6) -
      view.getUint16(at.tcp + 12) -
      view.getUint16(at.tcp + 16);
    return true;
  }

  /** Writes the header of segment `index` at `to` and sets {@link payloadOffset} and {@link payloadLength}. */
  header(index: number, to: number): void {
    const view = this.#view;
    const first = index === 0;
    const last = index === this.segments - 1;
    const payload = this.#frame + this.headerLength + index * this.#size;
    const length = last ? this.#end - payload : this.#size;
    this.payloadOffset = payload;
    this.payloadLength = length;
    this.#u8.copyWithin(to, this.#frame, this.#frame + this.headerLength);

    const ip = to + this.#ip;
    const tcp = to + this.#tcp;
    const tcpLength = this.headerLength - this.#tcp + length;
    if (this.#family === 4) {
      const total = tcpLength + this.#tcp - this.#ip;
      const id = (this.#id + index) & 0xffff;
      view.setUint16(ip + 2, total);
      view.setUint16(ip + 4, id);
      view.setUint16(ip + 10, complement(this.#ipSum + total + id));
    } else {
      view.setUint16(ip + 4, tcpLength + this.#tcp - this.#ip - 40);
    }

    let flags = this.#flags;
    if (!last) flags &= ~(TCP.fin | TCP.psh);
    if (!first) flags &= ~TCP.cwr; // Said once (RFC 3168 §6.1.2).
    const sequence = (this.#sequence + index * this.#size) >>> 0;
    view.setUint32(tcp + 4, sequence);
    view.setUint8(tcp + 13, flags);
    const sum =
      this.#tcpSum +
      tcpLength +
      (sequence >>> 16) +
      (sequence & 0xffff) +
      view.getUint16(tcp + 12) +
      this.#checksum.sum(payload, length);
    view.setUint16(tcp + 16, complement(sum));
  }
}
