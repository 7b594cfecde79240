/**
 * All tunnels and sessions of a host, as LAC, as LNS, or both: the control plane of L2TPv2 (RFC 2661) without a clock,
 * a socket or a callback. Datagrams, time, commands and answers go in; datagrams, events and one due time come out.
 */
import type { Instant } from "@l2tp/protocol";
import type { AllParts } from "./all-parts.ts";
import type { CdnFacts } from "./call-messages.ts";
import { CDN } from "./call-messages.ts";
import { Calls } from "./calls.ts";
import type { Cause } from "./cause.ts";
import { STOP, type StopFacts } from "./control-messages.ts";
import { Core } from "./core.ts";
import { Drain, type DrainOptions } from "./drain.ts";
import { ControlError } from "./errors.ts";
import type { CallDecision, Decision, EndpointEvent, PeerDecision } from "./events.ts";
import type { ClosedSession, ClosedTunnel } from "./history.ts";
import { type CallErrors, type LinkInfo, Links } from "./links.ts";
import type { PeerAddress, SessionHandle, Token, Transmit, TunnelHandle } from "./names.ts";
import {
  type EndpointChanges,
  type EndpointSettings,
  endpointSettings,
  type OutgoingConnectedAvps,
  type SessionOpening,
  type TunnelOpening,
} from "./parameters.ts";
import { Planes } from "./planes.ts";
import type { FillRandom } from "./random.ts";
import { Reception } from "./reception.ts";
import type { Session, Tunnel } from "./state.ts";
import type { EndpointStatistics } from "./statistics.ts";
import {
  endpointStatistics,
  type PeerStatistics,
  peerStatistics,
  type SessionStatus,
  sessionStatus,
  type TunnelStatus,
  tunnelStatus,
} from "./status.ts";
import { Tunnels } from "./tunnels.ts";

/** What makes an endpoint. */
export interface EndpointOptions extends EndpointChanges {
  /** Fills an array with random octets: `crypto.getRandomValues.bind(crypto)`. Everything unguessable comes from it. */
  readonly random: FillRandom;
  /** Milliseconds of the timer wheels' tick. Default 10. */
  readonly tickMs?: number;
  /**
   * Whether datagrams from there are this endpoint's own, by one of the caller's sockets: then a challenge of ours that comes
   * back is no reflection, but a LAC and an LNS in one program. Default: never.
   */
  readonly isOwn?: (from: PeerAddress) => boolean;
}

/** A quick shutdown: how often is looked, and how long a peer must be silent that ended its tunnel when we did. */
const QUICK_LOOK_MS = 250;
const QUICK_SILENCE_MS = 1_000;

/**
 * After each call that takes `now`, drain {@link pollEvent} and {@link pollTransmit} (in this order: an answer to an event
 * then rides with an acknowledgement), and arm one real timer for {@link pollTimeout}.
 *
 * Bad datagrams never throw. Bad commands throw a `ControlError` (or an `EncodeError`, for an AVP that does not fit) that
 * says what would do, and change nothing. `now` is milliseconds on one clock that never goes back.
 */
export class Endpoint {
  readonly #core: Core;
  readonly #tunnels: Tunnels;
  readonly #calls: Calls;
  readonly #planes: Planes;
  readonly #links: Links;
  readonly #reception: Reception;
  readonly #drain: Drain;
  /** When a quick shutdown looks again. */
  #quick: Instant | undefined;

  /** @throws ControlError, TransportError naming the setting that is out of range. */
  constructor(options: EndpointOptions) {
    const { random, tickMs = 10, isOwn = () => false, ...changes } = options;
    this.#core = new Core(endpointSettings(changes), random, tickMs, isOwn);
    const parts = { core: this.#core } as { -readonly [K in keyof AllParts]: AllParts[K] };
    parts.tunnels = new Tunnels(parts);
    parts.calls = new Calls(parts);
    parts.planes = new Planes(parts);
    this.#tunnels = parts.tunnels;
    this.#calls = parts.calls;
    this.#planes = parts.planes;
    this.#links = new Links(parts);
    this.#reception = new Reception(parts, this.#links);
    this.#drain = new Drain(parts);
  }

  /** What it was made with, or {@link reconfigure} made of it; defaults filled in. */
  get settings(): EndpointSettings {
    return this.#core.settings;
  }

  /**
   * Other settings from now on: for tunnels and calls that are begun, for callers, and for what is kept of those that
   * ended. Tunnels and sessions that there are stay as they are, even where a new limit is below their number. What is left
   * out stays, in `tunnel` and `limits` too. @throws ControlError, TransportError naming the setting; nothing has changed then.
   */
  reconfigure(changes: EndpointChanges): void {
    this.#core.settings = endpointSettings(changes, this.#core.settings);
  }

  /** Takes a control message (or anything else) from the network; borrowed: what is kept is copied. Never throws. */
  handleDatagram(now: Instant, from: PeerAddress, datagram: Uint8Array): void {
    this.#reception.datagram(now, from, datagram);
    if (this.#core.draining && this.#core.sessions.size === 0) this.#drain.step(now);
  }

  /** Call at or after {@link pollTimeout}; early or repeated calls do nothing. */
  handleTimeout(now: Instant): void {
    this.#core.transport.handleTimeout(now);
    this.#reception.transportEvents(now);
    this.#expireQuestions(now);
    this.#planes.expired(now);
    this.#expireTimers(now);
    this.#drain.step(now);
    this.#lookForIdle(now);
  }

  /** During a quick shutdown: tunnels that both ends have ended at once. */
  #lookForIdle(now: Instant): void {
    if (this.#quick === undefined || now < this.#quick) return;
    this.#tunnels.register.dropIdleTombs(now, QUICK_SILENCE_MS);
    this.#quick = this.#core.tunnels.size > 0 ? now + QUICK_LOOK_MS : undefined;
  }

  /** @returns the next datagram to send, or undefined. */
  pollTransmit(): Transmit | undefined {
    const core = this.#core;
    const unbound = core.unbound.shift();
    if (unbound !== undefined) {
      core.counters.count("controlDatagramsSent");
      core.counters.count("controlOctetsSent", unbound.datagram.length);
      return unbound;
    }
    for (let out = core.transport.pollTransmit(); out !== undefined; out = core.transport.pollTransmit()) {
      const tunnel = core.byChannel.get(out.channel);
      if (tunnel === undefined) continue;
      core.counters.count("controlDatagramsSent");
      core.counters.count("controlOctetsSent", out.datagram.length);
      if (out.datagram.length === 12) core.counters.messages.ZLB.sent++;
      const { peer } = tunnel;
      return {
        tunnel: tunnel.handle,
        ...(peer.local !== undefined && { from: peer.local }),
        ...(peer.wire !== undefined && { wire: peer.wire }),
        to: peer,
        datagram: out.datagram,
      };
    }
    return undefined;
  }

  /** @returns the next event, question or intent, or undefined. */
  pollEvent(): EndpointEvent | undefined {
    return this.#core.nextEvent();
  }

  /** When to call {@link handleTimeout} next, or undefined when no timer runs. */
  pollTimeout(): Instant | undefined {
    const core = this.#core;
    let next: Instant | undefined;
    for (const due of [
      core.transport.pollTimeout(),
      core.timers.nextWake(),
      core.questions.nextDeadline(),
      core.intents.nextDeadline(),
      this.#drain.nextWake(),
      core.tunnels.size > 0 ? this.#quick : undefined,
    ]) {
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  /** Whether a tunnel may have this ID: it is neither in use nor rests after use. */
  isTunnelIdFree(now: Instant, tunnelId: number): boolean {
    this.#core.restingTunnelIds.wake(tunnelId, now);
    return !this.#tunnels.register.isTaken(tunnelId);
  }

  /**
   * Whether a line of the log about a peer may be written, by `Limits.sourceNotices` and `Limits.notices`. For what a
   * peer can have written as often as it likes: refusals, and calls that come to nothing.
   * @returns how many lines about this address were left out before this one; `undefined`: leave this one out, too
   */
  takeLine(now: Instant, address: string): number | undefined {
    return this.#core.takeLine(now, address);
  }

  /** Opens a tunnel: sends an SCCRQ. @throws ControlError, EncodeError, TransportError. */
  openTunnel(now: Instant, opening: TunnelOpening): TunnelHandle {
    const tunnel = this.#tunnels.open(now, opening);
    this.#reception.newcomers.knowsZeroId(tunnel);
    return tunnel.handle;
  }

  /**
   * Ends a tunnel and its sessions: StopCCN, by default with Result Code 1. It acknowledges for a while longer.
   * A tunnel that has ended already stays so. @throws EncodeError when the text does not fit.
   */
  closeTunnel(
    now: Instant,
    tunnel: TunnelHandle,
    stop: StopFacts = STOP.cleared,
    cause: Cause = "local-close",
  ): void {
    const found = this.#core.tunnels.get(tunnel);
    if (found !== undefined) this.#tunnels.stop(now, found, cause, stop);
  }

  /**
   * Opens a session on a tunnel, which need not be established yet: an incoming call (we are its LAC: ICRQ), or an
   * outgoing one (we are LNS and ask the LAC to place it: OCRQ). @throws ControlError, EncodeError.
   */
  openSession(now: Instant, tunnel: TunnelHandle, opening: SessionOpening): SessionHandle {
    return this.#calls.open(now, this.#tunnel(tunnel), opening).handle;
  }

  /**
   * Ends a session: CDN, by default with Result Code 3 (administrative). One that has ended already stays so.
   * @throws EncodeError when the text does not fit.
   */
  closeSession(
    now: Instant,
    session: SessionHandle,
    cdn: CdnFacts = CDN.administrative,
    cause: Cause = "local-close",
  ): void {
    const found = this.#core.sessions.get(session);
    if (found !== undefined) this.#calls.close(now, found, cdn, cause);
  }

  /**
   * As LAC: the bearer has gone; or at either end: PPP has (Result Code 1, loss of carrier).
   * @throws EncodeError when the text does not fit.
   */
  dropCarrier(now: Instant, session: SessionHandle, cdn: CdnFacts = CDN.lostCarrier): void {
    const found = this.#core.sessions.get(session);
    if (found === undefined) return;
    const lac = found.kind.startsWith("lac") && found.state !== "wait-cs-answer";
    this.#calls.close(now, found, cdn, "bearer", lac ? "bearer-drop" : undefined);
  }

  /**
   * Answers a question. Late or repeated answers change nothing.
   *
   * @returns whether the question was still open.
   * @throws ControlError, EncodeError when the answer cannot be carried out; the question stays open then.
   */
  decide(now: Instant, token: Token, decision: Decision): boolean {
    const { questions } = this.#core;
    const subject = questions.peek(token);
    if (subject === undefined) return false;
    if (subject.about === "peer") {
      const settings = this.#tunnels.prepareDecision(now, subject.tunnel, decision as PeerDecision);
      questions.answer(token);
      this.#tunnels.decide(now, subject.tunnel, decision as PeerDecision, settings);
      this.#reception.newcomers.knowsZeroId(subject.tunnel);
    } else {
      const reply = this.#calls.prepareDecision(subject.session, decision as CallDecision);
      questions.answer(token);
      this.#calls.decide(now, subject.session, decision as CallDecision, reply);
    }
    return true;
  }

  /** The data plane has done what an intent asked for. Late or repeated answers change nothing. */
  planeReady(now: Instant, intent: Token): void {
    this.#planes.ready(now, intent);
  }

  /** The data plane could not do it; `reason` is told to the peer and in events. */
  planeFailed(now: Instant, intent: Token, reason: string): void {
    this.#planes.failed(now, intent, reason.slice(0, 200));
  }

  /** As LAC, after "place-call": the called has answered, and framing is known: OCCN. @throws ControlError, EncodeError. */
  answerCall(now: Instant, session: SessionHandle, connected: Partial<OutgoingConnectedAvps> = {}): void {
    this.#calls.answer(now, this.#session(session), connected);
  }

  /** As LAC, after "place-call": it could not be placed: CDN, for instance with 8 (busy). @throws ControlError, EncodeError. */
  failCall(now: Instant, session: SessionHandle, cdn: CdnFacts): void {
    this.#calls.fail(now, this.#session(session), cdn);
  }

  /** As LNS: tells the LAC what was negotiated (SLI). @throws ControlError, EncodeError. */
  setLinkInfo(now: Instant, session: SessionHandle, info: LinkInfo): void {
    this.#links.setLinkInfo(now, this.#session(session), info);
  }

  /** As LAC: errors on the line since the call began (WEN), at most once a minute. @returns whether it was sent. @throws ControlError. */
  reportErrors(now: Instant, session: SessionHandle, errors: CallErrors): boolean {
    return this.#links.reportErrors(now, this.#session(session), errors);
  }

  /** As LAC: the modem is on hold, or not any more (MDMST, RFC 3573). @throws ControlError. */
  reportModemStatus(now: Instant, session: SessionHandle, status: number): void {
    this.#links.reportModemStatus(now, this.#session(session), status);
  }

  /** As LAC: the line has another speed (CSUN, RFC 5515). @throws ControlError, EncodeError. */
  reportSpeed(now: Instant, session: SessionHandle, txBps: bigint, rxBps: bigint): void {
    this.#links.reportSpeed(now, this.#session(session), txBps, rxBps);
  }

  /** As LNS: asks for the line's speed (CSURQ, RFC 5515). @throws ControlError. */
  requestSpeed(now: Instant, session: SessionHandle): void {
    this.#links.requestSpeed(now, this.#session(session));
  }

  /**
   * Sequence numbers of data messages, on or off (RFC 2661 §5.4). As LNS: our choice. As LAC: what we do until the LNS, which
   * decides, does otherwise. @throws ControlError when they are required and `on` is false.
   */
  setSequencing(now: Instant, session: SessionHandle, on: boolean): void {
    this.#calls.setSequencing(now, this.#session(session), on);
  }

  /** As LAC: the data plane has followed the LNS, which sends sequence numbers now, or none. */
  noteSequencing(session: SessionHandle, on: boolean): void {
    const found = this.#core.sessions.get(session);
    if (found !== undefined) this.#calls.noteSequencing(found, on);
  }

  /** Data of this tunnel was received at `at`: no Hello is due until that much silence after it. */
  noteDataReceived(tunnel: TunnelHandle, at: Instant): void {
    const found = this.#core.tunnels.get(tunnel);
    if (found !== undefined) this.#core.transport.noteHeard(found.channel, at);
  }

  /** Finds out now whether the peer is there. */
  sendHello(now: Instant, tunnel: TunnelHandle): void {
    const found = this.#core.tunnels.get(tunnel);
    if (found !== undefined && !found.closed) this.#core.transport.sendHello(found.channel, now);
  }

  /** Begins nothing new, and empties the endpoint in waves; a "drained" event ends it. */
  drain(now: Instant, options: DrainOptions = {}): void {
    this.#drain.begin(now, options);
  }

  /** Goes back to work after {@link drain}. */
  resume(): void {
    this.#drain.end();
  }

  /**
   * Ends all: StopCCN with Result Code 6 on every tunnel. Keep polling until the "empty" event (at most a full
   * retransmission cycle later): StopCCNs are sent again until acknowledged, and the peers' messages acknowledged.
   *
   * @param until - `acknowledged`: a tunnel has gone as soon as its peer has acknowledged (a second later, where the peer's
   *   own StopCCN came the other way), without staying to acknowledge what the peer may send again: for a program that
   *   ends and does not let people wait.
   */
  shutDown(now: Instant, until: "interval" | "acknowledged" = "interval"): void {
    const core = this.#core;
    core.draining = true;
    core.shutDown = true;
    core.closeUntil = until;
    for (const tunnel of [...core.tunnels.values()])
      this.#tunnels.stop(now, tunnel, "shut-down", STOP.shutDown);
    if (until === "acknowledged") {
      this.#tunnels.register.dropIdleTombs(now, 0);
      this.#quick = now + QUICK_LOOK_MS;
    }
    if (core.tunnels.size === 0) core.emit({ type: "empty" });
  }

  /** Counters and numbers of the whole endpoint. */
  statistics(): EndpointStatistics {
    return endpointStatistics(this.#core);
  }

  /** Sets all counters to 0. */
  resetStatistics(): void {
    this.#core.counters.reset();
  }

  /** What is counted of each address. */
  peers(): readonly PeerStatistics[] {
    return peerStatistics(this.#core);
  }

  /** @returns a tunnel as it is, or undefined when it has ended (see {@link closedTunnels}). */
  tunnel(tunnel: TunnelHandle): TunnelStatus | undefined {
    const found = this.#core.tunnels.get(tunnel);
    return found === undefined || found.closed ? undefined : tunnelStatus(this.#core, found);
  }

  /** @returns a session as it is, or undefined when it has ended (see {@link closedSessions}). */
  session(session: SessionHandle): SessionStatus | undefined {
    const found = this.#core.sessions.get(session);
    return found === undefined ? undefined : sessionStatus(found);
  }

  /** All tunnels that have not ended. */
  *tunnels(): IterableIterator<TunnelStatus> {
    for (const tunnel of this.#core.tunnels.values())
      if (!tunnel.closed) yield tunnelStatus(this.#core, tunnel);
  }

  /** All sessions, or those of one tunnel. */
  *sessions(tunnel?: TunnelHandle): IterableIterator<SessionStatus> {
    const sessions = tunnel === undefined ? this.#core.sessions : this.#core.tunnels.get(tunnel)?.sessions;
    for (const session of sessions?.values() ?? []) yield sessionStatus(session);
  }

  /** Tunnels that have ended not long ago, newest first, with their cause and last messages. */
  closedTunnels(now: Instant): readonly ClosedTunnel[] {
    return this.#core.closedTunnels.list(now);
  }

  /** Sessions that have ended not long ago, newest first, with their cause. */
  closedSessions(now: Instant): readonly ClosedSession[] {
    return this.#core.closedSessions.list(now);
  }

  #expireQuestions(now: Instant): void {
    const { questions } = this.#core;
    for (let late = questions.expired(now); late !== undefined; late = questions.expired(now)) {
      if (late.about === "peer") this.#tunnels.undecided(now, late.tunnel);
      else this.#calls.undecided(now, late.session);
    }
  }

  #expireTimers(now: Instant): void {
    const { timers } = this.#core;
    for (let due = timers.expire(now); due !== undefined; due = timers.expire(now)) {
      const { owner, name } = due;
      if (!("sessions" in owner)) this.#calls.setUpTimeout(now, owner);
      else if (name === "setUp") this.#tunnels.setUpTimeout(now, owner);
      else if (name === "idle") this.#tunnels.stop(now, owner, "idle", STOP.cleared);
      else this.#tunnels.wakeForResting(now, owner);
    }
  }

  #tunnel(handle: TunnelHandle): Tunnel {
    const tunnel = this.#core.tunnels.get(handle);
    if (tunnel !== undefined && !tunnel.closed) return tunnel;
    throw new ControlError("ERR_L2TP_UNKNOWN", `there is no tunnel ${handle}: it has ended, or never was`);
  }

  #session(handle: SessionHandle): Session {
    const session = this.#core.sessions.get(handle);
    if (session !== undefined) return session;
    throw new ControlError("ERR_L2TP_UNKNOWN", `there is no session ${handle}: it has ended, or never was`);
  }
}
