/**
 * What decoding returns for octets that are no good: a plain record, with no stack trace to collect,
 * because a bad datagram is an everyday event and an attacker's cheapest weapon.
 */
import type { ControlHeader } from "./datagram.ts";

/** Why a datagram was not taken. Part of the API; `text` is for people. */
export type RejectionReason =
  /** The datagram ends inside its header. */
  | "truncated"
  /** Neither version 2 nor version 3, or not the one this encapsulation carries. */
  | "unsupported-version"
  /** A combination of header bits that the RFC forbids. */
  | "bad-flags"
  /** The header's Length is smaller than the header or larger than the datagram. */
  | "bad-length"
  /** Offset Size points behind the end. */
  | "bad-offset"
  /** Tunnel or Session ID 0 on a data message. */
  | "bad-id"
  /** A data message for a session that {@link DecodeOptions.session} does not know. */
  | "unknown-session"
  /** The cookie is not the one assigned, or the datagram ends inside it. */
  | "bad-cookie"
  /** The first AVP is not a readable Message Type. */
  | "no-message-type"
  /** A Message Type nobody defined. */
  | "unknown-message-type"
  /** An AVP Length below 6, or past the end of the message; or octets too few for an AVP header. */
  | "bad-avp-length"
  /** The value of a known AVP has a length that the RFC does not allow. */
  | "bad-value-length"
  /** The value of a known AVP is out of range. */
  | "bad-value"
  /** An AVP nobody knows, with the M bit set. */
  | "unknown-mandatory-avp"
  /** A second AVP of a kind that may occur once. */
  | "duplicate-avp"
  /** More AVPs than {@link DecodeOptions.maximumAvps}. */
  | "too-many-avps"
  /** An AVP that the message requires is not there. */
  | "missing-avp"
  /** A hidden AVP, and no secret to open it with. */
  | "hidden-without-secret"
  /** A hidden AVP with no Random Vector before it. */
  | "hidden-without-random-vector"
  /** A hidden AVP that the secret does not open, or one that must not be hidden. */
  | "bad-hidden-avp"
  /** L2TPv3 with a secret: the Message Digest is not there. */
  | "missing-digest"
  /** L2TPv3 with a secret: no Message Digest is right. */
  | "bad-digest";

/** A disconnecting message that the RFC wants sent as the answer. */
export interface Disconnect {
  readonly send: "StopCCN" | "CDN";
  /** Result Code of that message. */
  readonly result: number;
  /** General Error Code, with result 2; with StopCCN result 5 the highest version supported. */
  readonly error?: number;
  /** For the Error Message field; names the attribute where one is to blame. */
  readonly text: string;
}

/**
 * What the RFC wants done about it.
 * `ignore`: drop the datagram; nothing changes, not even Nr.
 * `acknowledge`: the header counts (the message is acknowledged), its content is ignored
 * (an unknown Message Type without M bit, RFC 2661 §4.4.1).
 */
export type Answer = "ignore" | "acknowledge" | Disconnect;

/** Why a datagram was not taken, and what the RFC wants done about it. */
export interface Rejection {
  readonly reason: RejectionReason;
  /** Octets from the start of the datagram to what is wrong. */
  readonly offset: number;
  /** For people: what is wrong, in one line without control characters. */
  readonly text: string;
  /** The AVP to blame. */
  readonly avp?: { readonly vendor: number; readonly type: number };
  readonly answer: Answer;
  /** The header, when it was sound: reliable delivery needs its Ns and Nr, and the answer its IDs. */
  readonly header?: ControlHeader;
  /** The value of the Message Type AVP, when there was one. */
  readonly messageType?: number;
  /**
   * The AVPs that were in order, by their names: an answer to an SCCRQ or ICRQ needs the peer's ID of it.
   * Not a message; nothing may be acted on but the answer.
   */
  readonly partial?: Readonly<Record<string, unknown>>;
}

/** The outcome of decoding: a value or a {@link Rejection}. Never thrown. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly rejection: Rejection };

/** Wraps a rejection. */
export const reject = (rejection: Rejection): { readonly ok: false; readonly rejection: Rejection } => ({
  ok: false,
  rejection,
});
