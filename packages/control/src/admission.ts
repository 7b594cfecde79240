/** Whether a call may be begun, ours or the peer's: limits, what both ends can do, and a free Session ID. */
import type { Instant } from "@l2tp/protocol";
import { CDN, type CdnFacts } from "./call-messages.ts";
import type { Core } from "./core.ts";
import { ControlError } from "./errors.ts";
import { freeId } from "./ids.ts";
import type { MessageOf } from "./message-of.ts";
import type { SessionOpening } from "./parameters.ts";
import type { Tunnel } from "./state.ts";

/** Why a request is refused at once, if it is. */
export function refusalOf(
  core: Core,
  now: Instant,
  tunnel: Tunnel,
  message: MessageOf<"ICRQ" | "OCRQ">,
  open: string | undefined,
): CdnFacts | undefined {
  const { settings, source } = tunnel;
  const incoming = message.type === "ICRQ";
  if (incoming ? !settings.acceptIncoming : !settings.acceptOutgoing) {
    return {
      ...CDN.permanent,
      text: incoming ? "no incoming calls are taken" : "no outgoing calls are placed",
    };
  }
  if (core.draining) return { ...CDN.tryAnother, text: "draining" };
  const full = limitReached(core, tunnel);
  if (full !== undefined) {
    core.counters.count("tooManySessions");
    return { ...CDN.temporary, text: full };
  }
  if (!source.calls.take(now) || !core.sessionRate.take(now)) {
    source.statistics.rateLimited++;
    return { ...CDN.noResources, text: "too many calls at once" };
  }
  if (open !== undefined) return { ...CDN.administrative, text: `${open} must be hidden` };
  if (message.type !== "OCRQ") return undefined;
  if ((message.framingType & settings.framingCapabilities) === 0 && message.framingType !== 0) {
    return { ...CDN.permanent, text: "Framing Type that our Framing Capabilities do not have" };
  }
  if ((message.bearerType & settings.bearerCapabilities) === 0 && message.bearerType !== 0) {
    return { ...CDN.permanent, text: "Bearer Type that our Bearer Capabilities do not have" };
  }
  return undefined;
}

/** Which limit of sessions is reached, if one is. */
export function limitReached(core: Core, tunnel: Tunnel): string | undefined {
  const { maximumSessions } = tunnel.settings;
  if (tunnel.sessions.size >= maximumSessions)
    return `maximumSessions: ${maximumSessions} are on this tunnel`;
  const { sessions } = core.settings.limits;
  return core.sessions.size >= sessions ? `limits.sessions: there are ${sessions}` : undefined;
}

/** A free Session ID, or the one that is wanted. @throws ControlError. */
export function takeId(core: Core, now: Instant, tunnel: Tunnel, wanted: number | undefined): number {
  tunnel.resting?.purge(now);
  if (wanted !== undefined) {
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= 65_535 && !isTaken(tunnel, wanted))
      return wanted;
    const text = `sessionId: a free number from 1 to 65535 was expected, got ${wanted}; leave it out to have one`;
    throw new ControlError("ERR_L2TP_PARAMETER", text);
  }
  const id = freeId(core.random, (taken) => isTaken(tunnel, taken));
  if (id !== undefined) return id;
  core.counters.count("noSessionIds");
  throw new ControlError("ERR_L2TP_LIMIT", "all 65,535 session IDs of this tunnel are in use or rest");
}

/** Whether an ID is in use on this tunnel, or rests. */
export const isTaken = (tunnel: Tunnel, id: number): boolean =>
  tunnel.sessions.has(id) || tunnel.resting?.has(id) === true;

/** Why the peer would have to reject this call (RFC 2661 §4.4.3, §6.9), if it would. */
export function faultOfOpening(tunnel: Tunnel, opening: SessionOpening): string | undefined {
  const { facts } = tunnel;
  if (facts === undefined) return undefined;
  if (opening.kind === "incoming") {
    const framing = opening.connected?.framingType ?? 0;
    return facts.framingCapabilities !== 0 && (framing & ~facts.framingCapabilities) !== 0
      ? "connected.framingType: the peer's Framing Capabilities do not have it"
      : undefined;
  }
  if (facts.bearerCapabilities === undefined) {
    return "the peer sent no Bearer Capabilities: it places no outgoing calls (RFC 2661 §6.9)";
  }
  if ((opening.request.bearerType & ~facts.bearerCapabilities) !== 0) {
    return "request.bearerType: the peer's Bearer Capabilities do not have it";
  }
  return (opening.request.framingType & ~facts.framingCapabilities) !== 0
    ? "request.framingType: the peer's Framing Capabilities do not have it"
    : undefined;
}
