/**
 * What a shared secret does: hides AVPs (RFC 2661 §4.3, RFC 3931 §5.3), answers challenges (RFC 2661 §5.1.1,
 * §4.4.3) and signs messages (RFC 3931 §4.3, §5.4.1). MD5 and SHA-1 because the RFCs say so.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { copyOf, equalConstantTime, textOctets, u16At } from "./octets.ts";

/** Octets of a Challenge Response. */
export const RESPONSE_LENGTH = 16;

/** Values of the Digest Type in a Message Digest AVP (RFC 3931 §5.4.1), and the octets of each digest. */
export const DIGEST_TYPE = { md5: 0, sha1: 1 } as const;
/** See {@link DIGEST_TYPE}. */
export type DigestType = 0 | 1;
/** Octets of a digest, by its type. */
export const DIGEST_LENGTH: readonly number[] = [16, 20];

/** A shared secret. It shows nothing of itself in logs, and derives the keys of L2TPv3 only once. */
export class SharedSecret {
  readonly #octets: Uint8Array;
  #hidingKey: Uint8Array | undefined;
  #digestKey: Uint8Array | undefined;

  /** @param secret - text (its UTF-8) or octets; copied. Empty: RFC 3931 §4.3's integrity check only. */
  constructor(secret: string | Uint8Array) {
    this.#octets = typeof secret === "string" ? textOctets(secret) : copyOf(secret);
  }

  /** Makes one of whatever the caller has. */
  static from(secret: string | Uint8Array | SharedSecret): SharedSecret {
    return secret instanceof SharedSecret ? secret : new SharedSecret(secret);
  }

  /** No octets at all: proves nothing about a peer. */
  get isEmpty(): boolean {
    return this.#octets.length === 0;
  }

  /** The key that hides AVPs: the secret itself in v2, HMAC-MD5(secret, 1) in v3 (RFC 3931 §5.3). */
  hidingKey(version: 2 | 3): Uint8Array {
    if (version === 2) return this.#octets;
    this.#hidingKey ??= hmac(md5, this.#octets, Uint8Array.of(1));
    return this.#hidingKey;
  }

  /** The key of Message Digests: HMAC-MD5(secret, 2) (RFC 3931 §4.3). */
  digestKey(): Uint8Array {
    this.#digestKey ??= hmac(md5, this.#octets, Uint8Array.of(2));
    return this.#digestKey;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

/** A secret in any of its forms. */
export type Secret = string | Uint8Array | SharedSecret;

/**
 * Hides `value` with its original length before it and `padding` behind it (RFC 2661 §4.3).
 * @param key - {@link SharedSecret.hidingKey}.
 * @param randomVector - value of the Random Vector AVP that precedes the hidden one.
 * @returns the value of the hidden AVP: 2 octets longer than value and padding.
 */
export function hideValue(
  type: number,
  key: Uint8Array,
  randomVector: Uint8Array,
  value: Uint8Array,
  padding: Uint8Array,
): Uint8Array {
  const hidden = new Uint8Array(2 + value.length + padding.length);
  hidden[0] = value.length >> 8;
  hidden[1] = value.length;
  hidden.set(value, 2);
  hidden.set(padding, 2 + value.length);
  mask(type, key, randomVector, hidden, hidden);
  return hidden;
}

/**
 * Takes the mask off the value of a hidden AVP: 2 octets of original length, the value, and padding. With
 * the wrong secret the length is as random as the rest.
 */
export function unmaskValue(
  type: number,
  key: Uint8Array,
  randomVector: Uint8Array,
  hidden: Uint8Array,
): Uint8Array {
  const open = new Uint8Array(hidden.length);
  mask(type, key, randomVector, hidden, open);
  return open;
}

/**
 * Opens the value of a hidden AVP.
 * @returns value and octets of padding, or `undefined` when the original length does not fit: wrong secret, or damage.
 */
export function revealValue(
  type: number,
  key: Uint8Array,
  randomVector: Uint8Array,
  hidden: Uint8Array,
): { readonly value: Uint8Array; readonly padding: number } | undefined {
  if (hidden.length < 2) return undefined;
  const open = unmaskValue(type, key, randomVector, hidden);
  const length = u16At(open, 0);
  // The length is what the sender, or a wrong key, made it: never trusted beyond what is there.
  if (length > open.length - 2) return undefined;
  return { value: open.subarray(2, 2 + length), padding: open.length - 2 - length };
}

/** b1 = MD5(type, key, RV), c1 = p1 ^ b1, bi = MD5(key, c(i-1)): the same loop in both directions. */
function mask(type: number, key: Uint8Array, vector: Uint8Array, from: Uint8Array, into: Uint8Array): void {
  const hiding = into === from;
  let pad = md5
    .create()
    .update(Uint8Array.of(type >> 8, type & 0xff))
    .update(key)
    .update(vector)
    .digest();
  for (let at = 0; at < from.length; at += 16) {
    const end = Math.min(at + 16, from.length);
    // In opening, the cipher text of this block is needed after it has been opened: `from` keeps it.
    for (let i = at; i < end; i++) into[i] = (from[i] as number) ^ (pad[i - at] as number);
    if (end === from.length) return;
    pad = md5
      .create()
      .update(key)
      .update((hiding ? into : from).subarray(at, end))
      .digest();
  }
}

/**
 * The Challenge Response of RFC 2661 §4.4.3: MD5(message type, secret, challenge).
 * @param messageType - of the message that carries the response: 2 in SCCRP, 3 in SCCCN.
 */
export function challengeResponse(messageType: 2 | 3, secret: Secret, challenge: Uint8Array): Uint8Array {
  return md5
    .create()
    .update(Uint8Array.of(messageType))
    .update(SharedSecret.from(secret).hidingKey(2))
    .update(challenge)
    .digest();
}

/** Whether `response` answers `challenge`, in constant time; one of another length never does. */
export function verifyChallengeResponse(
  messageType: 2 | 3,
  secret: Secret,
  challenge: Uint8Array,
  response: Uint8Array,
): boolean {
  return equalConstantTime(challengeResponse(messageType, secret, challenge), response);
}

/** The nonces of a control connection, from the view of the sender of the message in question. */
export interface Nonces {
  /** Value of the nonce AVP that the message's sender sent in its SCCRQ or SCCRP. */
  readonly sender?: Uint8Array;
  /** That of its receiver. */
  readonly receiver?: Uint8Array;
}

/**
 * A Message Digest (RFC 3931 §5.4.1): HMAC(digest key, sender's nonce, receiver's nonce, message).
 * @param message - from the first octet of the header (without the zeros of IP), all digests in it zeroed.
 * @param nonces - left out for an SCCRQ.
 */
export function messageDigest(
  type: DigestType,
  secret: Secret,
  message: Uint8Array,
  nonces: Nonces = {},
): Uint8Array {
  const mac = hmac.create(type === DIGEST_TYPE.sha1 ? sha1 : md5, SharedSecret.from(secret).digestKey());
  if (nonces.sender) mac.update(nonces.sender);
  if (nonces.receiver) mac.update(nonces.receiver);
  return mac.update(message).digest();
}
