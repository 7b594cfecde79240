/** The daemon as the management interface of `@l2tp/management` sees it. */
import type { CdnFacts, StopFacts } from "@l2tp/control";
import type { PlaneStatistics } from "@l2tp/dataplane";
import {
  type ClosedSession,
  type ClosedTunnel,
  type DialTarget,
  type DrainRequest,
  type DrainStatus,
  type EndRequest,
  type LogLevelName,
  type Managed,
  ManagementError,
  type PeerSummary,
  type PoolStatus,
  type ReloadReport,
  type ReloadRequest,
  type SessionDetail,
  type SessionNames,
  type SessionSummary,
  type Status,
  type TraceRequest,
  type TraceStatus,
  type TunnelDetail,
  type TunnelNames,
  type TunnelSummary,
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

/** StopCCN and CDN for an administrator's decision (RFC 2661 §4.4.2). */
const STOP_ADMINISTRATIVE = 1;
const CDN_ADMINISTRATIVE = 3;

/** See the file's head. */
export class ManagedDaemon implements Managed {
  readonly #parts: ManagedParts;
  #drain: { readonly perSecond: number | undefined; readonly deadlineAt: number | undefined } | undefined;

  constructor(parts: ManagedParts) {
    this.#parts = parts;
  }

  get #context() {
    return this.#parts.runtime.context;
  }

  get #config() {
    return this.#parts.runtime.loaded.config;
  }

  get #dynamic(): DynamicTunnel[] {
    return this.#context.tunnels.filter(isDynamic);
  }

  async status(): Promise<Status> {
    const { startedAt, choice, configFile, reloader, logger } = this.#parts;
    const { wires, endpoint } = await this.#context.statistics();
    const now = performance.now();
    const { tunnels, listeners } = this.#context;
    const { name, features } = this.#context.dataPlaneStatus();
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
      wires: wires.map((wire) => wireStatus(wire, listeners)),
      tunnels: tunnelCounts(tunnels),
      sessions: sessionCounts(tunnels),
      limits: limits(this.#config, endpoint),
      drain: this.#drainStatus(now),
      trace: this.#traceStatus(),
      logLevel: logger.level,
      memory: { rssOctets: rss, heapOctets: heapUsed },
      counters: counters(counted),
      discards: counters(discards),
      messages: { ...messages },
    };
  }

  /** All at once, with counters, for a signal. */
  async state(): Promise<DaemonState> {
    const { tunnels: figures } = await this.#context.statistics();
    const now = performance.now();
    const tunnels = figures.flatMap(({ tunnel: name, control, sessions }): TunnelStateRow[] => {
      const tunnel = this.#context.tunnel(name);
      if (tunnel === undefined) return []; // ended meanwhile
      const rows = sessions.flatMap((figure): SessionStateRow[] => {
        const session = this.#find(tunnel, figure.session);
        if (session === undefined) return [];
        const counted = dataOf(figure);
        const facts = this.#factsOfSession(tunnel, session);
        return [{ ...sessionSummary(tunnel, session, now, facts, counted), counters: counted }];
      });
      return [{ ...tunnelSummary(tunnel, now, this.#factsOf(tunnel)), control, sessions: rows }];
    });
    const peers: PeerSummary[] = [];
    for await (const peer of this.peers()) peers.push(peer);
    const listeners = this.#context.listeners.map(({ name, local, state, reason }) => ({
      name,
      local,
      state,
      reason,
    }));
    return { status: await this.status(), listeners, tunnels, peers, pools: [...this.pools()] };
  }

  *names(): Iterable<TunnelNames> {
    for (const tunnel of this.#context.tunnels) {
      yield { name: tunnel.name, tunnelId: tunnel.tunnelId, sessions: tunnel.sessions.map(namesOf) };
    }
  }

  *tunnels(): Iterable<TunnelSummary> {
    const now = performance.now();
    for (const tunnel of this.#context.tunnels) yield tunnelSummary(tunnel, now, this.#factsOf(tunnel));
  }

  async tunnel(name: string): Promise<TunnelDetail | undefined> {
    const tunnel = this.#context.tunnel(name);
    if (tunnel === undefined) return undefined;
    return tunnelDetail(tunnel, await tunnel.statistics(), performance.now(), this.#factsOf(tunnel));
  }

  *closedTunnels(): Iterable<ClosedTunnel> {
    const now = performance.now();
    for (const tunnel of this.#context.closedTunnels().toReversed()) yield closedTunnel(tunnel, now);
  }

  /** With the counters of all, which are one question to each wire. */
  async *sessions(): AsyncIterable<SessionSummary> {
    const { tunnels: figures } = await this.#context.statistics();
    const now = performance.now();
    for (const { tunnel: name, sessions } of figures) {
      const tunnel = this.#context.tunnel(name);
      if (tunnel === undefined) continue; // ended meanwhile
      const byName = new Map(sessions.map((row) => [row.session, row]));
      for (const session of tunnel.sessions) {
        const row = byName.get(session.name);
        yield sessionSummary(tunnel, session, now, this.#factsOfSession(tunnel, session), row && dataOf(row));
      }
    }
  }

  async session(tunnelName: string, name: string): Promise<SessionDetail | undefined> {
    const tunnel = this.#context.tunnel(tunnelName);
    const session = this.#find(tunnel, name);
    if (tunnel === undefined || session === undefined) return undefined;
    const data = await session.statistics();
    const { runtime, network } = this.#parts;
    const reach = reachOf(runtime, tunnel, session);
    // That the host cannot be looked at takes nothing from the session.
    const warnings = reach && (await network?.explain(reach).catch(() => undefined));
    const facts = { ...this.#factsOfSession(tunnel, session), warnings };
    return sessionDetail(tunnel, session, performance.now(), facts, data);
  }

  *closedSessions(): Iterable<ClosedSession> {
    const now = performance.now();
    const names = new Map(this.#context.closedTunnels().map(({ tunnel, name }) => [tunnel, name]));
    for (const tunnel of this.#dynamic) {
      const handle = tunnel.status()?.tunnel;
      if (handle !== undefined) names.set(handle, tunnel.name);
    }
    for (const session of this.#context.closedSessions().toReversed()) {
      yield closedSession(session, now, names.get(session.tunnel) ?? "?");
    }
  }

  async *peers(): AsyncIterable<PeerSummary> {
    const { peers } = await this.#context.statistics();
    const tunnels = this.#dynamic;
    for (const peer of peers) yield peerSummary(peer, tunnels);
  }

  *pools(): Iterable<PoolStatus> {
    for (const pool of this.#parts.runtime.rules.status().pools) yield* poolRows(pool, this.#config);
  }

  *dialTargets(): Iterable<DialTarget> {
    const now = performance.now();
    for (const tunnel of this.#dynamic) {
      const { dialling } = tunnel;
      if (dialling !== undefined) yield dialTarget(tunnel, dialling, now);
    }
  }

  async closeTunnel(name: string, { text }: EndRequest): Promise<void> {
    const tunnel = this.#context.tunnel(name);
    if (tunnel === undefined) throw gone(`tunnel ${name}`);
    const stop: StopFacts = { result: STOP_ADMINISTRATIVE, ...(text !== undefined && { text }) };
    this.#parts.logger.info({ tunnel: name }, `tunnel ${name} is closed by the management interface`);
    if (!isDynamic(tunnel)) {
      throw new ManagementError(
        "unsupported",
        `tunnel ${name} is ${tunnel.mode}: it is up while it is configured`,
        {
          remedy: "take it out of the configuration, and reload",
        },
      );
    }
    tunnel.hangUp(stop);
    // It comes back as its redial settings say.
    if (tunnel.dialling?.mode === "at-start") tunnel.dial();
  }

  async hangUp(tunnelName: string, name: string, { text }: EndRequest): Promise<void> {
    const session = this.#find(this.#context.tunnel(tunnelName), name);
    if (session === undefined) throw gone(`session ${tunnelName}/${name}`);
    if (!isCall(session)) {
      throw new ManagementError(
        "unsupported",
        `session ${name} is no call: it is up while it is configured`,
        {
          remedy: "take it out of the configuration, and reload",
        },
      );
    }
    const cdn: CdnFacts = { result: CDN_ADMINISTRATIVE, ...(text !== undefined && { text }) };
    this.#parts.logger.info(
      { tunnel: tunnelName, session: name },
      `session ${name} is hung up by the management interface`,
    );
    session.hangUp(cdn);
  }

  async dial(name: string): Promise<DialTarget> {
    const tunnel = this.#target(name);
    tunnel.dial();
    for (const session of tunnel.sessions) session.dial();
    return this.#targetRow(tunnel);
  }

  async hangUpTarget(name: string): Promise<DialTarget> {
    const tunnel = this.#target(name);
    tunnel.hangUp({ result: STOP_ADMINISTRATIVE });
    return this.#targetRow(tunnel);
  }

  reload(request: ReloadRequest): Promise<ReloadReport> {
    return this.#parts.reloader.reload(request);
  }

  async drain({ perSecond, deadlineMs }: DrainRequest): Promise<DrainStatus> {
    const { sessionsPerSecond, timeoutMs } = this.#config.daemon.drain;
    const rate = perSecond ?? (sessionsPerSecond > 0 ? sessionsPerSecond : undefined);
    const limit = deadlineMs ?? (timeoutMs > 0 ? timeoutMs : undefined);
    const now = performance.now();
    // A wave is ten a second at most; less than one session in it is a longer wave.
    const waveMs = rate === undefined ? 1_000 : Math.max(100, 1_000 / rate);
    const drained = this.#context.drain({
      ...(rate !== undefined && {
        sessionsPerWave: Math.max(1, Math.round((rate * waveMs) / 1_000)),
        waveMs,
      }),
      ...(limit !== undefined && { deadlineMs: limit }),
    });
    this.#drain = { perSecond: rate, deadlineAt: limit === undefined ? undefined : now + limit };
    this.#parts.logger.info(
      { perSecond: rate, deadlineMs: limit },
      "draining: no new tunnels and calls are taken",
    );
    void drained.then(() => {
      if (this.#drain) this.#parts.logger.info({}, "drained: no call is left");
    });
    return this.#drainStatus(now);
  }

  async resume(): Promise<DrainStatus> {
    if (this.#drain === undefined) throw new ManagementError("conflict", "l2tpd does not drain");
    this.#drain = undefined;
    this.#context.resume();
    this.#parts.logger.info({}, "back to work: new tunnels and calls are taken");
    return this.#drainStatus(performance.now());
  }

  async trace({ on, file, peer, secrets }: TraceRequest): Promise<TraceStatus> {
    const { trace } = this.#parts.runtime;
    if (!on) await trace.stop();
    else {
      const { limitOctets } = this.#config.daemon.trace;
      try {
        await trace.start({ file, peer, secrets, limitOctets });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new ManagementError("conflict", text, { cause: error });
      }
    }
    return this.#traceStatus();
  }

  async setLogLevel(level: LogLevelName): Promise<void> {
    this.#parts.logger.info({ level }, `the log level is ${level} from now on`);
    this.#parts.logger.level = level;
  }

  #traceStatus(): TraceStatus {
    const { on, file, peer, secrets, messages } = this.#parts.runtime.trace.state;
    return {
      on,
      ...(file !== undefined && { file }),
      ...(peer !== undefined && { peer }),
      ...(secrets !== undefined && { secrets }),
      messages,
    };
  }

  #drainStatus(now: number): DrainStatus {
    const calls = this.#dynamic.reduce(
      (sum, { sessions }) => sum + sessions.filter(({ state }) => state === "up").length,
      0,
    );
    return drainStatus(this.#drain, calls, now);
  }

  #find(tunnel: AnyTunnel | undefined, name: string): AnySession | undefined {
    if (tunnel === undefined) return undefined;
    return isDynamic(tunnel)
      ? tunnel.session(name)
      : tunnel.sessions.find((session) => session.name === name);
  }

  /** @throws ManagementError */
  #target(name: string): DynamicTunnel {
    const tunnel = this.#context.tunnel(name);
    if (tunnel === undefined) throw gone(`tunnel ${name}`);
    if (isDynamic(tunnel) && tunnel.dialling !== undefined) return tunnel;
    throw new ManagementError("conflict", `tunnel ${name} is not one that is dialled`, {
      remedy: "dial a [tunnel.NAME] of the configuration without tid and ptid",
    });
  }

  #targetRow(tunnel: DynamicTunnel): DialTarget {
    const { dialling } = tunnel;
    if (dialling === undefined) throw gone(`tunnel ${tunnel.name}`);
    return dialTarget(tunnel, dialling, performance.now());
  }

  #factsOf(tunnel: AnyTunnel): ConfiguredFacts | undefined {
    if (isDynamic(tunnel)) return undefined;
    const found = this.#config.tunnels.find(({ name }) => name === tunnel.name);
    return found && { version: found.version, encapsulation: found.encapsulation };
  }

  #factsOfSession(tunnel: AnyTunnel, session: AnySession): SessionFacts {
    const found = this.#config.tunnels.find(({ name }) => name === tunnel.name);
    const config = found?.sessions.find(({ name }) => name === session.name);
    const ownName = config && "user" in config ? config.user?.name : undefined;
    return { pseudowire: config?.pseudowire ?? (isDynamic(tunnel) ? "ppp" : "eth"), ownName };
  }
}

const gone = (what: string): ManagementError =>
  new ManagementError("not-found", `${what} is not there any more`);

function namesOf(session: AnySession): SessionNames {
  const { name, sessionId, interfaceName } = session;
  return { name, sessionId, interfaceName, user: isCall(session) ? session.ppp?.user : undefined };
}

/** The data plane's part of a row. */
function dataOf({ session: _, sessionId: __, state: ___, ...data }: SessionFigures): PlaneStatistics {
  return data;
}
