/** Errors for callers. What a peer does wrong is never thrown: see {@link file://./rejection.ts}. */

/** The base of everything this suite throws at people and programs; branch on `code`. */
export abstract class L2tpError extends Error {
  /** Part of the API: stable, upper case, e.g. `ERR_L2TP_ENCODE`. */
  abstract readonly code: string;
  /** Written out in each class, because minifiers rename classes. */
  abstract override readonly name: string;
}

/** A message, AVP or header that cannot be put into octets as it was given; says what, and what would do. */
export class EncodeError extends L2tpError {
  override readonly name = "EncodeError";
  readonly code = "ERR_L2TP_ENCODE";
}

/** `value`, when it is an integer from 0 to `most`. @throws EncodeError naming the header's field. */
export function inRange(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new EncodeError(`header: ${name} must be an integer from 0 to ${most}, is ${value}`);
}
