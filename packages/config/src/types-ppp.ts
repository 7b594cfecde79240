/** What PPP profiles become: data in the words of `@l2tp/ppp`, `@l2tp/node` and `@l2tp/dataplane`. */
import type { Origins, SecretSource } from "./types-common.ts";

/** Who we are for a peer that wants to know. */
export interface PppUserConfig {
  readonly name: string;
  readonly password?: SecretSource;
}

/** Ways of proof, as `AuthMethod` of `@l2tp/ppp`. */
export type AuthMethodWord = "pap" | "chap-md5" | "mschap-v1" | "mschap-v2" | "eap-md5" | "eap-mschap-v2";

/** `PppOptions` of `@l2tp/ppp` without `authenticateSelf`'s name and password, which are in `user`. */
export interface PppOptionsConfig {
  /** Absent: from the path, less the overhead. */
  readonly mru?: number;
  readonly mtu?: number;
  readonly accm: number;
  readonly pfc: boolean;
  readonly acfc: boolean;
  readonly sendCompressed: boolean;
  readonly magic: boolean;
  /** Absent: the peer need not say who it is. */
  readonly authenticatePeer?: {
    readonly methods: readonly AuthMethodWord[];
    readonly allowNone: boolean;
    readonly localName?: string;
    readonly timeLimitMs: number;
    readonly decisionLimitMs: number;
    readonly attempts: number;
    readonly rechallengeMs: number;
  };
  readonly echoIntervalMs: number;
  readonly echoFailures: number;
  readonly ipv4:
    | false
    | {
        readonly local?: string;
        readonly peer?: string;
        readonly acceptLocal: boolean;
        readonly acceptPeer: boolean;
        readonly unnumbered: boolean;
        readonly dns: readonly string[];
        readonly nbns: readonly string[];
        readonly requestDns: boolean;
        readonly requestNbns: boolean;
      };
  readonly ipv6: false | { readonly local?: string; readonly peer?: string; readonly acceptPeer: boolean };
  readonly mppe: {
    readonly policy: "off" | "allow" | "request" | "require";
    readonly bits: readonly (40 | 56 | 128)[];
    readonly mode: "stateless" | "stateful" | "either";
  };
  readonly identification: string;
  readonly proxy: "use" | "verify" | "renegotiate";
  readonly tcpMss: "auto" | "off" | number;
  readonly restartMs: number;
  readonly maxTerminate: number;
  readonly maxConfigure: number;
  readonly maxFailure: number;
  readonly phaseLimitMs: number;
  readonly maxLoops: number;
  readonly papInsteadOfChap: boolean;
}

/** Where the packets of a PPP session go: `PppAttachment` of `@l2tp/dataplane`. */
export type PppAttachmentConfig =
  | { readonly to: "interface" }
  | {
      readonly to: "shared";
      readonly name: string;
      readonly addresses: readonly string[];
      /** Of the document, and those of all pools. */
      readonly routes: readonly string[];
    }
  | { readonly to: "program" };

/** `[profile.ppp.NAME]`, with what it inherits: `PppProfileInit` of `@l2tp/node`, and what the host does for it. */
export interface PppProfileConfig {
  readonly name: string;
  readonly options: PppOptionsConfig;
  /** Ways of proof that we are willing to use ourselves, the preferred one first; absent: all but PAP. */
  readonly ownMethods?: readonly AuthMethodWord[];
  /** The profile's, or in the `ppp` of a session of ours the session's. */
  readonly user?: PppUserConfig;
  /** Absent: the daemon's choice by the data plane. */
  readonly attach?: PppAttachmentConfig;
  /** Absent: for `shared` only. */
  readonly checkSource?: boolean;
  readonly rateLimit?: { readonly toPeerBps?: number; readonly fromPeerBps?: number };
  readonly proxyArp: boolean | string;
  readonly routes: readonly string[];
  /** For who dials: point the default route at the session. */
  readonly defaultRoute: boolean;
  /** Pool of users that have none of their own. */
  readonly pool?: string;
  /** 0: none. */
  readonly sessionTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** What happens to a second session of a user that does not say it itself. */
  readonly exclusive: "replace" | "refuse" | "no";
  /** IPv6 beyond link-local addresses. */
  readonly ipv6: {
    /** Absent: `router` where the peer has to authenticate itself, else `host`. */
    readonly role?: "router" | "host" | "none";
    readonly prefix?: string;
    readonly delegatedPrefix?: string;
    readonly dns: readonly string[];
    readonly requestPrefix: boolean;
  };
  /** Switch on the host's forwarding; masquerade what comes from peers, behind this interface (`true`: behind any). */
  readonly forward: boolean;
  readonly masquerade: boolean | string;
  readonly origins: Origins;
}
