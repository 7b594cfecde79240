/**
 * The embedding API: a context has a data plane and keeps tunnels and their sessions up on it.
 *
 * A tunnel is made at once and comes up by itself; what fails is tried again with back-off until it is closed.
 * Whoever needs to know waits with `whenUp`, listens with `on`, or reads `events()`.
 */
import {
  type DataPlane,
  type DataPlaneStatus,
  emptyStatistics,
  type SessionStatistics,
  type Wire,
} from "@l2tp/dataplane";
import type { TunnelMode } from "@l2tp/protocol";
import { Alarms } from "./alarms.ts";
import { type BackoffSettings, DEFAULT_BACKOFF } from "./backoff.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ControlPlane } from "./control-plane.ts";
import { Emitter, type EventOf, type EventsOptions } from "./emitter.ts";
import { ClosedError, NameInUseError } from "./errors.ts";
import type { ContextEvent, ContextEventType, EventsDropped } from "./events.ts";
import type { Host } from "./host.ts";
import { type Logger, silentLogger } from "./log.ts";
import { type ConfiguredTunnel, configureTunnel, type TunnelInit } from "./parameters.ts";
import { QuiescentControl, type QuiescentInit } from "./quiescent-control.ts";
import { reason } from "./reason.ts";
import { closeOnAbort } from "./session.ts";
import { StaticControl } from "./static-control.ts";
import type { ContextStatistics, TunnelStatistics, WireStatistics } from "./statistics.ts";
import { type MakeControl, type Tunnel, TunnelKeeper } from "./tunnel.ts";
import { WirePool } from "./wire-pool.ts";

/** What a context is made of. Only the data plane has no default. */
export interface ContextOptions {
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
  /** Closes the context when it aborts. */
  readonly signal?: AbortSignal;
}

/** All tunnels of a program, on one data plane. */
export class Context implements AsyncDisposable {
  readonly #dataPlane: DataPlane;
  readonly #host: Host;
  readonly #emitter: Emitter;
  readonly #tunnels = new Map<string, TunnelKeeper>();
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
      wires: new WirePool(dataPlane, logger, clock, alarms),
      backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    };
    if (signal) closeOnAbort(signal, this, this.#untilClosed);
  }

  /** In the order in which they were made. */
  get tunnels(): readonly Tunnel[] {
    return [...this.#tunnels.values()];
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
    mode: TunnelMode,
    { signal }: TunnelInit,
    parameters: ConfiguredTunnel,
    makeControl: MakeControl,
  ): Tunnel {
    if (this.#closing) throw new ClosedError("the context is closed");
    const { name } = parameters;
    if (this.#tunnels.has(name)) throw new NameInUseError(`the context has a tunnel ${name} already`);
    const owner = { forget: () => void this.#tunnels.delete(name) };
    const tunnel = new TunnelKeeper(this.#host, owner, mode, parameters, makeControl, signal);
    this.#tunnels.set(name, tunnel);
    return tunnel;
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
      return { ...tunnel.summary(), sessions };
    });
    return { wires, tunnels };
  }

  /** Closes all tunnels and their sessions. Idempotent; resolves when the data plane is done with them. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    this.#untilClosed.abort();
    const why = reason("closed", "the context was closed");
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.end(why)));
    this.#host.control.dispose();
    this.#host.alarms.dispose();
    this.#emitter.end();
  }
}
