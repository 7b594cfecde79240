/**
 * The state of all channels, as columns: one typed array for each number, a row for each channel. At rest a channel is
 * some 200 octets in arrays that the garbage collector does not look into; objects exist only while messages do.
 */
import type { L2tpVersion } from "@l2tp/protocol";
import { TransportError } from "./errors.ts";
import type { ChannelId, SealedMessages } from "./events.ts";
import type { Outgoing } from "./outgoing.ts";
import type { TransportSettings } from "./settings.ts";

/** What is counted, in this order in {@link Columns.counters}. */
export const COUNTERS = [
  "messagesSent",
  "messagesReceived",
  "retransmits",
  "acknowledgementsSent",
  "acknowledgementsReceived",
  "hellosSent",
  "hellosReceived",
  "duplicates",
  "outOfOrder",
  "discardedOutOfWindow",
  "discardedInvalidNr",
  "discardedMalformed",
  "discardedClosed",
  "rebases",
  "octetsSent",
  "octetsReceived",
] as const;
/** What is counted of each channel. */
export type CounterName = (typeof COUNTERS)[number];

/** Where each counter stands in a row. */
export const COUNTER = Object.fromEntries(COUNTERS.map((name, at) => [name, at])) as Record<
  CounterName,
  number
>;

/** What a row is. */
export const STATE = { free: 0, open: 1, closing: 2, failed: 3 } as const;

/** Bits of {@link Columns.flags}. */
export const FLAG = {
  /** An acknowledgement is owed to the peer. */
  ackOwed: 1,
  /** … and stands in the outbox. */
  ackQueued: 2,
  rebase: 4,
  peerHeard: 8,
  peerReached: 16,
  /** Closing: gone as soon as all is acknowledged. */
  closeWhenAcknowledged: 32,
} as const;

/** An ID is 20 bits of row and 11 of generation: a small integer for the engine, never negative. */
const ROW_BITS = 20;
const ROWS = 2 ** ROW_BITS;
const GENERATIONS = 2 ** 11;
/** So many rows rest before one is used again: an ID comes back after half a million others, not after 2,048. */
const RESTING = 256;

type Column = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

function grown<T extends Column>(column: T, rows: number): T {
  const larger = new (column.constructor as new (length: number) => T)(rows);
  larger.set(column);
  return larger;
}

export class Columns {
  state: Uint8Array;
  flags: Uint8Array;
  version: Uint8Array;
  generation: Uint16Array;
  peerConnectionId: Uint32Array;

  /** Ns of the oldest message not acknowledged; of the next one when all are. */
  unacknowledged: Uint16Array;
  /** Ns of the first message never sent. */
  highest: Uint16Array;
  /** Nr: the Ns that is expected from the peer. */
  nr: Uint16Array;
  /** Messages waiting and on their way. */
  queued: Uint32Array;
  /** Messages on their way: the first so many of the queue. */
  inFlight: Uint16Array;
  /** What the peer advertised, and that limited by ours. */
  peerWindow: Uint16Array;
  window: Uint16Array;
  /** CWND, SSTHRESH and the acknowledgements counted towards the next step (RFC 2661 appendix A). */
  cwnd: Uint16Array;
  ssthresh: Uint16Array;
  cwndAcks: Uint16Array;
  /** When something was last heard of the peer. */
  lastHeard: Float64Array;
  /** Silence before the next Hello, jitter included; 0 is off. */
  helloAfter: Float64Array;
  /** Round trip time and its variation, in milliseconds; 0 before the first measurement. */
  rtt: Float32Array;
  rttVariation: Float32Array;
  /** {@link COUNTERS}.length numbers for each row. Octets and all else wrap at 2^32. */
  counters: Uint32Array;

  readonly settings: (TransportSettings | undefined)[] = [];
  readonly sealed: (SealedMessages | undefined)[] = [];
  /** The queue of messages not acknowledged, and the first of it that is not on its way. */
  readonly first: (Outgoing | undefined)[] = [];
  readonly last: (Outgoing | undefined)[] = [];
  readonly unsent: (Outgoing | undefined)[] = [];
  /** Messages that came before their turn, by Ns. */
  readonly held: (Map<number, Uint8Array> | undefined)[] = [];

  #rows: number;
  #used = 0;
  #live = 0;
  /** Rows given back, oldest first, so that an ID stays unused as long as can be. */
  readonly #free: number[] = [];
  #freeFrom = 0;

  constructor(rows: number) {
    this.#rows = rows;
    this.state = new Uint8Array(rows);
    this.flags = new Uint8Array(rows);
    this.version = new Uint8Array(rows);
    this.generation = new Uint16Array(rows);
    this.peerConnectionId = new Uint32Array(rows);
    this.unacknowledged = new Uint16Array(rows);
    this.highest = new Uint16Array(rows);
    this.nr = new Uint16Array(rows);
    this.queued = new Uint32Array(rows);
    this.inFlight = new Uint16Array(rows);
    this.peerWindow = new Uint16Array(rows);
    this.window = new Uint16Array(rows);
    this.cwnd = new Uint16Array(rows);
    this.ssthresh = new Uint16Array(rows);
    this.cwndAcks = new Uint16Array(rows);
    this.lastHeard = new Float64Array(rows);
    this.helloAfter = new Float64Array(rows);
    this.rtt = new Float32Array(rows);
    this.rttVariation = new Float32Array(rows);
    this.counters = new Uint32Array(rows * COUNTERS.length);
  }

  /** How many rows are in use. */
  get size(): number {
    return this.#live;
  }

  /** @throws TransportError "ERR_L2TP_CHANNELS" at 1,048,576. */
  take(version: L2tpVersion): number {
    const resting = this.#free.length - this.#freeFrom;
    const row = resting > RESTING || (resting > 0 && this.#used === ROWS) ? this.#reuse() : this.#used++;
    if (row >= ROWS) {
      this.#used--;
      throw new TransportError(
        "ERR_L2TP_CHANNELS",
        `one transport has at most ${ROWS} channels: make another`,
      );
    }
    if (row >= this.#rows) this.#grow();
    this.version[row] = version;
    this.#live++;
    this.generation[row] = ((this.generation[row] as number) + 1) % GENERATIONS;
    return row;
  }

  give(row: number): void {
    this.state[row] = STATE.free;
    this.settings[row] = undefined;
    this.sealed[row] = undefined;
    this.first[row] = undefined;
    this.last[row] = undefined;
    this.unsent[row] = undefined;
    this.held[row] = undefined;
    this.counters.fill(0, row * COUNTERS.length, (row + 1) * COUNTERS.length);
    this.#live--;
    this.#free.push(row);
  }

  idOf(row: number): ChannelId {
    return (((this.generation[row] as number) << ROW_BITS) | row) as ChannelId;
  }

  /** @returns the row of a channel, or -1 when it has gone. */
  rowOf(channel: ChannelId): number {
    const row = channel & (ROWS - 1);
    if (row >= this.#used || this.state[row] === STATE.free) return -1;
    return this.generation[row] === channel >>> ROW_BITS ? row : -1;
  }

  has(row: number, flag: number): boolean {
    return ((this.flags[row] as number) & flag) !== 0;
  }

  set(row: number, flag: number): void {
    this.flags[row] = (this.flags[row] as number) | flag;
  }

  clear(row: number, flag: number): void {
    this.flags[row] = (this.flags[row] as number) & ~flag;
  }

  count(row: number, counter: number, by = 1): void {
    const at = row * COUNTERS.length + counter;
    this.counters[at] = (this.counters[at] as number) + by;
  }

  versionOf(row: number): L2tpVersion {
    return this.version[row] === 2 ? 2 : 3;
  }

  /** What the settings of a row in use are. */
  settingsOf(row: number): TransportSettings {
    return this.settings[row] as TransportSettings;
  }

  #reuse(): number {
    const row = this.#free[this.#freeFrom++] as number;
    if (this.#freeFrom > 1024 && this.#freeFrom * 2 > this.#free.length) {
      this.#free.splice(0, this.#freeFrom);
      this.#freeFrom = 0;
    }
    return row;
  }

  #grow(): void {
    const rows = Math.min(ROWS, Math.max(16, this.#rows * 2));
    this.#rows = rows;
    this.state = grown(this.state, rows);
    this.flags = grown(this.flags, rows);
    this.version = grown(this.version, rows);
    this.generation = grown(this.generation, rows);
    this.peerConnectionId = grown(this.peerConnectionId, rows);
    this.unacknowledged = grown(this.unacknowledged, rows);
    this.highest = grown(this.highest, rows);
    this.nr = grown(this.nr, rows);
    this.queued = grown(this.queued, rows);
    this.inFlight = grown(this.inFlight, rows);
    this.peerWindow = grown(this.peerWindow, rows);
    this.window = grown(this.window, rows);
    this.cwnd = grown(this.cwnd, rows);
    this.ssthresh = grown(this.ssthresh, rows);
    this.cwndAcks = grown(this.cwndAcks, rows);
    this.lastHeard = grown(this.lastHeard, rows);
    this.helloAfter = grown(this.helloAfter, rows);
    this.rtt = grown(this.rtt, rows);
    this.rttVariation = grown(this.rttVariation, rows);
    this.counters = grown(this.counters, rows * COUNTERS.length);
  }
}
