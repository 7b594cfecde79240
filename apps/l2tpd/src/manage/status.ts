/** The daemon as a whole, peers, pools and targets, as the management interface shows them. */
import type { PoolStatus as PoolState } from "@l2tp/access";
import type { Config } from "@l2tp/config";
import type { EndpointStatistics, PeerStatistics } from "@l2tp/control";
import type {
  DialTarget,
  DrainStatus,
  LimitStatus,
  PeerSummary,
  PoolStatus,
  Status,
  WireStatus,
} from "@l2tp/management";
import type { DialerStatus, DynamicTunnel, Listener, WireStatistics } from "@l2tp/node";
import type { Instant } from "@l2tp/protocol";
import { type AnyTunnel, age, counters, defined, isCall, isDynamic, place, reasonValue } from "./common.ts";

export function wireStatus(
  { local, encapsulation, counters: counted, strays }: WireStatistics,
  listeners: readonly Listener[],
): WireStatus {
  const listener = listeners.find(
    (one) => one.state === "up" && one.local.port === local.port && one.local.address === local.address,
  );
  return defined({
    listener: listener?.name,
    local: place(local),
    encapsulation,
    counters: counters({ ...counted, unknownTunnel: strays.unknownTunnel, notL2tp: strays.malformed }),
  });
}

/** A listener that has no socket now. */
export const silentListener = ({ name, local, reason }: Listener): WireStatus =>
  defined({
    listener: name,
    local: place(local),
    encapsulation: "udp",
    counters: {},
    reason: reasonValue(reason) ?? { code: "starting", text: "it is being opened" },
  });

/** How many tunnels there are of what sort. */
export function tunnelCounts(tunnels: readonly AnyTunnel[]): Status["tunnels"] {
  const count = {
    total: tunnels.length,
    up: 0,
    settingUp: 0,
    retrying: 0,
    openedByUs: 0,
    openedByPeers: 0,
    configured: 0,
  };
  for (const tunnel of tunnels) {
    if (tunnel.state === "up") count.up += 1;
    if (tunnel.state === "starting" || tunnel.state === "waiting-for-peer") count.settingUp += 1;
    if (tunnel.state === "retrying") count.retrying += 1;
    if (!isDynamic(tunnel)) count.configured += 1;
    else if (tunnel.origin === "dialled") count.openedByUs += 1;
    else count.openedByPeers += 1;
  }
  return count;
}

/** How many sessions there are of what sort. */
export function sessionCounts(tunnels: readonly AnyTunnel[]): Status["sessions"] {
  const count = { total: 0, up: 0, settingUp: 0, asLac: 0, asLns: 0, configured: 0 };
  for (const tunnel of tunnels) {
    for (const session of tunnel.sessions) {
      count.total += 1;
      if (session.state === "up") count.up += 1;
      if (session.state === "starting") count.settingUp += 1;
      if (!isCall(session)) count.configured += 1;
      else if (session.kind.startsWith("lac")) count.asLac += 1;
      else count.asLns += 1;
    }
  }
  return count;
}

/** Limits that can be filled, by their keys in the document. */
export function limits(
  { limits: { tunnels, sessions, halfOpen, closedTunnels } }: Config,
  now: EndpointStatistics,
): LimitStatus[] {
  return [
    { name: "tunnels", limit: tunnels, used: now.tunnels },
    { name: "sessions", limit: sessions, used: now.sessions },
    { name: "half_open", limit: halfOpen, used: now.halfOpen },
    { name: "closed_tunnels", limit: closedTunnels, used: now.closedTunnels },
  ];
}

/** @param tunnels - to count their sessions and tell host names. */
export function peerSummary(
  { address, tunnels: open, halfOpen, ...counted }: PeerStatistics,
  tunnels: readonly DynamicTunnel[],
): PeerSummary {
  const own = tunnels.filter(({ peer }) => peer.address === address);
  const hostNames = [...new Set(own.flatMap(({ peerFacts }) => peerFacts?.hostName ?? []))];
  return {
    address,
    tunnels: open,
    halfOpen,
    sessions: own.reduce((sum, { sessions }) => sum + sessions.length, 0),
    ...(hostNames.length > 0 && { hostNames }),
    counters: counters(counted),
  };
}

/** A pool's IPv4 addresses, its prefixes, and those to delegate: one row for each sort that it has. */
export function poolRows(pool: PoolState, { pools }: Config): PoolStatus[] {
  const config = pools.find(({ name }) => name === pool.name);
  const sorts = [
    ["", pool.ipv4, config?.ranges],
    [" (IPv6)", pool.ipv6, config?.ipv6],
    [" (delegated)", pool.delegated, config?.delegated],
  ] as const;
  return sorts.flatMap(([suffix, count, ranges = []]) =>
    count === undefined
      ? []
      : [
          {
            name: `${pool.name}${suffix}`,
            ranges: [...ranges],
            ...(Number.isSafeInteger(count.size) && { size: count.size }),
            used: count.used,
          },
        ],
  );
}

const WHEN = { "at-start": "start", "on-demand": "demand", manual: "manual" } as const;
const STATE = {
  idle: "idle",
  waiting: "waiting",
  dialling: "dialling",
  up: "up",
  "gave-up": "given-up",
} as const;

/** One tunnel that we dial. */
export function dialTarget(tunnel: DynamicTunnel, dialling: DialerStatus, now: Instant): DialTarget {
  return defined({
    name: tunnel.name,
    when: WHEN[dialling.mode],
    state: STATE[dialling.state],
    tunnel: tunnel.state === "up" ? tunnel.name : undefined,
    peers: dialling.targets.map((target) =>
      defined({
        name: target.host,
        address: target.address === undefined ? undefined : { address: target.address, port: target.port },
        priority: target.priority,
        weight: target.weight,
        lockedOutForMs: target.lockedUntil === undefined ? undefined : Math.max(0, target.lockedUntil - now),
        why: target.lastReason,
      }),
    ),
    attempts: dialling.redials,
    retryInMs: dialling.nextAt === undefined ? undefined : Math.max(0, dialling.nextAt - now),
    reason: tunnel.state === "up" ? undefined : reasonValue(tunnel.reason),
  });
}

/** What is left while the daemon is emptied. */
export function drainStatus(
  drain: { readonly perSecond?: number | undefined; readonly deadlineAt?: Instant | undefined } | undefined,
  sessions: number,
  now: Instant,
): DrainStatus {
  const { perSecond, deadlineAt } = drain ?? {};
  return defined({
    draining: drain !== undefined,
    perSecond: perSecond === 0 ? undefined : perSecond,
    deadlineInMs: deadlineAt === undefined ? undefined : age(deadlineAt, now),
    sessions,
  });
}
