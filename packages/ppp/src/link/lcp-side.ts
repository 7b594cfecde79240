/** LCP's side of a link: it begins, with or without what a LAC negotiated, comes up, and goes down with all that is above it. */
import { keep } from "../kept.ts";
import { handleLcpPacket, identification, linkAgreement, startEcho, timeRemaining } from "../lcp.ts";
import { CODE } from "../numbers.ts";
import { NO_OCTETS } from "../octets.ts";
import type { Packet } from "../packet.ts";
import { objection, type ProxyInformation } from "../proxy.ts";
import { reasonOf } from "../reasons.ts";
import { startAuthentication } from "./authentication.ts";
import { configure } from "./configuration.ts";
import { beginEnd, finishOf } from "./end.ts";
import { networkDown } from "./networks.ts";
import type { LinkState } from "./state.ts";

/** The session below is up. */
export function startLcp(link: LinkState, now: number, proxy: ProxyInformation | undefined): void {
  establish(link, now);
  link.lcp.open(now);
  if (!tookOver(link, now, proxy)) link.lcp.up(now);
}

/** What the LAC negotiated takes the place of a negotiation (RFC 2661 §4.4.5), where the settings say so and it will do. */
function tookOver(link: LinkState, now: number, proxy: ProxyInformation | undefined): boolean {
  if (proxy?.lastSent === undefined || link.settings.proxy === "renegotiate") return false;
  const { lcpLink, lcp } = link;
  const { demand, magic } = lcpLink;
  if (objection(lcpLink, lcp, proxy) === undefined) {
    link.proxy = proxy.authentication;
    if (link.settings.handOver) link.firstReceived = keep(proxy.initialReceived ?? NO_OCTETS);
    lcp.adopt(now, proxy.lastSent, proxy.lastReceived as Uint8Array);
    return true;
  }
  lcpLink.demand = demand;
  lcpLink.magic = magic;
  lcpLink.loops = 0;
  return false;
}

function establish(link: LinkState, now: number): void {
  const { phaseLimitMs, authenticatePeer } = link.settings;
  link.phase = "establish";
  link.phaseDeadline = now + phaseLimitMs;
  // All phases one after the other, each as slow as it may be.
  link.usefulBy ??= now + 2 * phaseLimitMs + Math.max(phaseLimitMs, authenticatePeer?.timeLimitMs ?? 0);
}

export function lcpUp(link: LinkState, now: number): void {
  const agreed = linkAgreement(link.lcpLink, link.lcp);
  link.agreed = agreed;
  link.phaseDeadline = undefined;
  startEcho(link.lcpLink, now);
  link.tell({ type: "lcp-up" });
  configure(link);
  const { identification: words } = link.settings;
  if (words !== "") link.lcp.send(CODE.identification, identification(agreed, words));
  startAuthentication(link, now, agreed);
}

/** LCP is negotiated anew, or ends: everything above goes down with it (RFC 1661 §3.4, §3.7). */
export function lcpDown(link: LinkState, now: number): void {
  const refusal = link.authenticator?.refusal;
  if (link.allowance !== undefined && link.authenticator !== undefined)
    link.allowance = { ...link.allowance, attempts: link.authenticator.attemptsLeft };
  for (const upper of [link.ipcp, link.ipv6cp, link.ccp]) upper?.down(now);
  networkDown(link, now, "ipv4");
  networkDown(link, now, "ipv6");
  forget(link);
  if (link.phase === "terminate" || link.phase === "dead") return;
  if (link.lcp.state !== "Stopping") establish(link, now);
  // The peer says good-bye, or cannot go on: LCP waits a little.
  else
    beginEnd(link, refusal === undefined ? finishOf(link.lcp) : reasonOf("authentication-failed", refusal));
}

/** What was of the agreement that is over. */
function forget(link: LinkState): void {
  link.ipcp = undefined;
  link.ipv6cp = undefined;
  link.ccp = undefined;
  link.mppe = undefined;
  link.keys = undefined;
  link.grants = undefined;
  link.authenticator = undefined;
  link.supplicant = undefined;
  link.agreed = undefined;
  link.isAsking = false;
  link.anonymousDeadline = undefined;
}

/** A packet that only LCP has. */
export function receiveLcp(link: LinkState, now: number, packet: Packet): void {
  handleLcpPacket(link.lcpLink, link.lcp, link.agreed, now, packet);
}

/** RFC 1570 §1.2 */
export function tellTimeRemaining({ lcp, agreed }: LinkState, seconds: number, text: string): void {
  if (lcp.state !== "Opened" || agreed === undefined) return;
  lcp.send(CODE.timeRemaining, timeRemaining(agreed, seconds, text));
}
