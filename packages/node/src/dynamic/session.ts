/**
 * What keeps one session of a dynamic tunnel up. One that we open is opened when its tunnel is up, and again when it has
 * ended; one that was accepted is gone with its call.
 */
import { CDN, type CdnFacts, type Ending, type SessionDown, type SessionUp } from "@l2tp/control";
import type { InterfaceAddress, SessionPlaneParameters } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { closeOnAbort } from "../close-on-abort.ts";
import { ClosedError } from "../errors.ts";
import {
  handingOver,
  type PppHandedOver,
  type PppProfile,
  type PppSessionEvent,
  type PppUp,
  proxyAvps,
} from "../ppp/index.ts";
import { type Reason, reason, Told } from "../reason.ts";
import { Retry } from "../retry.ts";
import type { DynamicSession } from "./api.ts";
import { Call, type CallOwner } from "./call.ts";
import { type PppAtEnd, reasonOfCallsEnd, reasonOfError } from "./ending-reason.ts";
import type { DynamicHost, SecondAnswer } from "./host.ts";
import { OwnPpp, type OwnPppUser } from "./own-ppp.ts";
import { askedAgain } from "./private-group.ts";
import { bridgeParameters, planeParameters, pppOf } from "./session-plane.ts";
import type { SessionSettings, SessionTunnel } from "./session-settings.ts";
import { tellAddresses, tellDown, tellFailed, tellUp } from "./session-told.ts";
import { SessionView } from "./session-view.ts";

/** The bit of the Framing Type AVP (RFC 2661 §4.4.4). */
const ASYNC_FRAMING = 2;

/** Keeps one session up. */
export class DynamicSessionKeeper extends SessionView implements DynamicSession, CallOwner, OwnPppUser {
  #retry: Retry | undefined;
  #untilClosed: AbortController | undefined;
  #wanted: boolean;
  /** Most sessions have nothing to tell. */
  #told: Told | undefined;
  #last: Call | undefined;
  /** For the event that tells that the session is up. */
  #said: ReturnType<typeof saidBy> | undefined;
  #closing: Promise<void> | undefined;
  #closed: (() => void) | undefined;
  /** It ends with its call. */
  #doomed = false;
  /** Called when the call, or the session, has ended. */
  onEnd: ((ending: Ending | undefined) => void) | undefined;

  constructor(host: DynamicHost, tunnel: SessionTunnel, name: string, settings: SessionSettings) {
    super(host, tunnel, name, settings);
    this.#wanted = settings.auto;
    if (settings.signal) {
      this.#untilClosed = new AbortController();
      closeOnAbort(settings.signal, this, this.#untilClosed);
    }
  }

  // Opening.

  dial(): void {
    if (this.state_ === "closed") throw new ClosedError(`session ${this.label} is closed`);
    this.#wanted = true;
    this.#retry?.reset();
    if (this.call_ !== undefined) return;
    if (this.tunnel.connection === undefined) {
      this.state_ = "waiting";
      this.tunnel.dial();
    } else this.#open();
  }

  /** The tunnel is up. */
  carry(): void {
    if (this.#wanted && this.call_ === undefined && this.state_ !== "closed") this.#open();
  }

  /** The tunnel is down, and so is the call. */
  drop(why: Reason): void {
    if (this.state_ !== "retrying") return;
    this.#retry?.clear();
    this.state_ = "waiting";
    this.reason_ = why;
  }

  #open(): void {
    const { connection } = this.tunnel;
    const { name } = this;
    const { opening, defaults } = this.settings;
    const handle = connection?.handle;
    if (connection === undefined || handle === undefined || opening === undefined) return;
    this.#retry?.clear();
    if (this.host.draining) {
      this.state_ = "waiting";
      this.reason_ = reason("draining", "no call is begun while the program is being emptied");
      return;
    }
    this.state_ = "starting";
    try {
      this.host.driver.command((endpoint, now) => {
        const session = endpoint.openSession(now, handle, {
          ...opening,
          name,
          ...(defaults.sendSequence === true && { sendSequence: true }),
        });
        this.begin(new Call(this.host.driver, connection, session, this));
      });
    } catch (error) {
      this.#failed(reasonOfError(error), undefined);
    }
  }

  /** The endpoint did not take it: as if it had never been. */
  abandon(): void {
    this.call_ = undefined;
    this.end(reason("closed", "it was not in time"));
  }

  /** The endpoint has the call. */
  begin(call: Call): void {
    this.call_ = call;
    this.#last = call;
    this.host.calls.set(call.handle, call);
  }

  // Ending.

  hangUp(cdn: CdnFacts = CDN.administrative): void {
    this.#wanted = false;
    if (this.state_ === "closed") return;
    if (this.call_ === undefined) {
      this.#rest(reason("hung-up", "it was hung up here"));
      return;
    }
    this.#endCall(cdn, cdn.text ?? "hung up");
  }

  /** PPP says good-bye first, where there is one. */
  #endCall(cdn: CdnFacts, text: string): void {
    const call = this.call_;
    if (call === undefined) return;
    if (this.ppp_?.close(cdn, text)) return;
    this.host.driver.command((endpoint, now) => endpoint.closeSession(now, call.handle, cdn));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(reason("closed", "closed here"));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(why: Reason): Promise<void> {
    this.#wanted = false;
    this.#doomed = true;
    if (this.state_ !== "closed") {
      if (this.call_ === undefined) this.end(why);
      else {
        const closed = new Promise<void>((resolve) => {
          this.#closed = resolve;
        });
        this.#endCall(CDN.administrative, why.text);
        await closed;
      }
    }
    await this.#last?.settled;
  }

  /** The tunnel is closed: a call that there is ends with it, and tells so first. */
  tunnelClosed(why: Reason): void {
    this.#doomed = true;
    this.#wanted = false;
    if (this.call_ === undefined) this.end(why);
  }

  /** No call, and none any more. */
  end(why: Reason): void {
    if (this.state_ === "closed") return;
    this.state_ = "closed";
    this.reason_ = why;
    this.#wanted = false;
    this.#retry?.[Symbol.dispose]();
    this.#untilClosed?.abort();
    this.tunnel.forget(this);
    this.onEnd?.(this.ending_);
    this.gate?.close(this.what);
    this.#closed?.();
  }

  // CallOwner.

  get runner(): CallOwner["runner"] {
    return this.settings.passedOn ? "bridge" : pppOf(this.settings.defaults, this.host.capabilities).by;
  }

  planeParameters(): Partial<SessionPlaneParameters> {
    const { passedOn, defaults } = this.settings;
    return passedOn
      ? bridgeParameters(this.host.capabilities)
      : planeParameters(defaults, this.host.capabilities);
  }

  callUp(call: Call, event: SessionUp): void {
    if (call !== this.call_) return;
    // What the other end said is kept where it is passed on only: it is much, of a hundred thousand calls.
    const { passedOn, defaults } = this.settings;
    if (passedOn) this.facts = event;
    this.#said = saidBy(event);
    const ppp = pppOf(defaults, this.host.capabilities);
    if (passedOn === "pass") {
      this.#isUp();
      this.host.switching.up(this);
    } else if (ppp.by !== "own") this.#isUp();
    else {
      const again = askedAgain(this.host, this, event);
      if (again === undefined) this.#settledPpp(call, ppp.profile, event);
      else this.host.watch(again.then((answer) => this.#answered(call, answer, ppp.profile, event)));
    }
  }

  /** A call for a private group: whoever let it in has said what follows from that. */
  #answered(call: Call, answer: SecondAnswer, usual: PppProfile, event: SessionUp): void {
    if (call !== this.call_) return;
    if (answer === undefined || answer.accept) {
      this.#settledPpp(call, answer?.profile ?? usual, event);
      return;
    }
    const { result = 3, error, text, remedy = "the authority refused it" } = answer;
    call.cause ??= { ...reason("refused", remedy), remedy };
    const cdn = { result, ...(error !== undefined && { error }), ...(text !== undefined && { text }) };
    this.host.driver.command((endpoint, now) => endpoint.closeSession(now, call.handle, cdn, "refused"));
  }

  callLost(call: Call, why: Reason): void {
    call.cause ??= why;
    const cdn = { ...CDN.noResources, text: why.text.slice(0, 100) };
    this.host.driver.command((endpoint, now) => endpoint.closeSession(now, call.handle, cdn, "data-plane"));
  }

  callDown(call: Call, { ending }: SessionDown): void {
    if (call !== this.call_) return;
    const ppp = this.ppp_;
    const why = call.cause ?? reasonOfCallsEnd(ending, this.#pppAtEnd());
    const wasUp = this.state_ === "up";
    const upForMs = wasUp ? this.host.clock.now() - (this.upSince_ ?? 0) : 0;
    const about = this.about();
    const userName = ppp?.agreed?.user;
    this.ending_ = ending;
    this.call_ = undefined;
    this.ppp_ = undefined;
    this.facts = undefined;
    this.#said = undefined;
    this.upSince_ = undefined;
    ppp?.lowerDown();
    this.#account(call, about, upForMs, userName);
    this.onEnd?.(ending);
    this.#retry?.wasUpFor(upForMs);
    // Its tunnel goes, or has gone over to another connection already.
    const tunnelEnds = this.tunnel.connection === call.connection && ending.cause === "tunnel-ended";
    if (!wasUp) {
      this.#failed(why, ending, tunnelEnds, about);
      return;
    }
    this.#told ??= new Told();
    this.#told.begin(why);
    const retryAt = this.#next(why, tunnelEnds);
    const down = { reason: why, ending, upForMs, ...(userName !== undefined && { userName }) };
    tellDown(this.audience, about, down, retryAt);
  }

  /** What the call has carried is known when the data plane has let go of it. */
  #account(
    call: Call,
    about: ReturnType<SessionView["about"]>,
    upForMs: number,
    userName: string | undefined,
  ): void {
    const { host, tunnel } = this;
    const { name: tunnelName, peer, totals } = tunnel;
    void call.settled.then(() => {
      const { carried: data } = call;
      totals.ended(data);
      const most = host.driver.endpoint.settings.historySessions;
      host.ended.note(call.handle, { tunnelName, peer, userName, data }, most);
      if (data === undefined) return;
      const { at: _, kind, ...facts } = about;
      host.emitter.emit({
        type: "session-carried",
        at: host.clock.now(),
        ...facts,
        kind,
        data,
        upForMs,
        ...(userName !== undefined && { userName }),
      });
    });
  }

  /** Whoever dials proves who it is, whoever is called asks for it. */
  #pppAtEnd(): PppAtEnd {
    const proving = this.ppp_?.status?.phase === "authenticate";
    return {
      trouble: this.ppp_?.trouble,
      proving: proving ? (this.kind === "lac-incoming" ? "we" : "peer") : undefined,
    };
  }

  /** The data plane's interface has them; what our own PPP has put there, it tells by itself. */
  addressesChanged(interfaceName: string, addresses: readonly InterfaceAddress[]): void {
    if (this.ppp_ === undefined) this.#tellAddresses(interfaceName, addresses);
  }

  #tellAddresses(interfaceName: string, addresses: readonly InterfaceAddress[]): void {
    tellAddresses(this.audience, this.about(), interfaceName, addresses);
  }

  // PPP.

  /** What the data plane is still to do (sequence numbers that an ICCN requires) holds for the first frame of PPP as well. */
  #settledPpp(call: Call, profile: PppProfile, event: SessionUp): void {
    const start = (): void => {
      if (call === this.call_) this.#startPpp(call, profile, event);
    };
    if (call.isSettled) start();
    else this.host.watch(call.settled.then(start));
  }

  #startPpp(call: Call, profile: PppProfile, { proxy, connected }: SessionUp): void {
    const { calledNumber, callingNumber, name } = this;
    const { name: tunnel, peer } = this.tunnel;
    const isAsync = ((connected?.framingType ?? 0) & ASYNC_FRAMING) !== 0;
    const facts = { tunnel, session: name, peer, calledNumber, callingNumber, proxy, isAsync };
    this.ppp_ = new OwnPpp(this.host, call, this.tunnel.logger, this);
    const own = this.settings.passedOn === "end" ? handingOver(profile) : profile;
    if (this.ppp_.start(own, facts, this.kind)) return;
    this.ppp_ = undefined;
    this.callLost(call, reason("unsupported", "the data plane has no link on which PPP could be run here"));
  }

  // OwnPppUser.

  pppUp(event: PppUp): void {
    this.#isUp(event);
  }

  pppHandedOver({ proxy }: PppHandedOver): void {
    if (this.facts === undefined) return;
    this.facts = { ...this.facts, proxy: proxyAvps(proxy) };
    this.#isUp();
    this.host.switching.up(this);
  }

  pppAddresses(addresses: readonly InterfaceAddress[]): void {
    this.#tellAddresses(this.interfaceName ?? "", addresses);
  }

  pppTold(event: PppSessionEvent): void {
    this.host.emitter.emit({ type: "ppp", ...this.about(), event });
  }

  // States.

  #isUp(ppp?: PppUp): void {
    if (this.state_ === "up" || this.state_ === "closed") return;
    this.state_ = "up";
    this.reason_ = undefined;
    this.#told = undefined;
    this.upSince_ = this.host.clock.now();
    const { interfaceName } = this;
    const mtuOctets = this.mtuOctets ?? 0;
    const said = this.#said;
    this.#said = undefined;
    tellUp(this.audience, this.about(), {
      ...(interfaceName !== undefined && { interfaceName }),
      mtuOctets,
      ...said,
      ...(ppp !== undefined && { ppp }),
    });
    this.gate?.open();
  }

  /** It did not come up; told once for each new reason. */
  #failed(why: Reason, ending: Ending | undefined, tunnelEnds = false, about = this.about()): void {
    const retryAt = this.#next(why, tunnelEnds);
    // It waits for its tunnel as before, which tells by itself.
    if (tunnelEnds && this.state_ === "waiting") return;
    this.#told ??= new Told();
    tellFailed(this.audience, about, why, !this.#told.isNews(why), ending, retryAt);
  }

  /** Where it goes from here. @returns when it is opened again, if that is known. */
  #next(why: Reason, tunnelEnds: boolean): Instant | undefined {
    const { stays, redial } = this.settings;
    if (this.#doomed || !stays) {
      this.end(why);
      return undefined;
    }
    if (!this.#wanted || !redial) {
      this.#wanted = false;
      this.#rest(why);
      return undefined;
    }
    if (this.tunnel.connection === undefined || tunnelEnds || this.host.draining) {
      this.state_ = "waiting";
      this.reason_ = why;
      return undefined;
    }
    this.state_ = "retrying";
    this.reason_ = why;
    this.#retry ??= new Retry(this.host, () => this.#open());
    return this.#retry.later();
  }

  #rest(why: Reason): void {
    if (!this.settings.stays) {
      this.end(why);
      return;
    }
    this.#retry?.clear();
    this.state_ = "idle";
    this.reason_ = why;
  }
}

/** What of the set-up of a call an event tells. */
function saidBy({ connected, proxy }: SessionUp) {
  return {
    proxied: proxy !== undefined,
    ...(connected !== undefined && { txConnectSpeedBps: connected.txConnectSpeedBps }),
    ...(connected?.rxConnectSpeedBps !== undefined && { rxConnectSpeedBps: connected.rxConnectSpeedBps }),
  };
}
