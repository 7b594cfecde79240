/** What the data plane has to know of a link: what PPP agreed on, what the user has beyond that, what IPv6 found. Pure. */
import type { PppLinkConfiguration } from "@l2tp/dataplane";
import type { LinkConfiguration } from "@l2tp/ppp";
import type { SessionGrant } from "./grants.ts";
import type { Ipv6Service } from "./ipv6.ts";

/**
 * The whole of it, each time.
 * @param isRouter - the peer has our prefixes, so that they are routed to it; otherwise they are its, given to us.
 */
export function planeConfiguration(
  agreed: LinkConfiguration,
  grant: SessionGrant,
  ipv6Service: Pick<Ipv6Service, "addresses" | "prefixes"> | undefined,
  isRouter: boolean,
): PppLinkConfiguration {
  const { sendAccm, receiveAccm, pfc, acfc, mru, mtu, tcpMss, ipv4, ipv6, mppe } = agreed;
  const { rateLimit, routes } = grant;
  const behind = [...(isRouter ? (ipv6Service?.prefixes ?? []) : []), ...routes.ipv6];
  const addresses = ipv6Service?.addresses ?? [];
  // Property by property: of what is put together by spreads V8 makes a hidden class for each, and there are thousands.
  const all: Growing<PppLinkConfiguration> = { sendAccm, receiveAccm, pfc, acfc, mru, mtu };
  if (tcpMss !== undefined) all.tcpMss = tcpMss;
  if (rateLimit !== undefined) all.rateLimit = rateLimit;
  if (ipv4 !== undefined) {
    const mine: Growing<NonNullable<PppLinkConfiguration["ipv4"]>> = {};
    if (ipv4.local !== undefined) mine.local = ipv4.local;
    if (ipv4.peer !== undefined) mine.peer = ipv4.peer;
    if (routes.ipv4.length > 0) mine.routes = routes.ipv4;
    all.ipv4 = mine;
  }
  if (ipv6 !== undefined) {
    const mine: Growing<NonNullable<PppLinkConfiguration["ipv6"]>> = { local: ipv6.local, peer: ipv6.peer };
    if (addresses.length > 0) mine.addresses = addresses;
    if (behind.length > 0) mine.routes = behind;
    all.ipv6 = mine;
  }
  if (mppe !== undefined) {
    all.mppe = {
      send: { ...mppe.send, startKey: mppe.keys.key("send", mppe.send.bits) },
      receive: { ...mppe.receive, startKey: mppe.keys.key("receive", mppe.receive.bits) },
    };
  }
  return all;
}

/** While it is put together. */
type Growing<T> = { -readonly [K in keyof T]: T[K] };
