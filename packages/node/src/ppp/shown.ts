/** What is shown of a PPP session: addresses, and what was agreed on for its link. Pure. */
import type { LinkConfiguration } from "@l2tp/ppp";
import type { PppAddresses, PppStatus } from "./events.ts";
import type { Ipv6Service } from "./ipv6.ts";

/** @param service - while IPv6 has one. */
export function addressesShown(
  agreed: LinkConfiguration | undefined,
  service: Ipv6Service | undefined,
): PppAddresses {
  const { ipv4, ipv6 } = agreed ?? {};
  const { addresses = [], prefixes = [], dns = [] } = service ?? {};
  return {
    ipv4: ipv4 && { local: ipv4.local, peer: ipv4.peer, dns: ipv4.dns, nbns: ipv4.nbns },
    ipv6: ipv6 && { local: ipv6.local, peer: ipv6.peer, addresses, prefixes, dns },
  };
}

/** The same for the same addresses, and in one piece: it is kept, and sessions are many. */
export const textOfAddresses = ({ ipv4, ipv6 }: PppAddresses): string =>
  [
    ...(ipv4 === undefined ? [] : [ipv4.local, ipv4.peer, ipv4.dns.join(), ipv4.nbns.join()]),
    ...(ipv6 === undefined
      ? []
      : ["6", ipv6.local, ipv6.peer, ipv6.addresses.join(), ipv6.prefixes.join(), ipv6.dns.join()]),
  ].join(" ");

export function linkShown(agreed: LinkConfiguration | undefined): PppStatus["link"] {
  return (
    agreed && {
      mru: agreed.mru,
      mtu: agreed.mtu,
      sendAccm: agreed.sendAccm,
      receiveAccm: agreed.receiveAccm,
      pfc: agreed.pfc,
      acfc: agreed.acfc,
      mppe: agreed.mppe && { bits: agreed.mppe.send.bits, stateless: agreed.mppe.send.stateless },
    }
  );
}
