/** The figures of a context: its wires, tunnels and sessions, taken at one moment. */
import type { EndpointStatistics, PeerStatistics, TunnelStatus } from "@l2tp/control";
import type { PlaneStatistics, WireCounters } from "@l2tp/dataplane";
import type { Encapsulation, Instant, SocketAddress } from "@l2tp/protocol";
import type { ControlStatistics } from "./control.ts";
import type { StrayCounters } from "./shared-wire.ts";
import type { SessionState, TunnelState } from "./states.ts";

/** One session: the data plane's counters since it came up, all zero while it is not up. */
export interface SessionFigures extends PlaneStatistics {
  readonly session: string;
  readonly sessionId: number;
  readonly state: SessionState;
}

/** One tunnel with its sessions. */
export interface TunnelStatistics {
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly state: TunnelState;
  readonly upSince: Instant | undefined;
  readonly control: ControlStatistics;
  /** Of a dynamic tunnel with a control connection: the whole of it, with the last messages. */
  readonly status?: TunnelStatus;
  /** What its sessions have carried in all, those included that have ended. */
  readonly data: PlaneStatistics;
  readonly sessions: readonly SessionFigures[];
}

/** One wire: the data plane's counters, and what arrived and belonged to no tunnel of the context. */
export interface WireStatistics {
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  readonly counters: WireCounters;
  readonly strays: Readonly<StrayCounters>;
}

/** Everything. */
export interface ContextStatistics {
  readonly wires: readonly WireStatistics[];
  readonly tunnels: readonly TunnelStatistics[];
  /** Of all dynamic tunnels: messages by type, causes of discards, how many there are of what. */
  readonly endpoint: EndpointStatistics;
  /** What was counted of each address. */
  readonly peers: readonly PeerStatistics[];
}

/** The counters of sessions, each asked for its own. */
export function sessionFigures(
  sessions: Iterable<{
    readonly name: string;
    readonly sessionId: number;
    readonly state: SessionState;
    statistics(): Promise<PlaneStatistics>;
  }>,
): Promise<SessionFigures[]> {
  return Promise.all(
    Array.from(sessions, async (session) => ({
      session: session.name,
      sessionId: session.sessionId,
      state: session.state,
      ...(await session.statistics()),
    })),
  );
}
