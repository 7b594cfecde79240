/**
 * What a pool has to give, numbered from 0: addresses, or prefixes of one length. Held as a few ranges, whatever their
 * size, so that a pool of 2^32 prefixes takes no more memory than one of ten.
 */
import { type AddressRange, formatAddress, readAddress } from "./address.ts";

interface Run {
  /** Number of its first unit in the whole. */
  readonly offset: number;
  /** The first and the last unit: the address without its bits beyond the unit's length. */
  readonly first: bigint;
  readonly last: bigint;
}

/** The most that are counted; who has more gives the first so many. */
const MOST = 2 ** 48;

/** The units of a pool, in the order of their ranges. */
export class Units {
  readonly family: 4 | 6;
  /** Bits of a unit: 32 is an IPv4 address, 64 an IPv6 prefix for a link. */
  readonly length: number;
  readonly size: number;
  readonly #runs: readonly Run[];
  /** By their first unit, to find one. */
  readonly #sorted: readonly Run[];
  readonly #shift: bigint;

  /**
   * @param ranges - what there is; two that overlap count once.
   * @param without - what of it is not to be given; a unit goes that has any part in it.
   */
  constructor(
    family: 4 | 6,
    length: number,
    ranges: readonly AddressRange[],
    without: readonly AddressRange[] = [],
  ) {
    this.family = family;
    this.length = length;
    this.#shift = BigInt((family === 4 ? 32 : 128) - length);
    const holes = without.filter((range) => range.family === family).map((range) => this.#unitsOf(range));
    const runs: Run[] = [];
    const seen: Interval[] = [...holes];
    let offset = 0;
    for (const range of ranges) {
      const whole = this.#unitsOf(range);
      for (const { first, last } of subtract(whole, seen)) {
        runs.push({ offset, first, last });
        offset += Number(last - first) + 1;
      }
      seen.push(whole);
    }
    this.#runs = runs;
    this.#sorted = [...runs].sort((a, b) => (a.first < b.first ? -1 : 1));
    this.size = Math.min(offset, MOST);
  }

  #unitsOf({ first, last }: AddressRange): Interval {
    return { first: first >> this.#shift, last: last >> this.#shift };
  }

  /** Unit number `index` as text: `10.0.0.1`, `2001:db8:0:1::/64`. */
  at(index: number): string {
    const run = atOrBefore(this.#runs, (one) => one.offset <= index);
    if (run === undefined || index < 0 || index >= this.size) throw new RangeError(`no unit ${index}`);
    const value = (run.first + BigInt(index - run.offset)) << this.#shift;
    const address = formatAddress({ family: this.family, value });
    return this.family === 4 ? address : `${address}/${this.length}`;
  }

  /** The number of a unit; -1: it is none of these. */
  indexOf(text: string): number {
    const slash = text.indexOf("/");
    const address = readAddress(slash < 0 ? text : text.slice(0, slash));
    if (address === undefined || address.family !== this.family) return -1;
    if (slash >= 0 && Number(text.slice(slash + 1)) !== this.length) return -1;
    const unit = address.value >> this.#shift;
    const run = atOrBefore(this.#sorted, (one) => one.first <= unit);
    if (run === undefined || unit > run.last) return -1;
    const index = run.offset + Number(unit - run.first);
    return index < this.size ? index : -1;
  }

  /** Whether any unit has a part of the range. */
  touches(range: AddressRange): boolean {
    if (range.family !== this.family) return false;
    const { first, last } = this.#unitsOf(range);
    const run = atOrBefore(this.#sorted, (one) => one.first <= last);
    return run !== undefined && run.last >= first;
  }
}

interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** The parts of `whole` that are in none of `holes`, in order. */
function subtract(whole: Interval, holes: readonly Interval[]): Interval[] {
  const parts: Interval[] = [];
  let next = whole.first;
  for (const hole of [...holes].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    if (hole.last < next) continue;
    if (hole.first > whole.last) break;
    if (hole.first > next) parts.push({ first: next, last: hole.first - 1n });
    next = hole.last + 1n;
  }
  if (next <= whole.last) parts.push({ first: next, last: whole.last });
  return parts;
}

/** The last of `runs` for which `holds`, which is true of a beginning of them. */
function atOrBefore(runs: readonly Run[], holds: (run: Run) => boolean): Run | undefined {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(runs[middle] as Run)) low = middle + 1;
    else high = middle;
  }
  return runs[low - 1];
}
