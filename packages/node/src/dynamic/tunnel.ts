/**
 * A dynamic tunnel as a program sees it, whoever opened it: its sessions, what it tells, how it ends. How one that we dial
 * gets its connections is in dialled-tunnel.ts, what is different for callers in accepted-tunnel.ts.
 */
import type {
  Ending,
  EndpointEvent,
  PeerFacts,
  StopFacts,
  TunnelDown,
  TunnelSettings,
  TunnelStatus,
  TunnelUp,
} from "@l2tp/control";
import type { Wire } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { DialerStatus } from "../dial/index.ts";
import { ClosedError, NameInUseError } from "../errors.ts";
import { type Logger, withFields } from "../log.ts";
import { type Reason, reason } from "../reason.ts";
import { Shown } from "../shown-as.ts";
import type { TunnelState } from "../states.ts";
import { sessionFigures, type TunnelStatistics } from "../statistics.ts";
import { TunnelTotals } from "../totals.ts";
import { UpGate, type WaitOptions, whenUp } from "../up-gate.ts";
import type { DynamicSession, DynamicSessionInit, DynamicTunnel, Origin, SessionDefaults } from "./api.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { reasonOfEnding } from "./ending-reason.ts";
import type { DynamicHost } from "./host.ts";
import { sessionSettings } from "./parameters.ts";
import { DynamicSessionKeeper } from "./session.ts";
import type { SessionTunnel } from "./session-settings.ts";

/** What a tunnel needs of its context. */
export interface DynamicTunnelOwner {
  forget(tunnel: DynamicTunnelKeeper): void;
}

/** What both kinds of tunnels are made with. */
export interface TunnelFacts {
  readonly name: string;
  readonly origin: Origin;
  readonly peerName: string;
  readonly settings: TunnelSettings;
  readonly udpChecksum: boolean;
  /** For calls that come in on it. */
  readonly session: SessionDefaults;
}

export abstract class DynamicTunnelKeeper
  extends Shown
  implements DynamicTunnel, ConnectionOwner, SessionTunnel
{
  readonly mode = "dynamic";
  readonly facts: TunnelFacts;
  readonly logger: Logger;
  readonly totals = new TunnelTotals();
  protected readonly host: DynamicHost;
  protected state_: TunnelState = "starting";
  protected reason_: Reason | undefined;
  /** The connection that sessions are on; undefined while the tunnel is not up. */
  protected current: Connection | undefined;
  protected readonly untilClosed = new AbortController();
  readonly #owner: DynamicTunnelOwner;
  readonly #gate = new UpGate();
  readonly #sessions = new Map<string, DynamicSessionKeeper>();
  #up: TunnelUp | undefined;
  #upSince: Instant | undefined;
  #ending: Ending | undefined;
  #peer: SocketAddress;
  #made = 0;
  #closing: Promise<void> | undefined;

  constructor(host: DynamicHost, owner: DynamicTunnelOwner, facts: TunnelFacts, peer: SocketAddress) {
    super();
    this.host = host;
    this.#owner = owner;
    this.facts = facts;
    this.#peer = peer;
    this.logger = withFields(host.logger, { tunnel: facts.name });
  }

  abstract get listener(): string | undefined;
  abstract get dialling(): DialerStatus | undefined;
  abstract dial(): void;
  abstract hangUp(stop?: StopFacts): void;
  /** The connection that is up, or on its way. */
  abstract get connecting(): Connection | undefined;
  /** What follows when a connection has ended. @returns when it is tried again. */
  protected abstract afterDown(
    connection: Connection,
    event: TunnelDown,
    wasUp: boolean,
  ): Instant | undefined;
  /** Ends whatever is on its way, for good. */
  protected abstract stop(stop: StopFacts | undefined): void;

  toJSON(): object {
    const { name, mode, origin, state, tunnelId, peerTunnelId, peer, peerName, authenticated, reason } = this;
    const sessions = [...this.#sessions.keys()];
    return {
      name,
      mode,
      origin,
      state,
      tunnelId,
      peerTunnelId,
      peer,
      peerName,
      authenticated,
      reason,
      sessions,
    };
  }

  get name(): string {
    return this.facts.name;
  }
  get origin(): Origin {
    return this.facts.origin;
  }
  get peerName(): string {
    return this.facts.peerName;
  }
  get udpChecksum(): boolean {
    return this.facts.udpChecksum;
  }
  get helloTimeoutMs(): number {
    return this.facts.settings.transport.helloTimeoutMs;
  }
  get tunnelId(): number {
    return this.#up?.tunnelId ?? this.connecting?.tunnelId ?? 0;
  }
  get peerTunnelId(): number {
    return this.#up?.peerTunnelId ?? this.status()?.peerTunnelId ?? 0;
  }
  get peer(): SocketAddress {
    return this.#peer;
  }
  protected set peer(peer: SocketAddress) {
    const { family, address, port } = peer;
    this.#peer = { family, address, port };
  }
  get wire(): Wire | undefined {
    return this.connecting?.wire;
  }
  get local(): SocketAddress | undefined {
    return this.wire?.local;
  }
  get state(): TunnelState {
    return this.state_;
  }
  get reason(): Reason | undefined {
    return this.reason_;
  }
  get upSince(): Instant | undefined {
    return this.#upSince;
  }
  get ending(): Ending | undefined {
    return this.#ending;
  }
  get peerFacts(): PeerFacts | undefined {
    return this.#up?.peer ?? this.status()?.peer;
  }
  get authenticated(): boolean {
    return this.#up?.authenticated ?? false;
  }
  get connection(): Connection | undefined {
    return this.current;
  }
  get sessions(): readonly DynamicSession[] {
    return [...this.#sessions.values()];
  }
  get keepers(): IterableIterator<DynamicSessionKeeper> {
    return this.#sessions.values();
  }

  session(name: string): DynamicSessionKeeper | undefined {
    return this.#sessions.get(name);
  }

  status(): TunnelStatus | undefined {
    const handle = this.connecting?.handle;
    return handle === undefined ? undefined : this.host.driver.endpoint.tunnel(handle);
  }

  newSession(init: DynamicSessionInit = {}): DynamicSessionKeeper {
    this.assertOpen();
    const name = init.name ?? this.#freeName();
    const settings = sessionSettings(init, this.origin, this.facts.session);
    return this.addSession(new DynamicSessionKeeper(this.host, this, name, settings));
  }

  #freeName(): string {
    for (;;) {
      this.#made += 1;
      const name = `session-${this.#made}`;
      if (!this.#sessions.has(name)) return name;
    }
  }

  /** @throws NameInUseError */
  addSession(session: DynamicSessionKeeper): DynamicSessionKeeper {
    if (this.#sessions.has(session.name)) {
      throw new NameInUseError(`tunnel ${this.name} has a session ${session.name} already`);
    }
    this.#sessions.set(session.name, session);
    if (this.state_ === "up" && session.settings.opening !== undefined) session.carry();
    return session;
  }

  forget(session: { readonly name: string }): void {
    if (this.#sessions.get(session.name) === session) this.#sessions.delete(session.name);
  }

  sendHello(): void {
    const handle = this.current?.handle;
    if (handle !== undefined) this.host.driver.command((endpoint, now) => endpoint.sendHello(now, handle));
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    return whenUp(this, `tunnel ${this.name}`, () => this.#gate, options);
  }

  async statistics(): Promise<TunnelStatistics> {
    return this.figures(await sessionFigures(this.#sessions.values()));
  }

  /** @param sessions - the counters of all that there are. */
  figures(sessions: TunnelStatistics["sessions"]): TunnelStatistics {
    const status = this.status();
    const { channel } = status ?? {};
    return {
      tunnel: this.name,
      tunnelId: this.tunnelId,
      state: this.state_,
      upSince: this.#upSince,
      control: { ignored: 0, ...(channel !== undefined && { transport: channel }) },
      ...(status !== undefined && { status }),
      data: this.totals.with(sessions),
      sessions,
    };
  }

  close(stop?: StopFacts): Promise<void> {
    this.#closing ??= this.end(reason("closed", "closed here"), stop);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As {@link close}, with the reason that is told. */
  async end(why: Reason, stop?: StopFacts): Promise<void> {
    if (this.state_ === "closed") return;
    const calls = [...this.#sessions.values()].map((session) => session.call);
    this.untilClosed.abort();
    this.stop(stop);
    this.finish(why);
    await Promise.all(calls.map((call) => call?.settled));
  }

  /** There is no connection, and there will be none. */
  finish(why: Reason): void {
    if (this.state_ === "closed") return;
    this.state_ = "closed";
    this.reason_ = why;
    this.#owner.forget(this);
    for (const session of [...this.#sessions.values()]) session.tunnelClosed(why);
    this.#gate.close(`tunnel ${this.name}`);
  }

  /** The endpoint ends all of them; nothing is begun any more, and {@link finish} follows. */
  shutDown(): void {
    this.untilClosed.abort();
  }

  protected get closing(): boolean {
    return this.untilClosed.signal.aborted;
  }

  protected assertOpen(): void {
    if (this.closing || this.state_ === "closed") throw new ClosedError(`tunnel ${this.name} is closed`);
  }

  // ConnectionOwner.

  connectionUp(connection: Connection, event: TunnelUp): void {
    this.current = connection;
    this.#up = event;
    this.state_ = "up";
    this.reason_ = undefined;
    this.#upSince = this.host.clock.now();
    this.peer = event.peerAddress;
    const { hostName, vendorName } = event.peer;
    const { tunnelId, peerTunnelId, authenticated } = event;
    const { address, port } = this.#peer;
    this.logger.info(
      { tunnelId, peerTunnelId, peer: address, port, authenticated, vendorName },
      `tunnel ${this.name} to ${hostName} at ${address} is up${authenticated ? "" : ", without authentication"}`,
    );
    this.host.emitter.emit({
      type: "tunnel-up",
      ...this.about(),
      local: connection.lease.wire.local,
      peerFacts: event.peer,
      authenticated,
      ...(this.listener !== undefined && { listener: this.listener }),
    });
    this.#gate.open();
    // A listener may have closed the tunnel, or the sessions.
    for (const session of [...this.#sessions.values()]) if (this.current === connection) session.carry();
  }

  connectionDown(connection: Connection, event: TunnelDown): void {
    const { ending } = event;
    const why = connection.cause ?? reasonOfEnding(ending);
    const about = this.about();
    const wasUp = connection === this.current;
    this.#ending = ending;
    if (wasUp) {
      this.current = undefined;
      this.#up = undefined;
      this.#upSince = undefined;
    }
    if (!this.closing && this.current === undefined) this.reason_ = why;
    const retryAt = this.afterDown(connection, event, wasUp);
    const again = retryAt !== undefined && { retryAt };
    for (const session of [...this.#sessions.values()]) {
      session.drop(reason("tunnel-down", `its tunnel ${this.name} is down: ${why.text}`));
    }
    if (wasUp) {
      this.logger.info(
        { code: why.code, remedy: why.remedy, sessions: event.sessions },
        `tunnel ${this.name} is down: ${why.text}`,
      );
      this.host.emitter.emit({ type: "tunnel-down", ...about, reason: why, ending, ...again });
    } else this.tellFailed(why, ending, retryAt, about);
  }

  /** What could not come up. */
  protected abstract tellFailed(
    why: Reason,
    ending: Ending | undefined,
    retryAt: Instant | undefined,
    about: ReturnType<DynamicTunnelKeeper["about"]>,
  ): void;

  peerMoved(_connection: Connection, event: Extract<EndpointEvent, { type: "peer-moved" }>): void {
    const { before, after } = event;
    this.peer = after;
    this.logger.info(
      { before: `${before.address} ${before.port}`, after: `${after.address} ${after.port}` },
      `the peer of tunnel ${this.name} answers from ${after.address} port ${after.port}`,
    );
    const { at, tunnel, tunnelId } = this.about();
    this.host.emitter.emit({ type: "peer-moved", at, tunnel, tunnelId, before, after });
  }

  /** @internal What all events of a tunnel have. */
  about() {
    return {
      at: this.host.clock.now(),
      tunnel: this.name,
      tunnelId: this.tunnelId,
      peerTunnelId: this.peerTunnelId,
      peer: this.peer,
      origin: this.origin,
      peerName: this.peerName,
    };
  }
}
