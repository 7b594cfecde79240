/** Message Digests in whole messages: RFC 3931 §4.3 and §5.4.1. */
import { AVP_FLAG, AVP_HEADER, TYPE } from "./constants.ts";
import { EncodeError } from "./errors.ts";
import { HeaderCursor } from "./header.ts";
import { copyOf, equalConstantTime, u16At } from "./octets.ts";
import {
  DIGEST_LENGTH,
  type DigestType,
  messageDigest,
  type Nonces,
  type Secret,
  SharedSecret,
} from "./secret.ts";

/** What {@link checkDigest} found. */
export interface DigestOutcome {
  /** Message Digest AVPs in the message. */
  readonly count: number;
  /** Why none of them is right; `undefined` when one is, or there is none. */
  readonly wrong?: string;
  /** Octets from the start of the datagram to the first of them, or to where it should be. */
  readonly offset: number;
}

/** One Message Digest AVP in a message. */
interface DigestPlace {
  /** Offset of the AVP. */
  readonly at: number;
  readonly type: number;
  /** Where the digest itself is. */
  readonly from: number;
  readonly to: number;
}

/** The most Message Digest AVPs that are looked at: one of each type, as RFC 3931 §5.4.1 has it. */
const MOST = 2;

/** Message type, nonce and digests, but for those of unknown type or wrong length, of the message whose AVPs are `octets[from..end)`. */
function survey(octets: Uint8Array, from: number, end: number) {
  const places: DigestPlace[] = [];
  let messageType = -1;
  let nonce: Uint8Array | undefined;
  let malformed = -1;
  for (let at = from; end - at >= AVP_HEADER; ) {
    const length = u16At(octets, at) & AVP_FLAG.length;
    if (length < AVP_HEADER || length > end - at) break;
    if (u16At(octets, at + 2) === 0) {
      const type = u16At(octets, at + 4);
      if (type === TYPE.messageType && at === from && length === 8) messageType = u16At(octets, at + 6);
      else if (type === TYPE.nonce) nonce ??= octets.subarray(at + AVP_HEADER, at + length);
      else if (type === TYPE.messageDigest) {
        const digestType = length > AVP_HEADER ? (octets[at + AVP_HEADER] as number) : -1;
        const place = { at, type: digestType, from: at + AVP_HEADER + 1, to: at + length };
        if (DIGEST_LENGTH[digestType] === place.to - place.from) places.push(place);
        else if (malformed < 0) malformed = at;
      }
    }
    at += length;
  }
  return { messageType, nonce, places, malformed };
}

/**
 * Checks the Message Digests of the message `octets[start..end)`, whose AVPs begin at `from`. One that is
 * right is enough (RFC 3931 §5.4.1). An SCCRQ has no nonces; an SCCRP brings its sender's own.
 */
export function checkDigest(
  octets: Uint8Array,
  start: number,
  from: number,
  end: number,
  secret: Secret,
  nonces: Nonces = {},
): DigestOutcome {
  const { messageType, nonce, places, malformed } = survey(octets, from, end);
  if (places.length === 0) {
    return malformed < 0
      ? { count: 0, offset: from }
      : { count: 1, offset: malformed, wrong: "a Message Digest of unknown type or wrong length" };
  }
  const key = SharedSecret.from(secret);
  const zeroed = copyOf(octets, start, end);
  for (const { from: a, to } of places) zeroed.fill(0, a - start, to - start);
  const own = messageType === 2 && nonce && !key.isEmpty ? { sender: nonce } : {};
  const used = messageType === 1 ? {} : { ...nonces, ...own };
  let right = false;
  for (const place of places.slice(0, MOST)) {
    const digest = messageDigest(place.type as DigestType, key, zeroed, used);
    right = equalConstantTime(digest, octets.subarray(place.from, place.to)) || right;
  }
  const offset = (places[0] as DigestPlace).at;
  return right
    ? { count: places.length, offset }
    : { count: places.length, offset, wrong: "no Message Digest is right" };
}

const cursor = new HeaderCursor();

/**
 * Computes the Message Digests of an encoded L2TPv3 control message in place: after Ns or Nr were changed, and
 * so on every retransmission (RFC 3931 §5.4.1). Without such an AVP nothing changes.
 *
 * @param datagram - as sent, over IP with its 4 zero octets.
 * @param nonces - of this message's sender and receiver; none in an SCCRQ.
 * @throws EncodeError when it is no L2TPv3 control message.
 */
export function signControl(
  datagram: Uint8Array,
  encapsulation: "udp" | "ip",
  secret: Secret,
  nonces: Nonces = {},
): void {
  if (
    !cursor.read(datagram, 0, datagram.length, encapsulation === "ip") ||
    !cursor.control ||
    cursor.version !== 3
  ) {
    throw new EncodeError("signControl: not an L2TPv3 control message");
  }
  const { messageStart, bodyStart, bodyEnd } = cursor;
  const { places, messageType } = survey(datagram, bodyStart, bodyEnd);
  const key = SharedSecret.from(secret);
  const used = messageType === 1 ? {} : nonces;
  for (const { from, to } of places) datagram.fill(0, from, to);
  const message = copyOf(datagram, messageStart, bodyEnd);
  for (const { type, from } of places)
    datagram.set(messageDigest(type as DigestType, key, message, used), from);
}
