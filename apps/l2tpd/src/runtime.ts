/**
 * The running configuration: a context with the listeners and tunnels of a document, the rules that answer callers, hooks
 * and trace. What a reload changes is in reload.ts.
 */
import { randomFillSync } from "node:crypto";
import { Rules } from "@l2tp/access";
import {
  type Config,
  type DynamicTunnelConfig,
  type ListenerConfig,
  rulesOf,
  type SecretSource,
  type SessionConfig,
  secretText,
  type TunnelConfig,
} from "@l2tp/config";
import type { DataPlane } from "@l2tp/dataplane";
import { Context } from "@l2tp/node";
import { ConfiguredAuthority } from "./compose/authority.ts";
import { dialledSessionInit, dialledTunnelInit, listenerInit } from "./compose/dialled.ts";
import { endpointChanges } from "./compose/endpoint.ts";
import { ConfiguredProfiles, type Surroundings } from "./compose/profiles.ts";
import type { LoadedConfig } from "./config-file.ts";
import { feedHooks } from "./hooks/feed.ts";
import { Hooks } from "./hooks/hooks.ts";
import type { LogWriter } from "./log-writer.ts";
import { isCall, isDynamic } from "./manage/common.ts";
import { obstacleTo, obstacleToSession } from "./obstacles.ts";
import { Trace } from "./trace/trace.ts";
import { configuredSessionInit, startTunnel } from "./tunnels.ts";
import { version } from "./version.ts";

/** StopCCN for a peer that may not have its tunnel any more (RFC 2661 §4.4.2). */
const STOP_NOT_AUTHORIZED = 4;

/** What PPP gets to be terminated when all ends; peers that answer do it in a round trip. */
const HANG_UP_MS = 1_500;

/** How what failed is tried again. */
const backoffOf = ({ daemon }: Config) => ({ firstMs: daemon.retryInitialMs, maxMs: daemon.retryMaxMs });

/** What runs. */
export class Runtime implements AsyncDisposable {
  readonly context: Context;
  readonly hooks: Hooks;
  readonly trace: Trace;
  readonly rules: Rules;
  readonly #logger: LogWriter;
  readonly #authority: ConfiguredAuthority;
  readonly #profiles = new ConfiguredProfiles();
  readonly #surroundings: Surroundings;
  readonly #feed: Disposable;
  /** Tunnels that are up, and are made anew when they have come down. */
  readonly #waiting = new Map<string, DynamicTunnelConfig>();
  #loaded: LoadedConfig;
  #closing: Promise<void> | undefined;

  /** Makes it; nothing is opened yet. @throws PppSettingError, ParameterError, ControlError naming what cannot be */
  constructor(loaded: LoadedConfig, dataPlane: DataPlane, logger: LogWriter) {
    const { config, secrets } = loaded;
    this.#loaded = loaded;
    this.#logger = logger;
    this.#surroundings = {
      capabilities: dataPlane.capabilities,
      secret: (source: SecretSource) => secretText(source, this.#loaded.secrets),
    };
    this.rules = new Rules(rulesOf(config, secrets));
    this.#authority = new ConfiguredAuthority(this.rules, config.profiles);
    this.#profiles.configure(config, this.#surroundings);
    this.hooks = new Hooks(config.hooks, logger);
    this.trace = new Trace(logger, `l2tpd ${version}`, () => logger.level === "debug");
    this.context = new Context({
      dataPlane,
      logger,
      backoff: backoffOf(config),
      authority: this.#authority,
      profiles: this.#profiles,
      control: endpointChanges(config, this.#surroundings),
      fillRandom: (into) => void randomFillSync(into),
      onControlMessage: this.trace.message,
    });
    this.#feed = feedHooks(this.context, this.hooks);
    this.context.on("tunnel-down", ({ tunnel }) => {
      if (this.#waiting.has(tunnel)) setImmediate(() => void this.#renew(tunnel).catch(this.#told(tunnel)));
    });
  }

  #told(tunnel: string): (error: unknown) => void {
    return (error) => this.#logger.error({ error, tunnel }, `tunnel ${tunnel} could not be made anew`);
  }

  /** The configuration in force. */
  get loaded(): LoadedConfig {
    return this.#loaded;
  }

  /** Makes everything that can be made; what cannot is logged and does not stop the others. @returns how many there are */
  start(): number {
    const { listeners, tunnels } = this.#loaded.config;
    let started = 0;
    for (const listener of listeners)
      started += this.#attempt(`listener ${listener.name}`, () => this.addListener(listener));
    for (const tunnel of tunnels) {
      started += this.#attempt(`tunnel ${tunnel.name}`, () => this.addTunnel(tunnel));
      for (const session of tunnel.sessions) {
        const what = `session ${session.name} of tunnel ${tunnel.name}`;
        if (this.context.tunnel(tunnel.name)) this.#attempt(what, () => this.addSession(tunnel, session));
      }
    }
    return started;
  }

  #attempt(what: string, work: () => void): 0 | 1 {
    try {
      work();
      return 1;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#logger.error({}, `${what} is left out: ${why}`);
      return 0;
    }
  }

  /**
   * Another configuration is in force: rules, profiles, hooks. Tunnels, sessions and listeners are the reload's.
   * @throws RulesError, PppSettingError, ParameterError; nothing has changed then
   */
  adopt(loaded: LoadedConfig): void {
    const before = this.#loaded;
    const { config, secrets } = loaded;
    this.#loaded = loaded;
    try {
      this.#profiles.configure(config, this.#surroundings);
      this.context.reconfigure({
        control: endpointChanges(config, this.#surroundings),
        backoff: backoffOf(config),
      });
      this.rules.replace(rulesOf(config, secrets));
    } catch (error) {
      this.#loaded = before;
      this.#profiles.configure(before.config, this.#surroundings);
      this.context.reconfigure({ control: endpointChanges(before.config, this.#surroundings) });
      throw error;
    }
    this.#authority.configure(config.profiles);
    this.hooks.configure(config.hooks);
  }

  /** @throws ParameterError, NameInUseError */
  addListener(listener: ListenerConfig): void {
    this.context.listen(listenerInit(listener));
  }

  async removeListener(name: string): Promise<void> {
    await this.context.listeners.find((listener) => listener.name === name)?.close();
  }

  /** Without its sessions. @throws Error saying why not */
  addTunnel(tunnel: TunnelConfig): void {
    const obstacle = obstacleTo(tunnel);
    if (obstacle !== undefined) throw new Error(obstacle);
    const { config } = this.#loaded;
    if (tunnel.mode === "dynamic") {
      this.context.newDynamicTunnel(dialledTunnelInit(tunnel, config, this.#surroundings));
    } else startTunnel(this.context, tunnel, config.defaults.profile);
  }

  async removeTunnel(name: string): Promise<void> {
    this.#waiting.delete(name);
    await this.context.tunnel(name)?.close();
  }

  /** A tunnel that we dial has other settings: from its next connection, so one that is up is not touched. */
  async changeTunnel(tunnel: DynamicTunnelConfig): Promise<void> {
    this.#waiting.set(tunnel.name, tunnel);
    if (this.context.tunnel(tunnel.name)?.state !== "up") await this.#renew(tunnel.name);
  }

  /** Makes a tunnel anew, with its sessions, as the configuration has it now. */
  async replaceTunnel(tunnel: TunnelConfig): Promise<void> {
    await this.removeTunnel(tunnel.name);
    this.addTunnel(tunnel);
    for (const session of tunnel.sessions) {
      const what = `session ${session.name} of tunnel ${tunnel.name}`;
      this.#attempt(what, () => this.addSession(tunnel, session));
    }
  }

  async #renew(name: string): Promise<void> {
    const tunnel = this.#waiting.get(name);
    if (tunnel === undefined || this.#closing) return;
    // What its sessions are is the document's of this moment.
    const now = this.#loaded.config.tunnels.find((one) => one.name === name) ?? tunnel;
    await this.replaceTunnel(now);
  }

  /** Ends what those had who may not any more: tunnels of peers, sessions of users. @returns how many */
  revoke(of: "peers" | "users", names: readonly string[]): number {
    const gone = new Set(names);
    let count = 0;
    for (const tunnel of this.context.tunnels) {
      if (!isDynamic(tunnel) || tunnel.origin !== "accepted") continue;
      if (of === "peers" && gone.has(tunnel.peerName)) {
        tunnel.hangUp({ result: STOP_NOT_AUTHORIZED });
        count += 1;
      }
      if (of === "peers") continue;
      for (const session of tunnel.sessions) {
        if (session.ppp?.user === undefined || !gone.has(session.ppp.user)) continue;
        session.hangUp();
        count += 1;
      }
    }
    return count;
  }

  /** @throws Error saying why not */
  addSession(tunnel: TunnelConfig, session: SessionConfig): void {
    const running = this.context.tunnel(tunnel.name);
    if (running === undefined) throw new Error(`there is no tunnel ${tunnel.name}`);
    const { config } = this.#loaded;
    if (isDynamic(running) && "call" in session) {
      running.newSession(dialledSessionInit(session, config, this.#surroundings));
    } else if (!isDynamic(running) && tunnel.mode !== "dynamic" && !("call" in session)) {
      const obstacle = obstacleToSession(session);
      if (obstacle !== undefined) throw new Error(obstacle);
      running.newSession(configuredSessionInit(tunnel, session));
    }
  }

  async removeSession(tunnel: string, name: string): Promise<void> {
    await this.context
      .tunnel(tunnel)
      ?.sessions.find((session) => session.name === name)
      ?.close();
  }

  /** @param change - as `change-session` of a reload has it. */
  async changeSession(tunnel: string, name: string, change: object): Promise<void> {
    const session = this.context.tunnel(tunnel)?.sessions.find((one) => one.name === name);
    if (session === undefined) return;
    const { sendSequence } = change as { readonly sendSequence?: boolean };
    // On a call the control plane switches them, and tells the data plane.
    if (isCall(session) && sendSequence !== undefined) session.setSequencing(sendSequence);
    else await session.plane?.update(change);
  }

  /**
   * Takes everything down: peers are told, hooks run to their end, the trace is written.
   * @param limitMs - for the peers' acknowledgements.
   */
  close(limitMs?: number): Promise<void> {
    this.#closing ??= (async () => {
      await this.#hangUpAll(limitMs);
      await this.context.close(limitMs === undefined ? {} : { limitMs });
      this.#feed[Symbol.dispose]();
      await this.hooks.whenIdle();
      await this.trace[Symbol.asyncDispose]();
    })();
    return this.#closing;
  }

  /** Calls end before their tunnels do: PPP is terminated, and says good-bye to whoever is at its other end. */
  async #hangUpAll(limitMs = HANG_UP_MS): Promise<void> {
    const calls = this.context.tunnels.filter(isDynamic).flatMap(({ sessions }) => sessions);
    const up = calls.filter(({ state }) => state === "up");
    if (up.length === 0) return;
    // Nothing new is begun meanwhile; tunnels end with the context, which says why.
    const drained = this.context.drain({ closeTunnels: false }).catch((error: unknown) => {
      this.#logger.error({ error }, "calls could not be ended before their tunnels; all ends at once");
    });
    for (const session of up) session.hangUp();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, Math.min(limitMs, HANG_UP_MS));
    });
    await Promise.race([drained, limit]);
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
