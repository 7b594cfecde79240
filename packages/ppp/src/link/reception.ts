/** What arrives: which protocol may speak when, how often, and what answers one that nobody speaks. */
import { protocolOf } from "../auth/methods.ts";
import { decodeFrame } from "../frame.ts";
import { keep } from "../kept.ts";
import type { Negotiation } from "../negotiation.ts";
import { CODE, PROTOCOL } from "../numbers.ts";
import { concat, u16 } from "../octets.ts";
import { decodePacket, type Packet } from "../packet.ts";
import { Ration } from "../ration.ts";
import { openCcp, takesIpv4, takesIpv6 } from "./networks.ts";
import type { LinkState } from "./state.ts";

/** Control packets that a link looks at: so many at once, and so many a second. Real links need a tenth. */
const CONTROL = new Ration(100, 20);
/** Packets that end an agreement to begin anew, of all protocols together: each costs routes, addresses, lines in logs. */
const RENEGOTIATIONS = new Ration(10, 0.1);
/** Codes that take an agreement down for another (RFC 1661 §4.1); a Terminate-Request takes it down for good. */
const BEGINS_ANEW: ReadonlySet<number> = new Set([
  CODE.configureRequest,
  CODE.configureAck,
  CODE.configureNak,
  CODE.configureReject,
  CODE.terminateAck,
]);

/** A protocol as a link speaks it. */
interface Spoken {
  /** It may speak before both sides know who the other is (RFC 1661 §3.5). */
  readonly early: boolean;
  /** Whether this link speaks it at all, as it is now. */
  isKnown(link: LinkState): boolean;
  receive(link: LinkState, now: number, packet: Packet): void;
}

const AUTHENTICATION = (protocol: number): Spoken => ({
  early: true,
  isKnown: ({ agreed, settings }) =>
    (agreed?.peerProves !== undefined && protocolOf(agreed.peerProves) === protocol) ||
    agreed?.weProve.some((method) => protocolOf(method) === protocol) === true ||
    (protocol === PROTOCOL.pap && settings.papInsteadOfChap),
  receive: (link, now, packet) => receiveProof(link, now, protocol, packet),
});

/** What of network protocols comes outside the phase for them is discarded. */
const network = (negotiation: (link: LinkState, now: number) => Spoke | undefined): Spoken["receive"] =>
  function receive(link, now, packet) {
    if (link.phase !== "network") link.count("unexpected");
    else negotiate(link, now, negotiation(link, now), packet);
  };

/** By number; all others are rejected. */
const PROTOCOLS: ReadonlyMap<number, Spoken> = new Map<number, Spoken>([
  [
    PROTOCOL.lcp,
    {
      early: true,
      isKnown: () => true,
      receive(link, now, packet) {
        if (link.settings.handOver && packet.code === CODE.configureRequest)
          link.firstReceived ??= keep(packet.data);
        negotiate(link, now, link.lcp, packet);
      },
    },
  ],
  [PROTOCOL.pap, AUTHENTICATION(PROTOCOL.pap)],
  [PROTOCOL.chap, AUTHENTICATION(PROTOCOL.chap)],
  [PROTOCOL.eap, AUTHENTICATION(PROTOCOL.eap)],
  // Early to speak, and refused.
  [PROTOCOL.lqr, { early: true, isKnown: () => false, receive: () => {} }],
  [PROTOCOL.ipcp, { early: false, isKnown: takesIpv4, receive: network(({ ipcp }) => ipcp) }],
  [PROTOCOL.ipv6cp, { early: false, isKnown: takesIpv6, receive: network(({ ipv6cp }) => ipv6cp) }],
  [
    PROTOCOL.ccp,
    {
      early: false,
      isKnown: ({ mppeSettings, phase, keys }) =>
        mppeSettings.policy !== "off" && (phase !== "network" || keys !== undefined),
      receive: network((link, now) => {
        if (link.ccp === undefined) openCcp(link, now);
        return link.ccp;
      }),
    },
  ],
]);

/** A frame, whatever it is. */
export function receiveFrame(link: LinkState, now: number, octets: Uint8Array) {
  link.counters.received++;
  const frame = decodeFrame(octets);
  if (frame === undefined) return link.count("malformed");
  const { protocol, information } = frame;
  if (protocol === PROTOCOL.ipv4 || protocol === PROTOCOL.ipv6 || protocol === PROTOCOL.compressed) {
    link.counters.data++;
    return;
  }
  const spent = CONTROL.take(link.controlSpent, now);
  if (spent === undefined) return link.count("flooded");
  link.controlSpent = spent;
  receiveControl(link, now, protocol, information);
}

function receiveControl(link: LinkState, now: number, protocol: number, information: Uint8Array) {
  if (protocol !== PROTOCOL.lcp && link.lcp.state !== "Opened") return link.count("unexpected");
  const spoken = PROTOCOLS.get(protocol);
  const isKnown = spoken?.isKnown(link) === true;
  if (link.phase === "authenticate" && spoken?.early !== true) {
    // Before the peer is known, other protocols are silently discarded (RFC 1661 §3.5).
    if (isKnown) link.supplicant?.presume(now);
    if (!hasAuthenticated(link)) return link.count("unexpected");
  }
  if (spoken === undefined || !isKnown) return rejectProtocol(link, now, protocol, information);
  const packet = decodePacket(information);
  if (packet === undefined) link.count("malformed");
  else spoken.receive(link, now, packet);
}

/** What the peer presumes may have been the case, and the phase over with it. */
const hasAuthenticated = ({ phase }: LinkState): boolean => phase !== "authenticate";

type Spoke = Pick<Negotiation<never>, "state" | "receive">;

/** To the protocol that a packet is of; what would end an agreement, only as often as that may be. */
function negotiate(link: LinkState, now: number, negotiation: Spoke | undefined, packet: Packet) {
  if (negotiation?.state === "Opened" && BEGINS_ANEW.has(packet.code)) {
    const spent = RENEGOTIATIONS.take(link.renegotiationsSpent, now);
    if (spent === undefined) return link.count("flooded");
    link.renegotiationsSpent = spent;
  }
  negotiation?.receive(now, packet);
}

/** Requests go to who proves, answers to who checks: both may run at once, in the same protocol. */
function receiveProof(link: LinkState, now: number, protocol: number, packet: Packet): void {
  const { authenticator, supplicant } = link;
  const isAnswer = protocol === PROTOCOL.pap ? packet.code === 1 : packet.code === 2 || packet.code >= 5;
  if (!isAnswer) {
    const [method] = supplicant?.methods ?? [];
    if (method === undefined || protocolOf(method) !== protocol) link.count("unexpected");
    else supplicant?.receive(now, packet);
  } else if (authenticator === undefined) link.count("unexpected");
  else if (protocolOf(authenticator.method) === protocol) authenticator.receive(now, packet);
  else if (protocol === PROTOCOL.pap && link.settings.papInsteadOfChap)
    authenticator.receivePapInstead(now, packet);
  else link.count("unexpected");
}

/** RFC 1661 §5.7: the protocol, and as much of the packet as the peer takes. */
function rejectProtocol(link: LinkState, now: number, protocol: number, information: Uint8Array): void {
  link.counters.unknownProtocol++;
  if (!link.mayReject(now)) return;
  const room = Math.max(0, link.peerMru - 6);
  link.lcp.send(CODE.protocolReject, concat(u16(protocol), information.subarray(0, room)));
}

/** The peer has sent such a Protocol-Reject. */
export function protocolRejected(link: LinkState, now: number, protocol: number) {
  switch (protocol) {
    case PROTOCOL.lcp:
      return link.lcp.rejected(now);
    case PROTOCOL.pap:
    case PROTOCOL.chap:
    case PROTOCOL.eap:
      return proofRejected(link, now, protocol);
    // Whose packets the peer does not take has no use for the agreement about them either.
    case PROTOCOL.ipcp:
    case PROTOCOL.ipv4:
      return link.ipcp?.rejected(now);
    case PROTOCOL.ipv6cp:
    case PROTOCOL.ipv6:
      return link.ipv6cp?.rejected(now);
    case PROTOCOL.ccp:
    case PROTOCOL.compressed:
      return link.ccp?.rejected(now);
  }
}

function proofRejected(link: LinkState, now: number, protocol: number): void {
  const { authenticator, supplicant } = link;
  if (authenticator !== undefined && protocolOf(authenticator.method) === protocol)
    link.noProof ??= authenticator.rejected();
  if (link.noProof !== undefined) return;
  if (supplicant?.done === false && protocolOf(supplicant.method) === protocol)
    link.weFailed(now, "it rejects the protocol that it asked for", 0);
}
