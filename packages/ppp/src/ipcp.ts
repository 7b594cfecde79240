/** IPCP: IPv4 addresses of both ends (RFC 1332), and name servers (RFC 1877). */
import { formatIpv4, isUsableIpv4, parseIpv4 } from "./ip.ts";
import { type Kept, keep, octetsIn } from "./kept.ts";
import type { ControlProtocol, Negotiation, OptionRow } from "./negotiation.ts";
import { PROTOCOL } from "./numbers.ts";
import { isZero, same } from "./octets.ts";
import { optionValue } from "./packet.ts";
import type { Ipv4Settings } from "./settings.ts";

/** What IPCP agreed on. */
export interface Ipv4Agreement {
  /** `undefined`: unnumbered. */
  readonly local: string | undefined;
  readonly peer: string | undefined;
  /** Servers that the peer told us of, the primary first. */
  readonly dns: readonly string[];
  readonly nbns: readonly string[];
}

/** No server is asked for; and the address that asks for one. */
const NO_SERVERS: Readonly<Record<number, Uint8Array>> = {};
const UNKNOWN = new Uint8Array(4);

/** One link's IPCP beside its automaton. */
export class IpcpLink {
  readonly settings: Ipv4Settings;
  /** What we ask for: our address (zero: give us one; `undefined`: not asked), servers by option type. */
  local: Kept | undefined;
  servers: Readonly<Record<number, Uint8Array>> = NO_SERVERS;

  constructor(settings: Ipv4Settings) {
    this.settings = settings;
    if (!settings.unnumbered) this.local = keep(octetsOf(settings.local) ?? UNKNOWN);
    if (settings.requestDns) this.servers = { ...this.servers, 129: UNKNOWN, 131: UNKNOWN };
    if (settings.requestNbns) this.servers = { ...this.servers, 130: UNKNOWN, 132: UNKNOWN };
  }
}

const octetsOf = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : parseIpv4(text);

/** A name server's option: asked for when wanted, told when we have it, refused when not. */
function server(
  type: number,
  name: string,
  have: (settings: Ipv4Settings) => string | undefined,
): OptionRow<IpcpLink> {
  return {
    type,
    name,
    length: [4, 4],
    rfc: "RFC 1877 §1",
    doc: "asked for with `requestDns` or `requestNbns`; told from `dns` or `nbns`, refused when there is none",
    request: (link) => link.servers[type],
    nak(link, value) {
      if (type in link.servers) link.servers = { ...link.servers, [type]: value.slice() };
    },
    reject(link) {
      const { [type]: _, ...others } = link.servers;
      link.servers = others;
    },
    judge(link, value) {
      const ours = octetsOf(have(link.settings));
      if (ours === undefined) return "reject";
      return same(ours, value) ? "ack" : { nak: ours };
    },
    suggest: (link) => octetsOf(have(link.settings)),
  };
}

/** The options of IPCP. */
export const IPCP_OPTIONS: readonly OptionRow<IpcpLink>[] = [
  {
    type: 1,
    name: "IP-Addresses",
    length: [8, 8],
    rfc: "RFC 1332 §3.1",
    doc: "refused: deprecated since 1992",
  },
  {
    type: 2,
    name: "IP-Compression-Protocol",
    length: [2, 253],
    rfc: "RFC 1332 §3.2",
    doc: "refused: Van Jacobson compression multiplies every loss, and L2TP is a lossy line",
  },
  {
    type: 3,
    name: "IP-Address",
    length: [4, 4],
    rfc: "RFC 1332 §3.3",
    doc: "`local` is asked for, or any; the peer gets `peer`, or what it says when there is none",
    request: (link) => (link.local === undefined ? undefined : octetsIn(link.local)),
    nak(link, value) {
      if (link.local === undefined || !isUsableIpv4(value)) return;
      if (link.settings.local === undefined || link.settings.acceptLocal) link.local = keep(value);
    },
    reject(link) {
      link.local = undefined;
    },
    judge(link, value) {
      const assigned = octetsOf(link.settings.peer);
      if (assigned !== undefined && !(link.settings.acceptPeer && isUsableIpv4(value))) {
        return same(assigned, value) ? "ack" : { nak: assigned };
      }
      // Asked for an address with none to give, or told one that no host can have.
      return isUsableIpv4(value) && keep(value) !== link.local ? "ack" : "reject";
    },
    suggest: (link) => octetsOf(link.settings.peer),
    wanted: (link) => link.settings.peer !== undefined,
  },
  { type: 4, name: "Mobile-IPv4", length: [4, 4], rfc: "RFC 2290 §2", doc: "refused" },
  server(129, "Primary-DNS", ({ dns }) => dns[0]),
  server(130, "Primary-NBNS", ({ nbns }) => nbns[0]),
  server(131, "Secondary-DNS", ({ dns }) => dns[1]),
  server(132, "Secondary-NBNS", ({ nbns }) => nbns[1]),
];

/** IPCP for {@link Negotiation}. */
export const IPCP: ControlProtocol<IpcpLink> = {
  name: "IPCP",
  protocol: PROTOCOL.ipcp,
  options: IPCP_OPTIONS,
};

/**
 * What was agreed, once IPCP is Opened.
 * @returns `undefined` when an address that the link needs was not agreed: ours that we asked for, or the one that
 * the peer has to use.
 */
export function ipv4Agreement({ ours, theirs, context }: Negotiation<IpcpLink>): Ipv4Agreement | undefined {
  const { settings } = context;
  const sent = octetsIn(ours);
  const asked = optionValue(sent, 3);
  // A peer that refuses to hear our address does not take it from us.
  const local = asked === undefined || isZero(asked) ? octetsOf(settings.local) : asked;
  const peer = optionValue(octetsIn(theirs), 3);
  if (local === undefined && !settings.unnumbered) return undefined;
  if (settings.peer !== undefined && peer === undefined) return undefined;
  const told = (types: readonly number[]) =>
    types.flatMap((type) => {
      const value = optionValue(sent, type);
      return value === undefined || isZero(value) ? [] : [formatIpv4(value)];
    });
  return {
    local: local && formatIpv4(local),
    peer: peer && formatIpv4(peer),
    dns: told([129, 131]),
    nbns: told([130, 132]),
  };
}
