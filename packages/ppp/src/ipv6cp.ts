/** IPV6CP: an interface identifier for each end (RFC 5072). Addresses follow by RA and DHCPv6: `ipv6/`. */
import { formatIpv6, linkLocal, parseIpv6 } from "./ip.ts";
import { type Kept, keep, octetsIn } from "./kept.ts";
import type { Random } from "./lcp.ts";
import type { ControlProtocol, Negotiation, OptionRow } from "./negotiation.ts";
import { PROTOCOL } from "./numbers.ts";
import { isZero, same } from "./octets.ts";
import { optionValue } from "./packet.ts";
import type { Ipv6Settings } from "./settings.ts";

/** What IPV6CP agreed on. */
export interface Ipv6Agreement {
  /** Interface identifiers, eight octets each. */
  readonly localIdentifier: Uint8Array;
  readonly peerIdentifier: Uint8Array;
  /** The link-local addresses that they make (RFC 5072 §5). */
  readonly local: string;
  readonly peer: string;
}

/** One link's IPV6CP beside its automaton. */
export class Ipv6cpLink {
  readonly settings: Ipv6Settings;
  readonly random: Random;
  /** What we ask for now. */
  identifier: Kept;
  off = false;

  constructor(settings: Ipv6Settings, random: Random) {
    this.settings = settings;
    this.random = random;
    this.identifier = keep(octetsOf(settings.local) ?? newIdentifier(random));
  }
}

const octetsOf = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : parseIpv6(text)?.slice(8);

/** Random, not zero, and with the u/l bit clear: it is unique here only (RFC 5072 §4.1). */
function newIdentifier(random: Random): Uint8Array {
  const octets = random(8).slice();
  octets[0] = (octets[0] as number) & ~0x02;
  if (isZero(octets)) octets[7] = 1;
  return octets;
}

/** An identifier for the peer: the configured one, or a random one that is not ours. */
function forPeer(link: Ipv6cpLink): Uint8Array {
  const assigned = octetsOf(link.settings.peer);
  if (assigned !== undefined && keep(assigned) !== link.identifier) return assigned;
  for (;;) {
    const made = newIdentifier(link.random);
    if (keep(made) !== link.identifier) return made;
    made[7] = (made[7] as number) ^ 1;
    return made;
  }
}

/** The options of IPV6CP. */
export const IPV6CP_OPTIONS: readonly OptionRow<Ipv6cpLink>[] = [
  {
    type: 1,
    name: "Interface-Identifier",
    length: [8, 8],
    rfc: "RFC 5072 §4.1",
    doc: "`local` or random; the peer's is taken unless it is zero, ours, or `peer` is another that it must use",
    request: (link) => (link.off ? undefined : octetsIn(link.identifier)),
    nak(link, value) {
      // Zero tells us to choose; ours collided, or the peer assigns one.
      link.identifier = keep(isZero(value) ? newIdentifier(link.random) : value);
    },
    reject(link) {
      link.off = true;
    },
    judge(link, value) {
      if (isZero(value)) return { nak: forPeer(link) };
      if (keep(value) === link.identifier) return { nak: forPeer(link) };
      const assigned = octetsOf(link.settings.peer);
      if (assigned === undefined || link.settings.acceptPeer || same(assigned, value)) return "ack";
      return { nak: assigned };
    },
    suggest: forPeer,
    wanted: () => true,
  },
  {
    type: 2,
    name: "IPv6-Compression-Protocol",
    length: [2, 253],
    rfc: "RFC 5172 §2",
    doc: "refused",
  },
];

/** IPV6CP for {@link Negotiation}. */
export const IPV6CP: ControlProtocol<Ipv6cpLink> = {
  name: "IPV6CP",
  protocol: PROTOCOL.ipv6cp,
  options: IPV6CP_OPTIONS,
};

/** What was agreed, once IPV6CP is Opened; `undefined` when an end has no identifier, or both the same one. */
export function ipv6Agreement({ ours, theirs }: Negotiation<Ipv6cpLink>): Ipv6Agreement | undefined {
  const local = optionValue(octetsIn(ours), 1);
  const peer = optionValue(octetsIn(theirs), 1);
  if (local === undefined || peer === undefined || isZero(local) || isZero(peer) || same(local, peer))
    return undefined;
  return {
    localIdentifier: local,
    peerIdentifier: peer,
    local: formatIpv6(linkLocal(local)),
    peer: formatIpv6(linkLocal(peer)),
  };
}
