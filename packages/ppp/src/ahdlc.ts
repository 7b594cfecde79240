/**
 * HDLC-like framing on an asynchronous line (RFC 1662 §4): flags, escapes by the ACCM, FCS-16. L2TP itself needs none
 * of it; serial lines, ptys and captures do.
 */
import { fcs16, fcs16Step, GOOD_FCS_16 } from "./fcs.ts";

const FLAG = 0x7e;
const ESCAPE = 0x7d;
const MODIFIER = 0x20;

/**
 * A frame as it goes on the line: flag, octets escaped, FCS, flag.
 * @param frame - from the address field (or protocol field) on, without FCS.
 * @param accm - bit n set: the control character n is escaped. Before LCP is up it is 0xffffffff (§7.1).
 */
export function encodeAsync(frame: Uint8Array, accm: number): Uint8Array {
  const wire = new Uint8Array(2 * (frame.length + 2) + 2);
  let at = 0;
  const put = (octet: number) => {
    const escaped = octet === FLAG || octet === ESCAPE || (octet < 0x20 && ((accm >>> octet) & 1) === 1);
    if (escaped) wire[at++] = ESCAPE;
    wire[at++] = escaped ? octet ^ MODIFIER : octet;
  };
  wire[at++] = FLAG;
  for (const octet of frame) put(octet);
  const fcs = fcs16(frame);
  put(fcs & 255);
  put(fcs >> 8);
  wire[at++] = FLAG;
  return wire.slice(0, at);
}

/** What a deframer met; counts only go up. */
export interface AsyncCounters {
  /** Frames whose FCS was wrong. */
  badFcs: number;
  /** Frames ended by an escape and a flag, on purpose (§4.3). */
  aborted: number;
  /** Frames longer than allowed, up to their end. */
  tooLong: number;
  /** Frames with fewer than four octets, FCS included. */
  tooShort: number;
  /** Control characters that the line put in, dropped (§4.2). */
  droppedControls: number;
}

/** Takes octets as they arrive and gives whole frames: one buffer of a fixed size, whatever the line sends. */
export class AsyncDeframer {
  readonly #buffer: Uint8Array;
  #length = 0;
  #fcs = 0xffff;
  #escaped = false;
  /** The rest up to the next flag is thrown away. */
  #skipping = true;
  /** Control characters that we asked the peer to escape: those that come bare were put in on the way. */
  accm: number;
  readonly counters: AsyncCounters = { badFcs: 0, aborted: 0, tooLong: 0, tooShort: 0, droppedControls: 0 };

  /** @param maximum - octets of the longest frame, without FCS. @param accm - see {@link accm}. */
  constructor(maximum = 1504, accm = 0xffffffff) {
    this.#buffer = new Uint8Array(maximum + 2);
    this.accm = accm;
  }

  /**
   * Takes what arrived.
   * @returns frames that ended in it, without FCS; copies.
   */
  push(octets: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const octet of octets) {
      if (octet === FLAG) {
        const frame = this.#end();
        if (frame !== undefined) frames.push(frame);
      } else if (!this.#skipping) this.#take(octet);
    }
    return frames;
  }

  #take(octet: number): void {
    // Before escapes are undone: what the line puts in may stand between an escape and its octet (§4.2).
    if (octet < 0x20 && ((this.accm >>> octet) & 1) === 1) {
      this.counters.droppedControls++;
      return;
    }
    if (octet === ESCAPE) {
      this.#escaped = true;
      return;
    }
    const plain = this.#escaped ? octet ^ MODIFIER : octet;
    this.#escaped = false;
    if (this.#length === this.#buffer.length) {
      this.counters.tooLong++;
      this.#skipping = true;
      return;
    }
    this.#buffer[this.#length++] = plain;
    this.#fcs = fcs16Step(this.#fcs, plain);
  }

  #end(): Uint8Array | undefined {
    const { counters } = this;
    const length = this.#length;
    const good = this.#fcs === GOOD_FCS_16;
    const wasFrame = !this.#skipping && length > 0;
    const aborted = !this.#skipping && this.#escaped;
    this.#length = 0;
    this.#fcs = 0xffff;
    this.#escaped = false;
    this.#skipping = false;
    if (aborted) counters.aborted++;
    else if (wasFrame && length < 4) counters.tooShort++;
    else if (wasFrame && !good) counters.badFcs++;
    else if (wasFrame) return this.#buffer.slice(0, length - 2);
    return undefined;
  }
}
