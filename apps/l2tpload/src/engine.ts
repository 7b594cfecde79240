/**
 * One share of a run: when tunnels and sessions are begun, held and ended. Sans-IO as what it is made of: datagrams and
 * time go in, datagrams and one due time come out; a driver has the sockets and the clock.
 */
import type { PeerAddress, TunnelHandle } from "@l2tp/control";
import type { Instant } from "@l2tp/protocol";
import { type FillRandom, Lacs, type Outgoing } from "./lacs.ts";
import { Pacer } from "./pacer.ts";
import type { Plan } from "./plan.ts";
import type { LoadTunnel } from "./records.ts";
import type { Tally } from "./tally.ts";

/** Where a run is, in order. */
export const STAGES = ["tunnels", "sessions", "hold", "end", "done"] as const;
/** See {@link STAGES}. */
export type Stage = (typeof STAGES)[number];

/** How a run goes, for people who wait. */
export interface Progress {
  readonly stage: Stage;
  /** Up now. */
  readonly tunnels: number;
  readonly sessions: number;
  /** Failed or lost so far, of either. */
  readonly failed: number;
}

/** How often the engine looks after what has no event of its own: a rate, the end of a stage. */
const LOOK_MS = 10;
/** Tunnels that are ended with each look: a burst of thousands would only overrun the peer's socket. */
const ENDED_PER_LOOK = 40;
const NEVER = Number.POSITIVE_INFINITY;

/** See the file's head. */
export class Engine {
  readonly #plan: Plan;
  readonly #lacs: Lacs;
  readonly #tunnelPacer: Pacer;
  readonly #sessionPacer: Pacer;
  readonly #churnPacer: Pacer;
  /** Tunnels that take one more session, in two piles: all get one before any gets the next. */
  #waiting: LoadTunnel[] = [];
  #later: LoadTunnel[] = [];
  #stage: Stage = "tunnels";
  /** When each stage began. */
  readonly began: Partial<Record<Stage, Instant>> = {};
  #tunnelsBegun = 0;
  #lookAt: Instant = 0;
  #ending: TunnelHandle[] = [];

  /** @throws ControlError, TransportError, PppSettingError for settings that cannot be. */
  constructor(plan: Plan, random: FillRandom) {
    this.#plan = plan;
    this.#lacs = new Lacs(plan, random);
    this.#tunnelPacer = new Pacer(plan.tunnelRate, plan.tunnelsAtOnce);
    this.#sessionPacer = new Pacer(plan.sessionRate, plan.sessionsAtOnce);
    this.#churnPacer = new Pacer(plan.churnRate, NEVER);
  }

  get stage(): Stage {
    return this.#stage;
  }

  get progress(): Progress {
    const { counts } = this.#lacs.tally;
    return {
      stage: this.#stage,
      tunnels: counts.tunnelsUp - counts.tunnelsLost,
      sessions: this.#lacs.live.length,
      failed:
        counts.tunnelsFailed +
        counts.tunnelsLost +
        counts.callsFailed +
        counts.pppFailed +
        counts.sessionsLost,
    };
  }

  /** What was counted so far; with {@link finish} the whole of it. */
  get tally(): Tally {
    return this.#lacs.tally;
  }

  start(now: Instant): void {
    this.#enter(now, "tunnels");
    this.#look(now);
  }

  /** Ends the run now, in order; while that is under way, at once. */
  stop(now: Instant): void {
    if (this.#stage === "done") return;
    if (this.#stage === "end" || this.#plan.teardown === "none") {
      this.#enter(now, "done");
      return;
    }
    this.#enter(now, "end");
    if (this.#plan.teardown === "sessions") {
      for (const call of this.#lacs.calls) this.#lacs.hangUp(now, call);
    }
    this.#lacs.isEnding = true;
    this.#ending = this.#lacs.tunnels;
    this.#look(now);
  }

  handleDatagram(now: Instant, from: PeerAddress, datagram: Uint8Array): void {
    this.#lacs.handleDatagram(now, from, datagram);
    this.#moveOn(now);
  }

  handleTimeout(now: Instant): void {
    this.#lacs.handleTimeout(now);
    if (now >= this.#lookAt) this.#look(now);
    else this.#moveOn(now);
  }

  /** When to call {@link handleTimeout} next; undefined: the run is over. */
  pollTimeout(): Instant | undefined {
    if (this.#stage === "done") return undefined;
    return Math.min(this.#lacs.pollTimeout() ?? NEVER, this.#lookAt);
  }

  pollTransmit(): Outgoing | undefined {
    return this.#lacs.pollTransmit();
  }

  /** Completes the tally: once, at the end. */
  finish(): Tally {
    return this.#lacs.finish();
  }

  #enter(now: Instant, stage: Stage): void {
    this.#stage = stage;
    this.began[stage] = now;
  }

  /** What is due by the clock. */
  #look(now: Instant): void {
    this.#lookAt = now + LOOK_MS;
    if (this.#stage === "hold") this.#hold(now);
    else if (this.#stage === "end") this.#end(now);
    const isBusy = this.#stage !== "end" && this.#stage !== "done";
    if (isBusy && now - (this.began.tunnels ?? now) >= this.#plan.durationMs) this.stop(now);
    this.#moveOn(now);
  }

  #hold(now: Instant): void {
    const { churnRate, holdMs } = this.#plan;
    const isOver = now - (this.began.hold ?? now) >= holdMs;
    const churn = churnRate > 0 && !isOver ? this.#churnPacer.allowed(now, 0) : 0;
    for (let n = churn; n > 0; n--) this.#churn(now);
    // What was begun last is waited for, or it would count as never having come up.
    if (isOver && this.#lacs.pingsUnderWay === 0 && this.#lacs.callsUnderWay === 0) this.stop(now);
  }

  /** One session, whichever, is ended and made anew. */
  #churn(now: Instant): void {
    const lacs = this.#lacs;
    this.#churnPacer.begun();
    const call = lacs.live[Math.floor(Math.random() * lacs.live.length)];
    if (call === undefined) return;
    lacs.tally.counts.churned++;
    lacs.hangUp(now, call);
    if (call.tunnel.isUp) lacs.openCall(now, call.tunnel, call.numbers.session);
    lacs.takeEvents(now);
  }

  #end(now: Instant): void {
    const lacs = this.#lacs;
    for (const tunnel of this.#ending.splice(0, ENDED_PER_LOOK)) lacs.endTunnel(now, tunnel);
    // Again each time: tunnels that were ended before are let go of when their StopCCN is acknowledged.
    if (this.#ending.length === 0) lacs.shutDown(now);
    lacs.takeEvents(now);
    if (now - (this.began.end ?? now) >= this.#plan.graceMs) this.#enter(now, "done");
  }

  /** What became possible: begins, and the next stage. */
  #moveOn(now: Instant): void {
    const lacs = this.#lacs;
    const plan = this.#plan;
    if (lacs.newTunnels.length > 0) {
      if (plan.sessionsPerTunnel > 0) this.#later.push(...lacs.newTunnels);
      lacs.newTunnels.length = 0;
    }
    if (this.#stage === "tunnels") {
      const left = plan.tunnels - this.#tunnelsBegun;
      const many = Math.min(left, this.#tunnelPacer.allowed(now, lacs.tunnelsUnderWay));
      for (let n = many; n > 0; n--) this.#openTunnel(now);
      if (plan.mixed) this.#openCalls(now);
      if (this.#tunnelsBegun === plan.tunnels && lacs.tunnelsUnderWay === 0) this.#enter(now, "sessions");
    }
    if (this.#stage === "sessions") {
      this.#openCalls(now);
      const none = this.#waiting.length === 0 && this.#later.length === 0;
      if (none && lacs.callsUnderWay === 0) this.#enter(now, "hold");
    }
    if (this.#stage === "end" && lacs.isEmpty) this.#enter(now, "done");
  }

  #openTunnel(now: Instant): void {
    this.#lacs.openTunnel(now, this.#tunnelsBegun++);
    this.#tunnelPacer.begun();
    this.#lacs.takeEvents(now);
    this.#wakeFor(now, this.#tunnelPacer);
  }

  #openCalls(now: Instant): void {
    const lacs = this.#lacs;
    let allowed = this.#sessionPacer.allowed(now, lacs.callsUnderWay);
    while (allowed > 0) {
      if (this.#waiting.length === 0) {
        this.#waiting = this.#later.reverse();
        this.#later = [];
      }
      const tunnel = this.#waiting.pop();
      if (tunnel === undefined) return;
      if (!tunnel.isUp) continue;
      tunnel.sessions++;
      if (tunnel.sessions < this.#plan.sessionsPerTunnel) this.#later.push(tunnel);
      lacs.openCall(now, tunnel, tunnel.sessions);
      this.#sessionPacer.begun();
      allowed--;
    }
    lacs.takeEvents(now);
    this.#wakeFor(now, this.#sessionPacer);
  }

  /** High rates do not wait for the next look. */
  #wakeFor(now: Instant, pacer: Pacer): void {
    const next = pacer.next();
    if (next !== undefined && next < this.#lookAt) this.#lookAt = Math.max(next, now + 1);
  }
}
