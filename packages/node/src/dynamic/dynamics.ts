/** All that is dynamic in a context: listeners, callers, tunnels that we dial. Where the events of the endpoint go is in routing.ts. */
import type { Authority } from "@l2tp/access";
import type {
  ClosedTunnel,
  DrainOptions,
  EndpointChanges,
  FillRandom,
  SessionHandle,
  TunnelHandle,
} from "@l2tp/control";
import { tunnelSettings } from "@l2tp/control";
import type { DataPlane } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";
import { dnsResolver, type Resolver } from "../dial/index.ts";
import { NameInUseError } from "../errors.ts";
import type { Host } from "../host.ts";
import { newDuid, type PppHost, UserRegister } from "../ppp/index.ts";
import { reason } from "../reason.ts";
import type { DynamicTunnelInit, Listener, ListenerInit, Profiles } from "./api.ts";
import type { Call } from "./call.ts";
import { Callers, type CallersOwner } from "./callers.ts";
import { takeCall } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { DialledTunnel } from "./dialled-tunnel.ts";
import { EndpointDriver } from "./driver.ts";
import { EndedCalls, type EndedSession } from "./ended-calls.ts";
import type { DynamicHost } from "./host.ts";
import { ListenerKeeper, type ListenerOwner } from "./listener.ts";
import { checkTunnel, tunnelChanges } from "./parameters.ts";
import { Questions } from "./questions.ts";
import { randomOctets } from "./random-octets.ts";
import { type RoutingParts, routeEvent } from "./routing.ts";
import { AcceptedSettings } from "./session-settings.ts";
import { Switching } from "./switching.ts";
import type { DynamicTunnelKeeper } from "./tunnel.ts";

/** What a context says of its dynamic part. */
export interface DynamicOptions {
  /** Decides about callers, calls and users. Absent: the events `incoming-tunnel` and `incoming-call` do. */
  readonly authority?: Authority;
  /** Where the profiles are that the authority names. */
  readonly profiles?: Profiles;
  /** Settings of the control plane: limits, time limits, history, and defaults of all tunnels. */
  readonly control?: EndpointChanges;
  /** Addresses of names; default the system's resolver. */
  readonly resolve?: Resolver;
  /** Fills an array with octets that nobody can predict; default `crypto.getRandomValues`. */
  readonly fillRandom?: FillRandom;
  /** Who this host is in DHCPv6; default a new DUID. */
  readonly duid?: Uint8Array;
  /** The time of day in milliseconds; default `Date.now`. */
  readonly wall?: () => number;
}

/** What it needs of its context: names of tunnels are the context's. */
export interface DynamicsOwner {
  isNameFree(name: string): boolean;
  add(tunnel: DynamicTunnelKeeper): void;
  forget(tunnel: DynamicTunnelKeeper): void;
}

type HostOptions = DynamicOptions & Required<Pick<DynamicOptions, "fillRandom">>;

export class Dynamics implements ListenerOwner {
  readonly host: DynamicHost;
  readonly #owner: DynamicsOwner;
  readonly #driver: EndpointDriver;
  readonly #connections = new Map<TunnelHandle, Connection>();
  readonly #calls = new Map<SessionHandle, Call>();
  readonly #tunnels = new Set<DynamicTunnelKeeper>();
  readonly #listeners = new Map<string, ListenerKeeper>();
  readonly #byWire = new Map<number, ListenerKeeper>();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #ended = new EndedCalls();
  readonly #callers: Callers;
  readonly #questions: Questions;
  readonly #switching: Switching;
  readonly #routing: RoutingParts = {
    asked: (question) => this.#asked(question),
    drained: () => this.#drained(),
    empty: () => this.#whenEmpty?.(),
  };
  readonly #drainWaiters = new Set<() => void>();
  #made = 0;
  #draining = false;
  #whenEmpty: (() => void) | undefined;

  /** @throws ControlError */
  constructor(base: Host, dataPlane: DataPlane, owner: DynamicsOwner, options: DynamicOptions) {
    const { authority, profiles, control = {} } = options;
    const fillRandom: FillRandom = options.fillRandom ?? ((into) => void crypto.getRandomValues(into));
    this.#owner = owner;
    this.#driver = new EndpointDriver({
      ...base,
      endpoint: { ...control, random: fillRandom },
      onEvent: (event) => routeEvent(this.host, this.#routing, event),
      planeOf: (tunnel) => this.#connections.get(tunnel)?.plane,
    });
    this.host = this.#hostOf(base, dataPlane, { ...options, fillRandom });
    this.#switching = new Switching(this.host);
    this.#questions = new Questions(this.host, authority, profiles);
    const callersOwner: CallersOwner = {
      listenerOf: (wire) => this.#byWire.get(wire),
      isNameFree: (name) => owner.isNameFree(name),
      add: (tunnel) => this.#add(tunnel),
      forget: (tunnel) => this.forgetTunnel(tunnel),
    };
    this.#callers = new Callers(this.host, callersOwner, this.#questions);
  }

  /** What all of it shares; switching and questions are there when the first event comes. */
  #hostOf(
    base: Host,
    { capabilities }: DataPlane,
    { authority, duid, resolve = dnsResolver(), wall = Date.now, fillRandom }: HostOptions,
  ): DynamicHost {
    const { clock, alarms, logger, random } = base;
    const octets = randomOctets(fillRandom);
    const ppp: PppHost = {
      clock,
      alarms,
      random: octets,
      logger,
      users: new UserRegister(),
      duid: duid ?? newDuid(octets),
      ...(authority !== undefined && { authority }),
    };
    const dynamics = this;
    return {
      ...base,
      driver: this.#driver,
      capabilities,
      ppp,
      dialler: { random, resolve, wall },
      connections: this.#connections,
      calls: this.#calls,
      get draining() {
        return dynamics.#draining;
      },
      track: (work) => this.#track(work),
      watch: (work) => void this.#watch(work),
      accepted: new AcceptedSettings(),
      ended: this.#ended,
      get switching() {
        return dynamics.#switching;
      },
      askAgain: authority && ((call) => this.#questions.again(call)),
    };
  }

  #asked(question: Parameters<RoutingParts["asked"]>[0]): void {
    if (question.about === "peer") {
      this.#callers.asked(question);
      return;
    }
    const parts = { questions: this.#questions, switching: this.#switching, tunnels: this.#tunnels };
    takeCall(this.host, parts, question);
  }

  get endpoint() {
    return this.#driver.endpoint;
  }

  /** @throws ControlError, TransportError; nothing has changed then */
  reconfigure(changes: EndpointChanges): void {
    this.#driver.command((endpoint) => endpoint.reconfigure(changes));
  }

  get listeners(): readonly Listener[] {
    return [...this.#listeners.values()];
  }

  #track(work: Promise<unknown>): void {
    const done = this.#watch(work).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  #watch(work: Promise<unknown>): Promise<unknown> {
    return work.catch((error: unknown) => {
      this.host.logger.error({ error }, "something failed that should not");
    });
  }

  // What a program asks for.

  /** @throws ParameterError, NameInUseError */
  listen(init: ListenerInit): Listener {
    const name = init.name ?? this.#freeName("listener", (wanted) => !this.#listeners.has(wanted));
    if (this.#listeners.has(name)) throw new NameInUseError(`the context has a listener ${name} already`);
    const listener = new ListenerKeeper(this.host, this, name, init);
    this.#listeners.set(name, listener);
    return listener;
  }

  /** @throws ParameterError, NameInUseError, ControlError */
  dial(init: DynamicTunnelInit): DialledTunnel {
    checkTunnel(init, this.endpoint.settings.tunnel);
    const name = init.name ?? this.#freeName("tunnel", (wanted) => this.#owner.isNameFree(wanted));
    if (!this.#owner.isNameFree(name)) {
      throw new NameInUseError(`the context has a tunnel ${name} already`);
    }
    const facts = {
      name,
      origin: "dialled",
      peerName: init.peerName ?? name,
      settings: tunnelSettings(this.endpoint.settings.tunnel, tunnelChanges(init)),
      udpChecksum: init.udpChecksum ?? true,
      session: init.session ?? {},
    } as const;
    const owner = { forget: (tunnel: DynamicTunnelKeeper) => this.forgetTunnel(tunnel) };
    const tunnel = new DialledTunnel(this.host, owner, facts, init);
    this.#add(tunnel);
    return tunnel;
  }

  #freeName(kind: string, isFree: (name: string) => boolean): string {
    for (;;) {
      this.#made += 1;
      const name = `${kind}-${this.#made}`;
      if (isFree(name)) return name;
    }
  }

  #add(tunnel: DynamicTunnelKeeper): void {
    this.#tunnels.add(tunnel);
    this.#owner.add(tunnel);
  }

  forgetTunnel(tunnel: DynamicTunnelKeeper): void {
    this.#tunnels.delete(tunnel);
    this.#owner.forget(tunnel);
  }

  closedTunnels(): readonly ClosedTunnel[] {
    return this.endpoint.closedTunnels(this.#driver.now());
  }

  closedSessions(): readonly EndedSession[] {
    const tunnels = new Map<TunnelHandle, { name: string; peer: SocketAddress }>(
      this.closedTunnels().map((closed) => [closed.tunnel, closed]),
    );
    for (const tunnel of this.#tunnels) {
      const handle = tunnel.connection?.handle;
      if (handle !== undefined) tunnels.set(handle, tunnel);
    }
    return this.#ended.complete(this.endpoint.closedSessions(this.#driver.now()), tunnels);
  }

  /** Begins nothing new; resolves when no session is left, or when work goes on. */
  drain(options: DrainOptions = {}): Promise<void> {
    const drained = new Promise<void>((resolve) => void this.#drainWaiters.add(resolve));
    this.#draining = true;
    this.host.logger.info({ sessions: this.#calls.size }, "draining: nothing new is begun");
    for (const tunnel of this.#tunnels) if (tunnel instanceof DialledTunnel) tunnel.pause();
    this.#driver.command((endpoint, now) => endpoint.drain(now, options));
    return drained;
  }

  resume(): void {
    if (!this.#draining) return;
    this.#draining = false;
    this.#driver.command((endpoint) => endpoint.resume());
    this.host.logger.info({}, "work goes on");
    this.#drained();
    for (const tunnel of this.#tunnels) {
      if (tunnel instanceof DialledTunnel) tunnel.goOn();
      else for (const session of tunnel.keepers) session.carry();
    }
  }

  #drained(): void {
    for (const resolve of this.#drainWaiters) resolve();
    this.#drainWaiters.clear();
  }

  // Ending.

  /** Ends all in order: no callers, StopCCN to all, and their acknowledgements; then the data plane. */
  async shutDown(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#draining = true;
    const listeners = [...this.#listeners.values()].map((listener) => listener.close());
    const tunnels = [...this.#tunnels];
    for (const tunnel of tunnels) tunnel.shutDown();
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    const limit = this.host.alarms.create(() => this.#whenEmpty?.());
    if (limitMs !== Number.POSITIVE_INFINITY) limit.set(this.#driver.now() + limitMs);
    this.#driver.command((endpoint, now) => endpoint.shutDown(now, "acknowledged"));
    for (const tunnel of tunnels) tunnel.finish(reason("shut-down", "the program ends"));
    await empty;
    limit[Symbol.dispose]();
    const left = [...this.#connections.values()];
    for (const connection of left) connection.end();
    this.#connections.clear();
    await Promise.all([...listeners, ...left.map(({ gone }) => gone), ...this.#pending]);
    this.#drained();
  }

  dispose(): void {
    this.#driver.dispose();
  }

  // ListenerOwner.

  took(wire: number, listener: ListenerKeeper): void {
    this.#byWire.set(wire, listener);
  }

  left(wire: number): void {
    this.#byWire.delete(wire);
  }

  forget(listener: ListenerKeeper): void {
    if (this.#listeners.get(listener.name) === listener) this.#listeners.delete(listener.name);
  }
}
