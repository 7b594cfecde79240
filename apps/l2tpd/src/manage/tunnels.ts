/** Tunnels as the management interface shows them. */
import { type ClosedTunnel as EndedTunnel, QUIRKS, type TunnelStatus } from "@l2tp/control";
import type { ChannelValue, ClosedTunnel, TunnelDetail, TunnelSummary } from "@l2tp/management";
import type { DynamicTunnel, TunnelStatistics } from "@l2tp/node";
import { BEARER, FRAMING, type Instant } from "@l2tp/protocol";
import type { ChannelStatistics } from "@l2tp/transport";
import {
  type AnyTunnel,
  age,
  counters,
  defined,
  endingValue,
  isDynamic,
  messageValue,
  place,
  reasonValue,
} from "./common.ts";

/** What the configuration knows of a tunnel that was not negotiated. */
export interface ConfiguredFacts {
  readonly version: 2 | 3;
  readonly encapsulation: "udp" | "ip";
}

const NEGOTIATED: ConfiguredFacts = { version: 2, encapsulation: "udp" };

export function tunnelSummary(tunnel: AnyTunnel, now: Instant, facts = NEGOTIATED): TunnelSummary {
  const { name, mode, tunnelId, peerTunnelId, state, upSince, local, peer, reason, sessions } = tunnel;
  return defined({
    name,
    ...facts,
    mode,
    tunnelId,
    peerTunnelId,
    state,
    up: state === "up",
    upForMs: age(now, upSince),
    local: local && place(local),
    peer: place(peer),
    ...(isDynamic(tunnel) ? ofDynamic(tunnel, now) : {}),
    sessions: sessions.length,
    sessionsUp: sessions.filter((session) => session.state === "up").length,
    reason: state === "up" ? undefined : reasonValue(reason),
  });
}

function ofDynamic(tunnel: DynamicTunnel, now: Instant): Partial<TunnelSummary> {
  const { origin, peerFacts, peerName, listener, dialling } = tunnel;
  const status = tunnel.status();
  return defined({
    controlState: status?.state,
    peerHostName: peerFacts?.hostName,
    peerVendorName: peerFacts?.vendorName || undefined,
    openedBy: origin === "dialled" ? "local" : "peer",
    peerName,
    listener,
    rttMs: status?.channel?.rttMs,
    retryInMs: dialling?.nextAt === undefined ? undefined : Math.max(0, dialling.nextAt - now),
  } as const);
}

/** All about one. @param figures - of the context's statistics, where they were taken. */
export function tunnelDetail(
  tunnel: AnyTunnel,
  figures: TunnelStatistics,
  now: Instant,
  facts?: ConfiguredFacts,
): TunnelDetail {
  const status = isDynamic(tunnel) ? tunnel.status() : undefined;
  const { transport, ignored } = figures.control;
  const channel = status?.channel ?? transport;
  return defined({
    ...tunnelSummary(tunnel, now, facts),
    openedAgoMs: age(now, status?.openedAt),
    authenticated: status?.authenticated,
    secret: status === undefined || status.secret < 0 ? undefined : status.secret,
    quirks: (status?.quirks ?? []).map((name) => ({ name, text: QUIRKS[name].text })),
    peerFacts: peerFacts(status),
    plane: status?.plane,
    sessionsEstablished: status?.sessionsEstablished,
    sessionsFailed: status?.sessionsFailed,
    timers: [...(status?.timers ?? [])],
    channel: channel && channelValue(channel, now, status?.retransmissionMs),
    ignored,
    messages: (status?.messages ?? []).map((message) => messageValue(message, now)),
    data: dataOf(figures),
  });
}

function peerFacts(status: TunnelStatus | undefined): TunnelDetail["peerFacts"] {
  const peer = status?.peer;
  if (peer === undefined) return undefined;
  const bits = (value: number, names: Readonly<Record<string, number>>): string[] =>
    Object.entries(names).flatMap(([name, bit]) => ((value & bit) !== 0 ? [name] : []));
  return defined({
    firmwareRevision: peer.firmwareRevision,
    framing: bits(peer.framingCapabilities, FRAMING),
    bearer: peer.bearerCapabilities === undefined ? undefined : bits(peer.bearerCapabilities, BEARER),
    receiveWindowSize: peer.receiveWindowSize,
  });
}

/** Members of a channel that are no counters. */
const CHANNEL_FACTS = new Set<keyof ChannelStatistics>([
  "ns",
  "nr",
  "peerNr",
  "cwnd",
  "ssthresh",
  "window",
  "queued",
  "inFlight",
  "held",
  "retries",
  "lastHeardAt",
  "rttMs",
  "rttVariationMs",
]);

function channelValue(channel: ChannelStatistics, now: Instant, retransmissionMs?: number): ChannelValue {
  const { state, ns, nr, peerNr, cwnd, ssthresh, window, queued, inFlight, held, retries } = channel;
  const counted = Object.entries(channel).filter(
    ([name]) => !CHANNEL_FACTS.has(name as keyof ChannelStatistics),
  );
  return defined({
    ...{ state, ns, nr, peerNr, cwnd, ssthresh, window, queued, inFlight, held, retries },
    rttMs: channel.rttMs,
    rttVariationMs: channel.rttVariationMs,
    retransmissionMs,
    lastHeardAgoMs: age(now, channel.lastHeardAt) ?? 0,
    counters: counters(Object.fromEntries(counted)),
  });
}

/** Nothing is shown of a tunnel that never carried anything. */
function dataOf({ data, sessions }: TunnelStatistics): Record<string, number> | undefined {
  const isNothing = sessions.length === 0 && Object.values(data).every((count) => count === 0);
  return isNothing ? undefined : counters(data);
}

export function closedTunnel(tunnel: EndedTunnel, now: Instant): ClosedTunnel {
  const { name, tunnelId, peerTunnelId, peer, hostName, originator, establishedAt, closedAt } = tunnel;
  return defined({
    name,
    tunnelId,
    peerTunnelId,
    peer: place(peer),
    peerHostName: hostName,
    openedBy: originator ? "local" : "peer",
    wasUp: establishedAt !== undefined,
    upForMs: age(closedAt, establishedAt),
    endedAgoMs: age(now, closedAt) ?? 0,
    sessions: tunnel.sessionsEstablished,
    ending: endingValue(tunnel.ending),
    messages: tunnel.messages.map((message) => messageValue(message, now)),
  } as const);
}
