/**
 * Where time comes from. The protocol below takes `now` as a parameter and says when it wants to be called
 * next; this file holds the only `setTimeout` of the suite that drives it.
 */
import type { Instant } from "@l2tp/protocol";

/** A monotonic clock with a timer. A test brings its own and moves it by hand, such as the mock's. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): Instant;
  /** Runs `task` once, `delayMs` from now or later, never before this call returns; the result calls it off. */
  after(delayMs: number, task: () => void): () => void;
}

/** What `setTimeout` takes at most: its delay is a signed 32-bit number. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The real clock: `performance.now()` and `setTimeout`. A delay beyond 24 days is cut: the caller looks again. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.ceil(delayMs), LONGEST_DELAY_MS));
    return () => clearTimeout(timer);
  },
};
