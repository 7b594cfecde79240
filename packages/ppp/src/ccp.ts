/** CCP (RFC 1962) for the one thing that it is used for: MPPE (RFC 3078). Every other compression is refused. */
import { type Kept, octetsIn } from "./kept.ts";
import type { ControlProtocol, Negotiation, OptionRow } from "./negotiation.ts";
import { CODE, PROTOCOL } from "./numbers.ts";
import { u32, u32At } from "./octets.ts";
import { optionValue, type Packet } from "./packet.ts";
import type { MppeSettings } from "./settings.ts";

/** The Supported Bits of option 18 (RFC 3078 §2). */
export const MPPE_BITS = {
  /** H: a new key for each packet. */
  stateless: 0x01000000,
  /** M, S and L: strengths, one of which is left in the end. */
  56: 0x80,
  128: 0x40,
  40: 0x20,
  /** D, obsolete, and C, MPPC: never taken. */
  obsolete: 0x10,
  mppc: 0x01,
} as const;

/** Strengths, the strongest first. */
const STRENGTHS = [128, 56, 40] as const;
/** Bits of an MPPE key. */
export type MppeStrength = (typeof STRENGTHS)[number];

/** How one direction is encrypted. */
export interface MppeMode {
  readonly bits: MppeStrength;
  readonly stateless: boolean;
}

/** What CCP needs of its link. */
export interface CcpHost {
  /** The peer lost its place, and the next packet we send has to start the key stream anew. */
  resetRequested(): void;
  /** Answers it (RFC 1962 §3.1). */
  acknowledgeReset(identifier: number): void;
}

/** One link's CCP beside its automaton. */
export class CcpLink {
  readonly settings: MppeSettings;
  readonly host: CcpHost;
  /** Supported Bits that we ask for now; 0: nothing. */
  wanted: number;
  /** When we last asked the peer to begin anew. */
  resetAt = Number.NEGATIVE_INFINITY;

  constructor(settings: MppeSettings, host: CcpHost) {
    this.settings = settings;
    this.host = host;
    this.wanted = ourStrengths(settings) | (settings.mode === "stateful" ? 0 : MPPE_BITS.stateless);
  }
}

const ourStrengths = ({ bits }: MppeSettings): number =>
  bits.reduce((sum, strength) => sum | MPPE_BITS[strength], 0);

/** The strongest of `offered` that we take, alone; 0: none. */
function strongest(settings: MppeSettings, offered: number): number {
  const both = ourStrengths(settings) & offered;
  return STRENGTHS.map((strength) => MPPE_BITS[strength]).find((bit) => (both & bit) !== 0) ?? 0;
}

/** The H bit that we want, given what the peer says. */
function stateless(settings: MppeSettings, offered: number): number {
  if (settings.mode === "either") return offered & MPPE_BITS.stateless;
  return settings.mode === "stateless" ? MPPE_BITS.stateless : 0;
}

/** The options of CCP. */
export const CCP_OPTIONS: readonly OptionRow<CcpLink>[] = [
  { type: 0, name: "OUI", length: [4, 253], rfc: "RFC 1962 §4.1", doc: "refused" },
  { type: 17, name: "Stac-LZS", length: [3, 3], rfc: "RFC 1974 §2", doc: "refused" },
  {
    type: 18,
    name: "Microsoft-PPE-PPC",
    length: [4, 4],
    rfc: "RFC 3078 §2",
    doc: "MPPE of the strongest of `mppe.bits` that both have, stateless or not by `mppe.mode`; never MPPC",
    request: (link) => (link.wanted === 0 ? undefined : u32(link.wanted)),
    nak(link, value) {
      const offered = u32At(value, 0);
      const strength = strongest(link.settings, offered);
      link.wanted = strength === 0 ? 0 : strength | stateless(link.settings, offered);
    },
    reject(link) {
      link.wanted = 0;
    },
    judge(link, value) {
      const offered = u32At(value, 0);
      const strength = strongest(link.settings, offered) || strongest(link.settings, -1);
      const wanted = strength | stateless(link.settings, offered);
      return offered === wanted ? "ack" : { nak: u32(wanted) };
    },
    suggest: (link) => u32(strongest(link.settings, -1) | stateless(link.settings, MPPE_BITS.stateless)),
  },
  { type: 21, name: "BSD-Compress", length: [1, 1], rfc: "RFC 1977 §2", doc: "refused" },
  { type: 24, name: "Deflate (draft)", length: [2, 2], rfc: "RFC 1979 §2", doc: "refused" },
  { type: 26, name: "Deflate", length: [2, 2], rfc: "RFC 1979 §2", doc: "refused" },
];

/** CCP for {@link Negotiation}. */
export const CCP: ControlProtocol<CcpLink> = {
  name: "CCP",
  protocol: PROTOCOL.ccp,
  options: CCP_OPTIONS,
  taken(link: CcpLink): boolean {
    // Of several strengths the peer should have Nak'ed the strongest alone (RFC 3078 §2.1). One that takes them all does not
    // say by which it will encrypt, so it is asked for that one.
    const strength = strongest(link.settings, link.wanted);
    const alone = strength | (link.wanted & MPPE_BITS.stateless);
    const isClear = alone === link.wanted;
    link.wanted = alone;
    return isClear;
  },
  other(link: CcpLink, _now: number, packet: Packet): boolean {
    if (packet.code === CODE.resetRequest) {
      link.host.acknowledgeReset(packet.identifier);
      link.host.resetRequested();
    }
    // A Reset-Ack says nothing that the A bit does not (RFC 3078 §8.2).
    return packet.code === CODE.resetRequest || packet.code === CODE.resetAck;
  },
};

function modeOf(options: Kept): MppeMode | undefined {
  const value = optionValue(octetsIn(options), 18);
  if (value === undefined) return undefined;
  const bits = u32At(value, 0);
  const named = STRENGTHS.filter((strength) => (bits & MPPE_BITS[strength]) !== 0);
  if (named.length !== 1) return undefined;
  return { bits: named[0] as MppeStrength, stateless: (bits & MPPE_BITS.stateless) !== 0 };
}

/**
 * What was agreed, once CCP is Opened. A request says what its sender can decode, so ours is how we receive.
 * @returns `undefined` when either direction would not be encrypted: with MPPE it is both or none.
 */
export function mppeAgreement({
  ours,
  theirs,
}: Negotiation<CcpLink>): { send: MppeMode; receive: MppeMode } | undefined {
  const send = modeOf(theirs);
  const receive = modeOf(ours);
  return send && receive && { send, receive };
}
