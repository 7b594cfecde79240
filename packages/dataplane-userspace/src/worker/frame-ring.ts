/**
 * A bounded ring of PPP frames and IP packets between the main thread and a packet thread. One writer, one reader; what
 * does not fit is lost, and its writer counts it.
 *
 *     head u32 | tail u32 | … octets 64 on: entries { length | row | generation | kind | octets }, each at 8
 */

const HEAD = 0;
const TAIL = 1;
const START = 64;
/** Four words. */
const HEADER = 16;
/** A length that means: go on at the start. */
const WRAP = 0xffff_ffff;
/** From here on a copy by `set` is cheaper than a loop. */
const LOOP_OCTETS = 48;

const padded = (octets: number) => (octets + 7) & ~7;

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
  readonly #indexes: Int32Array;
  readonly #view: DataView;
  readonly #capacity: number;
  /** Where the entry at hand ends; -1 when there is none. */
  #end = -1;

  constructor(buffer: SharedArrayBuffer) {
    this.#indexes = new Int32Array(buffer, 0, 2);
    this.u8 = new Uint8Array(buffer, START);
    this.#view = new DataView(buffer, START);
    this.#capacity = this.u8.length & ~7;
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
    const need = padded(HEADER + length);
    const head = Atomics.load(this.#indexes, HEAD);
    const before = Atomics.load(this.#indexes, TAIL);
    let tail = before;
    // One gap of 8 octets always stays, so that full and empty differ.
    if (tail >= head) {
      const toEnd = this.#capacity - tail;
      if (need > toEnd || (need === toEnd && head === 0)) {
        if (need >= head) return "full";
        if (toEnd >= 4) this.#view.setUint32(tail, WRAP);
        tail = 0;
      }
    } else if (need >= head - tail) {
      return "full";
    }
    const view = this.#view;
    view.setUint32(tail, length);
    view.setUint32(tail + 4, row);
    view.setUint32(tail + 8, generation);
    view.setUint32(tail + 12, kind);
    if (length < LOOP_OCTETS) {
      for (let i = 0; i < length; i++) this.u8[tail + HEADER + i] = from[at + i] as number;
    } else {
      this.u8.set(from.subarray(at, at + length), tail + HEADER);
    }
    const next = tail + need;
    Atomics.store(this.#indexes, TAIL, next === this.#capacity ? 0 : next);
    // After the store: a reader that has come this far either sees the new tail or has not yet gone to sleep.
    return Atomics.load(this.#indexes, HEAD) === before ? "first" : "more";
  }

  /** Reader: gives the entry at hand back and goes to the next; false when there is none. */
  next(): boolean {
    if (this.#end !== -1) Atomics.store(this.#indexes, HEAD, this.#end);
    this.#end = -1;
    let head = Atomics.load(this.#indexes, HEAD);
    if (head === Atomics.load(this.#indexes, TAIL)) return false;
    const view = this.#view;
    let length = view.getUint32(head);
    if (length === WRAP) {
      head = 0;
      length = view.getUint32(0);
    }
    this.length = length;
    this.row = view.getUint32(head + 4);
    this.generation = view.getUint32(head + 8);
    this.kind = view.getUint32(head + 12);
    this.offset = head + HEADER;
    const end = head + padded(HEADER + length);
    this.#end = end === this.#capacity ? 0 : end;
    return true;
  }
}
