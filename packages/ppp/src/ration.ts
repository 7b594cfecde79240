/** A ration: so many at once, and so many a second after that. Two numbers a link. */

/** See the file's head. */
export class Ration {
  readonly #most: number;
  readonly #perSecond: number;
  #left: number;
  #at = Number.NEGATIVE_INFINITY;

  /** @param most - taken at once at most. @param perSecond - given back. */
  constructor(most: number, perSecond: number) {
    this.#most = most;
    this.#perSecond = perSecond;
    this.#left = most;
  }

  /** Takes one. @returns whether there was one. */
  take(now: number): boolean {
    if (now > this.#at) {
      const back = this.#at === Number.NEGATIVE_INFINITY ? 0 : ((now - this.#at) / 1000) * this.#perSecond;
      this.#left = Math.min(this.#most, this.#left + back);
      this.#at = now;
    }
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
