/**
 * Headers of both versions: RFC 2661 §3.1, RFC 3931 §3.2.1 and §4.1. {@link HeaderCursor} reads them into
 * one reused object of numbers, so that a data message or an acknowledgement costs no allocation.
 */
import { CONTROL_HEADER, FLAG } from "./constants.ts";
import { u16At, u32At } from "./octets.ts";
import type { RejectionReason } from "./rejection.ts";

/** What {@link HeaderCursor.fault} says. */
export const HEADER_FAULT = {
  none: 0,
  truncated: 1,
  version: 2,
  flags: 3,
  length: 4,
  offset: 5,
  id: 6,
} as const;

/** {@link HEADER_FAULT} as reasons of a rejection, by number. */
export const HEADER_FAULT_REASONS: readonly (RejectionReason | undefined)[] = [
  undefined,
  "truncated",
  "unsupported-version",
  "bad-flags",
  "bad-length",
  "bad-offset",
  "bad-id",
];

/** Bits that say which header it is, and their values. */
const KIND_BITS = FLAG.T | FLAG.version;
const CONTROL_V2 = FLAG.T | 2;
const CONTROL_V3 = FLAG.T | 3;
const DATA_V2 = 2;
/** Bits of a control header that are looked at, by version; they have to be {@link MUST_V3}. */
const MUST_V3 = FLAG.T | FLAG.L | FLAG.S;
const MUST_V2 = MUST_V3 | FLAG.O | FLAG.P;
/** Octets of an L2TPv2 data header without its padding, by the upper octet of the flags. */
const DATA_SIZE = Uint8Array.from({ length: 128 }, (_, upper) => {
  const has = (bit: number, octets: number) => (((upper << 8) & bit) !== 0 ? octets : 0);
  return 6 + has(FLAG.L, 2) + has(FLAG.S, 4) + has(FLAG.O, 2);
});

/**
 * A header, read without allocation. Make one, keep it, and call {@link read} for each datagram.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |T|L|x|x|S|x|O|P|x|x|x|x|  Ver  |          Length (opt)         |
 *     |           Tunnel ID           |           Session ID          |   v3 control: Control Connection ID
 *     |             Ns (opt)          |             Nr (opt)          |
 *     |      Offset Size (opt)        |    Offset pad... (opt)        |   v2 data only
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * L2TPv3 data over UDP begins with 16 bits of flags and 16 reserved, then the 32 bits of the Session ID;
 * over IP with the Session ID, where 0 stands before a control message.
 */
export class HeaderCursor {
  /** One of {@link HEADER_FAULT}; when it is not `none`, no other member but {@link faultAt} means anything. */
  fault: number = HEADER_FAULT.none;
  /** Octets from the start of the datagram to what is wrong. */
  faultAt = 0;
  /** The first 16 bits; 0 for L2TPv3 data over IP, which has none. */
  flags = 0;
  /** Tunnel ID of v2; Control Connection ID of v3 control messages; 0 for v3 data. */
  tunnelId = 0;
  /** Session ID; 0 for v3 control messages. */
  sessionId = 0;
  /** Ns, or -1. */
  ns = 0;
  /** Nr, or -1. */
  nr = 0;
  /** Offset Size, or -1. */
  offsetSize = 0;
  /** Where the message begins: behind the 4 zero octets of control messages over IP, else at the datagram's start. */
  messageStart = 0;
  /** Where AVPs, payload, or the cookie of v3 data begin: an index into the octets given. */
  bodyStart = 0;
  /** Where they end. */
  bodyEnd = 0;
  /** Octets of the datagram behind the end that Length gives. */
  trailing = 0;

  /** The T bit. */
  get control(): boolean {
    return this.flags >= FLAG.T;
  }

  /** 2 or 3. */
  get version(): number {
    return this.flags === 0 ? 3 : this.flags & FLAG.version;
  }

  /** The Length field; -1 where there is none. */
  get length(): number {
    const has = (this.flags & FLAG.L) !== 0 && (this.control || this.version === 2);
    return has ? this.bodyEnd - this.messageStart : -1;
  }

  /** A control message without AVPs: a ZLB. */
  get isZlb(): boolean {
    return this.control && this.bodyStart === this.bodyEnd;
  }

  /**
   * Reads the header of the datagram `octets[start..end)`.
   * @param overIp - the datagram is the payload of IP protocol 115, not of UDP.
   * @returns whether it is sound; if not, {@link fault} and {@link faultAt} say why. Never throws.
   */
  read(octets: Uint8Array, start = 0, end = octets.length, overIp = false): boolean {
    this.fault = HEADER_FAULT.none;
    this.messageStart = start;
    if (overIp) return readOverIp(this, octets, start, end);
    // No header is shorter than the 6 octets of an L2TPv2 data message without options.
    if (end - start < 6) return tooShort(this, octets, start, end);
    const flags = ((octets[start] as number) << 8) | (octets[start + 1] as number);
    const kind = flags & KIND_BITS;
    if (kind === DATA_V2) return v2Data(this, octets, start, end, flags);
    if (kind === CONTROL_V2) return controlV2(this, octets, start, end, flags);
    return other(this, octets, start, end, flags);
  }
}

// Functions rather than private methods, which check their receiver on every call; and small ones, rare paths
// apart: V8 inlines what is called for every datagram, but only up to a number of bytecodes, which is also why the two
// frequent ones put their 16 bits together themselves.

function bad(cursor: HeaderCursor, fault: number, at: number): false {
  cursor.fault = fault;
  cursor.faultAt = at;
  return false;
}

function tooShort(cursor: HeaderCursor, octets: Uint8Array, start: number, end: number): false {
  const version = end - start < 2 ? 2 : (octets[start + 1] as number) & FLAG.version;
  return version === 2 || version === 3
    ? bad(cursor, HEADER_FAULT.truncated, end - start)
    : bad(cursor, HEADER_FAULT.version, 0);
}

/** L2TPv3 over UDP, and what is no L2TP of a version we speak. */
function other(cursor: HeaderCursor, octets: Uint8Array, start: number, end: number, flags: number): boolean {
  if ((flags & KIND_BITS) === CONTROL_V3) return controlV3(cursor, octets, start, end, flags);
  if ((flags & FLAG.version) !== 3) return bad(cursor, HEADER_FAULT.version, 0);
  if (end - start < 8) return bad(cursor, HEADER_FAULT.truncated, end - start);
  const sessionId = u32At(octets, start + 4);
  if (sessionId === 0) return bad(cursor, HEADER_FAULT.id, 4);
  return v3Data(cursor, flags, sessionId, start + 8, end);
}

/** RFC 3931 §4.1.1: a Session ID that is not 0 and data, or 0 and a control message of version 3. */
function readOverIp(cursor: HeaderCursor, octets: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return bad(cursor, HEADER_FAULT.truncated, end - start);
  const sessionId = u32At(octets, start);
  if (sessionId !== 0) return v3Data(cursor, 0, sessionId, start + 4, end);
  cursor.messageStart = start + 4;
  if (end - start < 6) return bad(cursor, HEADER_FAULT.truncated, end - start);
  const flags = u16At(octets, start + 4);
  if ((flags & FLAG.version) !== 3) return bad(cursor, HEADER_FAULT.version, 4);
  if ((flags & FLAG.T) === 0) return bad(cursor, HEADER_FAULT.flags, 4);
  if (controlV3(cursor, octets, start + 4, end, flags)) return true;
  cursor.faultAt += 4;
  return false;
}

/** T, L and S set, and neither O nor P (RFC 2661 §3.1). */
function controlV2(
  cursor: HeaderCursor,
  octets: Uint8Array,
  from: number,
  end: number,
  flags: number,
): boolean {
  if ((flags & MUST_V2) !== MUST_V3) return bad(cursor, HEADER_FAULT.flags, 0);
  if (end - from < CONTROL_HEADER) return bad(cursor, HEADER_FAULT.truncated, end - from);
  const length = ((octets[from + 2] as number) << 8) | (octets[from + 3] as number);
  if (length < CONTROL_HEADER || length > end - from) return bad(cursor, HEADER_FAULT.length, 2);
  cursor.flags = flags;
  cursor.tunnelId = ((octets[from + 4] as number) << 8) | (octets[from + 5] as number);
  cursor.sessionId = ((octets[from + 6] as number) << 8) | (octets[from + 7] as number);
  cursor.ns = ((octets[from + 8] as number) << 8) | (octets[from + 9] as number);
  cursor.nr = ((octets[from + 10] as number) << 8) | (octets[from + 11] as number);
  cursor.offsetSize = -1;
  cursor.bodyStart = from + CONTROL_HEADER;
  cursor.bodyEnd = from + length;
  cursor.trailing = end - from - length;
  return true;
}

/** T, L and S set; RFC 3931 §3.2.1 has no O and P, there they are reserved. */
function controlV3(
  cursor: HeaderCursor,
  octets: Uint8Array,
  from: number,
  end: number,
  flags: number,
): boolean {
  if ((flags & MUST_V3) !== MUST_V3) return bad(cursor, HEADER_FAULT.flags, 0);
  if (end - from < CONTROL_HEADER) return bad(cursor, HEADER_FAULT.truncated, end - from);
  const length = u16At(octets, from + 2);
  if (length < CONTROL_HEADER || length > end - from) return bad(cursor, HEADER_FAULT.length, 2);
  cursor.flags = flags;
  cursor.tunnelId = u32At(octets, from + 4);
  cursor.sessionId = 0;
  cursor.ns = u16At(octets, from + 8);
  cursor.nr = u16At(octets, from + 10);
  cursor.offsetSize = -1;
  cursor.bodyStart = from + CONTROL_HEADER;
  cursor.bodyEnd = from + length;
  cursor.trailing = end - from - length;
  return true;
}

function v2Data(
  cursor: HeaderCursor,
  octets: Uint8Array,
  start: number,
  end: number,
  flags: number,
): boolean {
  const size = DATA_SIZE[(flags >> 8) & 0x7f] as number;
  if (end - start < size) return bad(cursor, HEADER_FAULT.truncated, end - start);
  let at = start + 2;
  let to = end;
  if ((flags & FLAG.L) !== 0) {
    const length = ((octets[at] as number) << 8) | (octets[at + 1] as number);
    if (length < size || length > end - start) return bad(cursor, HEADER_FAULT.length, 2);
    to = start + length;
    at += 2;
  }
  const tunnelId = ((octets[at] as number) << 8) | (octets[at + 1] as number);
  const sessionId = ((octets[at + 2] as number) << 8) | (octets[at + 3] as number);
  if (tunnelId === 0 || sessionId === 0) return badId(cursor, tunnelId, at - start);
  cursor.tunnelId = tunnelId;
  cursor.sessionId = sessionId;
  if ((flags & FLAG.S) !== 0) {
    cursor.ns = ((octets[at + 4] as number) << 8) | (octets[at + 5] as number);
    cursor.nr = ((octets[at + 6] as number) << 8) | (octets[at + 7] as number);
  } else {
    cursor.ns = -1;
    cursor.nr = -1;
  }
  cursor.flags = flags;
  cursor.offsetSize = -1;
  cursor.bodyStart = start + size;
  cursor.bodyEnd = to;
  cursor.trailing = end - to;
  return (flags & FLAG.O) === 0 || skipOffset(cursor, octets, start);
}

function badId(cursor: HeaderCursor, tunnelId: number, at: number): false {
  return bad(cursor, HEADER_FAULT.id, tunnelId === 0 ? at : at + 2);
}

/** The last field before the body is Offset Size: moves the body behind the padding. */
function skipOffset(cursor: HeaderCursor, octets: Uint8Array, start: number): boolean {
  const at = cursor.bodyStart - 2;
  const offsetSize = u16At(octets, at);
  if (cursor.bodyStart + offsetSize > cursor.bodyEnd) return bad(cursor, HEADER_FAULT.offset, at - start);
  cursor.offsetSize = offsetSize;
  cursor.bodyStart += offsetSize;
  return true;
}

function v3Data(
  cursor: HeaderCursor,
  flags: number,
  sessionId: number,
  bodyStart: number,
  end: number,
): boolean {
  cursor.flags = flags;
  cursor.tunnelId = 0;
  cursor.sessionId = sessionId;
  cursor.ns = -1;
  cursor.nr = -1;
  cursor.offsetSize = -1;
  cursor.bodyStart = bodyStart;
  cursor.bodyEnd = end;
  cursor.trailing = 0;
  return true;
}
