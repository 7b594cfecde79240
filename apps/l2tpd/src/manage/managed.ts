/** The daemon as the management interface of `@l2tp/management` moves it; what it shows is in shown.ts. */
import type { CdnFacts, StopFacts } from "@l2tp/control";
import {
  type DialTarget,
  type DrainRequest,
  type DrainStatus,
  type EndRequest,
  type LogLevelName,
  type Managed,
  ManagementError,
  type ReloadReport,
  type ReloadRequest,
  type TraceRequest,
  type TraceStatus,
} from "@l2tp/management";
import type { DynamicTunnel } from "@l2tp/node";
import { isCall, isDynamic } from "./common.ts";
import { ShownDaemon } from "./shown.ts";
import { dialTarget } from "./status.ts";

/** StopCCN and CDN for an administrator's decision (RFC 2661 §4.4.2). */
const STOP_ADMINISTRATIVE = 1;
const CDN_ADMINISTRATIVE = 3;

/** See the file's head. */
export class ManagedDaemon extends ShownDaemon implements Managed {
  async closeTunnel(name: string, { text }: EndRequest): Promise<void> {
    const tunnel = this.context.tunnel(name);
    if (tunnel === undefined) throw gone(`tunnel ${name}`);
    const stop: StopFacts = { result: STOP_ADMINISTRATIVE, ...(text !== undefined && { text }) };
    this.parts.logger.info({ tunnel: name }, `tunnel ${name} is closed by the management interface`);
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
    const session = this.find(this.context.tunnel(tunnelName), name);
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
    this.parts.logger.info(
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
    return this.parts.reloader.reload(request);
  }

  async drain({ perSecond, deadlineMs }: DrainRequest): Promise<DrainStatus> {
    const { sessionsPerSecond, timeoutMs } = this.config.daemon.drain;
    const rate = perSecond ?? (sessionsPerSecond > 0 ? sessionsPerSecond : undefined);
    const limit = deadlineMs ?? (timeoutMs > 0 ? timeoutMs : undefined);
    const now = performance.now();
    // A wave is ten a second at most; less than one session in it is a longer wave.
    const waveMs = rate === undefined ? 1_000 : Math.max(100, 1_000 / rate);
    const drained = this.context.drain({
      ...(rate !== undefined && {
        sessionsPerWave: Math.max(1, Math.round((rate * waveMs) / 1_000)),
        waveMs,
      }),
      ...(limit !== undefined && { deadlineMs: limit }),
    });
    this.drain_ = { perSecond: rate, deadlineAt: limit === undefined ? undefined : now + limit };
    this.parts.logger.info(
      { perSecond: rate, deadlineMs: limit },
      "draining: no new tunnels and calls are taken",
    );
    void drained.then(
      () => {
        if (this.drain_) this.parts.logger.info({}, "drained: no call is left");
      },
      (error: unknown) => this.parts.logger.error({ error }, "draining has failed"),
    );
    return this.drainStatus(now);
  }

  async resume(): Promise<DrainStatus> {
    if (this.drain_ === undefined) throw new ManagementError("conflict", "l2tpd does not drain");
    this.drain_ = undefined;
    this.context.resume();
    this.parts.logger.info({}, "back to work: new tunnels and calls are taken");
    return this.drainStatus(performance.now());
  }

  async trace({ on, file, peer, secrets }: TraceRequest): Promise<TraceStatus> {
    const { trace } = this.parts.runtime;
    if (!on) await trace.stop();
    else {
      const { limitOctets } = this.config.daemon.trace;
      try {
        await trace.start({ file, peer, secrets, limitOctets });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw new ManagementError("conflict", text, { cause: error });
      }
    }
    return this.traceStatus();
  }

  async setLogLevel(level: LogLevelName): Promise<void> {
    this.parts.logger.info({ level }, `the log level is ${level} from now on`);
    this.parts.logger.level = level;
  }

  /** @throws ManagementError */
  #target(name: string): DynamicTunnel {
    const tunnel = this.context.tunnel(name);
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
}

const gone = (what: string): ManagementError =>
  new ManagementError("not-found", `${what} is not there any more`);
