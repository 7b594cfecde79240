/**
 * What a LAC negotiated before it passed the call on (RFC 2661 §4.4.5): whether it can be taken over, and what the
 * peer already proved.
 */
import { MAXIMUM_NAME } from "./auth/authenticator.ts";
import type { ChapMethod } from "./auth/methods.ts";
import { methodsOf } from "./auth/methods.ts";
import { CHALLENGE_LENGTH, RESPONSE_LENGTH } from "./auth/mschap.ts";
import type { Credentials } from "./auth/question.ts";
import { LCP_OPTIONS, type LcpLink } from "./lcp.ts";
import type { Negotiation } from "./negotiation.ts";
import { DEFAULT_MRU } from "./numbers.ts";
import { textOf, u16At, u32At } from "./octets.ts";
import { decodeOptions, optionValue } from "./packet.ts";
import { Password } from "./secret.ts";
import type { AuthMethod } from "./settings.ts";

/** Values of the AVPs of an ICCN, as they are; all may be missing. */
export interface ProxyInformation {
  /** Bodies of Configure-Requests, from the first option on: AVPs 26, 27 and 28. */
  readonly initialReceived?: Uint8Array | undefined;
  readonly lastSent?: Uint8Array | undefined;
  readonly lastReceived?: Uint8Array | undefined;
  readonly authentication?: ProxyAuthentication | undefined;
}

/** AVPs 29 to 33. */
export interface ProxyAuthentication {
  /** 1 text, 2 CHAP, 3 PAP, 4 none, 5 MS-CHAPv1. */
  readonly type: number;
  readonly name?: Uint8Array | undefined;
  readonly challenge?: Uint8Array | undefined;
  /** CHAP's identifier, or PAP's. */
  readonly identifier?: number | undefined;
  readonly response?: Uint8Array | undefined;
}

/** Why what the LAC negotiated is not taken over; `undefined`: it is. */
export function objection(
  link: LcpLink,
  lcp: Negotiation<LcpLink>,
  proxy: ProxyInformation,
): string | undefined {
  const { lastSent, lastReceived, initialReceived } = proxy;
  const { settings } = link;
  if (lastSent === undefined || lastReceived === undefined) return "the LAC did not send both last CONFREQs";
  const [sent, received] = [decodeOptions(lastSent), decodeOptions(lastReceived)];
  if (sent === undefined || received === undefined) return "a CONFREQ is malformed";
  if (initialReceived !== undefined && decodeOptions(initialReceived) === undefined)
    return "a CONFREQ is malformed";
  for (const { type, value } of sent) {
    const row = LCP_OPTIONS.find((other) => other.type === type);
    if (row?.judge === undefined) return `the LAC agreed to option ${type}`;
    if (value.length < row.length[0] || value.length > row.length[1]) return `option ${type} is malformed`;
  }
  const mru = optionValue(lastSent, 1);
  if ((mru === undefined ? DEFAULT_MRU : u16At(mru, 0)) > Math.max(settings.mru, DEFAULT_MRU))
    return "the MRU is too large for us";
  const proof = optionValue(lastSent, 3);
  const demanded = settings.authenticatePeer;
  const usable =
    proof === undefined ? [] : methodsOf(proof).filter((method) => demanded?.methods.includes(method));
  if (demanded !== undefined && usable.length === 0 && !(proof === undefined && demanded.allowNone)) {
    return "the peer was not asked for a proof that we take";
  }
  // From here on we are the LAC's side of LCP: its number is ours.
  const magic = optionValue(lastSent, 5);
  link.magic = magic === undefined ? 0 : u32At(magic, 0);
  link.demand = usable[0];
  return lcp.accepts(received) ? undefined : "the peer was granted what we do not grant";
}

/** What the peer proved to the LAC, as a question; `undefined` when there is nothing of the method that was agreed. */
export function proxiedCredentials(
  method: AuthMethod,
  { type, name, challenge, identifier = 0, response }: ProxyAuthentication,
  trusted: boolean,
): Credentials | undefined {
  if (name === undefined || name.length === 0 || name.length > MAXIMUM_NAME) return undefined;
  if (response === undefined || response.length === 0) return undefined;
  const proof = { name: textOf(name), nameOctets: name.slice(), proxied: true, trusted, again: false };
  if (method === "pap") {
    return type === 3 ? { ...proof, method, password: new Password(response) } : undefined;
  }
  if (method === "eap-md5" || method === "eap-mschap-v2" || challenge === undefined) return undefined;
  // MS-CHAPv2 has no number of its own: LACs send it as CHAP.
  const types: Record<ChapMethod, readonly number[]> = {
    "chap-md5": [2],
    "mschap-v1": [5, 2],
    "mschap-v2": [2],
  };
  if (!types[method].includes(type)) return undefined;
  if (response.length !== (method === "chap-md5" ? 16 : RESPONSE_LENGTH)) return undefined;
  if (method !== "chap-md5" && challenge.length !== CHALLENGE_LENGTH[method]) return undefined;
  return { ...proof, method, identifier, challenge: challenge.slice(), response: response.slice() };
}

/** AVP 29, Proxy Authen Type (RFC 2661 §4.4.5): what has no value of its own there is asked for again. */
const PROXY_TYPES: Readonly<Record<Credentials["method"], number | undefined>> = {
  none: 4,
  pap: 3,
  "chap-md5": 2,
  "mschap-v1": 5,
  // As other LACs send it.
  "mschap-v2": 2,
  "eap-md5": undefined,
  "eap-mschap-v2": undefined,
};

/**
 * What the peer proved to us, for an LNS to look at: the way back from {@link proxiedCredentials}.
 * @param identifier - of the packet with the proof, or of the challenge.
 * @returns undefined where there is no way to tell it.
 */
export function passedOn(
  proof: Credentials | undefined,
  identifier: number,
): ProxyAuthentication | undefined {
  const type = PROXY_TYPES[proof?.method ?? "none"];
  if (type === undefined) return undefined;
  if (proof === undefined || proof.method === "none") return { type };
  const { nameOctets: name } = proof;
  if (proof.method === "pap") return { type, name, identifier, response: proof.password.reveal() };
  const { challenge, response } = proof;
  return { type, name, challenge, identifier: proof.identifier, response };
}
