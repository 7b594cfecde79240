/**
 * Octets that are kept for as long as a link lives. V8 needs some 210 octets for a `Uint8Array` of six, for the view, its buffer
 * and what is in it; as a string, a character for each octet, they take 24. There are thousands of links.
 */
declare const KEPT: unique symbol;

/** Octets at rest. Two are the same octets exactly when they are `===`. */
export type Kept = string & { readonly [KEPT]: true };

/** No octets. */
export const NOTHING = "" as Kept;

/** Octets that can be the arguments of one call. */
const AT_ONCE = 4096;

/** @param octets - borrowed. */
export function keep(octets: Uint8Array): Kept {
  if (octets.length <= AT_ONCE) return String.fromCharCode(...octets) as Kept;
  return (keep(octets.subarray(0, AT_ONCE)) + keep(octets.subarray(AT_ONCE))) as Kept;
}

/** The octets again, in an array of their own. */
export const octetsIn = (kept: Kept): Uint8Array =>
  Uint8Array.from(kept, (character) => character.charCodeAt(0));
