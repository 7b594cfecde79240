/** Names made of numbers: `lac-{tunnel}`, `user{n:5}@example`. */

/** What the braces may name: the tunnel's number, the session's within it, and the session's in all; from 1. */
export interface Numbers {
  readonly tunnel: number;
  readonly session: number;
  readonly n: number;
}

const PLACE = /\{(tunnel|session|n)(?::(\d))?\}/g;

/** The first word in braces that stands for no number; passwords, which may hold braces, are not looked at. */
export function unknownPlace(pattern: string): string | undefined {
  return pattern.replace(PLACE, "").match(/\{[\w:-]*\}/)?.[0];
}

/** Fills in a pattern; `{n:5}` is filled up with zeros to five digits. Other braces stay. */
export function fill(pattern: string, numbers: Numbers): string {
  if (!pattern.includes("{")) return pattern;
  return pattern.replace(PLACE, (_, name: keyof Numbers, digits: string | undefined) =>
    String(numbers[name]).padStart(Number(digits ?? 1), "0"),
  );
}
