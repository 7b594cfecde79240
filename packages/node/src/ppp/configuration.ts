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
  const { ipv4, ipv6, mppe, tcpMss, ...link } = agreed;
  const { rateLimit, routes } = grant;
  const behind = [...(isRouter ? (ipv6Service?.prefixes ?? []) : []), ...routes.ipv6];
  const addresses = ipv6Service?.addresses ?? [];
  return {
    ...link,
    ...(tcpMss !== undefined && { tcpMss }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(ipv4 !== undefined && {
      ipv4: {
        ...(ipv4.local !== undefined && { local: ipv4.local }),
        ...(ipv4.peer !== undefined && { peer: ipv4.peer }),
        ...(routes.ipv4.length > 0 && { routes: routes.ipv4 }),
      },
    }),
    ...(ipv6 !== undefined && {
      ipv6: {
        local: ipv6.local,
        peer: ipv6.peer,
        ...(addresses.length > 0 && { addresses }),
        ...(behind.length > 0 && { routes: behind }),
      },
    }),
    ...(mppe !== undefined && {
      mppe: {
        send: { ...mppe.send, startKey: mppe.keys.key("send", mppe.send.bits) },
        receive: { ...mppe.receive, startKey: mppe.keys.key("receive", mppe.receive.bits) },
      },
    }),
  };
}
