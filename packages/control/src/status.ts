/** Tunnels and sessions as they are shown to people and programs. */
import type { Instant } from "@l2tp/protocol";
import type { ChannelStatistics } from "@l2tp/transport";
import { retransmissionWaitMs } from "@l2tp/transport";
import type { Core } from "./core.ts";
import type { PeerFacts } from "./events.ts";
import type { LoggedMessage } from "./message-log.ts";
import type { PeerAddress, SessionHandle, TunnelHandle } from "./names.ts";
import type { QuirkName } from "./quirks.ts";
import type { SourceStatistics } from "./sources.ts";
import type { PlaneState, Session, Tunnel } from "./state.ts";
import type { EndpointStatistics } from "./statistics.ts";
import type { CallKind, CallState } from "./tables/calls.ts";
import type { ControlState } from "./tables/control-connection.ts";
import { runningTimers, type TimerName } from "./timers.ts";

/** A tunnel as it is now. */
export interface TunnelStatus {
  readonly tunnel: TunnelHandle;
  readonly name: string;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly state: ControlState;
  readonly originator: boolean;
  readonly peerAddress: PeerAddress;
  readonly peer: PeerFacts | undefined;
  readonly authenticated: boolean;
  /** Which of the secrets the peer has used: 0 the first, 1 the second, -1 not known. */
  readonly secret: number;
  /** Asked for, brought by its Vendor Name, or seen. */
  readonly quirks: readonly QuirkName[];
  readonly plane: PlaneState;
  readonly openedAt: Instant;
  readonly establishedAt: Instant | undefined;
  readonly sessions: number;
  readonly sessionsEstablished: number;
  readonly sessionsFailed: number;
  /** Timers that may run in this state. */
  readonly timers: readonly TimerName[];
  /** The last messages, oldest first. */
  readonly messages: readonly LoggedMessage[];
  /** Numbers, window and counters of reliable delivery. */
  readonly channel: ChannelStatistics | undefined;
  /** The wait before the oldest message is sent again. */
  readonly retransmissionMs: number;
}

/** A session as it is now. */
export interface SessionStatus {
  readonly session: SessionHandle;
  readonly tunnel: TunnelHandle;
  readonly name: string;
  readonly kind: CallKind;
  readonly state: CallState;
  /** Established at both ends, and carried. */
  readonly up: boolean;
  readonly sessionId: number;
  readonly peerSessionId: number;
  readonly callSerialNumber: number;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  readonly sequencing: boolean;
  readonly sequencingRequired: boolean;
  readonly plane: PlaneState;
  readonly openedAt: Instant;
  readonly establishedAt: Instant | undefined;
  /** How long its set-up took. */
  readonly setupMs: number | undefined;
}

export function tunnelStatus(core: Core, tunnel: Tunnel): TunnelStatus {
  const channel = core.transport.statistics(tunnel.channel);
  return {
    tunnel: tunnel.handle,
    name: tunnel.name,
    tunnelId: tunnel.tunnelId,
    peerTunnelId: tunnel.peerTunnelId,
    state: tunnel.state,
    originator: tunnel.originator,
    peerAddress: tunnel.peer,
    peer: tunnel.facts,
    authenticated: tunnel.authenticated,
    secret: tunnel.secret,
    quirks: tunnel.quirks,
    plane: tunnel.plane,
    openedAt: tunnel.openedAt,
    establishedAt: tunnel.establishedAt,
    sessions: tunnel.sessions.size,
    sessionsEstablished: tunnel.sessionsEstablished,
    sessionsFailed: tunnel.sessionsFailed,
    timers: runningTimers(tunnel),
    messages: tunnel.log.list(),
    channel,
    retransmissionMs: retransmissionWaitMs(tunnel.settings.transport, (channel?.retries ?? 0) + 1),
  };
}

export function sessionStatus(session: Session): SessionStatus {
  const { openedAt, establishedAt } = session;
  return {
    session: session.handle,
    tunnel: session.tunnel.handle,
    name: session.name,
    kind: session.kind,
    state: session.state,
    up: session.up,
    sessionId: session.sessionId,
    peerSessionId: session.peerSessionId,
    callSerialNumber: session.callSerialNumber,
    calledNumber: session.called,
    callingNumber: session.calling,
    sequencing: session.sequencing,
    sequencingRequired: session.sequencingRequired,
    plane: session.plane,
    openedAt,
    establishedAt,
    setupMs: establishedAt === undefined ? undefined : establishedAt - openedAt,
  };
}

export function endpointStatistics(core: Core): EndpointStatistics {
  const { counters, discards, messages } = core.counters;
  return {
    ...counters,
    discards: { ...discards },
    messages: Object.fromEntries(
      Object.entries(messages).map(([name, counts]) => [name, { ...counts }]),
    ) as EndpointStatistics["messages"],
    tunnels: core.tunnels.size - core.tombs.size,
    tunnelsUp: core.tunnelsUp,
    halfOpen: core.halfOpen,
    closedTunnels: core.tombs.size,
    sessions: core.sessions.size,
    sessionsUp: core.sessionsUp,
    questions: core.questions.size,
    intents: core.intents.size,
  };
}

/** What is counted of each address in mind. */
export interface PeerStatistics extends Readonly<SourceStatistics> {
  readonly address: string;
  readonly tunnels: number;
  readonly halfOpen: number;
}

export function peerStatistics(core: Core): readonly PeerStatistics[] {
  return [...core.sources.entries()].map(([address, source]) => ({
    address,
    tunnels: source.open.size,
    halfOpen: source.halfOpen,
    ...source.statistics,
  }));
}
