/** How often something may happen: so often at once, and so often a second. A flood is stopped here, and costs no more. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** Whether it may happen once more, at this time; {@link take} says that it did. */
  has(nowMs: number): boolean {
    const left = this.#left + ((nowMs - this.#at) * this.#perSecond) / 1_000;
    this.#left = Math.min(left, this.#burst);
    this.#at = nowMs;
    return this.#left >= 1;
  }

  /** Lets it happen once more; false where it may not. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left--;
    return true;
  }
}
