/** The state of everything at one moment: what SIGUSR1 writes, as text for people or as one line of JSON. */
import type { DataPlaneStatus } from "@l2tp/dataplane";
import type { Context, Reason, SessionFigures, TunnelStatistics, WireStatistics } from "@l2tp/node";
import type { SocketAddress } from "@l2tp/protocol";
import type { PlaneChoice } from "./planes.ts";

/** One session with what is not a counter. */
export interface SessionStateRow extends SessionFigures {
  readonly peerSessionId: number;
  readonly upForMs: number | undefined;
  readonly interfaceName: string | undefined;
  readonly mtuOctets: number | undefined;
  readonly reason: Reason | undefined;
}

/** One tunnel with what is not a counter. */
export interface TunnelStateRow extends Omit<TunnelStatistics, "sessions" | "upSince"> {
  readonly mode: string;
  readonly peerTunnelId: number;
  readonly local: SocketAddress | undefined;
  readonly peer: SocketAddress;
  readonly upForMs: number | undefined;
  readonly reason: Reason | undefined;
  readonly sessions: readonly SessionStateRow[];
}

/** Everything. */
export interface DaemonState {
  readonly version: string;
  readonly runningForMs: number;
  readonly dataPlane: DataPlaneStatus & { readonly why: string };
  readonly wires: readonly WireStatistics[];
  readonly tunnels: readonly TunnelStateRow[];
}

/** Asks everybody. */
export async function collectState(
  context: Context,
  choice: PlaneChoice,
  version: string,
  startedAt: number,
): Promise<DaemonState> {
  const { wires, tunnels } = await context.statistics();
  const now = performance.now();
  const since = (at: number | undefined) => (at === undefined ? undefined : Math.round(now - at));
  const byName = new Map(context.tunnels.map((tunnel) => [tunnel.name, tunnel]));
  const rows: TunnelStateRow[] = [];
  for (const { sessions, upSince, ...figures } of tunnels) {
    const tunnel = byName.get(figures.tunnel);
    if (!tunnel) continue; // closed meanwhile
    const { mode, peerTunnelId, local, peer, reason } = tunnel;
    const live = new Map(tunnel.sessions.map((session) => [session.name, session]));
    const sessionRows = sessions.map((row): SessionStateRow => {
      const session = live.get(row.session);
      return {
        ...row,
        peerSessionId: session?.peerSessionId ?? 0,
        upForMs: since(session?.upSince),
        interfaceName: session?.interfaceName,
        mtuOctets: session?.mtuOctets,
        reason: session?.reason,
      };
    });
    rows.push({
      ...figures,
      mode,
      peerTunnelId,
      local,
      peer,
      upForMs: since(upSince),
      reason,
      sessions: sessionRows,
    });
  }
  return {
    version,
    runningForMs: Math.round(now - startedAt),
    dataPlane: { ...context.dataPlaneStatus(), why: choice.why },
    wires,
    tunnels: rows,
  };
}

/** `192.0.2.1:1701`, `[2001:db8::1]:1701`; without the port where there is none. */
export function formatAddress({ family, address, port }: SocketAddress): string {
  if (port === 0) return address;
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `850 ms`, `42 s`, `3 min 10 s`, `5 h 2 min`, `12 d 3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  const parts = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return parts(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return parts(hours, "h", minutes % 60, "min");
  return parts(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** `up for 3 min`, or the state and why. */
function standing(state: string, upForMs: number | undefined, reason: Reason | undefined): string {
  if (upForMs !== undefined) return `up for ${formatDuration(upForMs)}`;
  const words = state.replaceAll("-", " ");
  return reason ? `${words}: ${reason.text}` : words;
}

/** The state as lines for people. */
export function formatState(state: DaemonState): string {
  const lines = [
    `l2tpd ${state.version}, running for ${formatDuration(state.runningForMs)}`,
    `data plane ${state.dataPlane.name} (${state.dataPlane.why})`,
    ...formatFeatures(state.dataPlane).map((line) => `  ${line}`),
  ];
  for (const { local, encapsulation, counters, strays } of state.wires) {
    lines.push(
      `wire ${formatAddress(local)} (${encapsulation})`,
      `  control messages ${counters.controlReceived} received, ${counters.controlSent} sent; for no tunnel here ${strays.unknownTunnel}, malformed ${strays.malformed}`,
      `  data for no session here ${counters.strayData}, malformed ${counters.malformed}, lost in full buffers ${counters.overruns}`,
    );
  }
  for (const tunnel of state.tunnels) lines.push(...formatTunnel(tunnel));
  if (state.tunnels.length === 0) lines.push("no tunnels");
  return lines.join("\n");
}

/** What a data plane has in use, one line each, aligned. */
export function formatFeatures({ features }: DataPlaneStatus): string[] {
  const name = Math.max(0, ...features.map(({ feature }) => feature.length));
  const using = Math.max(0, ...features.map((feature) => feature.using.length));
  return features.map((feature) =>
    `${feature.feature.padEnd(name)}  ${feature.using.padEnd(using)}${feature.why ? `  ${feature.why}` : ""}`.trimEnd(),
  );
}

function formatTunnel(tunnel: TunnelStateRow): string[] {
  const from = tunnel.local ? `${formatAddress(tunnel.local)} → ` : "→ ";
  const lines = [
    `tunnel ${tunnel.tunnel} (${tunnel.mode}, ${from}${formatAddress(tunnel.peer)}, IDs ${tunnel.tunnelId} → ${tunnel.peerTunnelId}): ${standing(tunnel.state, tunnel.upForMs, tunnel.reason)}`,
  ];
  const { transport, ignored } = tunnel.control;
  if (transport) {
    const rtt = transport.rttMs === undefined ? "not measured" : `${transport.rttMs.toFixed(1)} ms`;
    lines.push(
      `  Hello ${transport.hellosSent} sent, ${transport.hellosReceived} received; ${transport.retransmits} retransmissions, round trip ${rtt}; ${ignored} messages ignored`,
    );
  } else if (ignored > 0) lines.push(`  ${ignored} control messages ignored`);
  for (const session of tunnel.sessions) {
    const on = session.interfaceName ? ` on ${session.interfaceName}, MTU ${session.mtuOctets}` : "";
    lines.push(
      `  session ${session.session} (IDs ${session.sessionId} → ${session.peerSessionId})${on}: ${standing(session.state, session.upForMs, session.reason)}`,
    );
    if (session.upForMs === undefined) continue;
    lines.push(
      `    sent ${session.txPackets} packets, ${session.txBytes} octets, ${session.txErrors} errors`,
      `    received ${session.rxPackets} packets, ${session.rxBytes} octets, ${session.rxErrors} errors; wrong cookie ${session.rxCookieDiscards}, out of order ${session.rxOosPackets}, of these dropped ${session.rxSeqDiscards}, invalid ${session.rxInvalid}`,
    );
  }
  return lines;
}
