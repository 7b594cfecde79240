/** Randomness, which is injected: challenges, IDs, Random Vectors and tie breakers must not be guessed. */

/** Fills the array with random octets, as `crypto.getRandomValues` does. */
export type FillRandom = (into: Uint8Array<ArrayBuffer>) => void;

const POOL_OCTETS = 1_024;

/** Draws numbers and octets from a {@link FillRandom}, some at a time. */
export class RandomSource {
  readonly #fill: FillRandom;
  readonly #pool = new Uint8Array(POOL_OCTETS);
  #at = POOL_OCTETS;

  constructor(fill: FillRandom) {
    this.#fill = fill;
  }

  /** @returns `count` octets of the caller's own. */
  octets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    this.#fill(octets);
    return octets;
  }

  /** @returns 0 … 65,535. */
  u16(): number {
    if (this.#at + 2 > POOL_OCTETS) {
      this.#fill(this.#pool);
      this.#at = 0;
    }
    const value = ((this.#pool[this.#at] as number) << 8) | (this.#pool[this.#at + 1] as number);
    // What was used is not kept: an ID that is on the wire stays unpredictable from memory alone.
    this.#pool.fill(0, this.#at, this.#at + 2);
    this.#at += 2;
    return value;
  }

  /** @returns 0 … 2^64 - 1. */
  u64(): bigint {
    return [0, 0, 0, 0].reduce((value) => (value << 16n) | BigInt(this.u16()), 0n);
  }

  /** @returns a number from 0 up to but not 1: for jitter. */
  fraction(): number {
    return this.u16() / 65_536;
  }
}
