/**
 * What keeps one configured tunnel up: its part of the data plane is made (plane-tunnel.ts), its control part (see
 * `control.ts`) is asked whether the peer lives; whatever fails is tried again with back-off until the tunnel is closed.
 */
import type { ControlDatagram, PlaneNotice, Wire } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import { closeOnAbort } from "./close-on-abort.ts";
import type { ControlLink, TunnelControl } from "./control.ts";
import { ClosedError, NameInUseError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type Logger, withFields } from "./log.ts";
import { type ConfiguredTunnel, configureSession, type SessionInit } from "./parameters.ts";
import { PlaneTunnel, type PlaneTunnelUser } from "./plane-tunnel.ts";
import { type Reason, reason, Told } from "./reason.ts";
import { Retry } from "./retry.ts";
import { SessionKeeper } from "./session.ts";
import type { Session } from "./session-api.ts";
import type { TunnelState } from "./states.ts";
import { sessionFigures, type TunnelStatistics } from "./statistics.ts";
import { TunnelTotals } from "./totals.ts";
import type { ConfiguredMode, Tunnel } from "./tunnel-api.ts";
import { UpGate, type WaitOptions, whenUp } from "./up-gate.ts";

/** What a tunnel needs of its context. */
export interface TunnelOwner {
  forget(tunnel: TunnelKeeper): void;
}

/** Makes the control part of a tunnel. */
export type MakeControl = (link: ControlLink) => TunnelControl;

/** Keeps one tunnel up. */
export class TunnelKeeper implements Tunnel, PlaneTunnelUser {
  readonly mode: ConfiguredMode;
  readonly logger: Logger;
  readonly #host: Host;
  readonly #owner: TunnelOwner;
  readonly #parameters: ConfiguredTunnel;
  readonly #control: TunnelControl;
  readonly #gate = new UpGate();
  readonly #sessions = new Map<string, SessionKeeper>();
  readonly #untilClosed = new AbortController();
  readonly #retry: Retry;
  readonly #part: PlaneTunnel;
  readonly #totals = new TunnelTotals();
  #state: TunnelState = "retrying";
  #reason: Reason | undefined;
  readonly #told = new Told();
  /** The code of the last message that could not be sent, while the tunnel is not up. */
  #unsendable: string | undefined;
  #upSince: Instant | undefined;
  /** Sessions whose messages are known to be dropped. */
  readonly #behind = new WeakSet<SessionKeeper>();
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
    this.#retry = new Retry(host, () => this.#try());
    this.#part = new PlaneTunnel(host, this, parameters);
    this.#control = makeControl({
      logger: this.logger,
      send: (datagram, from) => this.#part.send(datagram, from),
      watchData: (silenceMs, heard) => this.#part.lease?.watchData(this.tunnelId, silenceMs, heard),
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
    return this.#part.lease?.wire.local;
  }

  /** While there is one. */
  get wire(): Wire | undefined {
    return this.#part.lease?.wire;
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
      totals: this.#totals,
      forget: (session: SessionKeeper) => this.#sessions.delete(session.name),
    };
    const session = new SessionKeeper(this.#host, owner, parameters, init.signal);
    this.#sessions.set(parameters.name, session);
    if (this.#state === "up" && this.#part.plane) session.carry(this.#part.plane);
    return session;
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    return whenUp(this, `tunnel ${this.name}`, () => this.#gate, options);
  }

  async statistics(): Promise<TunnelStatistics> {
    return this.figures(await sessionFigures(this.#sessions.values()));
  }

  /** @param sessions - the counters of all that there are. */
  figures(sessions: TunnelStatistics["sessions"]): TunnelStatistics {
    return {
      tunnel: this.name,
      tunnelId: this.tunnelId,
      state: this.#state,
      upSince: this.#upSince,
      control: this.#control.statistics(),
      data: this.#totals.with(sessions),
      sessions,
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
    await this.#part.settled;
  }

  /** For the wire: whoever wants our ID next waits for this. */
  get leaving(): Promise<void> | undefined {
    return this.#state === "closed" ? this.#part.settled : undefined;
  }

  /** From the wire: a control message with our ID. */
  control(message: ControlDatagram): void {
    if (this.#part.plane) this.#control.handle(message);
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
      case "numbers-behind":
        this.#numbersBehind(notice.sessionId, notice.count);
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

  /** Only what is made anew at both ends begins at 0 at both: one end alone would be behind for the other. */
  #numbersBehind(sessionId: number, count: number): void {
    const session = [...this.#sessions.values()].find((one) => one.sessionId === sessionId);
    if (session === undefined || this.#state !== "up") return;
    const text =
      `the sequence numbers of the peer's data for session ${session.name} began again, and the data plane drops what is behind ` +
      "those that came before";
    if (this.#control.beginAnew?.(`${text}: both ends begin anew`) === true) return;
    const level = this.#behind.has(session) ? "debug" : "warn";
    this.#behind.add(session);
    const remedy = `restart tunnel ${this.name} at both ends, or take the userspace data plane, which follows`;
    this.logger[level]({ session: session.name, count, remedy }, `${text} (${count} messages); ${remedy}`);
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
    this.#part.make();
  }

  /** From the data plane. */
  made(): void {
    this.#state = "waiting-for-peer";
    this.#reason = undefined;
    this.#control.start();
  }

  #up(): void {
    const plane = this.#part.plane;
    const local = this.local;
    if (this.#state === "up" || !plane || !local) return;
    this.#state = "up";
    this.#reason = undefined;
    this.#told.clear();
    this.#unsendable = undefined;
    this.#upSince = this.#host.clock.now();
    this.logger.info(
      { tunnelId: this.tunnelId, peerTunnelId: this.peerTunnelId, peer: this.peer.address },
      `tunnel ${this.name} to ${this.peer.address} is up`,
    );
    this.#host.emitter.emit({ type: "tunnel-up", ...this.#about(), local });
    this.#gate.open();
    // A listener may have closed the tunnel, or the sessions.
    for (const session of [...this.#sessions.values()]) if (this.#part.plane === plane) session.carry(plane);
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

  /** From the data plane. */
  failed(why: Reason): void {
    this.#tellFailed(why, this.#retryLater(why));
  }

  /** Once for each reason, however often it is tried again. */
  #tellFailed(why: Reason, retryAt: Instant): void {
    const fields = { code: why.code, remedy: why.remedy, failures: this.#retry.failures || undefined };
    if (!this.#told.isNews(why)) {
      this.logger.debug(fields, `tunnel ${this.name} still cannot come up: ${why.text}`);
      return;
    }
    this.logger.warn(fields, `tunnel ${this.name} cannot come up: ${why.text}; trying again`);
    this.#host.emitter.emit({ type: "tunnel-failed", ...this.#about(), reason: why, retryAt });
  }

  #retryLater(why: Reason): Instant {
    this.#state = "retrying";
    this.#reason = why;
    return this.#retry.later();
  }

  /** The data plane lost the tunnel, or its wire. */
  #lost(why: Reason): void {
    if (this.#part.plane) this.#leaveUp(why, "retrying");
  }

  /**
   * Whatever it was doing, it does no more: the sessions come down first, then the tunnel, each told as it
   * happens, and the data plane follows in the same order. State and alarms are settled before anything is
   * told, as a listener may do anything, such as close the tunnel.
   */
  #leaveUp(why: Reason, next: "waiting-for-peer" | "retrying" | "closed", askedAgainAt?: Instant): void {
    const wasUp = this.#state === "up";
    if (this.#upSince !== undefined) this.#retry.wasUpFor(this.#host.clock.now() - this.#upSince);
    this.#upSince = undefined;
    this.#state = next;
    this.#reason = why;
    if (wasUp) this.#told.begin(why);
    this.#part.cancel();
    this.#retry.clear();
    const retryAt = next === "retrying" ? this.#retryLater(why) : askedAgainAt;
    const sessionsGone = this.#dropSessions(why, next === "closed");
    if (next !== "waiting-for-peer") {
      this.#control.stop();
      this.#part.leave(sessionsGone);
    }
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

  #about() {
    const { tunnelId, peerTunnelId, peer } = this.#parameters;
    return { at: this.#host.clock.now(), tunnel: this.name, tunnelId, peerTunnelId, peer };
  }
}
