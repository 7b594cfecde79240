/** Keys of MPPE from what MS-CHAP leaves behind (RFC 3079), and their change (RFC 3078 §7.3). */
import { md4, Rc4, sha1 } from "@l2tp/crypto";
import { lmPasswordHash, ntPasswordHash } from "./auth/mschap.ts";
import type { MppeStrength } from "./ccp.ts";
import { concat, textOctets } from "./octets.ts";

const PAD_1 = new Uint8Array(40);
const PAD_2 = new Uint8Array(40).fill(0xf2);
/** RFC 3079 §3.4. */
const MAGIC_1 = textOctets("This is the MPPE Master Key");
const MAGIC_2 = textOctets(
  "On the client side, this is the send key; on the server side, it is the receive key.",
);
const MAGIC_3 = textOctets(
  "On the client side, this is the receive key; on the server side, it is the send key.",
);

/** Start keys of both directions: sixteen octets for 128 bits, eight for 56 and 40. Shows nothing of itself. */
export class MppeStartKeys {
  readonly #keys: Record<"send" | "receive", { long: Uint8Array; short: Uint8Array }>;

  /**
   * @param send - for what we send; 16 octets.
   * @param receive - for what we receive.
   * @param short - for 56 and 40 bits, when that is not the beginning of the others (MS-CHAPv1).
   */
  constructor(send: Uint8Array, receive: Uint8Array, short?: Uint8Array) {
    this.#keys = {
      send: { long: send, short: short ?? send.subarray(0, 8) },
      receive: { long: receive, short: short ?? receive.subarray(0, 8) },
    };
  }

  /** The start key of a direction for a strength. */
  key(direction: "send" | "receive", bits: MppeStrength): Uint8Array {
    return this.#keys[direction][bits === 128 ? "long" : "short"];
  }

  toString(): string {
    return "[mppe keys]";
  }

  toJSON(): string {
    return "[mppe keys]";
  }
}

/** From MS-CHAPv1 (RFC 3079 §2): the same keys in both directions. @param challenge - the 8 octets challenged with. */
export function mschapV1StartKeys(password: Uint8Array, challenge: Uint8Array): MppeStartKeys {
  const hashHash = md4(ntPasswordHash(password));
  const long = sha1(concat(hashHash, hashHash, challenge)).subarray(0, 16);
  return new MppeStartKeys(long, long, lmPasswordHash(password).subarray(0, 8));
}

/** The master key of MS-CHAPv2 (RFC 3079 §3.4). @param hashHash - MD4 of the NT password hash. */
export function masterKey(hashHash: Uint8Array, ntResponse: Uint8Array): Uint8Array {
  return sha1(concat(hashHash, ntResponse, MAGIC_1)).subarray(0, 16);
}

/** From MS-CHAPv2 (RFC 3079 §3). @param role - `server` is the authenticator. */
export function mschapV2StartKeys(
  hashHash: Uint8Array,
  ntResponse: Uint8Array,
  role: "server" | "client",
): MppeStartKeys {
  const master = masterKey(hashHash, ntResponse);
  const key = (magic: Uint8Array) => sha1(concat(master, PAD_1, magic, PAD_2)).subarray(0, 16);
  const [toClient, toServer] = [key(MAGIC_3), key(MAGIC_2)];
  return role === "server" ? new MppeStartKeys(toClient, toServer) : new MppeStartKeys(toServer, toClient);
}

/** GetNewKeyFromSHA: the interim key (RFC 3078 §7.3), and RFC 3079's Get_Key. Both keys have the same length. */
export function newKeyFromSha(startKey: Uint8Array, sessionKey: Uint8Array): Uint8Array {
  return sha1(concat(startKey, PAD_1, sessionKey, PAD_2)).subarray(0, startKey.length);
}

/** Makes the strength of a key what it is called: the first octets are known for 40 and 56 bits. */
export function weaken(key: Uint8Array, bits: MppeStrength): Uint8Array {
  if (bits !== 128) key[0] = 0xd1;
  if (bits === 40) {
    key[1] = 0x26;
    key[2] = 0x9e;
  }
  return key;
}

/** The first session key (RFC 3079 §2, §3). */
export const firstSessionKey = (startKey: Uint8Array, bits: MppeStrength): Uint8Array =>
  weaken(newKeyFromSha(startKey, startKey).slice(), bits);

/** The session key after `sessionKey` (RFC 3078 §7.3). */
export function nextSessionKey(startKey: Uint8Array, sessionKey: Uint8Array, bits: MppeStrength): Uint8Array {
  const key = newKeyFromSha(startKey, sessionKey).slice();
  new Rc4(key).process(key.slice(), key);
  return weaken(key, bits);
}
