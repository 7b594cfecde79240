/** Rules as plain data, in the order in which they are asked; `rulesOf` of `@l2tp/config` makes them of a document. */
import type { IpAddress } from "@l2tp/protocol";
import type { SwitchPpp, UserAttributes } from "./authority.ts";

/** What all rules have. */
interface Rule {
  /** For logs and the status. */
  readonly name: string;
  /** Whoever matches is refused, and this is why: for our log. */
  readonly deny?: string;
}

/**
 * Who may have a tunnel. The first that matches answers; what is absent matches everybody. Patterns have `*` (any
 * characters) and `?` (one), and do not tell upper from lower case.
 */
export interface PeerRule extends Rule {
  /** Addresses that it comes from: `192.0.2.1`, `192.0.2.0/24`, `192.0.2.10-192.0.2.20`, `2001:db8::/32`. */
  readonly from?: readonly string[];
  /** Patterns of its Host Name AVP. */
  readonly hostName?: readonly string[];
  /** Patterns of its Vendor Name AVP; who sends none has an empty one. */
  readonly vendorName?: readonly string[];
  /** Names of listeners that it may call. */
  readonly listen?: readonly string[];
  /** The secret that we answer with, then one more that is accepted during a change. None: no authentication. */
  readonly secrets?: readonly string[];
  /** Names of the profiles that its tunnels, their sessions and their PPP get. */
  readonly tunnelProfile?: string;
  readonly sessionProfile?: string;
  readonly pppProfile?: string;
}

/** Which calls may be, and what becomes of them. The first that matches answers; a call that none matches may be. */
export interface CallRule extends Rule {
  readonly kind?: "incoming" | "outgoing";
  /** Names of peer rules, or of LNSs that we dialled. */
  readonly peer?: readonly string[];
  /** Patterns. What the peer did not tell matches only `*`. */
  readonly calledNumber?: readonly string[];
  readonly callingNumber?: readonly string[];
  readonly subAddress?: readonly string[];
  readonly privateGroup?: readonly string[];
  readonly sessionProfile?: string;
  readonly pppProfile?: string;
  /** Name of the tunnel that the session is passed on to. */
  readonly switchTo?: string;
  /** What becomes of PPP there; default `pass`. */
  readonly switchPpp?: SwitchPpp;
}

/** A user of PPP sessions. */
export interface UserRule extends Rule, UserAttributes {
  /**
   * Its name, with the realm if it says one: `test`, `test@example.org`. A pattern such as `*@example.org` or `*` is
   * asked, in order, when no rule has just this name. Upper and lower case are told apart, unless `ignoreCase`.
   */
  readonly name: string;
  /** Absent: it proves nothing, and comes in only where no proof is asked for (method `none`). */
  readonly password?: string;
  /** Ways of proof that are taken; absent: every one that the PPP profile asks for. */
  readonly methods?: readonly string[];
  /** Patterns of the numbers that it calls from, and calls. */
  readonly callingNumber?: readonly string[];
  readonly calledNumber?: readonly string[];
  /** Addresses of peers (LACs, or the user's own) that it may come by, as {@link PeerRule.from}. */
  readonly from?: readonly string[];
  /** Names of the PPP profiles that it may use. */
  readonly profiles?: readonly string[];
}

/** Addresses that sessions get. No address is in two pools. */
export interface PoolRule {
  readonly name: string;
  /** IPv4: `10.0.0.2-10.0.0.254`, `10.1.0.0/16` (all but its first and last address), `10.2.0.1`. */
  readonly ranges?: readonly string[];
  /** IPv4 addresses and ranges of them that nobody gets. */
  readonly exclude?: readonly string[];
  /** Our own end's IPv4 address, on all sessions alike; never given. */
  readonly local?: IpAddress;
  /** IPv6 prefixes of which each session gets a part to be advertised, of `ipv6Length` (64). */
  readonly ipv6?: readonly string[];
  readonly ipv6Length?: number;
  /** IPv6 prefixes of which each session gets a part to be delegated, of `delegatedLength` (56). */
  readonly delegated?: readonly string[];
  readonly delegatedLength?: number;
  /** Asked when this one has no address left. */
  readonly next?: string;
}

/** How names of users are looked up when no rule has just the name. */
export interface NameRule {
  /** `DOMAIN\user`, as Windows says it, is also looked up as `user`. Default true. */
  readonly stripNtDomain?: boolean;
  /** `user@realm` is also looked up as `user`. Default false. */
  readonly stripRealm?: boolean;
  /** Default false. */
  readonly ignoreCase?: boolean;
}

/** All rules. */
export interface RulesData {
  readonly peers?: readonly PeerRule[];
  readonly calls?: readonly CallRule[];
  readonly users?: readonly UserRule[];
  readonly pools?: readonly PoolRule[];
  readonly names?: NameRule;
}
