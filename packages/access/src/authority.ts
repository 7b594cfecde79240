/**
 * What control and PPP ask before they let somebody in, and what comes back. `Rules` of this package answers from a
 * configuration; other authorities, such as RADIUS, implement the same interface. Plain records in the protocols' words,
 * so that nothing here depends on who asks.
 */
import type { IpAddress, SocketAddress } from "@l2tp/protocol";

/** Somebody wants a tunnel (SCCRQ). */
export interface PeerRequest {
  readonly from: SocketAddress;
  /** Our address that was called. */
  readonly local: SocketAddress;
  /** Name of the listener that was called. */
  readonly listener: string;
  readonly hostName: string;
  readonly vendorName: string;
}

/** A call on an established tunnel: the LAC has one for us (ICRQ), or the LNS wants us to place one (OCRQ). */
export interface CallRequest {
  readonly kind: "incoming" | "outgoing";
  /** Name of the tunnel and of the peer entry that let it in (or of the LNS that we dialled). */
  readonly tunnel: string;
  readonly peer: string;
  readonly calledNumber?: string;
  readonly callingNumber?: string;
  readonly subAddress?: string;
  /**
   * Private Group ID as text. It comes with the ICCN, when the call has been let in already: who heeds it asks again then,
   * and takes the PPP profile of that answer.
   */
  readonly privateGroup?: string;
}

/** A user of a PPP session has said a name. The proof itself is checked by whoever asks, with the answer's secret. */
export interface UserRequest {
  readonly name: string;
  /** `pap`, `chap-md5`, `mschap-v1`, `mschap-v2`, `eap-md5`, `eap-mschap-v2`; `none`: no proof was asked for. */
  readonly method: string;
  readonly tunnel: string;
  readonly session: string;
  /** Name of the PPP profile of the session. */
  readonly profile: string;
  readonly peer: SocketAddress;
  readonly callingNumber?: string;
  readonly calledNumber?: string;
  /** The credentials as PPP has them (`Credentials` of `@l2tp/ppp`), for authorities that check by themselves. */
  readonly credentials?: unknown;
}

/** No, and why. */
export interface Refusal {
  readonly accept: false;
  /** For our log: what matched, or what was missing. Never sent. */
  readonly reason: string;
  /** For the other end to read. */
  readonly text?: string;
  /** Result and Error Code of the StopCCN or CDN, where the usual one will not do. */
  readonly result?: number;
  readonly error?: number;
}

/** This peer may have a tunnel. */
export interface PeerGrant {
  readonly accept: true;
  /** Name of the entry that let it in. */
  readonly peer: string;
  /** At most two: the one that we answer with, and one more that is accepted during a change. */
  readonly secrets: readonly string[];
  /** Names of the profiles for the tunnel, its sessions and their PPP. */
  readonly tunnelProfile?: string;
  readonly sessionProfile?: string;
  readonly pppProfile?: string;
}

/**
 * PPP of a session that is passed on: `pass`, all of it goes through; `end`, LCP and authentication are ours, and the other LNS
 * is told what came of them (RFC 2661 §4.4.5).
 */
export type SwitchPpp = "pass" | "end";

/** This call may be. */
export interface CallGrant {
  readonly accept: true;
  readonly sessionProfile?: string;
  readonly pppProfile?: string;
  /** Name of the tunnel (an LNS that is dialled) that the session is passed on to: tunnel switching. */
  readonly switchTo?: string;
  /** What becomes of PPP there; default `pass`. */
  readonly switchPpp?: SwitchPpp;
}

/** Addresses and limits of a user's session. What is absent is the profile's. */
export interface UserAttributes {
  /** The peer's IPv4 address; absent: one of `pool`. */
  readonly address?: IpAddress;
  readonly pool?: string;
  /** The peer's IPv6 interface identifier, `::1`. */
  readonly interfaceId?: string;
  /** Prefix that is advertised on the link, `2001:db8:1::/64`, and one that is delegated, `2001:db8:100::/56`. */
  readonly ipv6Prefix?: string;
  readonly delegatedPrefix?: string;
  readonly dns?: readonly IpAddress[];
  readonly nbns?: readonly IpAddress[];
  /** Prefixes behind the user, routed to its session. */
  readonly routes?: readonly string[];
  readonly toPeerBps?: number;
  readonly fromPeerBps?: number;
  readonly sessionTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** A second session of this user: ends the first, is refused, or is let be. */
  readonly exclusive?: "replace" | "refuse" | "no";
}

/** Who a user is, and what its session gets. */
export interface UserGrant extends UserAttributes {
  readonly accept: true;
  /**
   * What the user is called here, where a name has several spellings (`DOMAIN\alice`, `Alice`): two sessions of one user
   * are known by it. Absent: the name as it was said.
   */
  readonly user?: string;
  /** The password, for whoever checks the proof. Absent: `verified`, the authority has checked it itself. */
  readonly secret?: string;
  readonly verified?: {
    /** MS-CHAPv2's `S=…`, and keys for MPPE, as `@l2tp/ppp` wants them. */
    readonly authenticatorResponse?: string;
    readonly mppeKeys?: unknown;
  };
}

/** Addresses of one session, fixed or of a pool; given back when it ends. */
export interface AddressLease {
  readonly address?: IpAddress;
  /** Our own end's address. */
  readonly local?: IpAddress;
  readonly ipv6Prefix?: string;
  readonly delegatedPrefix?: string;
}

/** Whose addresses they are to be: by its name, a user may get the same ones again. */
export interface LeaseRequest {
  readonly session: string;
  readonly user: string;
  /** What the PPP profile says, where the grant is silent. */
  readonly pool?: string;
  readonly grant: UserGrant;
}

/** Decides. Every answer may take its time; a rejected promise counts as a refusal. */
export interface Authority {
  peer(request: PeerRequest): PeerGrant | Refusal | Promise<PeerGrant | Refusal>;
  call(request: CallRequest): CallGrant | Refusal | Promise<CallGrant | Refusal>;
  user(request: UserRequest): UserGrant | Refusal | Promise<UserGrant | Refusal>;
  /** After the proof was good: addresses for the session, or why there are none. */
  lease(request: LeaseRequest): AddressLease | Refusal | Promise<AddressLease | Refusal>;
  /** The session has ended: what `lease` gave is free again. */
  release(session: string): void;
}
