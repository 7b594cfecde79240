/**
 * What a program sees of a session of a dynamic tunnel, and what is said to the other end while its call lasts. What keeps
 * the session up is in session.ts.
 */
import type {
  CallErrors,
  CallKind,
  Ending,
  EndpointEvent,
  LinkInfo,
  SessionStatus,
  SessionUp,
} from "@l2tp/control";
import {
  emptyStatistics,
  type InterfaceAddress,
  type PlaneStatistics,
  type SessionPlane,
} from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { ClosedError } from "../errors.ts";
import type { PppStatus } from "../ppp/index.ts";
import type { Reason } from "../reason.ts";
import { Shown } from "../shown-as.ts";
import type { SessionState } from "../states.ts";
import { UpGate, type WaitOptions, whenUp } from "../up-gate.ts";
import type { DynamicSession, Origin } from "./api.ts";
import type { Call } from "./call.ts";
import type { DynamicHost } from "./host.ts";
import type { OwnPpp } from "./own-ppp.ts";
import type { SessionSettings, SessionTunnel } from "./session-settings.ts";
import { placeCall, tellOther } from "./session-talk.ts";
import type { Audience } from "./session-told.ts";
import { warnOf } from "./warn.ts";

/** See the file's head. */
export abstract class SessionView
  extends Shown
  implements Omit<DynamicSession, "dial" | "hangUp" | "close" | typeof Symbol.asyncDispose>
{
  readonly name: string;
  readonly settings: SessionSettings;
  readonly tunnel: SessionTunnel;
  protected readonly host: DynamicHost;
  /** For who passes the call on: what the other end says while it lasts. */
  onSaid: ((event: EndpointEvent) => void) | undefined;
  protected gate: UpGate | undefined;
  protected state_: SessionState;
  protected reason_: Reason | undefined;
  protected upSince_: Instant | undefined;
  protected ending_: Ending | undefined;
  protected call_: Call | undefined;
  protected ppp_: OwnPpp | undefined;
  protected facts: SessionUp | undefined;
  /** See {@link DynamicSession.switchedTo}; set by switching.ts. */
  switchedTo: { readonly tunnel: string; readonly session: string } | undefined;

  constructor(host: DynamicHost, tunnel: SessionTunnel, name: string, settings: SessionSettings) {
    super();
    this.host = host;
    this.tunnel = tunnel;
    this.name = name;
    this.settings = settings;
    this.state_ = settings.opening === undefined ? "starting" : settings.auto ? "waiting" : "idle";
  }

  toJSON(): object {
    const { name, kind, origin, state, sessionId, peerSessionId, calledNumber, callingNumber } = this;
    const { interfaceName, mtuOctets, addresses, reason } = this;
    const numbers = { calledNumber, callingNumber };
    const tunnel = this.tunnel.name;
    return {
      tunnel,
      name,
      kind,
      origin,
      state,
      sessionId,
      peerSessionId,
      ...numbers,
      interfaceName,
      mtuOctets,
      addresses,
      reason,
    };
  }

  get label(): string {
    return `${this.tunnel.name}/${this.name}`;
  }
  /** For people. */
  protected get what(): string {
    return `session ${this.name} of tunnel ${this.tunnel.name}`;
  }
  get origin(): Origin {
    return this.settings.origin;
  }
  get kind(): CallKind {
    return this.settings.kind;
  }
  get sessionId(): number {
    return this.call_?.sessionId || (this.status()?.sessionId ?? 0);
  }
  get peerSessionId(): number {
    return this.call_?.peerSessionId || (this.status()?.peerSessionId ?? 0);
  }
  get state(): SessionState {
    return this.state_;
  }
  get reason(): Reason | undefined {
    return this.reason_;
  }
  get upSince(): Instant | undefined {
    return this.upSince_;
  }
  get ending(): Ending | undefined {
    return this.ending_;
  }
  get callSerialNumber(): number | undefined {
    return this.status()?.callSerialNumber;
  }
  get calledNumber(): string | undefined {
    const { opening } = this.settings;
    return this.call_ === undefined ? opening?.request?.calledNumber : this.status()?.calledNumber;
  }
  get callingNumber(): string | undefined {
    const { opening } = this.settings;
    if (this.call_ !== undefined) return this.status()?.callingNumber;
    return opening?.kind === "incoming" ? opening.request?.callingNumber : undefined;
  }
  get interfaceName(): string | undefined {
    return this.plane?.interfaceName;
  }
  get addresses(): readonly InterfaceAddress[] | undefined {
    if (this.ppp_ === undefined) return this.plane?.addresses;
    return this.state_ === "up" ? this.ppp_.addresses : undefined;
  }
  get mtuOctets(): number | undefined {
    return this.state_ === "up" ? (this.ppp_?.agreed?.mtu ?? this.plane?.mtuOctets) : undefined;
  }
  get plane(): SessionPlane | undefined {
    return this.call_?.plane;
  }
  get ppp(): PppStatus | undefined {
    return this.ppp_?.status;
  }
  /** What the other end has said in setting up the call that is up. */
  get callFacts(): SessionUp | undefined {
    return this.facts;
  }
  get call(): Call | undefined {
    return this.call_;
  }

  status(): SessionStatus | undefined {
    return this.call_ && this.host.driver.endpoint.session(this.call_.handle);
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    return whenUp(this, this.what, () => (this.gate ??= new UpGate()), options);
  }

  async statistics(): Promise<PlaneStatistics> {
    return (await this.plane?.statistics()) ?? emptyStatistics();
  }

  // What the other end says while the call lasts, and what is said to it.

  tell(event: EndpointEvent): void {
    const { passedOn, defaults } = this.settings;
    const { logger, peer } = this.tunnel;
    this.onSaid?.(event);
    if (event.type !== "place-call") {
      tellOther(this.host, this.about(), event, (fields, text) =>
        warnOf(this.host, logger, peer.address, fields, text),
      );
    } else if (passedOn) this.host.switching.place(this, event.request);
    else placeCall(this.host, this.about(), event, defaults.placed);
  }

  setLinkInfo(info: LinkInfo): void {
    const { handle } = this.#present();
    this.host.driver.command((endpoint, now) => endpoint.setLinkInfo(now, handle, info));
  }

  reportErrors(errors: CallErrors): boolean {
    const { handle } = this.#present();
    return this.host.driver.command((endpoint, now) => endpoint.reportErrors(now, handle, errors));
  }

  setSequencing(on: boolean): void {
    const { handle } = this.#present();
    this.host.driver.command((endpoint, now) => endpoint.setSequencing(now, handle, on));
  }

  reportSpeed(txBps: bigint, rxBps: bigint): void {
    const { handle } = this.#present();
    this.host.driver.command((endpoint, now) => endpoint.reportSpeed(now, handle, txBps, rxBps));
  }

  #present(): Call {
    if (this.call_ !== undefined) return this.call_;
    throw new ClosedError(`session ${this.label} has no call: it is ${this.state_}`);
  }

  protected get audience(): Audience {
    const { host, tunnel } = this;
    const { logger, peer } = tunnel;
    const warn: Audience["warn"] = (fields, message) =>
      this.settings.stays
        ? logger.warn(fields, message)
        : warnOf(host, logger, peer.address, fields, message);
    return { emitter: host.emitter, logger, warn };
  }

  protected about() {
    const { calledNumber, callingNumber } = this;
    return {
      at: this.host.clock.now(),
      tunnel: this.tunnel.name,
      tunnelId: this.tunnel.tunnelId,
      session: this.name,
      sessionId: this.sessionId,
      kind: this.kind,
      ...(calledNumber !== undefined && { calledNumber }),
      ...(callingNumber !== undefined && { callingNumber }),
    };
  }
}
