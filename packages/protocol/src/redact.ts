/**
 * Control messages without their secrets, for logs and captures: what proves or carries a secret becomes zeros, and every
 * length stays. Hidden AVPs (RFC 2661 §4.3) stay as they are: they are covered already.
 */
import { AVPS, type AvpName } from "./avps.ts";
import { AVP_FLAG, AVP_HEADER, CONTROL_HEADER, FLAG } from "./constants.ts";
import { HeaderCursor } from "./header.ts";
import { u16At } from "./octets.ts";

/**
 * Passwords in clear (Proxy Authen Response with PAP), what lets passwords and secrets be guessed without asking anybody
 * (responses, digests), and what lets data be forged (cookies).
 */
const SECRET = [
  "challengeResponse",
  "proxyAuthenChallenge",
  "proxyAuthenResponse",
  "messageDigest",
  "assignedCookie",
] as const satisfies readonly AvpName[];

const SECRET_TYPES: ReadonlySet<number> = new Set(
  SECRET.map((name) => (AVPS[name].vendor << 16) | AVPS[name].type),
);

const cursor = new HeaderCursor();

/**
 * A copy with the secrets zeroed. Where lengths do not hold together, all from there on is zeroed, as it
 * may be one; a datagram that is no control message comes back as it is.
 *
 * @param datagram - a control message from its first flag octet.
 */
export function redactSecrets(datagram: Uint8Array): Uint8Array {
  const copy = datagram.slice();
  if (copy.length === 0 || ((copy[0] as number) & (FLAG.T >> 8)) === 0) return copy;
  const sound = cursor.read(copy, 0, copy.length, false);
  const bodyEnd = sound ? cursor.bodyEnd : 0;
  let at = sound ? cursor.bodyStart : CONTROL_HEADER;
  while (bodyEnd - at >= AVP_HEADER) {
    const word = u16At(copy, at);
    const length = word & AVP_FLAG.length;
    if (length < AVP_HEADER || length > bodyEnd - at) break;
    const known = SECRET_TYPES.has((u16At(copy, at + 2) << 16) | u16At(copy, at + 4));
    if (known && (word & AVP_FLAG.hidden) === 0) copy.fill(0, at + AVP_HEADER, at + length);
    at += length;
  }
  return copy.fill(0, at);
}
