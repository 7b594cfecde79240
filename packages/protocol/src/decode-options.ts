/** What decoding needs to know beside the octets. */
import type { Nonces, Secret } from "./secret.ts";
import type { Encapsulation, L2SpecificSublayer } from "./types.ts";

/** How the data messages of an L2TPv3 session look: what the wire does not say. */
export interface SessionLayout {
  /** The cookie that must be there (compared in constant time), or how many octets of it to take as they are. */
  readonly cookie: Uint8Array | 0 | 4 | 8;
  readonly sublayer: L2SpecificSublayer;
}

/** Leniencies for peers that break the RFC in known ways; each is off unless asked for. */
export interface Quirks {
  /** Unknown AVPs with the M bit do no harm (per peer, RFC 2661 §4.1 forbids it). */
  readonly tolerateUnknownMandatory?: boolean;
  /** Receive Window Size 0 is taken and means the default of 4 (Huawei). */
  readonly zeroReceiveWindow?: boolean;
  /** An Assigned Cookie without octets is taken and means no cookie (RFC 3931 §5.4.4's last sentence on it). */
  readonly emptyCookie?: boolean;
  /** Required AVPs may be missing (Yamaha's SCCRP, Cisco's ICRQ): the members of the message are then `undefined`. */
  readonly tolerateMissing?: boolean;
}

/** What decoding needs to know beside the octets. */
export interface DecodeOptions {
  /** `udp`: a UDP payload; `ip`: the payload of IP protocol 115. */
  readonly encapsulation: Encapsulation;
  /** Opens hidden AVPs; in L2TPv3 checks Message Digests. A {@link SharedSecret} derives its keys only once. */
  readonly secret?: Secret;
  /**
   * L2TPv3: whether a right Message Digest is required (RFC 3931 §4.3). Default: when there is a secret that
   * is not empty. With `false` the secret opens hidden AVPs only.
   */
  readonly authentication?: boolean;
  /** L2TPv3: the nonces of the connection; an SCCRQ needs none, and an SCCRP brings its sender's. */
  readonly nonces?: Nonces;
  /** L2TPv3 data: the layout of a session, or `undefined` for one that is not there. */
  readonly session?: (sessionId: number) => SessionLayout | undefined;
  /** L2TPv3 data, where `session` is not given: the cookie's octets; default 0. */
  readonly cookieSize?: 0 | 4 | 8;
  /** L2TPv3 data, where `session` is not given: the sublayer; default none. */
  readonly sublayer?: L2SpecificSublayer;
  readonly quirks?: Quirks;
  /** The most AVPs in one message, repeatable ones not counted; default 128. */
  readonly maximumAvps?: number;
}
