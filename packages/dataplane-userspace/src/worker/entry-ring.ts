/**
 * A bounded ring of entries in memory that two threads share: one writer, one reader, no locks, nothing allocated.
 *
 *     head u32 | tail u32 | … octets 64 on: entries { length u32 | rest of the header | octets }, each at 8
 */

const HEAD = 0;
const TAIL = 1;
const START = 64;
/** A length that means: go on at the start. */
const WRAP = 0xffff_ffff;

const padded = (octets: number) => (octets + 7) & ~7;

/** Both ends of the ring; each thread makes its own over the same buffer. */
export class EntryRing {
  /** The entries' memory; offsets are of it. */
  readonly u8: Uint8Array;
  readonly view: DataView;
  /** Octets behind the header of the entry that {@link peek} found. */
  length = 0;
  readonly #header: number;
  readonly #indexes: Int32Array;
  readonly #capacity: number;
  /** Writer: the tail before and behind the entry that is being written. */
  #before = 0;
  #behind = 0;
  /** Reader: where the entry that was found ends. */
  #end = 0;

  /** @param header - octets of an entry's header, the length included. */
  constructor(buffer: SharedArrayBuffer, header: number) {
    this.#indexes = new Int32Array(buffer, 0, 2);
    this.u8 = new Uint8Array(buffer, START);
    this.view = new DataView(buffer, START);
    this.#header = header;
    this.#capacity = this.u8.length & ~7;
  }

  /**
   * Writer: room for an entry with `length` octets behind its header. The length is written; the rest is the caller's,
   * and {@link publish} shows it to the reader.
   *
   * @returns where the entry begins; -1 when there is no room.
   */
  reserve(length: number): number {
    const need = padded(this.#header + length);
    const head = Atomics.load(this.#indexes, HEAD);
    const before = Atomics.load(this.#indexes, TAIL);
    let at = before;
    // One gap of 8 octets always stays, so that full and empty differ.
    if (at >= head) {
      const toEnd = this.#capacity - at;
      if (need > toEnd || (need === toEnd && head === 0)) {
        if (need >= head) return -1;
        if (toEnd > 0) this.view.setUint32(at, WRAP);
        at = 0;
      }
    } else if (need >= head - at) {
      return -1;
    }
    this.view.setUint32(at, length);
    const behind = at + need;
    this.#before = before;
    this.#behind = behind === this.#capacity ? 0 : behind;
    return at;
  }

  /**
   * Writer: shows the entry to the reader.
   *
   * @returns whether the reader had taken all before it: it may be asleep and should be told.
   */
  publish(): boolean {
    Atomics.store(this.#indexes, TAIL, this.#behind);
    // After the store: a reader that has come this far either sees the new tail or has not yet gone to sleep.
    return Atomics.load(this.#indexes, HEAD) === this.#before;
  }

  /** Reader: where the oldest entry begins, which stays until {@link release}; -1 when there is none. */
  peek(): number {
    let head = Atomics.load(this.#indexes, HEAD);
    if (head === Atomics.load(this.#indexes, TAIL)) return -1;
    let length = this.view.getUint32(head);
    if (length === WRAP) {
      head = 0;
      length = this.view.getUint32(0);
    }
    this.length = length;
    const end = head + padded(this.#header + length);
    this.#end = end === this.#capacity ? 0 : end;
    return head;
  }

  /** Reader: gives the place of the entry that {@link peek} found back to the writer. */
  release(): void {
    Atomics.store(this.#indexes, HEAD, this.#end);
  }
}
