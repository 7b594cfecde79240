/** Comparing what a peer sent with what a secret gives, without telling by the time taken how much was right. */

/**
 * Whether two octet strings are equal, in a time that depends on their lengths only. Strings of different length
 * are unequal; so are two empty ones, because an empty response must never match an empty secret's.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
