/**
 * Runs one PPP session: a `PppSession` on a data plane's `PppLink`, the clock behind both, and the authority that knows
 * users and addresses. What PPP wants goes to the data plane, what happened goes to whoever runs the call.
 */
import {
  type Decision,
  type DownReason,
  type LinkConfiguration,
  type PppEvent,
  PppSession,
  type PppSettings,
  PROTOCOL,
  type ProxyInformation,
  pppSettings,
} from "@l2tp/ppp";
import type { Instant } from "@l2tp/protocol";
import type { Alarm } from "../alarms.ts";
import { Admission, type AdmissionOwner } from "./admission.ts";
import { planeConfiguration } from "./configuration.ts";
import type { PppDownReason, PppStatus } from "./events.ts";
import type { PppRun, PppRunnerOptions } from "./host.ts";
import { LinkEcho } from "./link-echo.ts";
import { LinkIpv6 } from "./link-ipv6.ts";
import { PlaneLink, type PlaneLinkOwner } from "./plane-link.ts";
import { type OwnEnd, pppDownReason } from "./reasons.ts";
import { NO_LIMITS, overdue, type SessionLimits, sessionLimits } from "./session-limits.ts";
import { addressesShown, linkShown, textOfAddresses } from "./shown.ts";

const NEVER = Number.POSITIVE_INFINITY;
const NO_HANDLERS: readonly never[] = [];
/** An `up` waits this long for the other network protocol, so that it tells the addresses of both. */
const UP_WAIT_MS = 1_000;
/** Other addresses are told as often at once, and then once in that time: for each there is a line, and a hook runs. */
const CHANGES_AT_ONCE = 4;
const CHANGE_MS = 1_000;
/** A network protocol in these states is not negotiating. */
const AT_REST: readonly (string | undefined)[] = [undefined, "Opened", "Closed", "Stopped", "Initial"];
/** What a LAC assumes until it is told (RFC 2661 §6.14). */
const DEFAULT_ACCM = 0xffff_ffff;

/** See the file's head. Costs one alarm; nothing else runs while a link is at rest. */
export class PppRunner implements PppRun, AdmissionOwner, PlaneLinkOwner {
  readonly #options: PppRunnerOptions;
  readonly #admission: Admission;
  readonly #plane: PlaneLink;
  #session: PppSession;
  #alarm: (Alarm & Disposable) | undefined;
  #handlers: readonly Disposable[] = NO_HANDLERS;
  #hasStarted = false;
  #isPumping = false;
  /** What PPP agreed on last. */
  #agreed: LinkConfiguration | undefined;
  #ipv6: LinkIpv6 | undefined;
  #echo: LinkEcho | undefined;
  /** Number of the authentication protocol that was spoken last. */
  #spoken = 0;
  /** PPP says up; the data plane may have to do something yet. */
  #isUp = false;
  /** Until when it waits for the other network protocol. */
  #waitUntil = NEVER;
  #upSince: Instant | undefined;
  #told = "";
  /** How much of the ration of changes is used up, as the time when none of it is. */
  #changedUntil = 0;
  #toldAccm = `${DEFAULT_ACCM} ${DEFAULT_ACCM}`;
  #closeBy = NEVER;
  #own: OwnEnd | undefined;
  #reason: PppDownReason | undefined;
  /** Why it is being taken down. */
  #terminating: DownReason | undefined;
  /** Who waits for the end. */
  #waiting: readonly (() => void)[] | undefined;

  constructor(options: PppRunnerOptions) {
    this.#options = options;
    const { host, profile, call, link } = options;
    this.#session = new PppSession(profile.settings, host.random);
    this.#admission = new Admission(host, profile, call, this);
    this.#plane = new PlaneLink(link, this);
  }

  get label(): string {
    const { tunnel, session } = this.#options.call;
    return `${tunnel}/${session}`;
  }

  // --- what comes from whoever runs the call ---

  start(): void {
    if (this.#hasStarted || this.#reason !== undefined) return;
    this.#hasStarted = true;
    const { host, profile } = this.#options;
    // Nobody will be asked who it is, but there are addresses to be had: they come first, as nothing else stops PPP.
    const isAnonymous = profile.settings.authenticatePeer === undefined && profile.pool !== undefined;
    if (isAnonymous && host.authority !== undefined) void this.#startAnonymous(profile.settings);
    else this.#begin();
  }

  async #startAnonymous(settings: PppSettings) {
    const grant = await this.#admission.anonymous();
    if (this.#reason !== undefined) return;
    if (grant === undefined) {
      this.#own = { code: "no-address", text: this.#admission.refusal?.reason ?? "no address" };
      return this.#down(PLAIN_CLOSE);
    }
    const { ipv4, ipv6 } = pppSettings(grant.grants);
    this.#session = new PppSession({ ...settings, ipv4, ipv6 }, this.#options.host.random);
    this.#begin();
  }

  #begin(): void {
    const { host, link, call } = this.#options;
    this.#alarm = host.alarms.create((now) => this.#wake(now));
    const now = host.clock.now();
    this.#session.start(now, call.proxy);
    // In one piece: an array that grows has room for more, and sessions are many.
    this.#handlers = [
      link.onMppeLost(() => this.#tell((at) => this.#session.mppeLost(at))),
      link.onFrame((frame) => {
        this.#hear(frame);
        this.#tell((at) => this.#session.receive(at, frame));
      }),
    ];
    if (link.packets !== undefined) {
      this.#echo = new LinkEcho(link.packets);
      this.#handlers = [...this.#handlers, this.#echo];
    }
    this.#ipv6 = LinkIpv6.of(this.#options);
    if (this.#ipv6 !== undefined) {
      this.#handlers = [...this.#handlers, this.#ipv6.listen((packet) => this.#takeIpv6(packet))];
    }
    this.#pump(now);
  }

  close(text?: string): Promise<void> {
    this.#end(text);
    if (this.#reason !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = [...(this.#waiting ?? []), resolve];
    });
  }

  lowerDown(): void {
    if (this.#reason !== undefined) return;
    if (this.#alarm === undefined) this.#down(LOWER_DOWN);
    else this.#tell((now) => this.#session.lowerDown(now));
  }

  /** Another session of the same user takes its place. */
  replaced(by: string): void {
    this.#end(undefined, { code: "replaced", text: `replaced by ${by}, of the same user` });
    // The addresses are the other's from now on.
    this.#admission.end();
  }

  /** Ends in order, within a limit. Nothing passes any more when this returns. */
  #end(text: string | undefined, own?: OwnEnd): void {
    if (this.#reason !== undefined || this.#closeBy !== NEVER) return;
    this.#own = own;
    if (this.#alarm === undefined) {
      this.#down(text === undefined ? PLAIN_CLOSE : { ...PLAIN_CLOSE, text: `${PLAIN_CLOSE.text}: ${text}` });
      return;
    }
    this.#tell((now) => {
      this.#closeBy = now + this.#options.profile.closeLimitMs;
      this.#ipv6?.service?.release(now);
      this.#ipv6?.send();
      this.#session.close(now, text);
    });
  }

  status(): PppStatus {
    const { phase, states, counters } = this.#session;
    const { member } = this.#admission;
    const agreed = this.#agreed;
    const { sessionTimeoutMs } = this.#admission.grant;
    return {
      phase,
      states,
      profile: this.#options.profile.name,
      user: member?.user,
      method: member?.method,
      upSince: this.#upSince,
      ...addressesShown(agreed, this.#ipv6?.service),
      link: linkShown(agreed),
      sessionEndsAt:
        this.#upSince === undefined || sessionTimeoutMs === 0 ? undefined : this.#upSince + sessionTimeoutMs,
      counters: { ...counters },
      leases: this.#ipv6?.service?.leases ?? [],
      reason: this.#reason,
    };
  }

  get trouble(): PppRun["trouble"] {
    const { refusal } = this.#admission;
    const terminating =
      this.#terminating && pppDownReason(this.#terminating, this.#spoken, this.#own, refusal);
    return { refusal, terminating };
  }

  // --- what the admission and the data plane say ---

  decide(token: number, decision: Decision): boolean {
    let isOpen = false;
    this.#tell((now) => {
      isOpen = this.#session.decide(now, token, decision);
    });
    return isOpen;
  }

  planeFailed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#end(undefined, { code: "data-plane", text: `the data plane could not carry the session: ${text}` });
  }

  planeSettled(): void {
    this.#tell(() => {});
  }

  // --- events of PPP ---

  /** Does something with the session, and all that follows from it. */
  #tell(action: (now: Instant) => void): void {
    if (this.#reason !== undefined) return;
    const now = this.#options.host.clock.now();
    action(now);
    this.#pump(now);
  }

  #wake(now: Instant) {
    if (this.#reason !== undefined) return;
    if (now >= this.#closeBy) {
      this.#session.lowerDown(now);
      return this.#pump(now);
    }
    this.#session.handleTimeout(now, this.#options.link.lastDataReceived());
    if (this.#ipv6?.service?.handleTimeout(now)) this.#configure();
    const limit = overdue(now, this.#limits(), this.#admission.grant);
    if (limit) this.#end(undefined, limit);
    this.#pump(now);
  }

  /** Takes all events; what they cause here is handled by the call that is at it already. */
  #pump(now: Instant): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let event = this.#session.pollEvent(); event !== undefined; event = this.#session.pollEvent()) {
      this.#handle(event);
      if (this.#reason !== undefined) break;
    }
    this.#isPumping = false;
    if (this.#reason !== undefined) return;
    this.#ipv6?.send();
    this.#report(now);
    this.#arm(now);
  }

  #handle(event: PppEvent) {
    const { link, listener } = this.#options;
    switch (event.type) {
      case "frame":
        this.#hear(event.frame);
        return link.sendFrame(event.frame);
      case "question":
        return this.#admission.ask(event);
      case "configure":
        this.#agreed = event.configuration;
        return this.#configured(event.configuration);
      case "gate":
        if (event.protocol === "ipv6") this.#ipv6?.gate(event.mode);
        this.#plane.gate(event.protocol, event.mode);
        return;
      case "up":
        this.#isUp = true;
        this.#waitUntil = this.#options.host.clock.now() + UP_WAIT_MS;
        return;
      case "mppe-reset":
        return link.resetMppe();
      case "identification":
      case "time-remaining":
        return listener.onEvent(event);
      case "terminating":
        this.#terminating = event.reason;
        // Nothing passes any more, so the addresses are free; the good-byes may take a while.
        return this.#admission.end();
      case "handed-over":
        return this.#handedOver(event.proxy);
      case "down":
        return this.#down(event.reason);
    }
  }

  /** PPP is not ours any more; who the peer is, is noted until the call ends. */
  #handedOver(proxy: ProxyInformation): void {
    this.#letGo();
    const { host, listener } = this.#options;
    const user = this.#admission.member?.user;
    listener.onEvent({ type: "handed-over", at: host.clock.now(), user, proxy });
  }

  #configured(agreed: LinkConfiguration): void {
    const { sendAccm, receiveAccm } = agreed;
    const accm = `${sendAccm} ${receiveAccm}`;
    if (accm !== this.#toldAccm) {
      this.#toldAccm = accm;
      this.#options.listener.onEvent({ type: "link-info", sendAccm, receiveAccm });
    }
    this.#ipv6?.configured(agreed, this.#admission.grant);
    this.#configure();
  }

  #configure(): void {
    if (this.#agreed === undefined) return;
    this.#echo?.answerFor(addressesShown(this.#agreed, this.#ipv6?.service));
    const isRouter = this.#options.profile.ipv6.role === "router";
    this.#plane.configure(
      planeConfiguration(this.#agreed, this.#admission.grant, this.#ipv6?.service, isRouter),
    );
  }

  /** What is carried may be told, and IPv6 may speak. */
  #report(now: Instant): void {
    if (now >= this.#waitUntil) this.#waitUntil = NEVER;
    if (!this.#plane.isSettled || this.#closeBy !== NEVER || this.#terminating !== undefined) return;
    this.#ipv6?.settled(now);
    if (!this.#isUp || (this.#waitUntil !== NEVER && this.#isNegotiating())) return;
    this.#waitUntil = NEVER;
    const addresses = addressesShown(this.#agreed, this.#ipv6?.service);
    // What came up may have gone down again meanwhile.
    if (this.#upSince === undefined && !addresses.ipv4 && !addresses.ipv6) return;
    const told = textOfAddresses(addresses);
    if (told === this.#told) return;
    const { listener } = this.#options;
    if (this.#upSince !== undefined) {
      const until = Math.max(this.#changedUntil, now) + CHANGE_MS;
      if (until > now + CHANGES_AT_ONCE * CHANGE_MS) {
        this.#waitUntil = until - CHANGES_AT_ONCE * CHANGE_MS;
        return;
      }
      this.#changedUntil = until;
      this.#told = told;
      listener.onEvent({ type: "addresses", at: now, ...addresses });
      return;
    }
    this.#told = told;
    this.#upSince = now;
    const { member } = this.#admission;
    listener.onEvent({
      type: "up",
      at: now,
      user: member?.user,
      method: member?.method,
      ...addresses,
      mtu: this.#agreed?.mtu ?? 0,
      mppeBits: this.#agreed?.mppe?.send.bits,
      interfaceName: listener.interfaceName,
    });
  }

  #isNegotiating(): boolean {
    const { ipcp, ipv6cp } = this.#session.states;
    return !AT_REST.includes(ipcp) || !AT_REST.includes(ipv6cp);
  }

  /** A packet of IPv6's own protocols from the peer. */
  #takeIpv6(packet: Uint8Array): void {
    this.#tell((now) => {
      if (this.#ipv6?.service?.receive(now, packet)) this.#configure();
    });
  }

  /** Notes which authentication protocol is spoken: a CDN names it (RFC 3145 §2.1). */
  #hear(frame: Uint8Array): void {
    const protocol = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
    if (protocol === PROTOCOL.pap || protocol === PROTOCOL.chap || protocol === PROTOCOL.eap) {
      this.#spoken = protocol;
    }
  }

  // --- time ---

  #limits(): SessionLimits {
    if (this.#upSince === undefined || this.#closeBy !== NEVER) return NO_LIMITS;
    return sessionLimits(this.#admission.grant, this.#upSince, this.#options.link.lastDataReceived());
  }

  #arm(now: Instant): void {
    const { session, idle } = this.#limits();
    const due = Math.min(
      this.#session.pollTimeout() ?? NEVER,
      this.#ipv6?.pollTimeout() ?? NEVER,
      this.#closeBy,
      this.#waitUntil,
      session,
      idle,
    );
    if (due === NEVER) this.#alarm?.clear();
    // Never at once: whatever would be due again and again must not stop everything else.
    else this.#alarm?.set(Math.max(due, now + 1));
  }

  #down(reason: DownReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = pppDownReason(reason, this.#spoken, this.#own, this.#admission.refusal);
    this.#admission.end();
    this.#letGo();
    const { host, listener } = this.#options;
    const wasUp = this.#upSince !== undefined;
    listener.onEvent({ type: "down", at: host.clock.now(), wasUp, reason: this.#reason });
    for (const done of this.#waiting ?? []) done();
    this.#waiting = undefined;
  }

  /** Neither the link nor the clock is heard any more. */
  #letGo(): void {
    this.#plane.end();
    this.#alarm?.[Symbol.dispose]();
    this.#alarm = undefined;
    const handlers = this.#handlers;
    this.#handlers = NO_HANDLERS;
    for (const handler of handlers) handler[Symbol.dispose]();
  }
}

/** Ends before PPP began, where nothing was said to the peer. */
const PLAIN_CLOSE: DownReason = { code: "closed", disconnectCode: 0, direction: 0, text: "closed by us" };
const LOWER_DOWN: DownReason = {
  code: "lower-layer-down",
  disconnectCode: 0,
  direction: 0,
  text: "the session below went down",
};
