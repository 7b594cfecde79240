/**
 * Reads dumps of many thousand tunnels or sessions attribute by attribute, without an object for each; and goes through
 * as many of ours in slices, so that the event loop does other work in between.
 */
import { setImmediate } from "node:timers/promises";
import type { SessionStatistics } from "@l2tp/dataplane";
import { type NetlinkMessage, netlink, nlabi } from "@l2tp/linux";
import { L2TP_ATTRIBUTES } from "./family.ts";

/** Between two looks at the clock. */
const ITEMS_PER_LOOK = 64;
/** How long a slice may take. */
const SLICE_MS = 5;

const [CONN_ID] = L2TP_ATTRIBUTES.CONN_ID;
const [SESSION_ID] = L2TP_ATTRIBUTES.SESSION_ID;
const [SEND_SEQ] = L2TP_ATTRIBUTES.SEND_SEQ;
const [STATS] = L2TP_ATTRIBUTES.STATS;
/** `struct nlattr` as a word (of the little-endian machines that there are): its length, then its type. */
const LENGTH_MASK = 0xffff;
const TYPE_SHIFT = 16;
/** Bits 14 and 15 of the type are flags. */
const TYPE_MASK = 0x3fff;
/** One more than the last of L2TP_ATTR_STATS_* that is known here. */
const COUNTERS = 12;
const ATTRIBUTE_HEADER = nlabi.nlattr.size;
const align = (octets: number): number => (octets + 3) & ~3;

/** Of one session by L2TP_ATTR_STATS_*: filled and read between two messages. */
const counters: number[] = new Array(COUNTERS).fill(0);

/** Gives the items one by one, and lets go of the event loop every few milliseconds. */
export async function* inSlices<T>(items: Iterable<T>): AsyncGenerator<T[], void, void> {
  let end = performance.now() + SLICE_MS;
  let slice: T[] = [];
  for (const item of items) {
    slice.push(item);
    if (slice.length < ITEMS_PER_LOOK) continue;
    yield slice;
    slice = [];
    if (performance.now() < end) continue;
    await setImmediate();
    end = performance.now() + SLICE_MS;
  }
  if (slice.length > 0) yield slice;
}

/** Where a message lies: in its datagram, or in its own octets. */
interface Place {
  readonly words: Int32Array;
  /** Octets from the first word. */
  readonly from: number;
  readonly to: number;
}

function placeOf(message: NetlinkMessage): Place {
  if (message instanceof netlink.NetlinkCursor) return message;
  const { payload } = message;
  return { words: netlink.wordsOf(payload), from: 0, to: payload.length };
}

/** The first 32-bit attribute of a type; 0 when there is none. */
function find(message: NetlinkMessage, wanted: number): number {
  const { words, from, to } = placeOf(message);
  for (let at = from + nlabi.genlmsghdr.size; at + ATTRIBUTE_HEADER <= to; ) {
    const header = words[at >> 2] as number;
    const length = header & LENGTH_MASK;
    if (length < ATTRIBUTE_HEADER || at + length > to) return 0;
    if (((header >> TYPE_SHIFT) & TYPE_MASK) === wanted) {
      return length < ATTRIBUTE_HEADER + 4 ? 0 : (words[(at >> 2) + 1] as number) >>> 0;
    }
    at += align(length);
  }
  return 0;
}

/** The tunnel ID that a message names; 0 when it names none. */
export const tunnelIdOf = (message: NetlinkMessage): number => find(message, CONN_ID);

/** The session ID that a message names; 0 when it names none. */
export const sessionIdOf = (message: NetlinkMessage): number => find(message, SESSION_ID);

function readCounters(words: Int32Array, from: number, to: number): void {
  for (let at = from; at + ATTRIBUTE_HEADER <= to; ) {
    const header = words[at >> 2] as number;
    const length = header & LENGTH_MASK;
    if (length < ATTRIBUTE_HEADER || at + length > to) return;
    const type = (header >> TYPE_SHIFT) & TYPE_MASK;
    if (length === ATTRIBUTE_HEADER + 8 && type < COUNTERS) {
      const low = (words[(at >> 2) + 1] as number) >>> 0;
      const high = (words[(at >> 2) + 2] as number) >>> 0;
      counters[type] = high === 0 ? low : low + high * 2 ** 32;
    }
    at += align(length);
  }
}

/**
 * Reads IDs and counters of a session into a row; counters that this kernel does not have are 0.
 * @returns whether it sends sequence numbers.
 */
export function readSession(message: NetlinkMessage, row: SessionStatistics): boolean {
  let numbered = false;
  row.tunnelId = 0;
  row.sessionId = 0;
  for (let i = 0; i < COUNTERS; i++) counters[i] = 0;
  const { words, from, to } = placeOf(message);
  for (let at = from + nlabi.genlmsghdr.size; at + ATTRIBUTE_HEADER <= to; ) {
    const header = words[at >> 2] as number;
    const length = header & LENGTH_MASK;
    if (length < ATTRIBUTE_HEADER || at + length > to) break;
    const type = (header >> TYPE_SHIFT) & TYPE_MASK;
    const value = (at >> 2) + 1;
    if (type === STATS) readCounters(words, at + ATTRIBUTE_HEADER, at + length);
    else if (type === SEND_SEQ && length > ATTRIBUTE_HEADER)
      numbered = ((words[value] as number) & 0xff) !== 0;
    else if (length >= ATTRIBUTE_HEADER + 4) {
      if (type === CONN_ID) row.tunnelId = (words[value] as number) >>> 0;
      else if (type === SESSION_ID) row.sessionId = (words[value] as number) >>> 0;
    }
    at += align(length);
  }
  // By their numbers: of a table of names each row would be written by looking the names up.
  row.txPackets = counters[1] as number;
  row.txBytes = counters[2] as number;
  row.txErrors = counters[3] as number;
  row.rxPackets = counters[4] as number;
  row.rxBytes = counters[5] as number;
  row.rxSeqDiscards = counters[6] as number;
  row.rxOosPackets = counters[7] as number;
  row.rxErrors = counters[8] as number;
  row.rxCookieDiscards = counters[10] as number;
  row.rxInvalid = counters[11] as number;
  return numbered;
}
