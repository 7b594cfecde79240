/** Randomness with a seed: the same seed gives the same sequence everywhere. */

/** A source of numbers from 0 (included) to 1 (excluded). */
export type Random = () => number;

/** Mulberry32 by Tommy Ettinger (public domain): 32 bits of state, good enough for dice. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
