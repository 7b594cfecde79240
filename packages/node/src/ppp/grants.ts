/** What a session gets: the profile's word, what the user was granted, and what was leased, made into one. Pure. */
import type { AddressLease, UserGrant } from "@l2tp/access";
import { type Grants, ipv4Settings, ipv6Settings, type PppOptions, parseIpv4 } from "@l2tp/ppp";
import { checkIpv6Prefix, checkPrefix } from "./prefix.ts";
import type { PppProfile } from "./profile.ts";

/** All that a session gets beyond what its profile's settings say. */
export interface SessionGrant {
  /** For `PppSession.decide`. */
  readonly grants: Grants;
  /** Prefixes behind the user. */
  readonly routes: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  readonly rateLimit: { readonly toPeerBps?: number; readonly fromPeerBps?: number } | undefined;
  /** To be advertised and delegated, and IPv6 name servers to tell. */
  readonly ipv6Prefix: string | undefined;
  readonly delegatedPrefix: string | undefined;
  readonly dns6: readonly string[];
  /** Milliseconds; 0: none. */
  readonly sessionTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

const isIpv4 = (text: string): boolean => parseIpv4(text) !== undefined;

/** Shared by all who have none: they are many. */
const NO_ROUTES: SessionGrant["routes"] = { ipv4: [], ipv6: [] };

/** What a session has before anybody was asked. */
export function ungranted(profile: PppProfile): SessionGrant {
  const { ipv6, sessionTimeoutMs, idleTimeoutMs } = profile;
  return {
    grants: {},
    routes: NO_ROUTES,
    rateLimit: undefined,
    ipv6Prefix: ipv6.prefix,
    delegatedPrefix: ipv6.delegatedPrefix,
    dns6: ipv6.dns,
    sessionTimeoutMs,
    idleTimeoutMs,
  };
}

/**
 * What a peer that was let in gets. Without an address for it, from the lease, the grant or the profile, IPv4 is refused:
 * otherwise it would take whichever it likes.
 * @throws PppSettingError, ParameterError - the authority granted what cannot be.
 */
export function sessionGrant(profile: PppProfile, grant: UserGrant, lease: AddressLease): SessionGrant {
  const before = ungranted(profile);
  const ipv4 = ipv4Of(profile, grant, lease);
  const ipv6 = ipv6Of(profile, grant);
  // They throw here, and not in the middle of a negotiation.
  if (ipv4 !== false) ipv4Settings(ipv4 ?? {});
  if (ipv6 !== false) ipv6Settings(ipv6 ?? {});
  const routes = routesOf(grant);
  const ipv6Prefix = lease.ipv6Prefix ?? grant.ipv6Prefix ?? before.ipv6Prefix;
  if (ipv6Prefix !== undefined) checkIpv6Prefix("ipv6Prefix", ipv6Prefix, 64, 64);
  const delegatedPrefix = lease.delegatedPrefix ?? grant.delegatedPrefix ?? before.delegatedPrefix;
  if (delegatedPrefix !== undefined) checkIpv6Prefix("delegatedPrefix", delegatedPrefix, 1, 64);
  const dns6 = grant.dns?.filter((server) => !isIpv4(server));
  return {
    grants: { ipv4, ipv6 },
    routes,
    rateLimit: rateLimitOf(profile, grant),
    ipv6Prefix,
    delegatedPrefix,
    dns6: dns6 !== undefined && dns6.length > 0 ? dns6 : before.dns6,
    sessionTimeoutMs: grant.sessionTimeoutMs ?? before.sessionTimeoutMs,
    idleTimeoutMs: grant.idleTimeoutMs ?? before.idleTimeoutMs,
  };
}

function ipv4Of({ settings }: PppProfile, grant: UserGrant, lease: AddressLease): PppOptions["ipv4"] {
  const peer = lease.address ?? grant.address ?? settings.ipv4?.peer;
  const local = settings.ipv4?.unnumbered ? undefined : (lease.local ?? settings.ipv4?.local);
  const dns = grant.dns?.filter(isIpv4);
  // Who has called gets its address from the other end, though that had to prove who it is, too.
  const isClient = settings.caller && settings.authenticateSelf !== undefined;
  const refused = peer === undefined && !isClient && settings.ipv4?.acceptPeer !== true;
  if (settings.ipv4 === undefined || refused) return false;
  // Not by a spread of the settings: V8 makes each result of one that comes first a hidden class of its own.
  return Object.assign({}, settings.ipv4, {
    peer,
    local,
    // Nobody asks a peer that it lets in for an address.
    unnumbered: isClient ? settings.ipv4.unnumbered : local === undefined,
    ...(dns !== undefined && { dns: dns.slice(0, 2) }),
    ...(grant.nbns !== undefined && { nbns: grant.nbns.slice(0, 2) }),
  });
}

function ipv6Of({ settings }: PppProfile, { interfaceId }: UserGrant): PppOptions["ipv6"] {
  if (settings.ipv6 === undefined) return false;
  if (interfaceId === undefined) return settings.ipv6;
  return { ...settings.ipv6, peer: interfaceId, acceptPeer: false };
}

/** @throws ParameterError */
function routesOf({ routes = [] }: UserGrant): SessionGrant["routes"] {
  if (routes.length === 0) return NO_ROUTES;
  for (const [i, route] of routes.entries()) checkPrefix(`routes[${i}]`, route);
  const isOfIpv4 = (route: string): boolean => isIpv4(route.split("/")[0] as string);
  return { ipv4: routes.filter(isOfIpv4), ipv6: routes.filter((route) => !isOfIpv4(route)) };
}

/** What the grant leaves out stays the profile's. */
function rateLimitOf({ link }: PppProfile, { toPeerBps, fromPeerBps }: UserGrant): SessionGrant["rateLimit"] {
  if (toPeerBps === undefined && fromPeerBps === undefined) return undefined;
  return {
    ...link.rateLimit,
    ...(toPeerBps !== undefined && { toPeerBps }),
    ...(fromPeerBps !== undefined && { fromPeerBps }),
  };
}
