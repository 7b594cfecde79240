/**
 * The embedding API: a context has a data plane and keeps tunnels and their sessions up on it.
 *
 * A tunnel is made at once and comes up by itself; what fails is tried again with back-off until it is closed.
 * Whoever needs to know waits with `whenUp`, listens with `on`, or reads `events()`.
 */

import type { ClosedTunnel, DrainOptions } from "@l2tp/control";
import {
  type DataPlane,
  type DataPlaneStatus,
  emptyStatistics,
  type SessionStatistics,
  type Wire,
} from "@l2tp/dataplane";
import { Alarms } from "./alarms.ts";
import { type BackoffSettings, DEFAULT_BACKOFF } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import { closeOnAbort } from "./close-on-abort.ts";
import { ControlPlane } from "./control-plane.ts";
import type { DynamicTunnel, DynamicTunnelInit, Listener, ListenerInit } from "./dynamic/api.ts";
import { type DynamicOptions, Dynamics } from "./dynamic/dynamics.ts";
import type { EndedSession } from "./dynamic/ended-calls.ts";
import type { DynamicTunnelKeeper } from "./dynamic/tunnel.ts";
import { Emitter, type EventOf, type EventsOptions } from "./emitter.ts";
import { ClosedError, NameInUseError } from "./errors.ts";
import type { ContextEvent, ContextEventType, EventsDropped } from "./events.ts";
import type { Host } from "./host.ts";
import { type Logger, silentLogger } from "./log.ts";
import { type ConfiguredTunnel, configureTunnel, type TunnelInit } from "./parameters.ts";
import { QuiescentControl, type QuiescentInit } from "./quiescent-control.ts";
import { reason } from "./reason.ts";
import type { ControlMessageRecord } from "./shared-wire.ts";
import { StaticControl } from "./static-control.ts";
import type { ContextStatistics, TunnelStatistics, WireStatistics } from "./statistics.ts";
import { type MakeControl, TunnelKeeper } from "./tunnel.ts";
import type { ConfiguredMode, Tunnel } from "./tunnel-api.ts";
import { WirePool } from "./wire-pool.ts";

/** What a context is made of. Only the data plane has no default. */
export interface ContextOptions extends DynamicOptions {
  /** Carries the traffic. The context does not close it: whoever made it does, after the context. */
  readonly dataPlane: DataPlane;
  /** Default: silent. `console` and `pino()` fit. */
  readonly logger?: Logger;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** A number from 0 up to but not 1, for jitter; default `Math.random`. Nothing secret is made of it. */
  readonly random?: () => number;
  /** How what failed is tried again; what is left out has the default. */
  readonly backoff?: Partial<BackoffSettings>;
  /** Sees each control message of dynamic and quiescent tunnels, for a trace; must not throw, and copies what it keeps. */
  readonly onControlMessage?: (record: ControlMessageRecord) => void;
  /** Closes the context when it aborts. */
  readonly signal?: AbortSignal;
}

/** What can be changed in a context that runs; see `Context.reconfigure`. */
export type ContextChanges = Pick<ContextOptions, "control" | "backoff">;

/** How a context ends. */
export interface CloseOptions {
  /**
   * How long peers may take to acknowledge that their tunnels end, in milliseconds. Default: a full retransmission cycle,
   * some 31 s where a peer is dead.
   */
  readonly limitMs?: number;
}

/** Any tunnel of a context; `mode` tells which kind. */
export type AnyTunnel = Tunnel | DynamicTunnel;

/** All tunnels of a program, on one data plane. */
export class Context implements AsyncDisposable {
  readonly #dataPlane: DataPlane;
  readonly #host: Host;
  readonly #emitter: Emitter;
  readonly #tunnels = new Map<string, TunnelKeeper | DynamicTunnelKeeper>();
  readonly #dynamics: Dynamics;
  readonly #untilClosed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: ContextOptions) {
    const { dataPlane, logger = silentLogger, clock = systemClock, random = Math.random, signal } = options;
    this.#dataPlane = dataPlane;
    this.#emitter = new Emitter(logger);
    const alarms = new Alarms(clock);
    this.#host = {
      clock,
      logger,
      random,
      emitter: this.#emitter,
      alarms,
      control: new ControlPlane(clock, alarms, random),
      wires: new WirePool(dataPlane, logger, clock, alarms, options.onControlMessage),
      backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    };
    const owner = {
      isNameFree: (name: string) => !this.#tunnels.has(name),
      add: (tunnel: DynamicTunnelKeeper) => void this.#tunnels.set(tunnel.name, tunnel),
      forget: (tunnel: DynamicTunnelKeeper) => {
        if (this.#tunnels.get(tunnel.name) === tunnel) this.#tunnels.delete(tunnel.name);
      },
    };
    this.#dynamics = new Dynamics(this.#host, dataPlane, owner, options);
    if (signal) closeOnAbort(signal, this, this.#untilClosed);
  }

  /** In the order in which they were made; those that were accepted from callers too. */
  get tunnels(): readonly AnyTunnel[] {
    return [...this.#tunnels.values()];
  }

  /** By its name. */
  tunnel(name: string): AnyTunnel | undefined {
    return this.#tunnels.get(name);
  }

  /**
   * Other settings from now on, while everything goes on: limits, secrets of callers, defaults of tunnels, time limits and
   * history for what is begun later, and how long to wait between tries. What is left out stays.
   * @throws ControlError, TransportError naming the setting; ClosedError. Nothing has changed then
   */
  reconfigure({ control = {}, backoff = {} }: ContextChanges): void {
    this.#assertOpen();
    this.#dynamics.reconfigure(control);
    Object.assign(this.#host.backoff, backoff);
  }

  /** In the order in which they were made. */
  get listeners(): readonly Listener[] {
    return this.#dynamics.listeners;
  }

  /**
   * Takes callers (L2TPv2) at an address. Who may have a tunnel is the authority's to say, or that of whoever listens for
   * `incoming-tunnel`. @throws ParameterError, NameInUseError, ClosedError
   */
  listen(init: ListenerInit = {}): Listener {
    this.#assertOpen();
    return this.#dynamics.listen(init);
  }

  /**
   * A tunnel that is negotiated (L2TPv2), dialled by us and kept up as its dial settings say.
   * @throws ParameterError, NameInUseError, ClosedError, ControlError
   */
  newDynamicTunnel(init: DynamicTunnelInit): DynamicTunnel {
    this.#assertOpen();
    return this.#dynamics.dial(init);
  }

  /** Dynamic tunnels that have ended not long ago, newest first, with their cause and last messages. */
  closedTunnels(): readonly ClosedTunnel[] {
    return this.#dynamics.closedTunnels();
  }

  /** Calls that have ended not long ago, newest first: cause, last messages, who used them, what they have carried. */
  closedSessions(): readonly EndedSession[] {
    return this.#dynamics.closedSessions();
  }

  /**
   * Begins no tunnel and no call any more; those that there are end by themselves, or in waves. Static and quiescent tunnels
   * stay. Resolves when no call is left, or {@link resume} was called.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    this.#assertOpen();
    await this.#dynamics.drain(options);
  }

  /** Goes back to work after {@link drain}. */
  resume(): void {
    this.#assertOpen();
    this.#dynamics.resume();
  }

  /**
   * A tunnel without control messages: both ends are configured, and it is up when it is in the data plane.
   * @throws ParameterError, NameInUseError, ClosedError
   */
  newStaticTunnel(init: TunnelInit): Tunnel {
    return this.#add("static", init, configureTunnel(init), (link) => new StaticControl(link));
  }

  /**
   * As a static tunnel, but the reliable transport runs: hellos find out whether the peer lives, and the
   * peer's are acknowledged. With hellos on, the tunnel is up while the peer answers.
   * @throws ParameterError, NameInUseError, ClosedError
   */
  newQuiescentTunnel(init: QuiescentInit): Tunnel {
    const parameters = configureTunnel(init);
    return this.#add(
      "quiescent",
      init,
      parameters,
      (link) => new QuiescentControl(this.#host, link, parameters, init),
    );
  }

  #add(
    mode: ConfiguredMode,
    { signal }: TunnelInit,
    parameters: ConfiguredTunnel,
    makeControl: MakeControl,
  ): Tunnel {
    this.#assertOpen();
    const { name } = parameters;
    if (this.#tunnels.has(name)) throw new NameInUseError(`the context has a tunnel ${name} already`);
    const owner = { forget: () => void this.#tunnels.delete(name) };
    const tunnel = new TunnelKeeper(this.#host, owner, mode, parameters, makeControl, signal);
    this.#tunnels.set(name, tunnel);
    return tunnel;
  }

  #assertOpen(): void {
    if (this.#closing) throw new ClosedError("the context is closed");
  }

  /** Calls `listener` for each event of this type, synchronously, until the result is disposed of. */
  on<T extends ContextEventType>(type: T, listener: (event: EventOf<T>) => void): Disposable {
    return this.#emitter.on(type, listener);
  }

  /**
   * All events from this call on, for `for await`. A reader that is too slow loses the newest and finds an
   * `events-dropped` in their place. Ends with the context, or when the signal aborts.
   */
  events(options?: EventsOptions): AsyncIterableIterator<ContextEvent | EventsDropped> {
    return this.#emitter.events(options);
  }

  /** What the data plane has in use, and why. */
  dataPlaneStatus(): DataPlaneStatus {
    return this.#dataPlane.status();
  }

  /** The figures of everything; one question to each wire, however many sessions it has. */
  async statistics(): Promise<ContextStatistics> {
    const wires: WireStatistics[] = [];
    const rows = new Map<Wire, Map<string, SessionStatistics>>();
    for (const { wire, strays } of [...this.#host.wires.wires()]) {
      const ofWire = new Map<string, SessionStatistics>();
      rows.set(wire, ofWire);
      await wire.statistics({ row: (row) => ofWire.set(`${row.tunnelId} ${row.sessionId}`, { ...row }) });
      const { local, encapsulation } = wire;
      wires.push({ local, encapsulation, counters: await wire.counters(), strays: { ...strays } });
    }
    const tunnels = [...this.#tunnels.values()].map((tunnel): TunnelStatistics => {
      const ofWire = tunnel.wire && rows.get(tunnel.wire);
      const sessions = tunnel.sessions.map(({ name, sessionId, state }) => {
        const row = ofWire?.get(`${tunnel.tunnelId} ${sessionId}`);
        const { tunnelId: _, ...counters } = row ?? { ...emptyStatistics(), tunnelId: tunnel.tunnelId };
        return { ...counters, session: name, sessionId, state };
      });
      return tunnel.figures(sessions);
    });
    const { endpoint } = this.#dynamics;
    return { wires, tunnels, endpoint: endpoint.statistics(), peers: endpoint.peers() };
  }

  /**
   * Closes all listeners, tunnels and sessions: StopCCN to each peer, and their acknowledgements, within the limit; then
   * the data plane. Idempotent; resolves when the data plane is done with them.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#end(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end({ limitMs }: CloseOptions): Promise<void> {
    this.#untilClosed.abort();
    const why = reason("closed", "the context was closed");
    const configured = [...this.#tunnels.values()].filter((tunnel) => tunnel instanceof TunnelKeeper);
    await Promise.all([this.#dynamics.shutDown(limitMs), ...configured.map((tunnel) => tunnel.end(why))]);
    this.#dynamics.dispose();
    this.#host.control.dispose();
    this.#host.alarms.dispose();
    this.#emitter.end();
  }
}
