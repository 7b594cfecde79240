/** IPv4 addresses and ranges as xl2tpd writes them. */
import { isIPv4 } from "node:net";

/**
 * `10.0.0.1`, `10.0.0.1 - 10.0.0.9`, `10.0.0.1-9` (the end's first fields are those of the beginning).
 * @returns the range as our documents have it; undefined for host names and what is no range.
 */
export function rangeOf(value: string): string | undefined {
  const [first = "", last, ...more] = value.split("-").map((part) => part.trim());
  if (!isIPv4(first) || more.length > 0) return undefined;
  if (last === undefined) return first;
  const given = last.split(".");
  const whole = [...first.split(".").slice(0, 4 - given.length), ...given].join(".");
  if (!isIPv4(whole) || numberOf(first) > numberOf(whole)) return undefined;
  return first === whole ? first : `${first}-${whole}`;
}

const numberOf = (address: string): number =>
  address.split(".").reduce((sum, field) => sum * 256 + Number(field), 0);

/** Whether two ranges of {@link rangeOf} have an address in common. */
export function overlap(a: string, b: string): boolean {
  const ends = (range: string): [number, number] => {
    const [first = "", last = first] = range.split("-");
    return [numberOf(first), numberOf(last)];
  };
  const [a1, a2] = ends(a);
  const [b1, b2] = ends(b);
  return a1 <= b2 && b1 <= a2;
}
