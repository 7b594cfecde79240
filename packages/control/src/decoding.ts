/** How a datagram is read before anybody knows whose it is, and what is wrong with those that are dropped. */
import { type Datagram, decodeDatagram, HEADER_FAULT, HeaderCursor, type Secret } from "@l2tp/protocol";
import { addressText, type PeerAddress } from "./names.ts";
import type { Discard } from "./statistics.ts";

/** Octets of the header of a control message. */
const HEADER_OCTETS = 12;
/** Of an AVP: its header, and of the first 16 bits the H bit and the Length (RFC 2661 §4.1). */
const AVP_HEADER_OCTETS = 6;
const AVP_HIDDEN = 0x4000;
const AVP_LENGTH = 0x03ff;

/** For people. */
export const DISCARD_TEXT: Partial<Record<Discard, string>> = {
  short: "shorter than its header",
  unknownVersion: "not L2TPv2",
  badHeader: "header bits or Length that no message has",
  unexpectedData: "a data message for no session",
  unknownTunnel: "no such tunnel",
  wrongAddress: "its tunnel's peer has another address",
  notSccrq: "Tunnel ID 0, and not the SCCRQ that begins a tunnel",
  rateLimited: "SCCRQs come faster than is allowed",
  malformed: "malformed, and no way to answer it",
};

/** The cause of a discard, of a header that is not sound. */
export function faultOf(fault: number): Discard {
  if (fault === HEADER_FAULT.version) return "unknownVersion";
  return fault === HEADER_FAULT.truncated ? "short" : "badHeader";
}

/**
 * What tells one SCCRQ from another: who sent it, the ID it assigns, and all of its AVPs. Two callers behind one address,
 * with equal ports and even equal IDs, still differ in name or challenge; one that was sent again is the same in all.
 */
export function sccrqKey(from: PeerAddress, peerTunnelId: number, datagram: Uint8Array, end: number): string {
  let hash = 0x811c9dc5;
  for (let at = HEADER_OCTETS; at < end; at++) hash = Math.imul(hash ^ (datagram[at] as number), 0x01000193);
  return `${addressText(from)}/${peerTunnelId}/${(hash >>> 0).toString(36)}`;
}

/** What was decoded, and the secret that has opened what was hidden in it. */
export interface Decoded {
  readonly parsed: ReturnType<typeof decodeDatagram>;
  readonly hiddenWith?: Secret;
  /** Not all secrets were tried. */
  readonly givenUp?: true;
}

/**
 * Decodes with each secret, until one opens what is hidden: during a change there are two, and of callers there may be any number.
 *
 * @param another - whether one more may be tried; default always.
 */
export function decodeWith(
  datagram: Uint8Array,
  secrets: readonly Secret[],
  quirks: NonNullable<Parameters<typeof decodeDatagram>[1]["quirks"]>,
  another: () => boolean = () => true,
): Decoded {
  const options = { encapsulation: "udp", quirks } as const;
  const first = secrets[0];
  if (first === undefined) return { parsed: decodeDatagram(datagram, options) };
  const parsed = decodeDatagram(datagram, { ...options, secret: first });
  if (parsed.ok) return isHidden(parsed.value) ? { parsed, hiddenWith: first } : { parsed };
  if (secrets.length === 1 || !hidesSomething(datagram)) return { parsed };
  for (let at = 1; at < secrets.length; at++) {
    if (!another()) return { parsed, givenUp: true };
    const secret = secrets[at] as Secret;
    const next = decodeDatagram(datagram, { ...options, secret });
    if (next.ok) return { parsed: next, hiddenWith: secret };
  }
  return { parsed };
}

const isHidden = (datagram: Datagram): boolean =>
  datagram.kind === "control" && datagram.avps.some(({ hidden }) => hidden);

/** Whether an AVP of a control message has the H bit, as far as its AVPs can be told apart. */
function hidesSomething(datagram: Uint8Array): boolean {
  const { bodyStart, bodyEnd } = headerOf(datagram);
  for (let at = bodyStart; bodyEnd - at >= AVP_HEADER_OCTETS; ) {
    const word = ((datagram[at] as number) << 8) | (datagram[at + 1] as number);
    if ((word & AVP_HIDDEN) !== 0) return true;
    at += Math.max(word & AVP_LENGTH, AVP_HEADER_OCTETS);
  }
  return false;
}

/** Secrets to try, the one that the peer is known to have before the other. */
export const knownFirst = (secrets: readonly Secret[], known: number): readonly Secret[] =>
  known <= 0 ? secrets : [secrets[known] as Secret, ...secrets.filter((_, n) => n !== known)];

/** Read anew by each call. */
const headers = new HeaderCursor();

/** The header of a control message; good until the next call. */
export function headerOf(octets: Uint8Array): HeaderCursor {
  headers.read(octets);
  return headers;
}

/** Message Type of a decoded message: the first AVP's value. */
export const typeOf = (octets: Uint8Array): number =>
  ((octets[HEADER_OCTETS + 6] as number) << 8) | (octets[HEADER_OCTETS + 7] as number);
