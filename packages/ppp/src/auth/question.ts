/** What a link asks whoever knows the users, and what comes back: plain records, at any time within the limit. */
import type { MppeStartKeys } from "../mppe-keys.ts";
import type { Password } from "../secret.ts";
import type { Ipv4Settings, Ipv6Settings, MppeSettings } from "../settings.ts";

/** What all proofs have. `name` is the peer's word, and at least one octet. */
interface Proof {
  /** The name as text, for looking up; U+FFFD where it was no UTF-8. */
  readonly name: string;
  /** The name as octets, for computing. */
  readonly nameOctets: Uint8Array;
  /** From the LAC's proxy AVPs, not from the peer itself. */
  readonly proxied: boolean;
  /** The peer was authenticated by the LAC, which the settings believe (`proxy: "use"`): nothing is left to check. */
  readonly trusted: boolean;
  /** The peer is known already and was asked again. */
  readonly again: boolean;
}

/** The peer did not prove anything, and does not have to. */
export interface NoProof extends Proof {
  readonly method: "none";
}
/** Name and password of a PAP Authenticate-Request (RFC 1334 §2.2.1). */
export interface PapProof extends Proof {
  readonly method: "pap";
  readonly password: Password;
}
/** CHAP with MD5: MD5 of identifier, secret and challenge (RFC 1994 §4.1). */
export interface Md5Proof extends Proof {
  readonly method: "chap-md5" | "eap-md5";
  readonly identifier: number;
  readonly challenge: Uint8Array;
  readonly response: Uint8Array;
}
/** The peer's answer to an MS-CHAPv1 challenge (RFC 2433 §4). */
export interface MschapV1Proof extends Proof {
  readonly method: "mschap-v1";
  readonly identifier: number;
  readonly challenge: Uint8Array;
  /** The whole value, 49 octets: LM response, NT response, flags. */
  readonly response: Uint8Array;
}
/** The peer's answer to an MS-CHAPv2 challenge (RFC 2759 §4). */
export interface MschapV2Proof extends Proof {
  readonly method: "mschap-v2" | "eap-mschap-v2";
  readonly identifier: number;
  /** The authenticator's challenge, 16 octets. */
  readonly challenge: Uint8Array;
  /** The whole value, 49 octets: peer challenge, reserved, NT response, flags. */
  readonly response: Uint8Array;
}
/** How a peer says who it is. */
export type Credentials = NoProof | PapProof | Md5Proof | MschapV1Proof | MschapV2Proof;

/** What an accepted peer gets, in place of what the settings say. */
export interface Grants {
  readonly ipv4?: { readonly [K in keyof Ipv4Settings]?: Ipv4Settings[K] | undefined } | false | undefined;
  readonly ipv6?: { readonly [K in keyof Ipv6Settings]?: Ipv6Settings[K] | undefined } | false | undefined;
  readonly mppe?: Partial<MppeSettings> | undefined;
}

/** The peer is who it says. */
export interface Accepted {
  readonly accept: true;
  /** A text for the peer. */
  readonly message?: string | undefined;
  /** MS-CHAPv2: what we prove ourselves with, `S=…`; without it the peer hangs up. */
  readonly authenticatorResponse?: string | undefined;
  /** MS-CHAP: keys for MPPE; without them MPPE is refused. */
  readonly mppeKeys?: MppeStartKeys | undefined;
  readonly grants?: Grants | undefined;
}

/** The peer is not, or may not. */
export interface Refused {
  readonly accept: false;
  readonly message?: string | undefined;
  /** MS-CHAP's error: 691 (default) wrong, 646 not now, 647 disabled, 648 expired, 649 not allowed. */
  readonly error?: number | undefined;
  /** Whether another try makes sense; by default when the error is 691 and the proof came from the peer itself. */
  readonly retry?: boolean | undefined;
}

/** The answer to a question. */
export type Decision = Accepted | Refused;
