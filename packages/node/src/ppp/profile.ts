/** How PPP sessions of one kind are: what they negotiate, where their packets go, how long they may last. */
import type { PppAttachment, PppLinkSettings } from "@l2tp/dataplane";
import { type PppOptions, type PppSettings, parseIpv6, pppSettings } from "@l2tp/ppp";
import { ParameterError } from "../errors.ts";
import { checkIpv6Prefix, checkPrefix } from "./prefix.ts";

/** IPv6 beyond link-local addresses. */
export interface PppIpv6 {
  /**
   * `router`: advertise a prefix and answer DHCPv6; `host`: ask for both; `none`: link-local addresses only. Default:
   * `router` where the peer has to authenticate itself, else `host`; who calls is `host` though both do.
   */
  readonly role?: "router" | "host" | "none";
  /** As router, where the user's grant says nothing: the /64 that is advertised, and the prefix that is delegated. */
  readonly prefix?: string;
  readonly delegatedPrefix?: string;
  /** As router: name servers to tell, IPv6 addresses. */
  readonly dns?: readonly string[];
  /** As host: ask for a prefix to hand on (DHCPv6 prefix delegation). Default false. */
  readonly requestPrefix?: boolean;
}

/** What a program or a configuration says of a profile; all may be left out. */
export interface PppProfileInit {
  /** Name for messages and for the authority; default `default`. */
  readonly name?: string;
  /** What is negotiated. See `PppOptions` of `@l2tp/ppp`; `proxy` there says what becomes of a LAC's negotiation. */
  readonly options?: PppOptions;
  /** Default: an interface for each session. */
  readonly attach?: PppAttachment;
  /** Name of the session's interface, with `attach: { to: "interface" }`; a `%d` is numbered. */
  readonly interfaceName?: string;
  /** Whether the peer sends only from its addresses; see `PppLinkSettings` of `@l2tp/dataplane`. */
  readonly checkSource?: PppLinkSettings["checkSource"];
  readonly rateLimit?: { readonly toPeerBps?: number; readonly fromPeerBps?: number };
  readonly proxyArp?: boolean | string;
  /** Prefixes that are routed to the peer. */
  readonly routes?: readonly string[];
  readonly defaultRoute?: boolean;
  /** Pool for peers whose user's grant names none. */
  readonly pool?: string;
  /** Time after which a session is ended, and time without a packet from the peer; 0, the default: none. */
  readonly sessionTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** A second session of one user, where its grant says nothing; default `no`: it is let be. */
  readonly exclusive?: "replace" | "refuse" | "no";
  readonly ipv6?: PppIpv6;
  /** How long an orderly end may take until the session is dropped; 5 s. */
  readonly closeLimitMs?: number;
}

/** A profile that was checked, and is shared by its sessions. */
export interface PppProfile {
  readonly name: string;
  readonly settings: PppSettings;
  /** Whether we placed the call, where the options say so; else the kind of the call does. */
  readonly caller: boolean | undefined;
  /** For `SessionPlaneParameters.pppLink` of the session. */
  readonly link: PppLinkSettings;
  readonly interfaceName: string | undefined;
  readonly pool: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly exclusive: "replace" | "refuse" | "no";
  readonly ipv6: {
    readonly role: "router" | "host" | "none";
    /** Nobody said it: of a profile by which both ends prove who they are, the kind of the call decides. */
    readonly isRoleUsual: boolean;
    readonly prefix: string | undefined;
    readonly delegatedPrefix: string | undefined;
    readonly dns: readonly string[];
    readonly requestPrefix: boolean;
  };
  readonly closeLimitMs: number;
}

/**
 * Fills in and checks a profile, once for all sessions that use it.
 * @throws PppSettingError naming what cannot be negotiated; ParameterError naming the rest.
 */
export function pppProfile(init: PppProfileInit = {}): PppProfile {
  const { ipv6 = {}, options = {} } = init;
  const settings = pppSettings(options);
  const { checkSource, rateLimit, proxyArp, routes, defaultRoute, attach = { to: "interface" } } = init;
  for (const [i, route] of (routes ?? []).entries()) checkPrefix(`routes[${i}]`, route);
  for (const key of ["toPeerBps", "fromPeerBps"] as const)
    number(`rateLimit.${key}`, rateLimit?.[key] ?? 1, 1);
  if (attach.to === "shared") {
    if (attach.name === "") throw new ParameterError("attach.name", "name the interface that is shared");
    for (const [i, route] of (attach.routes ?? []).entries()) checkPrefix(`attach.routes[${i}]`, route);
  }
  if (ipv6.prefix !== undefined) checkIpv6Prefix("ipv6.prefix", ipv6.prefix, 64, 64);
  if (ipv6.delegatedPrefix !== undefined)
    checkIpv6Prefix("ipv6.delegatedPrefix", ipv6.delegatedPrefix, 1, 64);
  for (const [i, server] of (ipv6.dns ?? []).entries()) {
    if (parseIpv6(server) === undefined)
      throw new ParameterError(`ipv6.dns[${i}]`, `an IPv6 address was expected, got ${server}`);
  }
  return {
    name: init.name ?? "default",
    settings,
    caller: options.caller,
    link: {
      attach,
      ...(checkSource !== undefined && { checkSource }),
      ...(rateLimit !== undefined && { rateLimit }),
      ...(proxyArp !== undefined && { proxyArp }),
      ...(routes !== undefined && { routes }),
      ...(defaultRoute !== undefined && { defaultRoute }),
    },
    interfaceName: init.interfaceName,
    pool: init.pool,
    sessionTimeoutMs: number("sessionTimeoutMs", init.sessionTimeoutMs ?? 0, 0),
    idleTimeoutMs: number("idleTimeoutMs", init.idleTimeoutMs ?? 0, 0),
    exclusive: init.exclusive ?? "no",
    ipv6: {
      role: ipv6.role ?? (settings.authenticatePeer === undefined ? "host" : "router"),
      isRoleUsual: ipv6.role === undefined,
      prefix: ipv6.prefix,
      delegatedPrefix: ipv6.delegatedPrefix,
      dns: ipv6.dns ?? [],
      requestPrefix: ipv6.requestPrefix ?? false,
    },
    closeLimitMs: number("closeLimitMs", init.closeLimitMs ?? 5_000, 1),
  };
}

const handing = new WeakMap<PppProfile, PppProfile>();

/** The profile for sessions that go on elsewhere once the peer is known; of each there is one. */
export function handingOver(profile: PppProfile): PppProfile {
  let made = handing.get(profile);
  if (made === undefined) {
    made = { ...profile, settings: { ...profile.settings, handOver: true } };
    handing.set(profile, made);
  }
  return made;
}

function number(path: string, value: number, least: number): number {
  if (!(Number.isFinite(value) && value >= least)) {
    throw new ParameterError(path, `a number from ${least} was expected, got ${value}`);
  }
  return value;
}
