/**
 * Sequence numbers of control messages: free running counters modulo 65,536 (RFC 2661 §5.8, RFC 3931 §4.2).
 */

/** Ns and Nr are 16 bits. */
export const SEQUENCE_MODULO = 65_536;

const MASK = SEQUENCE_MODULO - 1;
const HALF = SEQUENCE_MODULO / 2;

/** @returns `ns` moved on by `count` (which may be negative), modulo 65,536. */
export function advance(ns: number, count: number): number {
  return (ns + count) & MASK;
}

/** @returns how many steps forward lead from `from` to `to`: 0 … 65,535. */
export function distance(from: number, to: number): number {
  return (to - from) & MASK;
}

/**
 * Whether a message is a duplicate: its Ns "lies in the range of the last received number and the preceding
 * 32767 values, inclusive" (RFC 2661 §5.8).
 *
 * @param ns - of the message.
 * @param lastReceived - Ns of the last message received in order; Nr is this plus 1.
 */
export function isDuplicate(ns: number, lastReceived: number): boolean {
  return distance(ns, lastReceived) < HALF;
}

/** Whether `a` comes after `b`: at most 32,767 steps ahead of it, and not equal. */
export function isAfter(a: number, b: number): boolean {
  const ahead = distance(b, a);
  return ahead > 0 && ahead < HALF;
}
