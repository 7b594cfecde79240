/**
 * A ration: so many at once, and so many a second after that. All links share it; what one link has spent of it is one number,
 * since a link has several rations, and there are thousands of links.
 */

/** Milliseconds by which sums of times may be off. */
const ROUNDING_MS = 1e-3;

/** What a link has spent: the time at which all of it will have been given back; `undefined`: nothing yet. */
export type Spent = number | undefined;

/** See the file's head. */
export class Ration {
  readonly #eachMs: number;
  readonly #aheadMs: number;

  /** @param most - taken at once at most. @param perSecond - given back. */
  constructor(most: number, perSecond: number) {
    this.#eachMs = 1000 / perSecond;
    this.#aheadMs = (most - 1) * this.#eachMs + ROUNDING_MS;
  }

  /** Takes one. @returns what is spent then; `undefined` when there was none left. */
  take(spent: Spent, now: number): number | undefined {
    const from = Math.max(spent ?? now, now);
    return from - now > this.#aheadMs ? undefined : from + this.#eachMs;
  }
}
