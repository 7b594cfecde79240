/** How long to wait before the next try of what failed: doubling, with a cap and with jitter. */

/** The waits between tries. */
export interface BackoffSettings {
  /** The wait after the first failure, in milliseconds. */
  readonly firstMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
  /** How far each wait may differ either way, as a part of it: 0.2 makes 10 s into 8 to 12 s. */
  readonly jitter: number;
}

/**
 * Soon at first, because most failures at start are a matter of order (an interface, a bridge that comes a
 * moment later); a minute at last, so that a thing that stays broken costs nothing and is still found mended.
 */
export const DEFAULT_BACKOFF: BackoffSettings = { firstMs: 1_000, maxMs: 60_000, jitter: 0.2 };

/** Counts the failures since the last success. */
export class Backoff {
  readonly #settings: BackoffSettings;
  readonly #random: () => number;
  #failures = 0;

  /** @param random - a number from 0 up to but not 1, as `Math.random` gives. */
  constructor(settings: BackoffSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  /** Failures since the last {@link reset}. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure and says how many milliseconds to wait. */
  next(): number {
    const { firstMs, maxMs, jitter } = this.#settings;
    // 2 ** 1024 is Infinity, which the minimum below takes well.
    const wait = Math.min(maxMs, firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.round(wait * (1 + jitter * (2 * this.#random() - 1)));
  }

  /** After a success. */
  reset(): void {
    this.#failures = 0;
  }
}
