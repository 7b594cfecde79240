/**
 * Keeps a tunnel dialled: which LNS is next ({@link LnsTargets}), when ({@link Redial}), names resolved at every try. It
 * opens nothing itself. Ask {@link Dialer.next} what to do, do it, tell how it went:
 *
 *     idle ──dial──► waiting ──due──► dialling ──succeeded──► up
 *                       ▲                │failed                │down
 *                       └────────────────┴──────────────────────┘
 *
 * `failed` leads to the next target at once, and to a wait when all had their turn; `down` likewise.
 */
import type { Ending } from "@l2tp/control";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import { dialFailure } from "./failure.ts";
import { Redial, type RedialRules, redialRules } from "./redial.ts";
import { LnsTargets, type Target } from "./targets.ts";
import type {
  ChosenTarget,
  DialEvent,
  DialerStatus,
  DialFailure,
  DialSettings,
  DialStep,
  ResolvedAddress,
  Resolver,
} from "./types.ts";

/** What a dialler cannot do by itself. */
export interface DialerOptions {
  /** A number from 0 up to but not 1. */
  readonly random: () => number;
  readonly resolve: Resolver;
  /** The time of day in milliseconds, for noticing that this host slept, which a monotonic clock may not count; `Date.now`. */
  readonly wall?: () => number;
}

/** So long a wait is at most, so that the end of a sleep is noticed soon. */
const LOOK_MS = 5_000;

type State = DialerStatus["state"];

/** See the file's head. All times are of one monotonic clock, in milliseconds. */
export class Dialer {
  readonly #rules: RedialRules;
  readonly #targets: LnsTargets;
  readonly #redial: Redial;
  readonly #options: DialerOptions;
  #state: State;
  #text = "";
  #dueAt: Instant = 0;
  /** A failure of this round was not the network's. */
  #isToBlame = false;
  #isNewRound = true;
  #up: Target | undefined;
  #upSince: Instant = 0;
  /** A preferred target is dialled while a tunnel to another is up. */
  #isFailingBack = false;
  #lastReason: string | undefined;
  #events: DialEvent[] = [];
  /** A name that is being resolved; an answer of an older generation changes nothing. */
  #pending: Promise<DialStep> | undefined;
  #generation = 0;
  #looked: { readonly now: Instant; readonly wall: number; readonly at: Instant | undefined } | undefined;

  /** @throws ParameterError naming the setting that cannot be. */
  constructor(settings: DialSettings, options: DialerOptions) {
    this.#rules = redialRules(settings);
    this.#targets = new LnsTargets(settings.targets, settings, options.random);
    this.#redial = new Redial(this.#rules, options.random);
    this.#options = options;
    this.#state = this.#rules.mode === "at-start" ? "waiting" : "idle";
    this.#text = this.#state === "idle" ? "waiting for dial" : "not dialled yet";
  }

  /**
   * What to do now. Call at the beginning, at the time that the last answer named, and after every other call; calls
   * in between do no harm. While a name is being resolved, all calls wait for the same answer.
   */
  next(now: Instant): Promise<DialStep> {
    this.#notice(now);
    this.#pending ??= this.#step(now).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #step(now: Instant): Promise<DialStep> {
    for (;;) {
      if (this.#state === "up" && !this.#isFailingBack) {
        if (this.#failBackAt() === undefined) break;
        const target = this.#targets.chooseBefore(now, this.#up as Target);
        if (target === undefined) break;
        const generation = this.#generation;
        const peer = await this.#resolve(now, target);
        if (peer === undefined || generation !== this.#generation) continue;
        this.#isFailingBack = true;
        return this.#dialStep(now, target, peer);
      }
      if (this.#state !== "waiting" || now < this.#dueAt) break;
      if (this.#isNewRound) this.#targets.newRound(now);
      this.#isNewRound = false;
      const target = this.#targets.choose(now);
      if (target === undefined) {
        this.#roundIsOver(now);
        continue;
      }
      const generation = this.#generation;
      const peer = await this.#resolve(now, target);
      // An address needs no resolver, and yet a moment in which somebody may stop this, or begin anew.
      if (peer === undefined || generation !== this.#generation) continue;
      this.#state = "dialling";
      return this.#dialStep(now, target, peer);
    }
    return this.#wait(now);
  }

  #dialStep(now: Instant, target: Target, peer: SocketAddress): DialStep {
    this.#look(now, undefined);
    const { index, host } = target;
    const why = `${this.#isFailingBack ? "failing back to" : "dialling"} ${at(target, peer)}`;
    this.#text = this.#isFailingBack ? this.#text : why;
    const chosen: ChosenTarget = { index, host, peer, isFailBack: this.#isFailingBack };
    return { target: chosen, why };
  }

  #wait(now: Instant): DialStep {
    const due = this.#state === "waiting" ? Math.min(this.#dueAt, now + LOOK_MS) : this.#failBackAt();
    this.#look(now, due);
    return { ...(due !== undefined && { at: due }), why: this.#text };
  }

  /** When a target before the one that is up may be tried; `undefined`: none is, or one is being tried. */
  #failBackAt(): Instant | undefined {
    if (this.#state !== "up" || this.#isFailingBack) return undefined;
    return this.#targets.failBackAt(this.#up as Target);
  }

  /**
   * The address of the target in turn to dial.
   * @returns `undefined`: it has none, which was noted as a failure; or something else was decided meanwhile.
   */
  async #resolve(now: Instant, target: Target): Promise<SocketAddress | undefined> {
    const generation = this.#generation;
    let found: readonly ResolvedAddress[];
    try {
      found = target.address ? [target.address] : await this.#options.resolve(target.host);
    } catch (error) {
      if (generation !== this.#generation) return undefined;
      const why = error instanceof Error ? error : new Error(`${target.host}: ${String(error)}`);
      const failure = dialFailure(why);
      this.#tellUnresolved(now, target, failure.text);
      this.#tryFailed(now, failure);
      return undefined;
    }
    if (generation !== this.#generation) return undefined;
    const peer = this.#targets.address(found);
    if (peer === undefined) {
      const hadNone = !this.#targets.hasTriedAddresses;
      this.#note(now, target, "lns", this.#targets.hasNoAddress(now));
      if (hadNone) this.#tellUnresolved(now, target, this.#lastReason ?? "");
    }
    return peer;
  }

  /** The try that `next` asked for failed: what comes next is the next address, the next target, or a wait. */
  failed(now: Instant, what: DialFailure | Ending | Error): void {
    const failure = dialFailure(what);
    if (this.#isFailingBack) {
      this.#isFailingBack = false;
      this.#tryFailed(now, failure);
    } else if (this.#state === "dialling") {
      if (failure.kind === "closed") {
        this.stop(failure.text);
        return;
      }
      this.#state = "waiting";
      this.#dueAt = now;
      this.#text = `failed: ${failure.text}`;
      this.#tryFailed(now, failure);
    }
  }

  #tryFailed(now: Instant, { kind, text }: DialFailure): void {
    const target =
      this.#state === "up" ? this.#targets.chooseBefore(now, this.#up as Target) : this.#targets.choose(now);
    if (target === undefined) return;
    const blame = kind === "closed" ? "network" : kind;
    this.#lastReason = text;
    this.#note(now, target, kind, this.#targets.failed(now, blame, text));
  }

  /** Notes whose fault a failed turn was, and tells of a lock-out. */
  #note(now: Instant, target: Target, kind: DialFailure["kind"], locked: Target | undefined): void {
    this.#isToBlame ||= kind !== "network";
    const { lastReason = "" } = this.#targets.status(now)[target.index] ?? {};
    this.#lastReason = lastReason;
    if (locked) this.#tellLock(now, locked, lastReason);
    // Beside a tunnel that is up nothing is urgent.
    if (this.#state === "up" && !this.#targets.hasTurn) this.#targets.postpone(now, target);
  }

  #tellUnresolved(now: Instant, { host }: Target, text: string): void {
    this.#events.push({ type: "unresolved", at: now, host, text });
  }

  #tellLock(now: Instant, target: Target, text: string): void {
    if (this.#targets.count === 1) return;
    const { host } = target;
    this.#events.push({ type: "locked-out", at: now, host, until: this.#targets.lockedUntil(target), text });
  }

  /** All targets had their turn. */
  #roundIsOver(now: Instant): void {
    const isNetwork = !this.#isToBlame;
    const due = this.#redial.failed(now, isNetwork);
    this.#isToBlame = false;
    this.#isNewRound = true;
    const last = this.#lastReason ?? "no target was free";
    if (due === undefined) {
      this.#state = "gave-up";
      const tries = this.#redial.redials;
      const what = this.#rules.redial
        ? `gave up after ${tries} new ${tries === 1 ? "try" : "tries"}`
        : "failed, and redial is off";
      this.#text = `${what}: ${last}`;
      this.#events.push({ type: "gave-up", at: now, tries, text: this.#text });
      return;
    }
    this.#dueAt = due;
    const seconds = Math.round((due - now) / 100) / 10;
    this.#text = isNetwork
      ? `no network, looking again in ${seconds} s: ${last}`
      : `redial ${this.#redial.redials} in ${seconds} s: ${last}`;
  }

  /**
   * The tunnel that `next` asked for is up. Where it was `isFailBack`, the older one is to be closed now, and nothing
   * is to be told of its end.
   */
  succeeded(now: Instant): void {
    if (this.#state !== "dialling" && !this.#isFailingBack) return;
    const target = this.#targets.succeeded(now);
    if (target === undefined) return;
    this.#isFailingBack = false;
    this.#state = "up";
    this.#up = target;
    this.#upSince = now;
    this.#isToBlame = false;
    this.#text = `up to ${name(target)}`;
  }

  /** The tunnel that was up has ended. */
  down(now: Instant, what: DialFailure | Ending | Error): void {
    const up = this.#up;
    if (this.#state !== "up" || up === undefined) return;
    const { kind, text } = dialFailure(what);
    this.#generation += 1;
    const wasStable = now - this.#upSince >= this.#rules.stableMs;
    if (wasStable) this.#redial.reset();
    this.#up = undefined;
    this.#lastReason = text;
    if (kind === "closed") {
      this.#rest(`closed: ${text}`);
      return;
    }
    const locked = this.#targets.ended(now, up, wasStable, kind, text);
    if (locked) this.#tellLock(now, locked, text);
    if (this.#isFailingBack) {
      // What is being dialled already is what comes next.
      this.#isFailingBack = false;
      this.#state = "dialling";
      this.#text = "dialling";
      return;
    }
    const { mode, redial } = this.#rules;
    if (mode !== "at-start" || !redial) {
      this.#rest(`${mode === "at-start" ? "redial is off" : "waiting for dial"}; ended: ${text}`);
      return;
    }
    this.#isToBlame = kind !== "network";
    // Others at once; the same one after a wait.
    this.#targets.newRound(now, up);
    this.#isNewRound = false;
    this.#state = "waiting";
    this.#dueAt = now;
    this.#text = `ended: ${text}`;
  }

  /**
   * Dials now, and forgets how often that failed: somebody asked for it, wants to send, or knows that the network is back.
   * @returns false when it is up, or being dialled.
   */
  dial(now: Instant): boolean {
    if (this.#state === "up" || this.#state === "dialling") return false;
    this.#generation += 1;
    this.#redial.reset();
    this.#isNewRound = true;
    this.#isToBlame = false;
    this.#state = "waiting";
    this.#dueAt = now;
    this.#text = "dialling now";
    return true;
  }

  /** Dials no more until `dial`. A tunnel that is up or being dialled is the caller's to close. */
  stop(text = "stopped"): void {
    this.#rest(text);
  }

  #rest(text: string): void {
    this.#generation += 1;
    this.#targets.leave();
    this.#redial.reset();
    this.#up = undefined;
    this.#isFailingBack = false;
    this.#isNewRound = true;
    this.#state = "idle";
    this.#text = text;
  }

  /** The next thing to tell, or `undefined`. */
  pollEvent(): DialEvent | undefined {
    return this.#events.shift();
  }

  /** For people; nothing secret. */
  status(now: Instant): DialerStatus {
    const nextAt = this.#state === "waiting" ? this.#dueAt : this.#failBackAt();
    return {
      state: this.#state,
      text: this.#text,
      mode: this.#rules.mode,
      redials: this.#redial.redials,
      ...(nextAt !== undefined && { nextAt }),
      ...(this.#lastReason !== undefined && { lastReason: this.#lastReason }),
      targets: this.#targets.status(now, this.#up),
    };
  }

  #look(now: Instant, due: Instant | undefined): void {
    this.#looked = { now, wall: this.#wall(), at: due };
  }

  #wall(): number {
    return (this.#options.wall ?? Date.now)();
  }

  /** Waits that were begun before this host slept are over: what failed then may go well now. */
  #notice(now: Instant): void {
    const looked = this.#looked;
    if (looked === undefined || this.#state !== "waiting" || this.#pending) return;
    const sleptMs = Math.max(this.#wall() - looked.wall - (now - looked.now), now - (looked.at ?? now));
    if (sleptMs <= this.#rules.sleptMs) return;
    this.#looked = undefined;
    this.#redial.reset();
    this.#targets.forgive();
    this.#isNewRound = true;
    this.#isToBlame = false;
    this.#dueAt = now;
    const text = `this host slept for ${Math.round(sleptMs / 1000)} s, or stood still: dialling at once`;
    this.#text = text;
    this.#events.push({ type: "woke", at: now, text });
  }
}

const name = ({ host, port }: Target): string => (port === 1701 ? host : `${host} port ${port}`);

const at = (target: Target, peer: SocketAddress): string =>
  target.address ? name(target) : `${name(target)} (${peer.address})`;
