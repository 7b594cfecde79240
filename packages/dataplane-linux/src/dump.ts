/**
 * Reads dumps of many thousand tunnels or sessions attribute by attribute, without an object for each; and goes through
 * as many of ours in slices, so that the event loop does other work in between.
 */
import { setImmediate } from "node:timers/promises";
import type { SessionStatistics } from "@l2tp/dataplane";
import { type NetlinkMessage, nlabi } from "@l2tp/linux";
import { L2TP_ATTRIBUTES } from "./family.ts";

/** Between two looks at the clock. */
const ITEMS_PER_LOOK = 64;
/** How long a slice may take. */
const SLICE_MS = 5;

const [CONN_ID] = L2TP_ATTRIBUTES.CONN_ID;
const [SESSION_ID] = L2TP_ATTRIBUTES.SESSION_ID;
const [SEND_SEQ] = L2TP_ATTRIBUTES.SEND_SEQ;
const [STATS] = L2TP_ATTRIBUTES.STATS;
/** Bits 14 and 15 of an attribute's type are flags. */
const TYPE_MASK = 0x3fff;
const ATTRIBUTE_HEADER = nlabi.nlattr.size;
const align = (octets: number): number => (octets + 3) & ~3;

/** Members of the row by L2TP_ATTR_STATS_*; gaps are padding and what the kernel may add. */
const COUNTERS: readonly (keyof SessionStatistics | undefined)[] = [
  undefined,
  "txPackets",
  "txBytes",
  "txErrors",
  "rxPackets",
  "rxBytes",
  "rxSeqDiscards",
  "rxOosPackets",
  "rxErrors",
  undefined,
  "rxCookieDiscards",
  "rxInvalid",
];

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

/** Attributes of a generic netlink message, or of a nest in it: `visit(type, offset, octets)` of each value. */
function attributes(
  view: DataView,
  from: number,
  to: number,
  visit: (type: number, at: number, octets: number) => void,
): void {
  for (let at = from; at + ATTRIBUTE_HEADER <= to; ) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER || at + length > to) return;
    visit(view.getUint16(at + 2, true) & TYPE_MASK, at + ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER);
    at += align(length);
  }
}

const viewOf = ({ payload }: NetlinkMessage): DataView =>
  new DataView(payload.buffer, payload.byteOffset, payload.byteLength);

/** The tunnel ID that a message names; 0 when it names none. */
export function tunnelIdOf(message: NetlinkMessage): number {
  const view = viewOf(message);
  let found = 0;
  attributes(view, nlabi.genlmsghdr.size, view.byteLength, (type, at) => {
    if (type === CONN_ID) found = view.getUint32(at, true);
  });
  return found;
}

/** The session ID that a message names; 0 when it names none. */
export function sessionIdOf(message: NetlinkMessage): number {
  const view = viewOf(message);
  let found = 0;
  attributes(view, nlabi.genlmsghdr.size, view.byteLength, (type, at) => {
    if (type === SESSION_ID) found = view.getUint32(at, true);
  });
  return found;
}

/**
 * Reads IDs and counters of a session into a row; counters that this kernel does not have are 0.
 * @returns whether it sends sequence numbers.
 */
export function readSession(message: NetlinkMessage, row: SessionStatistics): boolean {
  let numbered = false;
  for (const name of COUNTERS) if (name !== undefined) row[name] = 0;
  row.tunnelId = 0;
  row.sessionId = 0;
  const view = viewOf(message);
  attributes(view, nlabi.genlmsghdr.size, view.byteLength, (type, at, octets) => {
    if (type === CONN_ID) row.tunnelId = view.getUint32(at, true);
    else if (type === SESSION_ID) row.sessionId = view.getUint32(at, true);
    else if (type === SEND_SEQ) numbered = view.getUint8(at) !== 0;
    else if (type === STATS) {
      attributes(view, at, at + octets, (counter, value, size) => {
        const name = COUNTERS[counter];
        if (name === undefined || size !== 8) return;
        row[name] = view.getUint32(value, true) + view.getUint32(value + 4, true) * 2 ** 32;
      });
    }
  });
  return numbered;
}
