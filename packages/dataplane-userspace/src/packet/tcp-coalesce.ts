/**
 * Joins TCP segments that arrive in order into one large frame, which a TAP with `IFF_VNET_HDR` takes in one
 * write (generic receive offload). Segments stay where they were received: a run is its first frame and the
 * payload slices of those after it.
 *
 * The kernel takes the checksum of such a frame on trust, so each segment's is checked here; what does not
 * match exactly is left alone, and the kernel judges it by itself.
 */
import { type Checksum, complement } from "./checksum.ts";
import { pseudoHeaderSum, TCP, TcpFrame } from "./frame.ts";

/** `virtio_net_hdr.gso_type`. */
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
/** `virtio_net_hdr.flags`: the checksum field holds the pseudo-header's sum only. */
const NEEDS_CSUM = 1;
/** What an IP length field can hold, and what a run's slices may come to. */
const MAX_PACKET = 65_535;
/** Slices of one run; a `writev` takes 1,024. */
const MAX_SLICES = 128;

/** The run being gathered: {@link join} or {@link begin} each frame, then {@link finish} and write the slices. */
export class TcpCoalescer {
  /** Frames in the run; 0 when there is none. */
  count = 0;
  /** Slice 0 is the first frame with its headers, the others are payload. */
  readonly offsets = new Int32Array(MAX_SLICES);
  readonly lengths = new Int32Array(MAX_SLICES);
  /** Nothing may follow: a short segment, or one with PSH, was the last. */
  closed = false;
  readonly #view: DataView;
  readonly #checksum: Checksum;
  readonly #at: TcpFrame;
  #family = 0;
  #frame = 0;
  #ip = 0;
  #tcp = 0;
  #headerLength = 0;
  #segmentSize = 0;
  #sequence = 0;
  #id = 0;
  #flags = 0;
  /** Octets of the IP packet so far. */
  #total = 0;

  constructor(view: DataView, checksum: Checksum) {
    this.#view = view;
    this.#checksum = checksum;
    this.#at = new TcpFrame(view);
  }

  /** Whether the frame can be part of a run at all; leaves its offsets in `#at`. */
  #eligible(offset: number, length: number, bare: boolean): boolean {
    const at = this.#at;
    const view = this.#view;
    if (!at.locate(offset, length, bare) || at.padded || at.payload === at.end) return false;
    if ((view.getUint8(at.tcp + 13) & ~TCP.psh) !== TCP.ack) return false;
    if (at.family === 4) {
      if (at.tcp - at.ip !== 20) return false;
      if (this.#checksum.sum(at.ip, 20) !== 0) return false;
    }
    const tcpLength = at.end - at.tcp;
    const pseudo = pseudoHeaderSum(view, at.family, at.ip) + tcpLength;
    return (pseudo + this.#checksum.sum(at.tcp, tcpLength)) % 65_535 === 0;
  }

  /**
   * Begins a run with this frame.
   *
   * @param bare - an IP packet without Ethernet header.
   * @returns false when it cannot be part of one: write it by itself.
   */
  begin(offset: number, length: number, bare = false): boolean {
    return this.#eligible(offset, length, bare) && this.#start(offset, length);
  }

  #start(offset: number, length: number): boolean {
    const at = this.#at;
    const view = this.#view;
    this.count = 1;
    this.offsets[0] = offset;
    this.lengths[0] = length;
    this.#family = at.family;
    this.#frame = offset;
    this.#ip = at.ip - offset;
    this.#tcp = at.tcp - offset;
    this.#headerLength = at.payload - offset;
    this.#segmentSize = at.end - at.payload;
    this.#sequence = (view.getUint32(at.tcp + 4) + this.#segmentSize) >>> 0;
    this.#id = at.family === 4 ? view.getUint16(at.ip + 4) : 0;
    this.#flags = view.getUint8(at.tcp + 13);
    this.#total = at.end - at.ip;
    this.closed = (this.#flags & TCP.psh) !== 0;
    return true;
  }

  /**
   * Adds a frame to the run, if it is the next segment of the same flow.
   *
   * @param bare - as it was when the run began.
   * @returns 2 when it was added; 1 when it was not but could begin a run of its own (then call {@link restart}
   * after {@link finish}); 0 when it is to be written by itself.
   */
  join(offset: number, length: number, bare = false): 0 | 1 | 2 {
    if (!this.#eligible(offset, length, bare)) return 0;
    return this.#follows(offset) ? 2 : 1;
  }

  /** Begins a run with the frame that {@link join} just judged with 1. */
  restart(offset: number, length: number): void {
    this.#start(offset, length);
  }

  #follows(offset: number): boolean {
    const at = this.#at;
    const view = this.#view;
    const size = at.end - at.payload;
    if (this.closed || this.count === MAX_SLICES) return false;
    if (at.family !== this.#family || at.payload - offset !== this.#headerLength) return false;
    if (size > this.#segmentSize || this.#total + size > MAX_PACKET) return false;
    if (view.getUint32(at.tcp + 4) !== this.#sequence) return false;
    // Ethernet header with its tags, and the IP header but for length, identification and checksum.
    const delta = offset - this.#frame;
    if (!this.#same(this.#frame, this.#frame + this.#ip, delta)) return false;
    const ip = this.#frame + this.#ip;
    if (this.#family === 4) {
      if (view.getUint16(ip) !== view.getUint16(ip + delta)) return false;
      if (!this.#same(ip + 6, ip + 10, delta) || !this.#same(ip + 12, ip + 20, delta)) return false;
      // Whoever cuts the frame again numbers the segments one by one: so must these be.
      if (view.getUint16(ip + delta + 4) !== ((this.#id + this.count) & 0xffff)) return false;
    } else if (!this.#same(ip, ip + 4, delta) || !this.#same(ip + 6, ip + 40, delta)) {
      return false;
    }
    // Ports, acknowledgement, data offset, window, urgent pointer and options.
    const tcp = this.#frame + this.#tcp;
    if (!this.#same(tcp, tcp + 4, delta) || view.getUint32(tcp + 8) !== view.getUint32(tcp + delta + 8))
      return false;
    if (view.getUint8(tcp + 12) !== view.getUint8(tcp + delta + 12)) return false;
    if (view.getUint16(tcp + 14) !== view.getUint16(tcp + delta + 14)) return false;
    if (!this.#same(tcp + 18, this.#frame + this.#headerLength, delta)) return false;

    this.offsets[this.count] = at.payload;
    this.lengths[this.count] = size;
    this.count++;
    this.#total += size;
    this.#sequence = (this.#sequence + size) >>> 0;
    const push = view.getUint8(at.tcp + 13) & TCP.psh;
    this.#flags |= push;
    this.closed = push !== 0 || size < this.#segmentSize;
    return true;
  }

  /** Whether [from, to) and the same range `delta` further on hold the same octets; the length is even. */
  #same(from: number, to: number, delta: number): boolean {
    const view = this.#view;
    let at = from;
    for (; at + 4 <= to; at += 4) if (view.getUint32(at) !== view.getUint32(at + delta)) return false;
    return at === to || view.getUint16(at) === view.getUint16(at + delta);
  }

  /**
   * Makes the headers of the first frame those of the whole run and writes its virtio header (10 octets) at
   * `virtio`; the slices are then what `writev` takes. A run of one is left as it came. Ends the run.
   *
   * @returns how many slices there are.
   */
  finish(virtio: number): number {
    const view = this.#view;
    const count = this.count;
    this.count = 0;
    if (count < 2) {
      for (let i = 0; i < 10; i += 2) view.setUint16(virtio + i, 0);
      return count;
    }
    const ip = this.#frame + this.#ip;
    const tcp = this.#frame + this.#tcp;
    if (this.#family === 4) {
      view.setUint16(ip + 2, this.#total);
      view.setUint16(ip + 10, 0);
      view.setUint16(ip + 10, complement(this.#checksum.sum(ip, 20)));
    } else {
      view.setUint16(ip + 4, this.#total - 40);
    }
    view.setUint8(tcp + 13, this.#flags);
    const tcpLength = this.#total - (this.#tcp - this.#ip);
    view.setUint16(tcp + 16, (pseudoHeaderSum(view, this.#family, ip) + tcpLength) % 65_535);
    view.setUint8(virtio, NEEDS_CSUM);
    view.setUint8(virtio + 1, this.#family === 4 ? GSO_TCPV4 : GSO_TCPV6);
    view.setUint16(virtio + 2, this.#headerLength, true);
    view.setUint16(virtio + 4, this.#segmentSize, true);
    view.setUint16(virtio + 6, this.#tcp, true);
    view.setUint16(virtio + 8, 16, true);
    return count;
  }
}
