/** L2TP data messages on the simulated wire: sorted on arrival, and built, with the codec of `@l2tp/protocol`. */
import {
  type Encapsulation,
  encodeDataV2,
  encodeDataV3,
  equalConstantTime,
  FLAG,
  HeaderCursor,
  type L2SpecificSublayer,
  type L2tpVersion,
  SUBLAYER,
} from "@l2tp/protocol";

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

/** The default sublayer is there also where it carries no number. */
function fieldsV3({ encapsulation, sessionId, cookie, l2SpecificSublayer, ns }: DataHeader) {
  const sublayer = ns === undefined ? { word: 0 } : { sequence: ns };
  return { encapsulation, sessionId, cookie, ...(l2SpecificSublayer === "default" ? { sublayer } : {}) };
}

/** A data message around a copy of `frame`. */
export function encodeData(header: DataHeader, frame: Uint8Array): Uint8Array {
  return header.version === 2 ? encodeDataV2(header, frame) : encodeDataV3(fieldsV3(header), frame);
}

/** A data message whose session is not known yet. */
export interface DataArrival {
  readonly kind: "data";
  readonly version: L2tpVersion;
  /** 0 in v3, whose data messages name no tunnel. */
  readonly tunnelId: number;
  readonly sessionId: number;
  /** Where the payload begins (v2), or the cookie (v3), and where the message ends. */
  readonly at: number;
  readonly end: number;
  /** The number in a v2 header. */
  readonly ns?: number;
}

/** What can be told of a datagram by itself. */
export type Arrival =
  | { readonly kind: "control"; readonly message: Uint8Array }
  | DataArrival
  | { readonly kind: "malformed" };

const MALFORMED: Arrival = { kind: "malformed" };
const cursor = new HeaderCursor();

/**
 * Sorts one datagram as it came from the wire. Views into it are returned, nothing is copied. Anything with the T
 * bit (over IP: with session ID 0 in front) is the control plane's, sound or not.
 */
export function sort(encapsulation: Encapsulation, datagram: Uint8Array): Arrival {
  const overIp = encapsulation === "ip";
  if (datagram.length < (overIp ? 4 : 2)) return MALFORMED;
  if (overIp && datagram.subarray(0, 4).every((octet) => octet === 0)) {
    return { kind: "control", message: datagram.subarray(4) };
  }
  if (!overIp && ((datagram[0] as number) & (FLAG.T >> 8)) !== 0)
    return { kind: "control", message: datagram };
  if (!cursor.read(datagram, 0, datagram.length, overIp)) return MALFORMED;
  const { version, tunnelId, sessionId, bodyStart: at, bodyEnd: end, ns } = cursor;
  return {
    kind: "data",
    version: version as L2tpVersion,
    tunnelId,
    sessionId,
    at,
    end,
    ...(ns >= 0 ? { ns } : {}),
  };
}

/** Reads what stands between the session ID and the frame in a v3 message: `at` is where the frame begins. */
export function readV3(
  datagram: Uint8Array,
  at: number,
  cookie: Uint8Array,
  sublayer: L2SpecificSublayer,
): "wrong-cookie" | "too-short" | { readonly at: number; readonly ns?: number } {
  const end = at + cookie.length;
  if (datagram.length < end + (sublayer === "default" ? 4 : 0)) return "too-short";
  if (cookie.length > 0 && !equalConstantTime(datagram.subarray(at, end), cookie)) return "wrong-cookie";
  if (sublayer === "none") return { at: end };
  const word = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength).getUint32(end);
  return (word & SUBLAYER.S) !== 0 ? { at: end + 4, ns: word & SUBLAYER.sequence } : { at: end + 4 };
}
