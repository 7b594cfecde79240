/**
 * LCP: the options of a link (RFC 1661 §6, RFC 1662 §7.1), the packets that only LCP has (RFC 1661 §5.7 to §5.9,
 * RFC 1570), loops found by the Magic-Number, and the keep-alive.
 */
import { methodsOf, optionOf } from "./auth/methods.ts";
import { octetsIn } from "./kept.ts";
import type { ControlProtocol, Host, Judgement, Negotiation, OptionRow } from "./negotiation.ts";
import { CODE, DEFAULT_MRU, PROTOCOL } from "./numbers.ts";
import { concat, NO_OCTETS, textOctets, textOf, u16, u16At, u32, u32At } from "./octets.ts";
import { encodePacket, optionValue, type Packet } from "./packet.ts";
import type { AuthMethod, PppSettings } from "./settings.ts";

/** Octets from a generator that nobody can predict; injected, so that tests repeat. */
export type Random = (octets: number) => Uint8Array;

/** What LCP needs of its link, beside what every protocol does. */
export interface LcpHost extends Host {
  readonly random: Random;
  /** A packet of codes 8 to 13; comes back to {@link handleLcpPacket} with what was agreed. */
  lcpPacket(now: number, packet: Packet): void;
  /** The line sends back what we send. */
  looped(): void;
  /** The peer refuses every way to prove who it is. */
  authenticationRefused(): void;
  /** The peer does not know `protocol` (RFC 1661 §5.7). */
  protocolRejected(now: number, protocol: number): void;
  /** Identification or Time-Remaining (RFC 1570 §1.1, §1.2). */
  told(
    what:
      | { type: "identification"; text: string }
      | { type: "time-remaining"; seconds: number; text: string },
  ): void;
  /** No sign of life. */
  dead(now: number): void;
}

/** What both sides agreed on, read from the two acknowledged requests. */
export interface LinkAgreement {
  /** Most octets of information that the peer takes, and that we said we take. */
  readonly peerMru: number;
  readonly mru: number;
  /** Which control characters we escape towards the peer, and it towards us. */
  readonly sendAccm: number;
  readonly receiveAccm: number;
  /** The peer receives compressed Protocol, and Address and Control fields. */
  readonly peerPfc: boolean;
  readonly peerAcfc: boolean;
  /** Our Magic-Number and the peer's; 0: not negotiated. */
  readonly magic: number;
  readonly peerMagic: number;
  /** How the peer proves itself to us; `undefined`: not. */
  readonly peerProves: AuthMethod | undefined;
  /** How the peer lets us prove ourselves: none, one, or both EAP methods. */
  readonly weProve: readonly AuthMethod[];
}

/** Texts of a peer are cut to this many octets: they go to logs. */
const MAXIMUM_TEXT = 255;
/** The smallest MRU that leaves room for anything; a peer that asks for less gets this suggested. */
const MINIMUM_MRU = 128;

/** One link's LCP beside its automaton; plain data. */
export class LcpLink {
  readonly settings: PppSettings;
  readonly host: LcpHost;
  /** What we ask for now; the peer's Naks move it. */
  mru: number;
  accm: number;
  magic: number;
  demand: AuthMethod | undefined;
  /** Methods that the peer refused, and options that it rejected, one bit each. */
  refused = 0;
  off = 0;
  /** How often our own Magic-Number came back. */
  loops = 0;
  /** Keep-alive: when it is due next, what was heard last, and what was not answered. */
  echoDeadline = Number.POSITIVE_INFINITY;
  heardAt = 0;
  missed = 0;
  echoIdentifier = 0;

  constructor(settings: PppSettings, host: LcpHost) {
    this.settings = settings;
    this.host = host;
    this.mru = settings.mru;
    this.accm = settings.accm;
    this.magic = settings.magic ? newMagic(host.random) : 0;
    this.demand = settings.authenticatePeer?.methods[0];
  }
}

function newMagic(random: Random): number {
  for (;;) {
    const magic = u32At(random(4), 0);
    if (magic !== 0) return magic;
  }
}

const isOff = (link: LcpLink, type: number) => (link.off & (1 << type)) !== 0;

function switchOff(this: OptionRow<LcpLink>, link: LcpLink): void {
  link.off |= 1 << this.type;
}

const ack = (): Judgement => "ack";

/** Our own Magic-Number came back: the line may be looped, and is when it goes on (§6.4). */
function foundLoop(link: LcpLink): void {
  link.host.count("looped");
  if (++link.loops >= link.settings.maxLoops) link.host.looped();
}

/** The next method to demand, after `offered` by the peer if that is one of ours. */
function demandAnother(link: LcpLink, offered: readonly AuthMethod[]): void {
  // A peer may wish to be asked (§5.3); who does not demand a proof is not refused one.
  if (link.settings.authenticatePeer === undefined) return;
  const ours = link.settings.authenticatePeer.methods;
  if (link.demand !== undefined) link.refused |= 1 << ours.indexOf(link.demand);
  const left = ours.filter((_, i) => (link.refused & (1 << i)) === 0);
  link.demand = left.find((method) => offered.includes(method)) ?? left[0];
  if (link.demand === undefined && !link.settings.authenticatePeer.allowNone)
    link.host.authenticationRefused();
}

/** Options that we have no use for: what they are, for the documentation; a Configure-Reject answers them. */
const refusedOption = (type: number, name: string, least: number, most: number, rfc: string, doc: string) =>
  ({ type, name, length: [least, most], rfc, doc }) satisfies OptionRow<LcpLink>;

/** The options of LCP. */
export const LCP_OPTIONS: readonly OptionRow<LcpLink>[] = [
  {
    type: 1,
    name: "Maximum-Receive-Unit",
    length: [2, 2],
    rfc: "RFC 1661 §6.1",
    doc: `asked for when \`mru\` is not 1500; any of the peer's from ${MINIMUM_MRU} is taken`,
    request: (link) => (link.mru === DEFAULT_MRU || isOff(link, 1) ? undefined : u16(link.mru)),
    nak(link, value) {
      // A smaller one costs us nothing; a larger one we said we cannot.
      const mru = u16At(value, 0);
      if (mru >= MINIMUM_MRU && mru < link.mru) link.mru = mru;
    },
    reject: switchOff,
    judge: (_, value) => (u16At(value, 0) >= MINIMUM_MRU ? "ack" : { nak: u16(MINIMUM_MRU) }),
    suggest: () => u16(DEFAULT_MRU),
  },
  {
    type: 2,
    name: "Async-Control-Character-Map",
    length: [4, 4],
    rfc: "RFC 1662 §7.1",
    doc: "`accm`, 0 by default, is asked for; any of the peer's is taken",
    request: (link) => (isOff(link, 2) ? undefined : u32(link.accm)),
    nak(link, value) {
      link.accm = (link.accm | u32At(value, 0)) >>> 0;
    },
    reject: switchOff,
    judge: ack,
    suggest: () => u32(0xffffffff),
  },
  {
    type: 3,
    name: "Authentication-Protocol",
    length: [2, 253],
    rfc: "RFC 1661 §6.2",
    doc: "`authenticatePeer` asks, method after method; the peer's is taken when `authenticateSelf` has it",
    request: (link) => link.demand && optionOf(link.demand),
    nak: (link, value) => demandAnother(link, methodsOf(value)),
    reject(link) {
      // Not this method but all of them.
      link.refused = -1;
      link.demand = undefined;
      if (link.settings.authenticatePeer?.allowNone !== true) link.host.authenticationRefused();
    },
    judge(link, value) {
      const ours = link.settings.authenticateSelf?.methods ?? [];
      if (ours.length === 0) return "reject";
      if (methodsOf(value).some((method) => ours.includes(method))) return "ack";
      return { nak: optionOf(ours[0] as AuthMethod) };
    },
    suggest(link) {
      const [first] = link.settings.authenticateSelf?.methods ?? [];
      return first && optionOf(first);
    },
  },
  refusedOption(
    4,
    "Quality-Protocol",
    2,
    253,
    "RFC 1661 §6.3",
    "refused: L2TP's own keep-alive and counters serve",
  ),
  {
    type: 5,
    name: "Magic-Number",
    length: [4, 4],
    rfc: "RFC 1661 §6.4",
    doc: "random; the peer's is taken unless it is 0 or ours, which may be a loop",
    request: (link) => (!link.settings.magic || isOff(link, 5) ? undefined : u32(link.magic)),
    nak(link) {
      // Not the suggested one: on a looped line that is what we sent ourselves.
      link.magic = newMagic(link.host.random);
    },
    reject: switchOff,
    judge(link, value) {
      const magic = u32At(value, 0);
      if (magic !== 0 && magic !== link.magic) return "ack";
      const nak = u32(newMagic(link.host.random));
      if (magic === 0) return { nak };
      // On a looped line an answer is one to us: a Reject of what we ask would come back as the peer's.
      foundLoop(link);
      return { nak, alone: true };
    },
    suggest: (link) => u32(newMagic(link.host.random)),
  },
  {
    type: 7,
    name: "Protocol-Field-Compression",
    length: [0, 0],
    rfc: "RFC 1661 §6.5",
    doc: "offered with `pfc`; taken, and used with `sendCompressed`",
    request: (link) => (!link.settings.pfc || isOff(link, 7) ? undefined : NO_OCTETS),
    reject: switchOff,
    judge: ack,
    suggest: () => NO_OCTETS,
  },
  {
    type: 8,
    name: "Address-and-Control-Field-Compression",
    length: [0, 0],
    rfc: "RFC 1661 §6.6",
    doc: "offered with `acfc`; taken, and used with `sendCompressed`",
    request: (link) => (!link.settings.acfc || isOff(link, 8) ? undefined : NO_OCTETS),
    reject: switchOff,
    judge: ack,
    suggest: () => NO_OCTETS,
  },
  refusedOption(9, "FCS-Alternatives", 1, 1, "RFC 1570 §2.1", "refused: L2TP carries no FCS"),
  refusedOption(10, "Self-Describing-Padding", 1, 1, "RFC 1570 §2.2", "refused: nothing is padded"),
  refusedOption(13, "Callback", 1, 253, "RFC 1570 §2.3", "refused"),
  refusedOption(17, "Multilink-MRRU", 2, 2, "RFC 1990 §5.1.1", "refused: no multilink"),
  refusedOption(18, "Short-Sequence-Numbers", 0, 0, "RFC 1990 §5.1.2", "refused: no multilink"),
  refusedOption(19, "Endpoint-Discriminator", 1, 253, "RFC 1990 §5.1.3", "refused: no multilink"),
  refusedOption(23, "Link-Discriminator", 2, 2, "RFC 2125 §7", "refused: no multilink"),
  refusedOption(28, "Internationalization", 4, 253, "RFC 2484 §3", "refused: texts are UTF-8"),
];

/** LCP for {@link Negotiation}. */
export const LCP: ControlProtocol<LcpLink> = {
  name: "LCP",
  protocol: PROTOCOL.lcp,
  options: LCP_OPTIONS,
  essential: [CODE.protocolReject, CODE.echoRequest, CODE.echoReply, CODE.discardRequest],
  other: (link, now, packet) => {
    if (packet.code < CODE.protocolReject || packet.code > CODE.timeRemaining) return false;
    link.host.lcpPacket(now, packet);
    return true;
  },
};

const NOT_ASKED: readonly never[] = [];

/** Reads what was agreed, once LCP is Opened. */
export function linkAgreement(link: LcpLink, { ours, theirs }: Negotiation<LcpLink>): LinkAgreement {
  const [sent, received] = [octetsIn(ours), octetsIn(theirs)];
  const number = (options: Uint8Array, type: number, preset: number) => {
    const value = optionValue(options, type);
    return value === undefined ? preset : value.length === 2 ? u16At(value, 0) : u32At(value, 0);
  };
  const proof = optionValue(sent, 3);
  const asked = optionValue(received, 3);
  const willing = link.settings.authenticateSelf?.methods ?? [];
  const demanded = proof === undefined ? [] : methodsOf(proof);
  return {
    peerMru: number(received, 1, DEFAULT_MRU),
    mru: number(sent, 1, DEFAULT_MRU),
    sendAccm: number(received, 2, 0xffffffff),
    receiveAccm: number(sent, 2, 0xffffffff),
    peerPfc: optionValue(received, 7) !== undefined,
    peerAcfc: optionValue(received, 8) !== undefined,
    magic: number(sent, 5, 0),
    peerMagic: number(received, 5, 0),
    // With EAP the option does not say which method; with others it is the only one there.
    peerProves: link.demand !== undefined && demanded.includes(link.demand) ? link.demand : demanded[0],
    weProve: asked === undefined ? NOT_ASKED : methodsOf(asked).filter((method) => willing.includes(method)),
  };
}

/** A packet of codes 8 to 13. Outside Opened these are silently discarded (RFC 1661 §5.7, §5.8, §5.9). */
export function handleLcpPacket(
  link: LcpLink,
  lcp: Negotiation<LcpLink>,
  agreed: LinkAgreement | undefined,
  now: number,
  packet: Packet,
) {
  const { host } = link;
  const { code, identifier, data } = packet;
  // Only Identification may come at any time (RFC 1570 §1.1).
  if (code === CODE.identification && data.length >= 4) {
    return host.told({ type: "identification", text: textOf(data.subarray(4, 4 + MAXIMUM_TEXT)) });
  }
  if (lcp.state !== "Opened" || agreed === undefined) return host.count("unexpected");
  if (code === CODE.protocolReject) {
    if (data.length < 2) return host.count("malformed");
    return host.protocolRejected(now, u16At(data, 0));
  }
  if (data.length < 4) return host.count("malformed");
  const first = u32At(data, 0);
  switch (code) {
    case CODE.echoRequest:
    case CODE.echoReply:
      // Either kind carries its sender's number; with ours in it, we hear ourselves.
      if (first !== 0 && first === agreed.magic) foundLoop(link);
      else {
        link.heardAt = now;
        link.missed = 0;
      }
      if (code === CODE.echoRequest) {
        const reply = concat(u32(agreed.magic), data.subarray(4, Math.max(4, agreed.peerMru - 4)));
        host.transmit(PROTOCOL.lcp, encodePacket(CODE.echoReply, identifier, reply));
      }
      return;
    case CODE.timeRemaining:
      if (data.length < 8) return host.count("malformed");
      return host.told({
        type: "time-remaining",
        seconds: u32At(data, 4),
        text: textOf(data.subarray(8, 8 + MAXIMUM_TEXT)),
      });
    default:
      return; // Discard-Request (§5.9)
  }
}

/** Starts the keep-alive, when LCP came up and it is wanted. */
export function startEcho(link: LcpLink, now: number): void {
  link.heardAt = now;
  link.missed = 0;
  const { echoIntervalMs } = link.settings;
  link.echoDeadline = echoIntervalMs === 0 ? Number.POSITIVE_INFINITY : now + echoIntervalMs;
}

/**
 * The keep-alive is due. It is quiet while data flows, and while the peer asks us.
 * @param lastData - when the data plane last received something.
 */
export function handleEchoTimeout(link: LcpLink, agreed: LinkAgreement, now: number, lastData: number) {
  if (now < link.echoDeadline) return;
  const { echoIntervalMs, echoFailures } = link.settings;
  const quietSince = Math.max(link.heardAt, Math.min(lastData, now));
  if (quietSince + echoIntervalMs > now) {
    link.missed = 0;
    link.echoDeadline = quietSince + echoIntervalMs;
    return;
  }
  if (link.missed >= echoFailures) {
    link.echoDeadline = Number.POSITIVE_INFINITY;
    return link.host.dead(now);
  }
  link.missed++;
  link.echoIdentifier = (link.echoIdentifier + 1) & 255;
  link.echoDeadline = now + echoIntervalMs;
  link.host.transmit(PROTOCOL.lcp, encodePacket(CODE.echoRequest, link.echoIdentifier, u32(agreed.magic)));
}

/** Identification (RFC 1570 §1.1): our number, and who we are. */
export const identification = (agreed: LinkAgreement, text: string): Uint8Array =>
  concat(u32(agreed.magic), textOctets(text).subarray(0, MAXIMUM_TEXT));

/** Time-Remaining (RFC 1570 §1.2): our number, the seconds left, and why. */
export const timeRemaining = (agreed: LinkAgreement, seconds: number, text: string): Uint8Array =>
  concat(u32(agreed.magic), u32(seconds), textOctets(text).subarray(0, MAXIMUM_TEXT));
