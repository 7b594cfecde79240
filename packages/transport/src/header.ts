/**
 * What the transport reads and writes of a control message: Ns and Nr, which stand at the same place in both
 * versions, and whether the message is an acknowledgement or a Hello. All else is the codec's.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |T|L|x|x|S|x|x|x|x|x|x|x|  Ver  |            Length             |
 *     |  Tunnel ID, Session ID (v2) or Control Connection ID (v3)     |
 *     |              Ns               |              Nr               |
 *
 * Over IP (protocol 115) the four zero octets before it are the data plane's business.
 */
import type { L2tpVersion } from "@l2tp/protocol";

/** Octets of the header of a control message. */
export const CONTROL_HEADER_OCTETS = 12;

const LENGTH_OFFSET = 2;
const CONNECTION_OFFSET = 4;
const NS_OFFSET = 8;
const NR_OFFSET = 10;

/** T, L and S set (RFC 2661 §3.1, RFC 3931 §3.2.1). */
const CONTROL_FLAGS = 0xc8;
const AVP_HEADER_OCTETS = 6;
const AVP_LENGTH_MASK = 0x03ff;
/** Message Type AVP: M set, 8 octets, vendor 0, type 0. */
const MESSAGE_TYPE_AVP_OCTETS = 8;
const MESSAGE_TYPE_HELLO = 6;
const MESSAGE_TYPE_ACK = 20;

/**
 * What a control message is to the transport. `ack`: a ZLB or an ACK message, which takes up no sequence number and
 * is never acknowledged. `hello`: what may re-base a quiescent channel. `message`: anything else.
 */
export type MessageKind = "message" | "hello" | "ack";

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number);

const putU16 = (octets: Uint8Array, at: number, value: number): void => {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
};

/** Whether these octets begin with the header of a control message of this version, and are all there. */
export function isControlMessage(message: Uint8Array, version: L2tpVersion): boolean {
  if (message.length < CONTROL_HEADER_OCTETS) return false;
  const length = u16(message, LENGTH_OFFSET);
  return (
    ((message[0] as number) & CONTROL_FLAGS) === CONTROL_FLAGS &&
    ((message[1] as number) & 0x0f) === version &&
    length >= CONTROL_HEADER_OCTETS &&
    length <= message.length
  );
}

/** @param message - one that {@link isControlMessage}. */
export const readNs = (message: Uint8Array): number => u16(message, NS_OFFSET);

/** @param message - one that {@link isControlMessage}. */
export const readNr = (message: Uint8Array): number => u16(message, NR_OFFSET);

/** Writes Ns and Nr into a control message, in place. */
export function writeSequence(message: Uint8Array, ns: number, nr: number): void {
  putU16(message, NS_OFFSET, ns);
  putU16(message, NR_OFFSET, nr);
}

/**
 * Tells acknowledgements and Hellos from other messages. A Hello counts as one only when its AVPs fill the message
 * exactly: it can re-base a channel.
 *
 * @param message - one that {@link isControlMessage}.
 */
export function messageKind(message: Uint8Array, version: L2tpVersion): MessageKind {
  const end = u16(message, LENGTH_OFFSET);
  if (end === CONTROL_HEADER_OCTETS) return "ack"; // ZLB: a header and nothing else
  const at = CONTROL_HEADER_OCTETS;
  if (end < at + MESSAGE_TYPE_AVP_OCTETS) return "message";
  const isMessageType =
    (u16(message, at) & AVP_LENGTH_MASK) === MESSAGE_TYPE_AVP_OCTETS &&
    u16(message, at + 2) === 0 &&
    u16(message, at + 4) === 0;
  if (!isMessageType) return "message";
  const type = u16(message, at + AVP_HEADER_OCTETS);
  if (type === MESSAGE_TYPE_ACK && version === 3) return "ack";
  return type === MESSAGE_TYPE_HELLO && avpsFill(message, end) ? "hello" : "message";
}

function avpsFill(message: Uint8Array, end: number): boolean {
  let at = CONTROL_HEADER_OCTETS;
  while (at + AVP_HEADER_OCTETS <= end) {
    const length = u16(message, at) & AVP_LENGTH_MASK;
    if (length < AVP_HEADER_OCTETS) return false;
    at += length;
  }
  return at === end;
}

/**
 * A message of a header and, when `type` is given, a Message Type AVP: ZLB, ACK, HELLO. Ns and Nr are 0.
 *
 * @param peerConnectionId - the peer's tunnel ID (v2) or control connection ID (v3).
 */
export function bareMessage(version: L2tpVersion, peerConnectionId: number, type?: number): Uint8Array {
  const octets = CONTROL_HEADER_OCTETS + (type === undefined ? 0 : MESSAGE_TYPE_AVP_OCTETS);
  const message = new Uint8Array(octets);
  message[0] = CONTROL_FLAGS;
  message[1] = version;
  putU16(message, LENGTH_OFFSET, octets);
  if (version === 2) {
    putU16(message, CONNECTION_OFFSET, peerConnectionId);
  } else {
    putU16(message, CONNECTION_OFFSET, peerConnectionId >>> 16);
    putU16(message, CONNECTION_OFFSET + 2, peerConnectionId);
  }
  if (type !== undefined) {
    putU16(message, CONTROL_HEADER_OCTETS, 0x8000 | MESSAGE_TYPE_AVP_OCTETS);
    putU16(message, CONTROL_HEADER_OCTETS + AVP_HEADER_OCTETS, type);
  }
  return message;
}

/** A ZLB, or in v3 an ACK message where that is asked for (RFC 3931 §6.15). */
export function acknowledgementMessage(
  version: L2tpVersion,
  peerConnectionId: number,
  explicit: boolean,
): Uint8Array {
  return bareMessage(version, peerConnectionId, explicit && version === 3 ? MESSAGE_TYPE_ACK : undefined);
}

/** A Hello (RFC 2661 §6.5, RFC 3931 §6.5). */
export function helloMessage(version: L2tpVersion, peerConnectionId: number): Uint8Array {
  return bareMessage(version, peerConnectionId, MESSAGE_TYPE_HELLO);
}
