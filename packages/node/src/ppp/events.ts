/** What a PPP session tells whoever runs its call, and what it shows of itself. */
import type { AuthMethod, DownCode, Lease, Phase, PppCounters, ProxyInformation } from "@l2tp/ppp";
import type { Instant, IpAddress } from "@l2tp/protocol";

/** Addresses of a session, as far as they are there. */
export interface PppAddresses {
  /** `undefined`: IPV4 is not up; ends without an address are unnumbered. */
  readonly ipv4:
    | {
        readonly local: IpAddress | undefined;
        readonly peer: IpAddress | undefined;
        /** Servers that the peer told us of. */
        readonly dns: readonly IpAddress[];
        readonly nbns: readonly IpAddress[];
      }
    | undefined;
  readonly ipv6:
    | {
        /** Link-local. */
        readonly local: IpAddress;
        readonly peer: IpAddress;
        /** Ours on the link, with length, by advertisement or DHCPv6. */
        readonly addresses: readonly string[];
        /** As router: what was advertised and delegated to the peer. As host: prefixes delegated to us. */
        readonly prefixes: readonly string[];
        readonly dns: readonly IpAddress[];
      }
    | undefined;
}

/** What is known of a session that is up. */
export interface PppUp extends PppAddresses {
  readonly type: "up";
  readonly at: Instant;
  /** Who the peer proved to be, and how; `undefined`: it did not have to. */
  readonly user: string | undefined;
  readonly method: AuthMethod | "none" | undefined;
  /** Largest IP packet to the peer. */
  readonly mtu: number;
  readonly mppeBits: 40 | 56 | 128 | undefined;
  readonly interfaceName: string | undefined;
}

/** A session whose LCP and authentication end here, and that goes on elsewhere. */
export interface PppHandedOver {
  readonly type: "handed-over";
  readonly at: Instant;
  /** Who the peer proved to be; `undefined`: it did not have to. */
  readonly user: string | undefined;
  /** For the LNS that it goes on to. It may hold a password: not for logs. */
  readonly proxy: ProxyInformation;
}

/** Why a PPP session ended: PPP's own codes, and ours. */
export type PppDownCode =
  | DownCode
  /** Its time was up, or no packet came from the peer for too long. */
  | "session-timeout"
  | "idle-timeout"
  /** The same user has another session now. */
  | "replaced"
  /** The data plane could not do what it was told. */
  | "data-plane"
  /** The peer may have no address: its pool is empty. */
  | "no-address";

/** See the file's head. */
export interface PppDownReason {
  readonly code: PppDownCode;
  /**
   * For the CDN (RFC 3145 §2): PPP Disconnect Cause Code, protocol number, whose doing (0 either, 1 peer, 2 we), and words
   * that may be sent.
   */
  readonly disconnect: {
    readonly code: number;
    readonly protocol: number;
    readonly direction: 0 | 1 | 2;
    readonly text: string;
  };
  /** Who ended it. */
  readonly by: "local" | "peer" | "network";
  /** For people here: it may say more than the other end should know. */
  readonly text: string;
}

/** What a PPP session tells, in the order in which it happened. `down` is the last, and comes exactly once. */
export type PppSessionEvent =
  | PppUp
  /** PPP is not ours any more; only `down` follows. */
  | PppHandedOver
  /** Addresses have changed since `up`. */
  | ({ readonly type: "addresses"; readonly at: Instant } & PppAddresses)
  /** For an LNS to tell its LAC (SLI, RFC 2661 §6.14): ACCMs that were negotiated, if not the default. */
  | { readonly type: "link-info"; readonly sendAccm: number; readonly receiveAccm: number }
  /** RFC 1570: who the peer says it is, and how long it will stay. */
  | { readonly type: "identification"; readonly text: string }
  | { readonly type: "time-remaining"; readonly seconds: number; readonly text: string }
  | { readonly type: "down"; readonly at: Instant; readonly wasUp: boolean; readonly reason: PppDownReason };

/** A PPP session, for people. Nothing secret. */
export interface PppStatus extends PppAddresses {
  readonly phase: Phase;
  readonly states: {
    readonly lcp: string;
    readonly ipcp: string | undefined;
    readonly ipv6cp: string | undefined;
    readonly ccp: string | undefined;
  };
  readonly profile: string;
  readonly user: string | undefined;
  readonly method: AuthMethod | "none" | undefined;
  readonly upSince: Instant | undefined;
  /** As negotiated; `undefined` before LCP is up. */
  readonly link:
    | {
        readonly mru: number;
        readonly mtu: number;
        readonly sendAccm: number;
        readonly receiveAccm: number;
        readonly pfc: boolean;
        readonly acfc: boolean;
        readonly mppe: { readonly bits: number; readonly stateless: boolean } | undefined;
      }
    | undefined;
  readonly sessionEndsAt: Instant | undefined;
  readonly counters: PppCounters;
  /** Prefixes of DHCPv6 that we hold, as host. */
  readonly leases: readonly Lease[];
  readonly reason: PppDownReason | undefined;
}
