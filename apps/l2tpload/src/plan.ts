/** What a run is to do: plain data, which a worker thread takes as it is. Times are milliseconds, rates per second. */
import type { AuthMethod } from "@l2tp/ppp";
import type { SocketAddress } from "@l2tp/protocol";

/** How the sessions' PPP is to be. */
export interface PppPlan {
  /** User and password: patterns, see pattern.ts. */
  readonly user: string;
  readonly password: string;
  /** Methods that are taken, when the peer demands one. */
  readonly methods: readonly AuthMethod[];
  readonly mru: number;
  /** Echo-Requests of our own after so much silence; 0: none. The peer's are always answered. */
  readonly echoMs: number;
  /** LCP, authentication and IPCP ask again after this (RFC 1661 §4.6). */
  readonly restartMs: number;
  readonly ipv6: boolean;
  /** Ping through each session when it is up: this address, or the peer's of the session. */
  readonly ping: string | "peer" | undefined;
}

/** Which messages end the tunnels and sessions: CDN for each session and then StopCCN; StopCCN alone; none at all. */
export type Teardown = "sessions" | "tunnels" | "none";

/** One share of a run: what one engine does. */
export interface Plan {
  readonly target: SocketAddress;
  /** Our sockets; tunnels are dealt to them in turn. Port 0: any free one. */
  readonly sources: readonly SocketAddress[];
  readonly tunnels: number;
  readonly sessionsPerTunnel: number;
  /** Number of the first tunnel, where a run has several shares: names and users count through. */
  readonly firstTunnel: number;
  /** Open loop: so many are begun each second, whatever the peer does. 0: closed loop, see the next. */
  readonly tunnelRate: number;
  readonly sessionRate: number;
  /** So many set-ups are under way at most; in an open loop, too. */
  readonly tunnelsAtOnce: number;
  readonly sessionsAtOnce: number;
  /** Sessions begin as soon as their tunnel is up; otherwise when all tunnels are, so that each rate is clean. */
  readonly mixed: boolean;
  readonly hostName: string;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  readonly secret: string | undefined;
  readonly hiding: boolean;
  readonly helloMs: number;
  readonly windowSize: number;
  readonly retryMs: number;
  readonly maxRetries: number;
  /** A tunnel, a call, and its PPP each have this long. */
  readonly setUpMs: number;
  /** How long everything is held up when it is up. */
  readonly holdMs: number;
  /** Meanwhile so many sessions are ended and made anew each second. */
  readonly churnRate: number;
  /** The whole run, without the end: set-up stops here, holding too. */
  readonly durationMs: number;
  readonly teardown: Teardown;
  /** The end may take this long; then what was not acknowledged is counted. */
  readonly graceMs: number;
  readonly ppp: PppPlan | undefined;
}

/**
 * Shares of a plan: tunnels, sockets, rates and what may be under way are dealt out evenly.
 * @returns no more shares than there are tunnels or sockets.
 */
export function shares(plan: Plan, count: number): Plan[] {
  const many = Math.max(1, Math.min(count, plan.tunnels, plan.sources.length));
  const part = (whole: number, n: number) => Math.floor(whole / many) + (n < whole % many ? 1 : 0);
  let firstTunnel = plan.firstTunnel;
  return Array.from({ length: many }, (_, n) => {
    const share: Plan = {
      ...plan,
      firstTunnel,
      tunnels: part(plan.tunnels, n),
      sources: plan.sources.filter((_, at) => at % many === n),
      tunnelRate: plan.tunnelRate / many,
      sessionRate: plan.sessionRate / many,
      churnRate: plan.churnRate / many,
      tunnelsAtOnce: Math.max(1, part(plan.tunnelsAtOnce, n)),
      sessionsAtOnce: Math.max(1, part(plan.sessionsAtOnce, n)),
    };
    firstTunnel += share.tunnels;
    return share;
  });
}
