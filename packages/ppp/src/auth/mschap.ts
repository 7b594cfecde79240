/** The arithmetic of MS-CHAP: version 1 (RFC 2433 appendix A) and version 2 (RFC 2759 §8). Pure functions. */
import { desEncrypt, md4, sha1 } from "@l2tp/crypto";
import { concat, textOctets, textOf, toHex } from "../octets.ts";

/** Octets of a challenge: version 1's, and both of version 2. */
export const CHALLENGE_LENGTH = { "mschap-v1": 8, "mschap-v2": 16 } as const;
/** Octets of a response's value in either version (RFC 2433 §5, RFC 2759 §4). */
export const RESPONSE_LENGTH = 49;
/** Octets of an NT or LM response. */
export const NT_RESPONSE_LENGTH = 24;

/** "KGS!@#$%", what the LM hash encrypts (RFC 2433 §A.2). */
const LM_TEXT = textOctets("KGS!@#$%");
/** RFC 2759 §8.7. */
const MAGIC_1 = textOctets("Magic server to client signing constant");
const MAGIC_2 = textOctets("Pad to make it do more than one iteration");

/** MD4 of the password in UTF-16, low octet first (RFC 2433 §A.9, RFC 2759 §8.3). @param password - UTF-8. */
export function ntPasswordHash(password: Uint8Array): Uint8Array {
  const text = textOf(password);
  const utf16 = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) {
    utf16[2 * i] = text.charCodeAt(i);
    utf16[2 * i + 1] = text.charCodeAt(i) >> 8;
  }
  return md4(utf16);
}

/** The LAN Manager hash (RFC 2433 §A.2): fourteen octets in capitals, as two DES keys. Letters beyond ASCII stay. */
export function lmPasswordHash(password: Uint8Array): Uint8Array {
  const fourteen = new Uint8Array(14);
  const text = textOf(password);
  for (let i = 0; i < Math.min(14, text.length); i++) {
    const code = text.charCodeAt(i);
    fourteen[i] = code >= 0x61 && code <= 0x7a ? code - 32 : code;
  }
  return concat(desEncrypt(fourteen.subarray(0, 7), LM_TEXT), desEncrypt(fourteen.subarray(7), LM_TEXT));
}

/** The challenge encrypted with three keys from a hash (RFC 2433 §A.5, RFC 2759 §8.5). @param challenge - 8 octets. */
export function challengeResponse(challenge: Uint8Array, hash: Uint8Array): Uint8Array {
  const keys = concat(hash.subarray(0, 16), new Uint8Array(5));
  return concat(...[0, 7, 14].map((at) => desEncrypt(keys.subarray(at, at + 7), challenge)));
}

/** A user's name without the domain before the last backslash: what version 2 hashes (RFC 2759 §4). */
export function withoutDomain(name: Uint8Array): Uint8Array {
  return name.subarray(name.lastIndexOf(0x5c) + 1);
}

/** The eight octets that version 2 encrypts (RFC 2759 §8.2). @param name - as the peer sent it. */
export function challengeHash(
  peerChallenge: Uint8Array,
  challenge: Uint8Array,
  name: Uint8Array,
): Uint8Array {
  return sha1(concat(peerChallenge, challenge, withoutDomain(name))).subarray(0, 8);
}

/** The NT response of version 2 (RFC 2759 §8.1). @param hash - {@link ntPasswordHash}. */
export function ntResponse(
  challenge: Uint8Array,
  peerChallenge: Uint8Array,
  name: Uint8Array,
  hash: Uint8Array,
): Uint8Array {
  return challengeResponse(challengeHash(peerChallenge, challenge, name), hash);
}

/** What the authenticator proves itself with (RFC 2759 §8.7): `S=` and forty hexadecimal digits. */
export function authenticatorResponse(
  challenge: Uint8Array,
  peerChallenge: Uint8Array,
  name: Uint8Array,
  hash: Uint8Array,
  response: Uint8Array,
): string {
  const digest = sha1(concat(md4(hash), response, MAGIC_1));
  return `S=${toHex(sha1(concat(digest, challengeHash(peerChallenge, challenge, name), MAGIC_2)), true)}`;
}

/** What a Failure's message says (RFC 2433 §7, RFC 2759 §6). */
export interface FailureMessage {
  /** E: 691 is a wrong name or password, 648 an expired one; 0 when not said. */
  readonly error: number;
  /** R: another try is welcome. */
  readonly retry: boolean;
  /** M, or the whole text when it has another form. */
  readonly text: string;
}

/** Reads a Failure's message; never fails. */
export function parseFailure(message: string): FailureMessage {
  const error = /(?:^|\s)E=(\d{1,10})/.exec(message);
  return {
    error: Number(error?.[1] ?? 0),
    retry: /\sR=1/.test(message),
    text: /\sM=(.*)$/s.exec(message)?.[1] ?? (error === null ? message : ""),
  };
}

/** Writes a Failure's message. @param challenge - for the next try. */
export function formatFailure(error: number, retry: boolean, challenge: Uint8Array, text: string): string {
  const message = text === "" ? "" : ` M=${text}`;
  return `E=${error} R=${retry ? 1 : 0} C=${toHex(challenge, true)} V=3${message}`;
}
