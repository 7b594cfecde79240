/** What the receiving thread counts and tells now and then: an event that an attacker can cause is never told each time. */
import { NOTICE_INTERVAL_MS } from "./loop.ts";
import type { Report } from "./messages.ts";

/** One kind of event: how often it happened since it was told, and the last of them. */
class Counted {
  count = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @returns the count when it is time to tell it, which begins it anew; else 0. */
  due(nowMs: number): number {
    if (this.count === 0 || nowMs - this.#toldAt < NOTICE_INTERVAL_MS) return 0;
    this.#toldAt = nowMs;
    const { count } = this;
    this.count = 0;
    return count;
  }
}

const NOBODY = new Uint8Array(0);

/** Gathers, and tells each kind once per {@link NOTICE_INTERVAL_MS}. */
export class LateReports {
  readonly #stray = new Counted();
  #strayFrom: Uint8Array = NOBODY;
  #strayId = 0;
  readonly #overrun = new Counted();
  readonly #refused = new Counted();
  #refusedTo: Uint8Array = NOBODY;
  #refusedErrno = 0;

  /** Something was counted that has not been told yet. */
  get pending(): boolean {
    return this.#stray.count > 0 || this.#overrun.count > 0 || this.#refused.count > 0;
  }

  /** @param from - called for the sender's address, for the first message since the last report only. */
  strayData(sessionId: number, from: () => Uint8Array): void {
    if (this.#stray.count++ === 0) this.#strayFrom = from();
    this.#strayId = sessionId;
  }

  overrun(count: number): void {
    this.#overrun.count += count;
  }

  refused(to: Uint8Array, errno: number): void {
    this.#refused.count++;
    this.#refusedTo = to;
    this.#refusedErrno = errno;
  }

  tell(nowMs: number, report: (report: Report) => void): void {
    let count = this.#stray.due(nowMs);
    if (count > 0) report({ type: "stray-data", from: this.#strayFrom, sessionId: this.#strayId, count });
    count = this.#overrun.due(nowMs);
    if (count > 0) report({ type: "overrun", count });
    count = this.#refused.due(nowMs);
    if (count > 0) report({ type: "send-refused", to: this.#refusedTo, errno: this.#refusedErrno, count });
  }
}
