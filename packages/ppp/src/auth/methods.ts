/** How the methods of authentication are named in LCP's option 3 (RFC 1661 §6.2). */
import { PROTOCOL } from "../numbers.ts";
import { concat, u16, u16At } from "../octets.ts";
import type { AuthMethod } from "../settings.ts";

/** Algorithms of CHAP (RFC 1994 §3, RFC 2433 §2, RFC 2759 §2). */
export const CHAP_ALGORITHM = { "chap-md5": 5, "mschap-v1": 0x80, "mschap-v2": 0x81 } as const;
/** A method that is an algorithm of CHAP. */
export type ChapMethod = keyof typeof CHAP_ALGORITHM;

/** Whether a method runs in CHAP packets. */
export const isChap = (method: AuthMethod): method is ChapMethod => method in CHAP_ALGORITHM;

/** Which PPP protocol a method runs in. */
export function protocolOf(method: AuthMethod): number {
  if (method === "pap") return PROTOCOL.pap;
  return isChap(method) ? PROTOCOL.chap : PROTOCOL.eap;
}

/** How people call that protocol. */
export const protocolName = (method: AuthMethod): string =>
  method === "pap" ? "PAP" : isChap(method) ? "CHAP" : "EAP";

/** The option's value that asks for a method. */
export function optionOf(method: AuthMethod): Uint8Array {
  const protocol = u16(protocolOf(method));
  return isChap(method) ? concat(protocol, Uint8Array.of(CHAP_ALGORITHM[method])) : protocol;
}

/** The methods that an option's value stands for: one, both of EAP, or none that we know. */
export function methodsOf(value: Uint8Array): readonly AuthMethod[] {
  if (value.length < 2) return [];
  switch (u16At(value, 0)) {
    case PROTOCOL.pap:
      return value.length === 2 ? ["pap"] : [];
    case PROTOCOL.eap:
      return value.length === 2 ? ["eap-mschap-v2", "eap-md5"] : [];
    case PROTOCOL.chap: {
      const names = Object.keys(CHAP_ALGORITHM) as ChapMethod[];
      return value.length === 3 ? names.filter((name) => CHAP_ALGORITHM[name] === value[2]) : [];
    }
    default:
      return [];
  }
}
