/** The state as lines for people. */
import type { DataPlaneStatus } from "@l2tp/dataplane";
import { formatAddress, formatDuration } from "@l2tp/management";
import type { DaemonState, ListenerStateRow, SessionStateRow, TunnelStateRow } from "./state.ts";

/** Peers of which the state tells; the others are counted. */
const MOST_PEERS = 20;

/** Several lines, without a line break at the end. */
export function formatState(state: DaemonState): string {
  const { status, listeners, tunnels, peers, pools } = state;
  const { dataPlane, wires } = status;
  return [
    `l2tpd ${status.version}, running for ${formatDuration(status.uptimeMs)}`,
    `data plane ${dataPlane.name} (${dataPlane.why})`,
    ...formatFeatures(dataPlane as never).map((line) => `  ${line}`),
    ...(status.drain.draining ? [`draining, ${status.drain.sessions} sessions are left`] : []),
    `${count(status.tunnels.up, "tunnel")} of ${status.tunnels.total} up (${status.tunnels.openedByUs} dialled, ${status.tunnels.openedByPeers} accepted, ${status.tunnels.configured} configured), ${count(status.sessions.up, "session")} of ${status.sessions.total} up`,
    `limits: ${status.limits.map(({ name, used, limit }) => `${name} ${used}${limit === undefined ? "" : ` of ${limit}`}`).join(", ")}`,
    ...wires.flatMap(({ local, encapsulation, counters: c }) => [
      `wire ${formatAddress(local)} (${encapsulation})`,
      `  control messages ${c["controlReceived"]} received, ${c["controlSent"]} sent; for no tunnel here ${c["unknownTunnel"]}, malformed ${c["notL2tp"]}`,
      `  data for no session here ${c["strayData"]}, malformed ${c["malformed"]}, lost in full buffers ${c["overruns"]}`,
    ]),
    ...listeners.map(formatListener),
    ...tunnels.flatMap(formatTunnel),
    ...(tunnels.length === 0 ? ["no tunnels"] : []),
    ...pools.map(
      ({ name, used, size, ranges }) =>
        `pool ${name} (${ranges.join(", ")}): ${used}${size === undefined ? "" : ` of ${size}`} in use`,
    ),
    ...formatPeers(peers),
  ].join("\n");
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;

function formatListener({ name, local, state, reason }: ListenerStateRow): string {
  const why = state !== "up" && reason ? `: ${reason.text}` : "";
  return `listener ${name} on ${formatAddress(local)}: ${state}${why}`;
}

/** `up for 3 min`, or the state and why. */
function standing({
  state,
  upForMs,
  reason,
  retryInMs,
}: Pick<TunnelStateRow, "state" | "upForMs" | "reason" | "retryInMs">): string {
  if (state === "up" && upForMs !== undefined) return `up for ${formatDuration(upForMs)}`;
  const words = state.replaceAll("-", " ");
  const again = retryInMs === undefined ? "" : `, tried again in ${formatDuration(retryInMs)}`;
  return reason ? `${words}: ${reason.text}${again}` : `${words}${again}`;
}

function formatTunnel(tunnel: TunnelStateRow): string[] {
  const from = tunnel.local ? `${formatAddress(tunnel.local)} → ` : "→ ";
  const opened = { local: ", dialled", peer: ", accepted" };
  const mode = `${tunnel.mode}${tunnel.openedBy ? opened[tunnel.openedBy] : ""}`;
  const host = tunnel.peerHostName ? ` ${tunnel.peerHostName}` : "";
  const lines = [
    `tunnel ${tunnel.name} (${mode}, ${from}${formatAddress(tunnel.peer)}${host}, IDs ${tunnel.tunnelId} → ${tunnel.peerTunnelId}): ${standing(tunnel)}`,
  ];
  const { transport, ignored } = tunnel.control;
  if (transport) {
    const rtt = transport.rttMs === undefined ? "not measured" : `${transport.rttMs.toFixed(1)} ms`;
    lines.push(
      `  Hello ${transport.hellosSent} sent, ${transport.hellosReceived} received; ${transport.retransmits} retransmissions, round trip ${rtt}; ${ignored} messages ignored`,
    );
  } else if (ignored > 0) lines.push(`  ${ignored} control messages ignored`);
  return [...lines, ...tunnel.sessions.flatMap(formatSession)];
}

function formatSession(session: SessionStateRow): string[] {
  const on = session.interfaceName ? ` on ${session.interfaceName}` : "";
  const mtu = session.mtuOctets === undefined ? "" : `, MTU ${session.mtuOctets}`;
  const user = session.user === undefined ? "" : `, user ${session.user}`;
  const addresses = [session.ipv4, session.ipv6]
    .flatMap((pair) => (pair ? [`${pair.local ?? "unnumbered"} ↔ ${pair.peer ?? "unnumbered"}`] : []))
    .map((text) => `, ${text}`)
    .join("");
  const head = `  session ${session.name} (IDs ${session.sessionId} → ${session.peerSessionId})${on}${mtu}${user}${addresses}: ${standing(session)}`;
  if (session.state !== "up") return [head];
  const c = session.counters;
  return [
    head,
    `    sent ${c.txPackets} packets, ${c.txBytes} octets, ${c.txErrors} errors`,
    `    received ${c.rxPackets} packets, ${c.rxBytes} octets, ${c.rxErrors} errors; wrong cookie ${c.rxCookieDiscards}, out of order ${c.rxOosPackets}, of these dropped ${c.rxSeqDiscards}, invalid ${c.rxInvalid}`,
  ];
}

function formatPeers(peers: DaemonState["peers"]): string[] {
  const lines = peers.slice(0, MOST_PEERS).map(({ address, tunnels, sessions = 0, counters: c }) => {
    const refused = c["tunnelsRefused"] ?? 0;
    return `peer ${address}: ${count(tunnels, "tunnel")}, ${count(sessions, "session")}, ${refused} refused, ${c["badAuthentications"] ?? 0} wrong secrets, ${c["discarded"] ?? 0} messages discarded`;
  });
  const more = peers.length - lines.length;
  return more > 0 ? [...lines, `and ${count(more, "peer")} more`] : lines;
}

/** What a data plane has in use, one line each, aligned. */
function formatFeatures({ features }: Pick<DataPlaneStatus, "features">): string[] {
  const name = Math.max(0, ...features.map(({ feature }) => feature.length));
  const using = Math.max(0, ...features.map((feature) => feature.using.length));
  return features.map((feature) =>
    `${feature.feature.padEnd(name)}  ${feature.using.padEnd(using)}${feature.why ? `  ${feature.why}` : ""}`.trimEnd(),
  );
}
