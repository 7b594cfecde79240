/** The state of everything at one moment: what SIGUSR1 writes. */

import type { PeerSummary, PoolStatus, SessionSummary, Status, TunnelSummary } from "@l2tp/management";
import type { Listener, SessionFigures, TunnelStatistics } from "@l2tp/node";
import type { LogWriter } from "./log-writer.ts";
import type { ManagedDaemon } from "./manage/managed.ts";
import { formatState } from "./state-text.ts";

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

/** Writes it to the log, as text or as one line of JSON. */
export async function writeState(daemon: ManagedDaemon, logger: LogWriter): Promise<void> {
  try {
    const state = await daemon.state();
    if (logger.format !== "json") logger.raw(formatState(state));
    else {
      const record = { time: new Date().toISOString(), level: "info", message: "state", state };
      logger.raw(JSON.stringify(record));
    }
  } catch (error) {
    logger.error({ error }, "the state could not be read");
  }
}
