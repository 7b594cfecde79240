/**
 * The ring of datagrams from the receiving thread to the main thread: control messages that reached the data socket
 * inside a GRO batch. What does not fit is lost and counted, like in a socket buffer.
 *
 * An entry, see entry-ring.ts: `{ length u32 | address 28 | local 16 | datagram }`.
 */
import { EntryRing } from "./entry-ring.ts";

const LENGTH = 4;
/** Room of a `sockaddr_in6`. */
const ADDRESS = 28;
/** Room of an IPv6 address: the local one that the datagram was sent to, as far as it is known. */
const LOCAL = 16;
const HEADER = LENGTH + ADDRESS + LOCAL;

/** Both ends of the ring; each thread makes its own over the same buffer. */
export class Ring {
  readonly #ring: EntryRing;

  constructor(buffer: SharedArrayBuffer) {
    this.#ring = new EntryRing(buffer, HEADER);
  }

  /**
   * Writer: appends a datagram.
   *
   * @param from - the memory that all of it lies in.
   * @param address - where its sender's `sockaddr` is.
   * @param local - where the local address is; 0 when it is not known.
   * @param at - where the datagram is.
   * @returns `full` when it is lost, `first` when the ring was empty and the reader should be told, else `more`.
   */
  push(
    from: Uint8Array,
    address: number,
    local: number,
    at: number,
    length: number,
  ): "full" | "first" | "more" {
    const ring = this.#ring;
    const entry = ring.reserve(length);
    if (entry === -1) return "full";
    const { u8 } = ring;
    for (let i = 0; i < ADDRESS; i++) u8[entry + LENGTH + i] = from[address + i] as number;
    for (let i = 0; i < LOCAL; i++) {
      u8[entry + LENGTH + ADDRESS + i] = local === 0 ? 0 : (from[local + i] as number);
    }
    for (let i = 0; i < length; i++) u8[entry + HEADER + i] = from[at + i] as number;
    return ring.publish() ? "first" : "more";
  }

  /** Reader: takes the oldest datagram, copied; `undefined` when there is none. */
  shift():
    | { readonly from: Uint8Array; readonly local: Uint8Array; readonly datagram: Uint8Array }
    | undefined {
    const ring = this.#ring;
    const entry = ring.peek();
    if (entry === -1) return undefined;
    const { u8, length } = ring;
    const from = u8.slice(entry + LENGTH, entry + LENGTH + ADDRESS);
    const local = u8.slice(entry + LENGTH + ADDRESS, entry + HEADER);
    const datagram = u8.slice(entry + HEADER, entry + HEADER + length);
    ring.release();
    return { from, local, datagram };
  }
}
