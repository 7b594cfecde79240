/** The state of everything at one moment, as SIGUSR1 has it written. */

import type { PeerSummary, PoolStatus, SessionSummary, Status, TunnelSummary } from "@l2tp/management";
import type { Listener, SessionFigures, TunnelStatistics } from "@l2tp/node";

/** One session: what it is, and its counters. */
export interface SessionStateRow extends SessionSummary {
  readonly counters: Omit<SessionFigures, "session" | "sessionId" | "state">;
}

/** One tunnel: what it is, its control messages, and its sessions. */
export interface TunnelStateRow extends Omit<TunnelSummary, "sessions"> {
  readonly control: TunnelStatistics["control"];
  readonly sessions: readonly SessionStateRow[];
}

/** One listener. */
export type ListenerStateRow = Pick<Listener, "name" | "local" | "state" | "reason">;

/** Everything. */
export interface DaemonState {
  readonly status: Status;
  readonly listeners: readonly ListenerStateRow[];
  readonly tunnels: readonly TunnelStateRow[];
  readonly peers: readonly PeerSummary[];
  readonly pools: readonly PoolStatus[];
}
