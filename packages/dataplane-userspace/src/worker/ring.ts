/**
 * A bounded ring of datagrams from one thread to another, for control messages that reached the data socket
 * inside a GRO batch. One writer, one reader; what does not fit is lost and counted, like in a socket buffer.
 *
 *     head u32 | tail u32 | … octets 64 on: entries { length u32 | address 28 | local 16 | datagram }, each at 8
 */

const HEAD = 0;
const TAIL = 1;
const START = 64;
const LENGTH = 4;
/** Room of a `sockaddr_in6`. */
const RING_ADDRESS = 28;
/** Room of an IPv6 address: the local one that the datagram was sent to, as far as it is known. */
const RING_LOCAL = 16;
const HEADER = LENGTH + RING_ADDRESS + RING_LOCAL;
/** A length that means: go on at the start. */
const WRAP = 0xffff_ffff;

const padded = (octets: number) => (octets + 7) & ~7;

/** Both ends of the ring; each thread makes its own over the same buffer. */
export class Ring {
  readonly #indexes: Int32Array;
  readonly #u8: Uint8Array;
  readonly #view: DataView;
  readonly #capacity: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#indexes = new Int32Array(buffer, 0, 2);
    this.#u8 = new Uint8Array(buffer, START);
    this.#view = new DataView(buffer, START);
    this.#capacity = this.#u8.length & ~7;
  }

  /**
   * Writer: appends a datagram.
   *
   * @returns `full` when it is lost, `first` when the ring was empty and the reader should be told, else `more`.
   */
  push(
    from: Uint8Array,
    fromOffset: number,
    local: number,
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
        if (toEnd >= LENGTH) this.#view.setUint32(tail, WRAP);
        tail = 0;
      }
    } else if (need >= head - tail) {
      return "full";
    }
    this.#view.setUint32(tail, length);
    for (let i = 0; i < RING_ADDRESS; i++) this.#u8[tail + LENGTH + i] = from[fromOffset + i] as number;
    for (let i = 0; i < RING_LOCAL; i++) {
      this.#u8[tail + LENGTH + RING_ADDRESS + i] = local === 0 ? 0 : (from[local + i] as number);
    }
    for (let i = 0; i < length; i++) this.#u8[tail + HEADER + i] = from[at + i] as number;
    const next = tail + need;
    Atomics.store(this.#indexes, TAIL, next === this.#capacity ? 0 : next);
    // After the store: a reader that has come this far either sees the new tail or has not yet gone to sleep.
    return Atomics.load(this.#indexes, HEAD) === before ? "first" : "more";
  }

  /** Reader: takes the oldest datagram, copied; `undefined` when there is none. */
  shift():
    | { readonly from: Uint8Array; readonly local: Uint8Array; readonly datagram: Uint8Array }
    | undefined {
    let head = Atomics.load(this.#indexes, HEAD);
    if (head === Atomics.load(this.#indexes, TAIL)) return undefined;
    let length = this.#view.getUint32(head);
    if (length === WRAP) {
      head = 0;
      length = this.#view.getUint32(0);
    }
    const from = this.#u8.slice(head + LENGTH, head + LENGTH + RING_ADDRESS);
    const local = this.#u8.slice(head + LENGTH + RING_ADDRESS, head + HEADER);
    const datagram = this.#u8.slice(head + HEADER, head + HEADER + length);
    const next = head + padded(HEADER + length);
    Atomics.store(this.#indexes, HEAD, next === this.#capacity ? 0 : next);
    return { from, local, datagram };
  }
}
