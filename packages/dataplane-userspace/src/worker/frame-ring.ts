/**
 * A ring of PPP frames and IP packets between the main thread and a packet thread. What does not fit is lost, and its
 * writer counts it.
 *
 * An entry, see entry-ring.ts: `{ length u32 | row u32 | generation u32 | kind u32 | octets }`.
 */
import { EntryRing } from "./entry-ring.ts";

/** Four words. */
const HEADER = 16;
/** From here on a copy by `set` is cheaper than a loop. */
const LOOP_OCTETS = 48;

/** What an entry is. */
export const ENTRY = {
  /** A PPP frame, protocol field first, of two octets. */
  frame: 0,
  /** An IP packet. */
  packet: 1,
  /** An IPv6 packet of neighbour discovery or DHCPv6. */
  ipv6Control: 2,
  /** A PPP frame as it came or is to go, with FF 03 or without. */
  raw: 3,
} as const;

/** Both ends of the ring; each thread makes its own over the same buffer. */
export class FrameRing {
  /** Of the entry that {@link next} went to; the octets are good until {@link next} is called again. */
  row = 0;
  generation = 0;
  kind = 0;
  offset = 0;
  length = 0;
  readonly u8: Uint8Array;
  readonly #ring: EntryRing;
  /** There is an entry at hand. */
  #held = false;

  constructor(buffer: SharedArrayBuffer) {
    this.#ring = new EntryRing(buffer, HEADER);
    this.u8 = this.#ring.u8;
  }

  /**
   * Writer: appends `length` octets of `from`.
   *
   * @returns `full` when they are lost, `first` when the reader may be asleep and should be told, else `more`.
   */
  push(
    row: number,
    generation: number,
    kind: number,
    from: Uint8Array,
    at: number,
    length: number,
  ): "full" | "first" | "more" {
    const ring = this.#ring;
    const entry = ring.reserve(length);
    if (entry === -1) return "full";
    const { view, u8 } = ring;
    view.setUint32(entry + 4, row);
    view.setUint32(entry + 8, generation);
    view.setUint32(entry + 12, kind);
    if (length < LOOP_OCTETS) {
      for (let i = 0; i < length; i++) u8[entry + HEADER + i] = from[at + i] as number;
    } else {
      u8.set(from.subarray(at, at + length), entry + HEADER);
    }
    return ring.publish() ? "first" : "more";
  }

  /** Reader: gives the entry at hand back and goes to the next; false when there is none. */
  next(): boolean {
    const ring = this.#ring;
    if (this.#held) ring.release();
    const entry = ring.peek();
    this.#held = entry !== -1;
    if (entry === -1) return false;
    const { view } = ring;
    this.length = ring.length;
    this.row = view.getUint32(entry + 4);
    this.generation = view.getUint32(entry + 8);
    this.kind = view.getUint32(entry + 12);
    this.offset = entry + HEADER;
    return true;
  }
}
