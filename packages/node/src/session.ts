/**
 * One session: what a program sees of it, and what keeps it up. While its tunnel carries, the session is in
 * the data plane or is tried again with back-off; when the tunnel does not, the session waits for it.
 */
import {
  emptyStatistics,
  type InterfaceAddress,
  type PlaneStatistics,
  type SessionPlane,
  type SessionPlaneParameters,
  type TunnelPlane,
} from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { closeOnAbort } from "./close-on-abort.ts";
import type { Host } from "./host.ts";
import { type Logger, withFields } from "./log.ts";
import { type Reason, reason, reasonOf, Told } from "./reason.ts";
import { Retry } from "./retry.ts";
import type { Session } from "./session-api.ts";
import type { SessionState } from "./states.ts";
import { lastStatistics, type TunnelTotals } from "./totals.ts";
import { UpGate, type WaitOptions, whenUp } from "./up-gate.ts";

/** What a session needs of its tunnel. */
export interface SessionOwner {
  readonly name: string;
  readonly tunnelId: number;
  readonly logger: Logger;
  /** What sessions of it have carried. */
  readonly totals: TunnelTotals;
  forget(session: SessionKeeper): void;
}

/** Keeps one session up. */
export class SessionKeeper implements Session {
  readonly #host: Host;
  readonly #owner: SessionOwner;
  readonly #parameters: SessionPlaneParameters;
  readonly #logger: Logger;
  readonly #gate = new UpGate();
  readonly #retry: Retry;
  readonly #untilClosed = new AbortController();
  #state: SessionState = "waiting";
  #reason: Reason | undefined;
  /** What was told last by `session-failed`, so that it is told once. */
  readonly #told = new Told();
  #upSince: Instant | undefined;
  #tunnel: TunnelPlane | undefined;
  #plane: SessionPlane | undefined;
  /** What the data plane is asked for, one after the other: a session is gone before it is made again. */
  #work: Promise<void> = Promise.resolve();
  /** An answer to a question of an older generation changes nothing. */
  #generation = 0;
  #closing: Promise<void> | undefined;

  constructor(host: Host, owner: SessionOwner, parameters: SessionPlaneParameters, signal?: AbortSignal) {
    this.#host = host;
    this.#owner = owner;
    this.#parameters = parameters;
    this.#logger = withFields(owner.logger, { session: parameters.name });
    this.#retry = new Retry(host, () => this.#try());
    if (signal) closeOnAbort(signal, this, this.#untilClosed);
  }

  get name(): string {
    return this.#parameters.name;
  }

  get sessionId(): number {
    return this.#parameters.sessionId;
  }

  get peerSessionId(): number {
    return this.#parameters.peerSessionId;
  }

  get state(): SessionState {
    return this.#state;
  }

  get reason(): Reason | undefined {
    return this.#reason;
  }

  get upSince(): Instant | undefined {
    return this.#upSince;
  }

  get interfaceName(): string | undefined {
    return this.#plane?.interfaceName;
  }

  get addresses(): readonly InterfaceAddress[] | undefined {
    return this.#plane?.addresses;
  }

  get mtuOctets(): number | undefined {
    return this.#plane?.mtuOctets;
  }

  get plane(): SessionPlane | undefined {
    return this.#plane;
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    return whenUp(this, this.#what, () => this.#gate, options);
  }

  get #what(): string {
    return `session ${this.name} of tunnel ${this.#owner.name}`;
  }

  async statistics(): Promise<PlaneStatistics> {
    return (await this.#plane?.statistics()) ?? emptyStatistics();
  }

  close(): Promise<void> {
    this.#closing ??= this.end(reason("closed", "closed here"));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The tunnel carries now. */
  carry(tunnel: TunnelPlane): void {
    if (this.#state === "closed") return;
    this.#tunnel = tunnel;
    this.#try();
  }

  /** The tunnel carries no more; resolves when the session is out of the data plane. */
  drop(why: Reason): Promise<void> {
    if (this.#state === "closed") return this.#work;
    this.#tunnel = undefined;
    this.#leaveUp(why, "waiting");
    return this.#work;
  }

  /** The data plane lost the session. */
  lost(text: string): void {
    if (this.#state !== "up") return;
    this.#leaveUp(reason("session-lost", text), "retrying");
  }

  /** The data plane has addresses for the interface, or has them no longer. */
  addressesChanged(interfaceName: string, addresses: readonly InterfaceAddress[]): void {
    if (this.#state !== "up" && this.#state !== "starting") return;
    const text = addresses.map(({ address, peer }) =>
      peer === undefined ? address : `${address} (peer ${peer})`,
    );
    const what = text.length === 0 ? "no addresses any more" : text.join(", ");
    this.#logger.info({ interfaceName }, `session ${this.name}: ${interfaceName} has ${what}`);
    this.#host.emitter.emit({ type: "session-addresses", ...this.#about(), interfaceName, addresses });
  }

  /** As {@link close}, with the reason that is told. */
  async end(why: Reason): Promise<void> {
    if (this.#state !== "closed") {
      this.#untilClosed.abort();
      this.#owner.forget(this);
      this.#leaveUp(why, "closed");
      this.#gate.close(this.#what);
      this.#retry[Symbol.dispose]();
    }
    await this.#work;
  }

  #try(): void {
    const tunnel = this.#tunnel;
    if (!tunnel) return;
    this.#state = "starting";
    this.#generation += 1;
    const generation = this.#generation;
    this.#work = this.#work.then(async () => {
      if (generation !== this.#generation) return;
      try {
        const plane = await tunnel.createSession(this.#parameters);
        if (generation === this.#generation) this.#up(plane);
        else await this.#dispose(plane);
      } catch (error) {
        if (generation === this.#generation) this.#failed(reasonOf(error));
      }
    });
  }

  #up(plane: SessionPlane): void {
    this.#plane = plane;
    this.#state = "up";
    this.#reason = undefined;
    this.#told.clear();
    this.#upSince = this.#host.clock.now();
    const { interfaceName, mtuOctets } = plane;
    const where = interfaceName === undefined ? {} : { interfaceName };
    const on = interfaceName === undefined ? "" : ` on ${interfaceName}`;
    this.#logger.info({ ...where, mtuOctets }, `session ${this.name} is up${on}, MTU ${mtuOctets}`);
    this.#host.emitter.emit({ type: "session-up", ...this.#about(), ...where, mtuOctets });
    this.#gate.open();
  }

  #failed(why: Reason): void {
    const retryAt = this.#retryLater(why);
    const fields = { code: why.code, remedy: why.remedy, failures: this.#retry.failures };
    if (!this.#told.isNews(why)) {
      this.#logger.debug(fields, `session ${this.name} still cannot come up: ${why.text}`);
      return;
    }
    this.#logger.warn(fields, `session ${this.name} cannot come up: ${why.text}; trying again`);
    this.#host.emitter.emit({ type: "session-failed", ...this.#about(), reason: why, retryAt });
  }

  #retryLater(why: Reason): Instant {
    this.#state = "retrying";
    this.#reason = why;
    return this.#retry.later();
  }

  /** Whatever it was doing, it does no more; if it was up, that is told last, as listeners may do anything. */
  #leaveUp(why: Reason, next: "waiting" | "retrying" | "closed"): void {
    this.#generation += 1;
    this.#retry.clear();
    const plane = this.#plane;
    if (this.#upSince !== undefined) this.#retry.wasUpFor(this.#host.clock.now() - this.#upSince);
    this.#plane = undefined;
    this.#upSince = undefined;
    if (plane) this.#work = this.#work.then(() => this.#dispose(plane));
    this.#state = next;
    this.#reason = why;
    if (next === "retrying") this.#retryLater(why);
    if (!plane) return;
    this.#logger.info({ code: why.code }, `session ${this.name} is down: ${why.text}`);
    this.#host.emitter.emit({ type: "session-down", ...this.#about(), reason: why });
  }

  async #dispose(plane: SessionPlane): Promise<void> {
    this.#owner.totals.ended(await lastStatistics(plane));
    try {
      await plane[Symbol.asyncDispose]();
    } catch (error) {
      this.#logger.error({ error }, `session ${this.name} was not taken down cleanly`);
    }
  }

  #about() {
    return {
      at: this.#host.clock.now(),
      tunnel: this.#owner.name,
      tunnelId: this.#owner.tunnelId,
      session: this.name,
      sessionId: this.sessionId,
    };
  }
}
