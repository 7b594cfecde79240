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

const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

type Ends = readonly [first: number, last: number];

function endsOf(range: string): Ends {
  const [first = "", last = first] = range.split("-");
  return [numberOf(first), numberOf(last)];
}

const rangeText = ([first, last]: Ends): string =>
  first === last ? addressOf(first) : `${addressOf(first)}-${addressOf(last)}`;

/** Whether two ranges of {@link rangeOf} have an address in common. */
export function overlap(a: string, b: string): boolean {
  const [a1, a2] = endsOf(a);
  const [b1, b2] = endsOf(b);
  return a1 <= b2 && b1 <= a2;
}

/** The ranges as they stand, but those that overlap as one: xl2tpd's own example names an address twice. */
export function united(ranges: readonly string[]): string[] {
  const result: string[] = [];
  for (const range of ranges) {
    let [first, last] = endsOf(range);
    for (const other of result.filter((one) => overlap(one, range))) {
      const [start, end] = endsOf(other);
      [first, last] = [Math.min(first, start), Math.max(last, end)];
    }
    const rest = result.filter((one) => !overlap(one, range));
    result.splice(0, result.length, ...rest, rangeText([first, last]));
  }
  return result;
}

/** What is left of a range without those that lie within it; one that is not smaller than it takes nothing away. */
export function without(range: string, taken: readonly string[]): string[] {
  const [first, last] = endsOf(range);
  const within = taken.map(endsOf).filter(([a, b]) => a >= first && b <= last && b - a < last - first);
  let from = first;
  const left: string[] = [];
  for (const [a, b] of within.sort(([a], [b]) => a - b)) {
    if (a > from) left.push(rangeText([from, a - 1]));
    from = Math.max(from, b + 1);
  }
  if (from <= last) left.push(rangeText([from, last]));
  return left;
}
