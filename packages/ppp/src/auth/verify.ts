/** Answers a question from a secret that is at hand, in a time that does not tell how wrong the peer was. */
import { equalConstantTime, md4, md5 } from "@l2tp/crypto";
import { mschapV1StartKeys, mschapV2StartKeys } from "../mppe-keys.ts";
import { concat } from "../octets.ts";
import { Password } from "../secret.ts";
import {
  authenticatorResponse,
  challengeResponse,
  lmPasswordHash,
  NT_RESPONSE_LENGTH,
  ntPasswordHash,
  ntResponse,
  RESPONSE_LENGTH,
} from "./mschap.ts";
import type { Credentials, Decision, MschapV1Proof, MschapV2Proof } from "./question.ts";

const REFUSED: Decision = { accept: false, error: 691, message: "Authentication failed" };

/** The response of CHAP with MD5 (RFC 1994 §4.1). */
export const md5Response = (identifier: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array =>
  md5(concat(Uint8Array.of(identifier), secret, challenge));

/**
 * Whether `credentials` prove that the peer knows `secret`; with MS-CHAP, also what to answer and MPPE's keys.
 * @param secret - the user's password, or `undefined` for a user that does not exist: that takes the same time.
 */
export function answerFromSecret(
  credentials: Credentials,
  secret: string | Uint8Array | Password | undefined,
): Decision {
  const password = secret === undefined ? undefined : Password.from(secret);
  const known = password !== undefined && !password.isEmpty && credentials.nameOctets.length > 0;
  // Believed without a check: what is known of the user does not matter, but that it exists does.
  if (credentials.method === "none") return REFUSED;
  if (credentials.trusted) return known ? { accept: true } : REFUSED;
  // A user that does not exist has a password that nobody can type.
  const octets = known ? (password as Password).reveal() : Uint8Array.of(0xff);
  switch (credentials.method) {
    case "pap": {
      // Hashed first, so that the time does not tell the length of what is compared.
      const right = equalConstantTime(md5(credentials.password.reveal()), md5(octets));
      return right && known && !credentials.password.isEmpty ? { accept: true } : REFUSED;
    }
    case "chap-md5":
    case "eap-md5": {
      const expected = md5Response(credentials.identifier, octets, credentials.challenge);
      return equalConstantTime(expected, credentials.response) && known ? { accept: true } : REFUSED;
    }
    case "mschap-v1":
      return mschapV1(credentials, octets, known);
    default:
      return mschapV2(credentials, octets, known);
  }
}

function mschapV1({ challenge, response }: MschapV1Proof, password: Uint8Array, known: boolean): Decision {
  if (response.length !== RESPONSE_LENGTH || challenge.length !== 8) return REFUSED;
  const useNt = response[48] === 1;
  const at = useNt ? NT_RESPONSE_LENGTH : 0;
  const hash = useNt ? ntPasswordHash(password) : lmPasswordHash(password);
  const right = equalConstantTime(
    challengeResponse(challenge, hash),
    response.subarray(at, at + NT_RESPONSE_LENGTH),
  );
  if (!right || !known) return REFUSED;
  return { accept: true, mppeKeys: mschapV1StartKeys(password, challenge) };
}

function mschapV2(
  { challenge, response, nameOctets }: MschapV2Proof,
  password: Uint8Array,
  known: boolean,
): Decision {
  if (response.length !== RESPONSE_LENGTH || challenge.length !== 16) return REFUSED;
  const peerChallenge = response.subarray(0, 16);
  const given = response.subarray(24, 48);
  const hash = ntPasswordHash(password);
  const right = equalConstantTime(ntResponse(challenge, peerChallenge, nameOctets, hash), given);
  if (!right || !known) return REFUSED;
  return {
    accept: true,
    authenticatorResponse: authenticatorResponse(challenge, peerChallenge, nameOctets, hash, given),
    mppeKeys: mschapV2StartKeys(md4(hash), given, "server"),
  };
}
