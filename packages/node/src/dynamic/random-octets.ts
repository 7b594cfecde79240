/** Random octets in small portions: a PPP session wants four here and sixteen there, and each call of the source is dear. */
import type { FillRandom } from "@l2tp/control";

/** Octets that are drawn at once. */
const POOL_OCTETS = 1_024;
/** A larger portion is drawn by itself. */
const SMALL_OCTETS = 64;

/** @returns what gives so many octets, of the caller's own. What was given is not kept. */
export function randomOctets(fill: FillRandom): (length: number) => Uint8Array {
  const pool = new Uint8Array(POOL_OCTETS);
  let at = POOL_OCTETS;
  return (length) => {
    if (length > SMALL_OCTETS) {
      const octets = new Uint8Array(length);
      fill(octets);
      return octets;
    }
    if (at + length > POOL_OCTETS) {
      fill(pool);
      at = 0;
    }
    const octets = pool.slice(at, at + length);
    pool.fill(0, at, at + length);
    at += length;
    return octets;
  };
}
