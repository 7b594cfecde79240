/** What the main thread and the two worker threads of a wire share: counters, a stop flag, and rings. */

/** Statistics that the sending thread counts, one row per session. */
export const TX = { packets: 0, bytes: 1, errors: 2, stride: 4 } as const;
/** Statistics that the receiving thread counts, one row per session: a cache line. */
export const RX = {
  packets: 0,
  bytes: 1,
  errors: 2,
  seqDiscards: 3,
  oosPackets: 4,
  cookieDiscards: 5,
  invalid: 6,
  /** When an IP packet of a PPP session was last received: milliseconds since 1970, 0 for never. */
  lastData: 7,
  stride: 8,
} as const;
/** Counters of the wire, written by the receiving thread. */
export const COUNTER = { strayData: 0, malformed: 1, overruns: 2, ringLost: 3, length: 8 } as const;
/** Words of the control block. */
export const CONTROL = { stop: 0, length: 16 } as const;

/** The buffers themselves: handed to the workers as they are. */
export interface SharedBuffers {
  readonly control: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly tx: SharedArrayBuffer;
  readonly rx: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  /** The next sequence number to send, by row. */
  readonly ns: SharedArrayBuffer;
  /** Frames of PPP sessions to the main thread, … */
  readonly framesUp: SharedArrayBuffer;
  /** … IP packets of sessions that end in the program, … */
  readonly packetsUp: SharedArrayBuffer;
  /** … and both, from the main thread. */
  readonly down: SharedArrayBuffer;
}

/** Octets of the rings: room for a burst of all sessions; pages that are not touched are not used. */
const FRAMES_UP = 1024 * 1024;
const PACKETS_UP = 4 * 1024 * 1024;
const DOWN = 4 * 1024 * 1024;

/**
 * Views of the shared memory. Each counter has one writer and is read while it is written: aligned 64-bit
 * floats are never seen half-written on the platforms that there are, and are exact up to 2^53.
 */
export class Shared {
  readonly buffers: SharedBuffers;
  readonly control: Int32Array;
  readonly counters: Float64Array;
  readonly tx: Float64Array;
  readonly rx: Float64Array;
  readonly ns: Int32Array;

  constructor(buffers: SharedBuffers) {
    this.buffers = buffers;
    this.control = new Int32Array(buffers.control);
    this.counters = new Float64Array(buffers.counters);
    this.tx = new Float64Array(buffers.tx);
    this.rx = new Float64Array(buffers.rx);
    this.ns = new Int32Array(buffers.ns);
  }

  /** @param rows - sessions at most; memory that is not touched is not used. */
  static create(rows: number, ringOctets: number): Shared {
    return new Shared({
      control: new SharedArrayBuffer(CONTROL.length * 4),
      counters: new SharedArrayBuffer(COUNTER.length * 8),
      tx: new SharedArrayBuffer(rows * TX.stride * 8),
      rx: new SharedArrayBuffer(rows * RX.stride * 8),
      ring: new SharedArrayBuffer(ringOctets),
      ns: new SharedArrayBuffer(rows * 4),
      framesUp: new SharedArrayBuffer(FRAMES_UP),
      packetsUp: new SharedArrayBuffer(PACKETS_UP),
      down: new SharedArrayBuffer(DOWN),
    });
  }

  /** All zero, before a row is given to a session. */
  clearRow(row: number): void {
    this.tx.fill(0, row * TX.stride, (row + 1) * TX.stride);
    this.rx.fill(0, row * RX.stride, (row + 1) * RX.stride);
    this.ns[row] = 0;
  }

  get stopping(): boolean {
    return Atomics.load(this.control, CONTROL.stop) !== 0;
  }

  stop(): void {
    Atomics.store(this.control, CONTROL.stop, 1);
  }
}
