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

/** Bits that say what an L2TPv2 control header is; the reserved ones are not looked at. */
const CONTROL_BITS = FLAG.T | FLAG.L | FLAG.S;

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
  /** The T bit. */
  control = false;
  /** 2 or 3. */
  version = 0;
  /** The first 16 bits; 0 for L2TPv3 data over IP, which has none. */
  flags = 0;
  /** The Length field; -1 where there is none. */
  length = 0;
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
    this.messageStart = start;
    if (overIp) {
      if (end - start < 4) return bad(this, HEADER_FAULT.truncated, end - start);
      const sessionId = u32At(octets, start);
      if (sessionId !== 0) return v3Data(this, 0, sessionId, start + 4, end);
      this.messageStart = start + 4;
      if (end - start < 6) return bad(this, HEADER_FAULT.truncated, end - start);
      const flags = u16At(octets, start + 4);
      if ((flags & FLAG.version) !== 3) return bad(this, HEADER_FAULT.version, 4);
      return (flags & FLAG.T) === 0
        ? bad(this, HEADER_FAULT.flags, 4)
        : control(this, octets, start, start + 4, end, flags);
    }
    if (end - start < 2) return bad(this, HEADER_FAULT.truncated, end - start);
    const flags = u16At(octets, start);
    const version = flags & FLAG.version;
    if (version !== 2 && version !== 3) return bad(this, HEADER_FAULT.version, 0);
    if ((flags & FLAG.T) !== 0) return control(this, octets, start, start, end, flags);
    if (version === 2) return v2Data(this, octets, start, end, flags);
    if (end - start < 8) return bad(this, HEADER_FAULT.truncated, end - start);
    const sessionId = u32At(octets, start + 4);
    if (sessionId === 0) return bad(this, HEADER_FAULT.id, 4);
    return v3Data(this, flags, sessionId, start + 8, end);
  }
}

// Functions rather than private methods: those check their receiver on every call, which costs as much as the reading.

function bad(cursor: HeaderCursor, fault: number, at: number): false {
  cursor.fault = fault;
  cursor.faultAt = at;
  return false;
}

function control(
  cursor: HeaderCursor,
  octets: Uint8Array,
  start: number,
  from: number,
  end: number,
  flags: number,
): boolean {
  const version = flags & FLAG.version;
  // RFC 2661 §3.1: T, L and S MUST be 1, O and P MUST be 0. RFC 3931 has no O and P: there they are reserved.
  const forbidden = version === 2 ? FLAG.O | FLAG.P : 0;
  if ((flags & (CONTROL_BITS | forbidden)) !== CONTROL_BITS)
    return bad(cursor, HEADER_FAULT.flags, from - start);
  if (end - from < CONTROL_HEADER) return bad(cursor, HEADER_FAULT.truncated, end - start);
  const length = u16At(octets, from + 2);
  if (length < CONTROL_HEADER || length > end - from)
    return bad(cursor, HEADER_FAULT.length, from + 2 - start);
  cursor.fault = HEADER_FAULT.none;
  cursor.control = true;
  cursor.version = version;
  cursor.flags = flags;
  cursor.length = length;
  if (version === 2) {
    cursor.tunnelId = u16At(octets, from + 4);
    cursor.sessionId = u16At(octets, from + 6);
  } else {
    cursor.tunnelId = u32At(octets, from + 4);
    cursor.sessionId = 0;
  }
  cursor.ns = u16At(octets, from + 8);
  cursor.nr = u16At(octets, from + 10);
  cursor.offsetSize = -1;
  cursor.bodyStart = from + CONTROL_HEADER;
  cursor.bodyEnd = from + length;
  cursor.trailing = end - cursor.bodyEnd;
  return true;
}

function v2Data(
  cursor: HeaderCursor,
  octets: Uint8Array,
  start: number,
  end: number,
  flags: number,
): boolean {
  let at = start + 2;
  let to = end;
  const size =
    6 +
    ((flags & FLAG.L) !== 0 ? 2 : 0) +
    ((flags & FLAG.S) !== 0 ? 4 : 0) +
    ((flags & FLAG.O) !== 0 ? 2 : 0);
  if (end - start < size) return bad(cursor, HEADER_FAULT.truncated, end - start);
  cursor.length = -1;
  if ((flags & FLAG.L) !== 0) {
    const length = u16At(octets, at);
    if (length < size || length > end - start) return bad(cursor, HEADER_FAULT.length, 2);
    cursor.length = length;
    to = start + length;
    at += 2;
  }
  const tunnelId = u16At(octets, at);
  const sessionId = u16At(octets, at + 2);
  if (tunnelId === 0 || sessionId === 0)
    return bad(cursor, HEADER_FAULT.id, at + (tunnelId === 0 ? 0 : 2) - start);
  at += 4;
  if ((flags & FLAG.S) !== 0) {
    cursor.ns = u16At(octets, at);
    cursor.nr = u16At(octets, at + 2);
    at += 4;
  } else {
    cursor.ns = -1;
    cursor.nr = -1;
  }
  if ((flags & FLAG.O) !== 0) {
    const offsetSize = u16At(octets, at);
    if (at + 2 + offsetSize > to) return bad(cursor, HEADER_FAULT.offset, at - start);
    cursor.offsetSize = offsetSize;
    at += 2 + offsetSize;
  } else cursor.offsetSize = -1;
  cursor.fault = HEADER_FAULT.none;
  cursor.control = false;
  cursor.version = 2;
  cursor.flags = flags;
  cursor.tunnelId = tunnelId;
  cursor.sessionId = sessionId;
  cursor.bodyStart = at;
  cursor.bodyEnd = to;
  cursor.trailing = end - to;
  return true;
}

function v3Data(
  cursor: HeaderCursor,
  flags: number,
  sessionId: number,
  bodyStart: number,
  end: number,
): boolean {
  cursor.fault = HEADER_FAULT.none;
  cursor.control = false;
  cursor.version = 3;
  cursor.flags = flags;
  cursor.length = -1;
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
