/**
 * One configured tunnel: what a program sees of it, and what keeps it up. The keeper leases a wire, makes the
 * tunnel in the data plane, and asks the tunnel's control part (see `control.ts`) whether the peer lives;
 * whatever fails is tried again with back-off until the tunnel is closed.
 */
import type { ControlDatagram, PlaneNotice, TunnelPlane, Wire } from "@l2tp/dataplane";
import type { Instant, IpAddress, SocketAddress, TunnelMode } from "@l2tp/protocol";
import type { Alarm } from "./alarms.ts";
import { Backoff } from "./backoff.ts";
import type { ControlLink, TunnelControl } from "./control.ts";
import { ClosedError, NameInUseError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type Logger, withFields } from "./log.ts";
import {
  bindingAddress,
  type ConfiguredTunnel,
  configureSession,
  ownAddress,
  type SessionInit,
} from "./parameters.ts";
import { type Reason, reason, reasonOf, sameReason } from "./reason.ts";
import { closeOnAbort, SessionKeeper } from "./session.ts";
import type { Session } from "./session-api.ts";
import type { WireLease, WireUser } from "./shared-wire.ts";
import type { TunnelState } from "./states.ts";
import type { TunnelStatistics } from "./statistics.ts";
import { UpGate, type WaitOptions } from "./up-gate.ts";

/** Both ends are configured: nothing is negotiated. */
export type ConfiguredMode = Exclude<TunnelMode, "dynamic">;

/** One tunnel of a context. It keeps itself up until it is closed. */
export interface Tunnel extends AsyncDisposable {
  readonly name: string;
  readonly mode: ConfiguredMode;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: SocketAddress;
  /** What the wire is bound to, with the real port; undefined while there is no wire. */
  readonly local: SocketAddress | undefined;
  readonly state: TunnelState;
  /** Why it is not up, or why it came down last; undefined while all is well. */
  readonly reason: Reason | undefined;
  /** When it came up, on the context's clock. */
  readonly upSince: Instant | undefined;
  /** In the order in which they were made. */
  readonly sessions: readonly Session[];
  /**
   * Adds a session, which comes up by itself when the tunnel does.
   * @throws ParameterError, NameInUseError, ClosedError
   */
  newSession(init: SessionInit): Session;
  /** @throws ClosedError, AbortedError */
  whenUp(options?: WaitOptions): Promise<void>;
  statistics(): Promise<TunnelStatistics>;
  /** Takes it and its sessions down for good. Idempotent; resolves when the data plane is done. */
  close(): Promise<void>;
}

/** What a tunnel needs of its context. */
export interface TunnelOwner {
  forget(tunnel: TunnelKeeper): void;
}

/** Makes the control part of a tunnel. */
export type MakeControl = (link: ControlLink) => TunnelControl;

/** Keeps one tunnel up. */
export class TunnelKeeper implements Tunnel, WireUser {
  readonly mode: ConfiguredMode;
  readonly logger: Logger;
  readonly #host: Host;
  readonly #owner: TunnelOwner;
  readonly #parameters: ConfiguredTunnel;
  readonly #control: TunnelControl;
  readonly #gate = new UpGate();
  readonly #sessions = new Map<string, SessionKeeper>();
  readonly #untilClosed = new AbortController();
  readonly #backoff: Backoff;
  readonly #retry: Alarm & Disposable;
  #state: TunnelState = "retrying";
  #reason: Reason | undefined;
  #told: Reason | undefined;
  /** The code of the last message that could not be sent, while the tunnel is not up. */
  #unsendable: string | undefined;
  #upSince: Instant | undefined;
  #lease: WireLease | undefined;
  #plane: TunnelPlane | undefined;
  /** What the data plane is asked for, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** An answer to a question of an older generation changes nothing. */
  #generation = 0;
  #closing: Promise<void> | undefined;

  constructor(
    host: Host,
    owner: TunnelOwner,
    mode: ConfiguredMode,
    parameters: ConfiguredTunnel,
    makeControl: MakeControl,
    signal?: AbortSignal,
  ) {
    this.#host = host;
    this.#owner = owner;
    this.mode = mode;
    this.#parameters = parameters;
    this.logger = withFields(host.logger, { tunnel: parameters.name });
    this.#backoff = new Backoff(host.backoff, host.random);
    this.#retry = host.alarms.create(() => this.#try());
    this.#control = makeControl({
      logger: this.logger,
      send: (datagram, from) => this.#send(datagram, from),
      watchData: (silenceMs, heard) => this.#lease?.watchData(this.tunnelId, silenceMs, heard),
      alive: () => this.#up(),
      gone: (text, retryAt) => this.#peerGone(text, retryAt),
    });
    if (signal) closeOnAbort(signal, this, this.#untilClosed);
    this.#try();
  }

  get name(): string {
    return this.#parameters.name;
  }

  get tunnelId(): number {
    return this.#parameters.tunnelId;
  }

  get peerTunnelId(): number {
    return this.#parameters.peerTunnelId;
  }

  get peer(): SocketAddress {
    return this.#parameters.peer;
  }

  get local(): SocketAddress | undefined {
    return this.#lease?.wire.local;
  }

  /** While there is one. */
  get wire(): Wire | undefined {
    return this.#lease?.wire;
  }

  get state(): TunnelState {
    return this.#state;
  }

  get reason(): Reason | undefined {
    return this.#reason;
  }

  get upSince(): Instant | undefined {
    return this.#upSince;
  }

  get sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  newSession(init: SessionInit): Session {
    if (this.#state === "closed") throw new ClosedError(`tunnel ${this.name} is closed`);
    const parameters = configureSession(init, this.#parameters.version);
    if (this.#sessions.has(parameters.name)) {
      throw new NameInUseError(`tunnel ${this.name} has a session ${parameters.name} already`);
    }
    const owner = {
      name: this.name,
      tunnelId: this.tunnelId,
      logger: this.logger,
      forget: (session: SessionKeeper) => this.#sessions.delete(session.name),
    };
    const session = new SessionKeeper(this.#host, owner, parameters, init.signal);
    this.#sessions.set(parameters.name, session);
    if (this.#state === "up" && this.#plane) session.carry(this.#plane);
    return session;
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    if (this.#state === "closed") return Promise.reject(new ClosedError(`tunnel ${this.name} is closed`));
    if (this.#state === "up") return Promise.resolve();
    return this.#gate.wait(options, () => {
      const why = this.#reason ? `: ${this.#reason.text}` : "";
      return `tunnel ${this.name}, which is ${this.#state}${why}`;
    });
  }

  async statistics(): Promise<TunnelStatistics> {
    const sessions = await Promise.all(
      [...this.#sessions.values()].map(async (session) => ({
        session: session.name,
        sessionId: session.sessionId,
        state: session.state,
        ...(await session.statistics()),
      })),
    );
    return { ...this.summary(), sessions };
  }

  /** {@link statistics} without the sessions. */
  summary(): Omit<TunnelStatistics, "sessions"> {
    return {
      tunnel: this.name,
      tunnelId: this.tunnelId,
      state: this.#state,
      upSince: this.#upSince,
      control: this.#control.statistics(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.end(reason("closed", "closed here"));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As {@link close}, with the reason that is told. */
  async end(why: Reason): Promise<void> {
    if (this.#state !== "closed") {
      this.#untilClosed.abort();
      this.#owner.forget(this);
      this.#leaveUp(why, "closed");
      this.#gate.close(`tunnel ${this.name}`);
      this.#retry[Symbol.dispose]();
      this.#control.close();
    }
    await this.#work;
  }

  /** For the wire: whoever wants our ID next waits for this. */
  get leaving(): Promise<void> | undefined {
    return this.#state === "closed" ? this.#work : undefined;
  }

  /** From the wire: a control message with our ID. */
  control(message: ControlDatagram): void {
    if (this.#plane) this.#control.handle(message);
  }

  /** From the wire. */
  notice(notice: PlaneNotice): void {
    switch (notice.type) {
      case "tunnel-lost":
        this.#lost(reason("tunnel-lost", notice.reason));
        return;
      case "session-lost":
        for (const session of this.#sessions.values()) {
          if (session.sessionId === notice.sessionId) session.lost(notice.reason);
        }
        return;
      case "session-addresses":
        for (const session of this.#sessions.values()) {
          if (session.sessionId !== notice.sessionId) continue;
          session.addressesChanged(notice.interfaceName, notice.addresses);
        }
        return;
      case "peer-moved": {
        const { address, port } = notice.peer;
        this.logger.warn(
          { address, port },
          `data of tunnel ${this.name} comes from another address than its peer's`,
        );
        return;
      }
      case "send-failed":
        this.#sendFailed(notice.code, notice.count);
        return;
    }
  }

  /** Told once for each reason, until the tunnel is up again: a peer out of reach fails every message. */
  #sendFailed(code: string, count: number): void {
    const level = this.#unsendable === code ? "debug" : "warn";
    this.#unsendable = code;
    this.logger[level](
      { code, count },
      `messages of tunnel ${this.name} to ${this.peer.address} cannot be sent: ${code}`,
    );
  }

  /** From the wire: it is no more. */
  wireLost(text: string): void {
    this.#lost(reason("wire-lost", text));
  }

  #try(): void {
    if (this.#state === "closed") return;
    this.#state = "starting";
    this.#generation += 1;
    const generation = this.#generation;
    this.#work = this.#work.then(() => this.#make(generation));
  }

  /** Leases the wire and makes the tunnel on it; undoes both when somebody changed their mind meanwhile. */
  async #make(generation: number): Promise<void> {
    if (generation !== this.#generation) return;
    const { encapsulation, namespace } = this.#parameters;
    const binding = {
      encapsulation,
      local: bindingAddress(this.#parameters),
      ...(namespace !== undefined && { namespace }),
    };
    let lease: WireLease | undefined;
    try {
      lease = await this.#host.wires.lease(binding, this);
      await lease.register(this.tunnelId);
      const plane = await lease.wire.createTunnel(this.#planeParameters());
      if (generation !== this.#generation) {
        await this.#undo(plane, lease);
        return;
      }
      this.#lease = lease;
      this.#plane = plane;
    } catch (error) {
      await lease?.release();
      if (generation === this.#generation) this.#failed(reasonOf(error));
      return;
    }
    this.#state = "waiting-for-peer";
    this.#reason = undefined;
    this.#control.start();
  }

  #planeParameters() {
    const { version, tunnelId, peerTunnelId, peer, udpChecksum } = this.#parameters;
    const local = ownAddress(this.#parameters);
    return {
      version,
      tunnelId,
      peerTunnelId,
      peer,
      udpChecksum,
      ...(local !== undefined && { local }),
    };
  }

  #send(datagram: Uint8Array, from?: IpAddress): void {
    const tunnel = this.#plane;
    if (!tunnel) return;
    this.#lease?.send({ tunnel, to: this.peer, datagram, ...(from !== undefined && { from }) });
  }

  #up(): void {
    const plane = this.#plane;
    const local = this.local;
    if (this.#state === "up" || !plane || !local) return;
    this.#state = "up";
    this.#reason = undefined;
    this.#told = undefined;
    this.#unsendable = undefined;
    this.#upSince = this.#host.clock.now();
    this.logger.info(
      { tunnelId: this.tunnelId, peerTunnelId: this.peerTunnelId, peer: this.peer.address },
      `tunnel ${this.name} to ${this.peer.address} is up`,
    );
    this.#host.emitter.emit({ type: "tunnel-up", ...this.#about(), local });
    this.#gate.open();
    // A listener may have closed the tunnel, or the sessions.
    for (const session of [...this.#sessions.values()]) if (this.#plane === plane) session.carry(plane);
  }

  /** The peer does not answer; the tunnel stays in the data plane, and its control part goes on asking. */
  #peerGone(text: string, retryAt: Instant): void {
    const why = reason("peer-gone", text);
    if (this.#state === "up") this.#leaveUp(why, "waiting-for-peer", retryAt);
    else {
      this.#reason = why;
      this.#tellFailed(why, retryAt);
    }
  }

  #failed(why: Reason): void {
    this.#tellFailed(why, this.#retryLater(why));
  }

  /** Once for each reason, however often it is tried again. */
  #tellFailed(why: Reason, retryAt: Instant): void {
    const fields = { code: why.code, remedy: why.remedy, failures: this.#backoff.failures || undefined };
    if (this.#told && sameReason(this.#told, why)) {
      this.logger.debug(fields, `tunnel ${this.name} still cannot come up: ${why.text}`);
      return;
    }
    this.#told = why;
    this.logger.warn(fields, `tunnel ${this.name} cannot come up: ${why.text}; trying again`);
    this.#host.emitter.emit({ type: "tunnel-failed", ...this.#about(), reason: why, retryAt });
  }

  #retryLater(why: Reason): Instant {
    this.#state = "retrying";
    this.#reason = why;
    const retryAt = this.#host.clock.now() + this.#backoff.next();
    this.#retry.set(retryAt);
    return retryAt;
  }

  /** The data plane lost the tunnel, or its wire. */
  #lost(why: Reason): void {
    if (this.#plane) this.#leaveUp(why, "retrying");
  }

  /**
   * Whatever it was doing, it does no more: the sessions come down first, then the tunnel, each told as it
   * happens, and the data plane follows in the same order. State and alarms are settled before anything is
   * told, as a listener may do anything, such as close the tunnel.
   */
  #leaveUp(why: Reason, next: "waiting-for-peer" | "retrying" | "closed", askedAgainAt?: Instant): void {
    const wasUp = this.#state === "up";
    const upFor = wasUp ? this.#host.clock.now() - (this.#upSince ?? 0) : 0;
    if (upFor >= this.#host.backoff.maxMs) this.#backoff.reset();
    this.#upSince = undefined;
    this.#state = next;
    this.#reason = why;
    if (wasUp) this.#told = why;
    this.#generation += 1;
    this.#retry.clear();
    const retryAt = next === "retrying" ? this.#retryLater(why) : askedAgainAt;
    const sessionsGone = this.#dropSessions(why, next === "closed");
    if (next !== "waiting-for-peer") this.#leavePlane(sessionsGone);
    if (!wasUp) return;
    this.logger.info({ code: why.code, remedy: why.remedy }, `tunnel ${this.name} is down: ${why.text}`);
    this.#host.emitter.emit({
      type: "tunnel-down",
      ...this.#about(),
      reason: why,
      ...(retryAt !== undefined && { retryAt }),
    });
  }

  #dropSessions(why: Reason, forGood: boolean): Promise<unknown> {
    const sessions = [...this.#sessions.values()];
    if (forGood) return Promise.all(sessions.map((session) => session.end(why)));
    const theirs = reason("tunnel-down", `its tunnel ${this.name} is down: ${why.text}`);
    return Promise.all(sessions.map((session) => session.drop(theirs)));
  }

  #leavePlane(sessionsGone: Promise<unknown>): void {
    this.#control.stop();
    const plane = this.#plane;
    const lease = this.#lease;
    this.#plane = undefined;
    this.#lease = undefined;
    this.#work = this.#work.then(async () => {
      await sessionsGone;
      if (plane && lease) await this.#undo(plane, lease);
    });
  }

  async #undo(plane: TunnelPlane, lease: WireLease): Promise<void> {
    try {
      await plane[Symbol.asyncDispose]();
    } catch (error) {
      this.logger.error({ error }, `tunnel ${this.name} was not taken down cleanly`);
    }
    await lease.release();
  }

  #about() {
    const { tunnelId, peerTunnelId, peer } = this.#parameters;
    return { at: this.#host.clock.now(), tunnel: this.name, tunnelId, peerTunnelId, peer };
  }
}
