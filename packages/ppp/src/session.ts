/** A PPP link from outside: frames and time go in, frames, questions and intents come out. Nothing here blocks or waits. */
import type { Instant } from "@l2tp/protocol";
import type { Decision } from "./auth/question.ts";
import type { PppCounters, PppEvent } from "./events.ts";
import type { Random } from "./lcp.ts";
import type { Phase } from "./link/state.ts";
import { Link } from "./link.ts";
import type { ProxyInformation } from "./proxy.ts";
import type { PppSettings } from "./settings.ts";

/**
 * One PPP link. Join it to a data plane thus: `receive` takes what its `onFrame` hands up; events `frame`, `configure`,
 * `gate` and `down` are its `sendFrame`, `configure`, `gate` and end; after each call, take all events, then wake up
 * at {@link pollTimeout}. Times are milliseconds on the caller's monotonic clock.
 */
export class PppSession {
  readonly #link: Link;
  #next = 0;

  /**
   * @param settings - from `pppSettings`; shared by all links of a profile.
   * @param random - octets that nobody can predict: challenges and Magic-Numbers are made of them.
   */
  constructor(settings: PppSettings, random: Random) {
    this.#link = new Link(settings, random);
  }

  /**
   * The session below is up: LCP begins. Only the first call counts.
   * @param proxy - what a LAC negotiated already; taken up as the settings say.
   */
  start(now: Instant, proxy?: ProxyInformation): void {
    this.#link.start(now, proxy);
  }

  /**
   * A frame arrived: FF 03 or not, protocol field of one octet or two. Data frames are counted and left alone.
   * Never throws, whatever it is. @param frame - borrowed.
   */
  receive(now: Instant, frame: Uint8Array): void {
    this.#link.receive(now, frame);
  }

  /**
   * Call at or after {@link pollTimeout}; early calls do nothing.
   * @param lastData - when the data plane last received a packet: Echo-Requests keep quiet while data flows.
   */
  handleTimeout(now: Instant, lastData: Instant = Number.NEGATIVE_INFINITY): void {
    this.#link.handleTimeout(now, lastData);
  }

  /** When to call {@link handleTimeout} next; `undefined` when no timer runs. */
  pollTimeout(): Instant | undefined {
    return this.#link.pollTimeout();
  }

  /** The next event, or `undefined` when there is none now. */
  pollEvent(): PppEvent | undefined {
    const event = this.#link.events[this.#next++];
    if (event === undefined) {
      this.#link.clearEvents();
      this.#next = 0;
    }
    return event;
  }

  /**
   * The answer to a `question`.
   * @returns false when the question is not open any more: too late, or the link ended. Nothing changed then.
   * @throws PppSettingError - grants that cannot be.
   */
  decide(now: Instant, token: number, decision: Decision): boolean {
    return this.#link.decide(now, token, decision);
  }

  /** Ends the link in order; `down` follows. @param text - why, for people. */
  close(now: Instant, text?: string): void {
    this.#link.close(now, text);
  }

  /** The session below is gone: `down` at once, nothing is sent any more. */
  lowerDown(now: Instant): void {
    this.#link.lowerDown(now);
  }

  /** `MppeDecryptor` said `lost` or `dropped`: asks the peer to begin anew, at most once a second. */
  mppeLost(now: Instant): void {
    this.#link.mppeLost(now);
  }

  /** Tells the peer how long the link will last (RFC 1570 §1.2). */
  tellTimeRemaining(seconds: number, text = ""): void {
    this.#link.tellTimeRemaining(seconds, text);
  }

  /** Where the link is in its life. */
  get phase(): Phase {
    return this.#link.phase;
  }

  /** The automata's states, for status displays; `undefined` where a protocol does not run. */
  get states(): {
    lcp: string;
    ipcp: string | undefined;
    ipv6cp: string | undefined;
    ccp: string | undefined;
  } {
    const { lcp, ipcp, ipv6cp, ccp } = this.#link;
    return { lcp: lcp.state, ipcp: ipcp?.state, ipv6cp: ipv6cp?.state, ccp: ccp?.state };
  }

  /** What was met so far. Live: read it, do not write it. */
  get counters(): Readonly<PppCounters> {
    return this.#link.counters;
  }
}
