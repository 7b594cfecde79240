/**
 * L2TP data messages as they are on the simulated wire, octet for octet.
 *
 *     v2 over UDP (RFC 2661 §3.1)   flags 0002 | length? | tunnel ID | session ID | Ns, Nr? | offset? | payload
 *     v3 over UDP (RFC 3931 §4.1.2) flags 0003 | 0000 | session ID | cookie | sublayer | payload
 *     v3 over IP  (RFC 3931 §4.1.1) session ID | cookie | sublayer | payload
 */
import type { Encapsulation, L2SpecificSublayer, L2tpVersion } from "@l2tp/protocol";

/** What goes in front of a frame. */
export interface DataHeader {
  readonly version: L2tpVersion;
  readonly encapsulation: Encapsulation;
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly cookie: Uint8Array;
  readonly l2SpecificSublayer: L2SpecificSublayer;
  /** Sequence number: 16 bits in v2, 24 in v3. */
  readonly ns?: number;
}

/** The S bit of the default L2-specific sublayer (RFC 3931 §4.6). */
const SUBLAYER_S = 0x40;
/** Bits of the first octet of a v2 header (RFC 2661 §3.1). */
const T = 0x80;
const L = 0x40;
const S = 0x08;
const O = 0x02;

/** Octets in front of the frame. */
export function headerOctets(header: Omit<DataHeader, "ns"> & { readonly sequenced: boolean }): number {
  if (header.version === 2) return header.sequenced ? 10 : 6;
  return (
    (header.encapsulation === "udp" ? 8 : 4) +
    header.cookie.length +
    (header.l2SpecificSublayer === "default" ? 4 : 0)
  );
}

/** A data message around a copy of `frame`. */
export function encodeData(header: DataHeader, frame: Uint8Array): Uint8Array {
  const { ns } = header;
  const octets = headerOctets({ ...header, sequenced: ns !== undefined });
  const message = new Uint8Array(octets + frame.length);
  message.set(frame, octets);
  const view = new DataView(message.buffer);
  if (header.version === 2) {
    view.setUint16(0, ns === undefined ? 0x0002 : 0x0802);
    view.setUint16(2, header.tunnelId);
    view.setUint16(4, header.sessionId);
    if (ns !== undefined) view.setUint16(6, ns);
    return message;
  }
  let at = 0;
  if (header.encapsulation === "udp") {
    view.setUint16(0, 0x0003);
    at = 4;
  }
  view.setUint32(at, header.sessionId);
  message.set(header.cookie, at + 4);
  if (header.l2SpecificSublayer === "default" && ns !== undefined) {
    view.setUint32(at + 4 + header.cookie.length, ((SUBLAYER_S << 24) | ns) >>> 0);
  }
  return message;
}

/** What can be told of a datagram before its session is known. */
export type Arrival =
  | { readonly kind: "control"; readonly message: Uint8Array }
  | { readonly kind: "data"; readonly version: 3; readonly sessionId: number; readonly at: number }
  | {
      readonly kind: "data";
      readonly version: 2;
      readonly tunnelId: number;
      readonly sessionId: number;
      /** Where the payload begins, and where it ends by the Length field. */
      readonly at: number;
      readonly end: number;
      readonly ns?: number;
    }
  | { readonly kind: "malformed" };

const MALFORMED: Arrival = { kind: "malformed" };

/** Sorts one datagram as it came from the wire. Views into it are returned, nothing is copied. */
export function sort(encapsulation: Encapsulation, datagram: Uint8Array): Arrival {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (encapsulation === "ip") {
    if (datagram.length < 4) return MALFORMED;
    const sessionId = view.getUint32(0);
    // Session ID 0 marks a control message (RFC 3931 §4.1.1.2).
    if (sessionId === 0) return { kind: "control", message: datagram.subarray(4) };
    return { kind: "data", version: 3, sessionId, at: 4 };
  }
  if (datagram.length < 2) return MALFORMED;
  const flags = view.getUint8(0);
  if ((flags & T) !== 0) return { kind: "control", message: datagram };
  const version = view.getUint8(1) & 0x0f;
  if (version === 3) {
    if (datagram.length < 8) return MALFORMED;
    return { kind: "data", version: 3, sessionId: view.getUint32(4), at: 8 };
  }
  if (version !== 2) return MALFORMED;
  return sortV2(view, flags);
}

function sortV2(view: DataView, flags: number): Arrival {
  let at = 2;
  let end = view.byteLength;
  if ((flags & L) !== 0) {
    if (end < 4) return MALFORMED;
    const length = view.getUint16(2);
    // Octets beyond the Length are no part of the message; a Length beyond the datagram is a lie.
    if (length > end) return MALFORMED;
    end = length;
    at = 4;
  }
  if (end < at + 4) return MALFORMED;
  const tunnelId = view.getUint16(at);
  const sessionId = view.getUint16(at + 2);
  at += 4;
  let ns: number | undefined;
  if ((flags & S) !== 0) {
    if (end < at + 4) return MALFORMED;
    ns = view.getUint16(at);
    at += 4;
  }
  if ((flags & O) !== 0) {
    if (end < at + 2) return MALFORMED;
    at += 2 + view.getUint16(at);
    if (at > end) return MALFORMED;
  }
  return { kind: "data", version: 2, tunnelId, sessionId, at, end, ...(ns === undefined ? {} : { ns }) };
}

/** Reads what stands between the session ID and the frame in a v3 message. */
export function readV3(
  datagram: Uint8Array,
  at: number,
  cookie: Uint8Array,
  sublayer: L2SpecificSublayer,
): "wrong-cookie" | "too-short" | { readonly at: number; readonly ns?: number } {
  if (datagram.length < at + cookie.length + (sublayer === "default" ? 4 : 0)) return "too-short";
  if (!cookie.every((octet, i) => datagram[at + i] === octet)) return "wrong-cookie";
  at += cookie.length;
  if (sublayer === "none") return { at };
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const word = view.getUint32(at);
  return (word >>> 24) & SUBLAYER_S ? { at: at + 4, ns: word & 0xff_ffff } : { at: at + 4 };
}
