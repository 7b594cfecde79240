/** What the management interface shows of the daemon. What it moves is in managed.ts. */
import type { TunnelConfig } from "@l2tp/config";
import type { PlaneStatistics } from "@l2tp/dataplane";
import type {
  ClosedSession,
  ClosedTunnel,
  DialTarget,
  DrainStatus,
  PeerSummary,
  PoolStatus,
  SessionDetail,
  SessionNames,
  SessionSummary,
  Status,
  TraceStatus,
  TunnelDetail,
  TunnelNames,
  TunnelSummary,
} from "@l2tp/management";
import type { DynamicTunnel, SessionFigures } from "@l2tp/node";
import type { HostNetwork } from "../host-network.ts";
import type { LogWriter } from "../log-writer.ts";
import type { PlaneChoice } from "../planes.ts";
import { reachOf } from "../reach.ts";
import type { Reloader } from "../reload.ts";
import type { Runtime } from "../runtime.ts";
import type { DaemonState, SessionStateRow, TunnelStateRow } from "../state.ts";
import { version } from "../version.ts";
import { type AnySession, type AnyTunnel, age, counters, isCall, isDynamic } from "./common.ts";
import { closedSession, type SessionFacts, sessionDetail, sessionSummary } from "./sessions.ts";
import {
  dialTarget,
  drainStatus,
  limits,
  peerSummary,
  poolRows,
  sessionCounts,
  silentListener,
  tunnelCounts,
  wireStatus,
} from "./status.ts";
import { type ConfiguredFacts, closedTunnel, tunnelDetail, tunnelSummary } from "./tunnels.ts";

/** What it shows and moves. */
export interface ManagedParts {
  readonly runtime: Runtime;
  readonly reloader: Reloader;
  /** Absent where the data plane has no interfaces. */
  readonly network: HostNetwork | undefined;
  readonly logger: LogWriter;
  readonly choice: PlaneChoice;
  readonly configFile: string;
  /** On the clock of `performance.now()`, which is the context's. */
  readonly startedAt: number;
}

/** How it is being emptied. */
interface Drain {
  readonly perSecond: number | undefined;
  readonly deadlineAt: number | undefined;
}

/** See the file's head. */
export class ShownDaemon {
  protected readonly parts: ManagedParts;
  protected drain_: Drain | undefined;

  constructor(parts: ManagedParts) {
    this.parts = parts;
  }

  protected get context() {
    return this.parts.runtime.context;
  }

  protected get config() {
    return this.parts.runtime.loaded.config;
  }

  get #dynamic(): DynamicTunnel[] {
    return this.context.tunnels.filter(isDynamic);
  }

  async status(): Promise<Status> {
    const { startedAt, choice, configFile, reloader, logger } = this.parts;
    const { wires, endpoint } = await this.context.statistics();
    const now = performance.now();
    const { tunnels, listeners } = this.context;
    const { name, features } = this.context.dataPlaneStatus();
    const { discards, messages, ...counted } = endpoint;
    const { rss, heapUsed } = process.memoryUsage();
    const reloaded = age(now, reloader.reloadedAt);
    return {
      version,
      pid: process.pid,
      uptimeMs: now - startedAt,
      configFile,
      ...(reloaded !== undefined && { reloadedAgoMs: reloaded }),
      dataPlane: { name, why: choice.why, features: features.map((feature) => ({ ...feature })) },
      wires: [
        ...wires.map((wire) => wireStatus(wire, listeners)),
        ...listeners.filter(({ state }) => state !== "up").map(silentListener),
      ],
      tunnels: tunnelCounts(tunnels),
      sessions: sessionCounts(tunnels),
      limits: limits(this.config, endpoint),
      drain: this.drainStatus(now),
      trace: this.traceStatus(),
      logLevel: logger.level,
      memory: { rssOctets: rss, heapOctets: heapUsed },
      counters: counters(counted),
      discards: counters(discards),
      messages: { ...messages },
    };
  }

  /** All at once, with counters, for a signal. */
  async state(): Promise<DaemonState> {
    const { tunnels: figures } = await this.context.statistics();
    const now = performance.now();
    const tunnels = figures.flatMap(({ tunnel: name, control, sessions }): TunnelStateRow[] => {
      const tunnel = this.context.tunnel(name);
      if (tunnel === undefined) return []; // ended meanwhile
      const rows = sessions.flatMap((figure): SessionStateRow[] => {
        const session = this.find(tunnel, figure.session);
        if (session === undefined) return [];
        const counted = dataOf(figure);
        const facts = this.#factsOfSession(tunnel, session);
        return [{ ...sessionSummary(tunnel, session, now, facts, counted), counters: counted }];
      });
      return [{ ...tunnelSummary(tunnel, now, this.#factsOf(tunnel)), control, sessions: rows }];
    });
    const peers: PeerSummary[] = [];
    for await (const peer of this.peers()) peers.push(peer);
    const listeners = this.context.listeners.map(({ name, local, state, reason }) => ({
      name,
      local,
      state,
      reason,
    }));
    return { status: await this.status(), listeners, tunnels, peers, pools: [...this.pools()] };
  }

  *names(): Iterable<TunnelNames> {
    for (const tunnel of this.context.tunnels) {
      const own = this.config.tunnels.find(({ name }) => name === tunnel.name);
      const sessions = tunnel.sessions.map((session) => namesOf(session, own));
      yield { name: tunnel.name, tunnelId: tunnel.tunnelId, sessions };
    }
  }

  *tunnels(): Iterable<TunnelSummary> {
    const now = performance.now();
    for (const tunnel of this.context.tunnels) yield tunnelSummary(tunnel, now, this.#factsOf(tunnel));
  }

  async tunnel(name: string): Promise<TunnelDetail | undefined> {
    const tunnel = this.context.tunnel(name);
    if (tunnel === undefined) return undefined;
    return tunnelDetail(tunnel, await tunnel.statistics(), performance.now(), this.#factsOf(tunnel));
  }

  *closedTunnels(): Iterable<ClosedTunnel> {
    const now = performance.now();
    for (const tunnel of this.context.closedTunnels().toReversed()) yield closedTunnel(tunnel, now);
  }

  /** With the counters of all, which are one question to each wire. */
  async *sessions(): AsyncIterable<SessionSummary> {
    const { tunnels: figures } = await this.context.statistics();
    const now = performance.now();
    for (const { tunnel: name, sessions } of figures) {
      const tunnel = this.context.tunnel(name);
      if (tunnel === undefined) continue; // ended meanwhile
      const byName = new Map(sessions.map((row) => [row.session, row]));
      for (const session of tunnel.sessions) {
        const row = byName.get(session.name);
        yield sessionSummary(tunnel, session, now, this.#factsOfSession(tunnel, session), row && dataOf(row));
      }
    }
  }

  async session(tunnelName: string, name: string): Promise<SessionDetail | undefined> {
    const tunnel = this.context.tunnel(tunnelName);
    const session = this.find(tunnel, name);
    if (tunnel === undefined || session === undefined) return undefined;
    const data = await session.statistics();
    const { runtime, network } = this.parts;
    const reach = reachOf(runtime, tunnel, session);
    // That the host cannot be looked at takes nothing from the session.
    const warnings = reach && (await network?.explain(reach).catch(() => undefined));
    const facts = { ...this.#factsOfSession(tunnel, session), warnings };
    return sessionDetail(tunnel, session, performance.now(), facts, data);
  }

  *closedSessions(): Iterable<ClosedSession> {
    const now = performance.now();
    for (const session of this.context.closedSessions().toReversed()) {
      const own = this.config.tunnels.find(({ name }) => name === session.tunnelName);
      yield closedSession(session, now, ownNameOf(own, session.name));
    }
  }

  async *peers(): AsyncIterable<PeerSummary> {
    const { peers } = await this.context.statistics();
    const tunnels = this.#dynamic;
    for (const peer of peers) yield peerSummary(peer, tunnels);
  }

  *pools(): Iterable<PoolStatus> {
    for (const pool of this.parts.runtime.rules.status().pools) yield* poolRows(pool, this.config);
  }

  *dialTargets(): Iterable<DialTarget> {
    const now = performance.now();
    for (const tunnel of this.#dynamic) {
      const { dialling } = tunnel;
      if (dialling !== undefined) yield dialTarget(tunnel, dialling, now);
    }
  }

  protected traceStatus(): TraceStatus {
    const { on, file, peer, secrets, messages } = this.parts.runtime.trace.state;
    return {
      on,
      ...(file !== undefined && { file }),
      ...(peer !== undefined && { peer }),
      ...(secrets !== undefined && { secrets }),
      messages,
    };
  }

  protected drainStatus(now: number): DrainStatus {
    const calls = this.#dynamic.reduce(
      (sum, { sessions }) => sum + sessions.filter(({ state }) => state === "up").length,
      0,
    );
    return drainStatus(this.drain_, calls, now);
  }

  protected find(tunnel: AnyTunnel | undefined, name: string): AnySession | undefined {
    if (tunnel === undefined) return undefined;
    return isDynamic(tunnel)
      ? tunnel.session(name)
      : tunnel.sessions.find((session) => session.name === name);
  }

  #factsOf(tunnel: AnyTunnel): ConfiguredFacts | undefined {
    if (isDynamic(tunnel)) return undefined;
    const found = this.config.tunnels.find(({ name }) => name === tunnel.name);
    return found && { version: found.version, encapsulation: found.encapsulation };
  }

  #factsOfSession(tunnel: AnyTunnel, session: AnySession): SessionFacts {
    const found = this.config.tunnels.find(({ name }) => name === tunnel.name);
    const config = found?.sessions.find(({ name }) => name === session.name);
    const pseudowire = config?.pseudowire ?? (isDynamic(tunnel) ? "ppp" : "eth");
    return { pseudowire, ownName: ownNameOf(found, session.name) };
  }
}

/** Who we are for the peer's PPP, on a session of ours. */
function ownNameOf(tunnel: TunnelConfig | undefined, session: string): string | undefined {
  const config = tunnel?.sessions.find(({ name }) => name === session);
  return config && "user" in config ? config.user?.name : undefined;
}

function namesOf(session: AnySession, own: TunnelConfig | undefined): SessionNames {
  const { name, sessionId, interfaceName } = session;
  const user = (isCall(session) ? session.ppp?.user : undefined) ?? ownNameOf(own, name);
  return { name, sessionId, interfaceName, user };
}

/** The data plane's part of a row. */
function dataOf({ session: _, sessionId: __, state: ___, ...data }: SessionFigures): PlaneStatistics {
  return data;
}
