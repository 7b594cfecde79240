/** The next try of what failed: how long it waits, and what rings then. */
import type { Instant } from "@l2tp/protocol";
import type { Alarm } from "./alarms.ts";
import { Backoff } from "./backoff.ts";
import type { Host } from "./host.ts";

/** Tries of one thing; dispose of it when there will be none any more. */
export class Retry implements Disposable {
  readonly #host: Host;
  readonly #backoff: Backoff;
  readonly #alarm: Alarm & Disposable;

  /** @param again - makes the try; must not throw. */
  constructor(host: Host, again: () => void) {
    this.#host = host;
    this.#backoff = new Backoff(host.backoff, host.random);
    this.#alarm = host.alarms.create(again);
  }

  /** Failures since it was well. */
  get failures(): number {
    return this.#backoff.failures;
  }

  /** It failed. @returns when it is tried again */
  later(): Instant {
    const at = this.#host.clock.now() + this.#backoff.next();
    this.#alarm.set(at);
    return at;
  }

  /** It is not tried again, until it fails again. */
  clear(): void {
    this.#alarm.clear();
  }

  /** All is well: the next failure is the first. */
  reset(): void {
    this.#backoff.reset();
  }

  /** It was up for so long. One that stays up for a while starts afresh; one that flaps is tried less and less often. */
  wasUpFor(ms: number): void {
    if (ms >= this.#host.backoff.maxMs) this.#backoff.reset();
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }
}
