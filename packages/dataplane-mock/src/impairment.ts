/** What a link does to the datagrams on it. */

/** One direction of a link between two hosts. Probabilities are from 0 to 1. */
export interface Impairment {
  /** How likely a datagram is lost. */
  readonly loss: number;
  /** How likely it arrives twice. */
  readonly duplicate: number;
  /** How likely it is held back by `reorderByMs`, so that later ones overtake it. */
  readonly reorder: number;
  readonly reorderByMs: number;
  /** Travel time in milliseconds, fixed or evenly spread over a range (which reorders, too). */
  readonly delayMs: number | readonly [least: number, most: number];
  /** Largest IP packet in octets. */
  readonly mtuOctets: number;
}

/** Nothing is lost, and a datagram takes one millisecond. */
export const CLEAN: Impairment = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderByMs: 20,
  delayMs: 1,
  mtuOctets: 1500,
};

/** @throws RangeError when a probability or a time is out of range: a test with a typo must not pass. */
export function checkImpairment(impairment: Impairment): Impairment {
  for (const key of ["loss", "duplicate", "reorder"] as const) {
    const p = impairment[key];
    if (!(p >= 0 && p <= 1)) throw new RangeError(`${key} ${p}: a probability is 0 to 1`);
  }
  const [least, most] = range(impairment.delayMs);
  if (!(least >= 0 && most >= least)) throw new RangeError(`delayMs ${least} to ${most}: no range of times`);
  if (!(impairment.reorderByMs >= 0)) throw new RangeError(`reorderByMs ${impairment.reorderByMs}: no time`);
  if (!(impairment.mtuOctets >= 68)) throw new RangeError(`mtuOctets ${impairment.mtuOctets}: at least 68`);
  return impairment;
}

/** A fixed time as a range. */
export function range(delayMs: Impairment["delayMs"]): readonly [number, number] {
  return typeof delayMs === "number" ? [delayMs, delayMs] : delayMs;
}
