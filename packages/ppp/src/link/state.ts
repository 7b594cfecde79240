/**
 * What a PPP link knows of itself: plain fields, and what everything about the link asks of it. What is done with them is in the
 * files beside this one, each a part of the link's life; `link.ts` joins them.
 */
import type { Allowance, Authenticator } from "../auth/authenticator.ts";
import type { AuthHost } from "../auth/host.ts";
import type { Accepted, Credentials, Grants } from "../auth/question.ts";
import type { Supplicant } from "../auth/supplicant.ts";
import type { CcpHost, CcpLink } from "../ccp.ts";
import type { DownReason, LinkConfiguration, PppCounters, PppEvent } from "../events.ts";
import type { IpcpLink, Ipv4Agreement } from "../ipcp.ts";
import type { Ipv6Agreement, Ipv6cpLink } from "../ipv6cp.ts";
import type { Kept } from "../kept.ts";
import { LCP, type LcpHost, LcpLink, type LinkAgreement, type Random } from "../lcp.ts";
import type { MppeStartKeys } from "../mppe-keys.ts";
import { Negotiation } from "../negotiation.ts";
import { DEFAULT_MRU } from "../numbers.ts";
import type { Packet } from "../packet.ts";
import type { ProxyAuthentication } from "../proxy.ts";
import { Ration, type Spent } from "../ration.ts";
import type { MppeSettings, PppSettings } from "../settings.ts";

/** Where the link is in its life (RFC 1661 §3.2); `handed-over`: it goes on elsewhere. */
export type Phase = "dead" | "establish" | "authenticate" | "network" | "terminate" | "handed-over";

/** No event waits: nothing is ever put here. */
const NO_EVENTS: PppEvent[] = [];
/** Code-Rejects and Protocol-Rejects that a link sends. */
const REJECTS = new Ration(10, 1);

/** See the file's head. There are thousands: what is not there at rest is `undefined`. */
export abstract class LinkState implements LcpHost, AuthHost, CcpHost {
  readonly settings: PppSettings;
  readonly random: Random;
  readonly counters: PppCounters = {
    received: 0,
    sent: 0,
    malformed: 0,
    unexpected: 0,
    crossed: 0,
    looped: 0,
    flooded: 0,
    unknownProtocol: 0,
    data: 0,
  };
  phase: Phase = "dead";
  /** Of a link that ends, or has ended. */
  reason: DownReason | undefined;
  /** It was of use once. */
  isUp = false;
  #events: PppEvent[] = NO_EVENTS;

  // LCP.

  readonly lcpLink: LcpLink;
  readonly lcp: Negotiation<LcpLink>;
  /** While LCP is Opened. */
  agreed: LinkAgreement | undefined;
  /** What a LAC was told by the peer, until it is looked at. */
  proxy: ProxyAuthentication | undefined;
  /** Of a link that is to be handed over: the peer's first Configure-Request. */
  firstReceived: Kept | undefined;

  // Who is who.

  /** Asks the peer. */
  authenticator: Authenticator | undefined;
  /** Answers the peer. */
  supplicant: Supplicant | undefined;
  /** What is left to a peer that did not prove who it is yet. */
  allowance: Allowance | undefined;
  /** The question that is open. */
  token = 0;
  isAsking = false;
  /** Of a link that is to be handed over: the peer's proof that was asked about last. */
  proof: Credentials | undefined;
  grants: Grants | undefined;
  keys: MppeStartKeys | undefined;

  // What packets are for.

  ipcp: Negotiation<IpcpLink> | undefined;
  ipv6cp: Negotiation<Ipv6cpLink> | undefined;
  ccp: Negotiation<CcpLink> | undefined;
  ipv4: Ipv4Agreement | undefined;
  ipv6: Ipv6Agreement | undefined;
  mppe: LinkConfiguration["mppe"];

  // Limits, in time and number; see limits.ts.

  /** The phase has to be over by then. */
  phaseDeadline: number | undefined;
  /** A network protocol has to be up by then, however often LCP is negotiated anew meanwhile. */
  usefulBy: number | undefined;
  /** The question about a peer that proves nothing has to be answered by then: no authenticator watches it. */
  anonymousDeadline: number | undefined;
  /** Found inside a packet's handling, acted on after it: protocols are not torn down under way. */
  isLooped = false;
  /** Why the peer cannot prove who it is; "" when there is no more to say. */
  noProof: string | undefined;
  controlSpent: Spent;
  rejectsSpent: Spent;
  renegotiationsSpent: Spent;

  constructor(settings: PppSettings, random: Random) {
    this.settings = settings;
    this.random = random;
    this.lcpLink = new LcpLink(settings, this);
    this.lcp = new Negotiation(LCP, this.lcpLink, this, settings);
  }

  /** For whoever runs the link. */
  tell(event: PppEvent): void {
    if (this.#events === NO_EVENTS) this.#events = [event];
    else this.#events.push(event);
  }

  get events(): readonly PppEvent[] {
    return this.#events;
  }

  /** All of them were taken. */
  clearEvents(): void {
    this.#events = NO_EVENTS;
  }

  /** Nothing is sent or taken any more. */
  get isSilent(): boolean {
    return this.phase === "dead" || this.phase === "handed-over";
  }

  get peerMru(): number {
    return this.agreed?.peerMru ?? DEFAULT_MRU;
  }

  /** As this peer's are. */
  get mppeSettings(): MppeSettings {
    const granted = this.grants?.mppe;
    return granted === undefined ? this.settings.mppe : { ...this.settings.mppe, ...granted };
  }

  count(counter: "malformed" | "unexpected" | "crossed" | "looped" | "flooded"): void {
    this.counters[counter]++;
  }

  mayReject(now: number): boolean {
    const spent = REJECTS.take(this.rejectsSpent, now);
    if (spent !== undefined) this.rejectsSpent = spent;
    return spent !== undefined;
  }

  looped(): void {
    this.isLooped = true;
  }

  authenticationRefused(): void {
    this.noProof ??= "";
  }

  // What protocols ask of their link.

  abstract transmit(protocol: number, packet: Uint8Array): void;
  abstract layerUp(now: number, protocol: number): void;
  abstract layerDown(now: number, protocol: number): void;
  abstract layerFinished(now: number, protocol: number): void;
  abstract lcpPacket(now: number, packet: Packet): void;
  abstract protocolRejected(now: number, protocol: number): void;
  abstract told(what: Parameters<LcpHost["told"]>[0]): void;
  abstract dead(now: number): void;
  abstract ask(now: number, credentials: Credentials): void;
  abstract peerProved(now: number, name: string, decision: Accepted): void;
  abstract peerFailed(now: number, why: string): void;
  abstract weProved(now: number, keys: MppeStartKeys | undefined): void;
  abstract weFailed(now: number, why: string, error: number): void;
  abstract isOurChallenge(challenge: Uint8Array): boolean;
  abstract resetRequested(): void;
  abstract acknowledgeReset(identifier: number): void;
}
