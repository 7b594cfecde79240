/**
 * What the transport needs of a control message: Ns and Nr, and whether it is an acknowledgement or a Hello. All else
 * is the codec's, which also reads and writes these. Messages are from their first flag octet; over IP (protocol 115)
 * the four zero octets before it are the data plane's business.
 */
import {
  AVP_FLAG,
  AVP_HEADER,
  encodeMessage,
  encodeZlb,
  HeaderCursor,
  type L2tpVersion,
  MESSAGES,
  patchSequence,
} from "@l2tp/protocol";

/**
 * What a control message is to the transport. `ack`: a ZLB or an ACK message, which takes up no sequence number and
 * is never acknowledged. `hello`: what may re-base a quiescent channel. `message`: anything else.
 */
export type MessageKind = "message" | "hello" | "ack";

// Looked up once: the codec's tables are made for reading, not for speed.
const ACK = MESSAGES.ACK.type;
const HELLO = MESSAGES.HELLO.type;
const AVP_LENGTH = AVP_FLAG.length;
const AVP_HIDDEN = AVP_FLAG.hidden;
/** Octets of a Message Type AVP. */
const MESSAGE_TYPE_OCTETS = AVP_HEADER + 2;

/** Read anew by each function that uses it. */
const header = new HeaderCursor();

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number);

/** Whether these octets begin with the header of a control message of this version, and are all there. */
export function isControlMessage(message: Uint8Array, version: L2tpVersion): boolean {
  return header.read(message) && header.control && header.version === version;
}

/** Ns and Nr of a control message; 0 where it is none. */
export function readSequence(message: Uint8Array): { readonly ns: number; readonly nr: number } {
  return header.read(message) && header.control ? { ns: header.ns, nr: header.nr } : { ns: 0, nr: 0 };
}

/**
 * Tells acknowledgements and Hellos from other messages. A Hello counts as one only when its AVPs fill the message
 * exactly: it can re-base a channel.
 *
 * @param message - one that {@link isControlMessage}; anything else is a "message".
 */
export function messageKind(message: Uint8Array, version: L2tpVersion): MessageKind {
  if (!isControlMessage(message, version)) return "message";
  if (header.isZlb) return "ack";
  const { bodyStart: at, bodyEnd: end } = header;
  if (end - at < MESSAGE_TYPE_OCTETS) return "message";
  const isMessageType =
    (u16(message, at) & AVP_LENGTH) === MESSAGE_TYPE_OCTETS &&
    (u16(message, at) & AVP_HIDDEN) === 0 &&
    u16(message, at + 2) === 0 &&
    u16(message, at + 4) === 0;
  if (!isMessageType) return "message";
  const type = u16(message, at + AVP_HEADER);
  if (type === ACK && version === 3) return "ack";
  return type === HELLO && avpsFill(message, at, end) ? "hello" : "message";
}

function avpsFill(message: Uint8Array, at: number, end: number): boolean {
  while (at + AVP_HEADER <= end) {
    const length = u16(message, at) & AVP_LENGTH;
    if (length < AVP_HEADER) return false;
    at += length;
  }
  return at === end;
}

/** Writes Ns and Nr into a control message, in place. */
export const writeSequence: (message: Uint8Array, ns: number, nr: number) => void = patchSequence;

/**
 * A ZLB, or in v3 an ACK message where that is asked for (RFC 3931 §6.15). Ns and Nr are 0.
 *
 * @param peerConnectionId - the peer's tunnel ID (v2) or control connection ID (v3).
 */
export function acknowledgementMessage(
  version: L2tpVersion,
  peerConnectionId: number,
  explicit: boolean,
): Uint8Array {
  if (version === 2) return encodeZlb(2, { tunnelId: peerConnectionId, ns: 0, nr: 0 });
  const fields = { controlConnectionId: peerConnectionId, ns: 0, nr: 0 };
  return explicit ? encodeMessage({ type: "ACK", version: 3 }, fields) : encodeZlb(3, fields);
}

/** A Hello (RFC 2661 §6.5, RFC 3931 §6.5). Ns and Nr are 0. */
export function helloMessage(version: L2tpVersion, peerConnectionId: number): Uint8Array {
  return version === 2
    ? encodeMessage({ type: "HELLO", version: 2 }, { tunnelId: peerConnectionId, ns: 0, nr: 0 })
    : encodeMessage({ type: "HELLO", version: 3 }, { controlConnectionId: peerConnectionId, ns: 0, nr: 0 });
}
