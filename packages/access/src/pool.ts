/** A pool as its rule describes it: of which networks, without what. */
import { type AddressRange, formatRange, overlap, readRange } from "./address.ts";
import type { AddressLease } from "./authority.ts";
import { RulesError } from "./errors.ts";
import type { PoolRule } from "./rules-data.ts";
import { Space } from "./space.ts";
import { Units } from "./units.ts";

/** Sorts of units; the members of an {@link AddressLease} that are taken from pools. */
export const SORTS = ["address", "ipv6Prefix", "delegatedPrefix"] as const;
export type Sort = (typeof SORTS)[number];

/** One pool: which units of each sort are free. */
export interface Pool {
  readonly name: string;
  /** Our own end's address, for sessions that have theirs from here. */
  readonly local?: string;
  /** Name of the pool that is asked when this one is full. */
  readonly next?: string;
  readonly spaces: Readonly<Partial<Record<Sort, Space>>>;
}

/**
 * Makes the pools of the rules.
 *
 * @param reserved - addresses and prefixes that no pool gives.
 * @throws RulesError for what is no range, overlaps another one, or names a pool that is not there
 */
export function makePools(rules: readonly PoolRule[], reserved: readonly string[]): Map<string, Pool> {
  const fixed = reserved.map((text) => mustRead(`fixed address ${JSON.stringify(text)}`, text));
  const pools = new Map<string, Pool>();
  const ranges: { readonly range: AddressRange; readonly where: string }[] = [];
  for (const rule of rules) {
    const where = `pool ${JSON.stringify(rule.name)}`;
    if (pools.has(rule.name)) throw new RulesError(where, "there are two of this name");
    pools.set(rule.name, makePool(rule, where, fixed, ranges));
  }
  for (const { name, next } of rules) {
    if (next !== undefined && !pools.has(next)) {
      throw new RulesError(`pool ${JSON.stringify(name)}`, `next: there is no pool ${JSON.stringify(next)}`);
    }
  }
  return pools;
}

function makePool(
  rule: PoolRule,
  where: string,
  fixed: readonly AddressRange[],
  others: { readonly range: AddressRange; readonly where: string }[],
): Pool {
  const { name, local, next } = rule;
  const without = [...fixed];
  const read = (member: "ranges" | "exclude" | "ipv6" | "delegated", family: 4 | 6): AddressRange[] =>
    (rule[member] ?? []).map((text, at) => {
      const here = `${where}: ${member}[${at}]`;
      const range = mustRead(here, text);
      if (range.family !== family) throw new RulesError(here, `${text} is not IPv${family}`);
      if (member === "exclude") return range;
      const clash = others.find((other) => overlap(other.range, range));
      if (clash) throw new RulesError(here, `${text} overlaps ${formatRange(clash.range)} of ${clash.where}`);
      others.push({ range, where: here });
      return range;
    });
  without.push(...read("exclude", 4));
  if (local !== undefined) without.push(mustRead(`${where}: local`, local));
  const ipv4 = read("ranges", 4);
  const spaces: { -readonly [S in Sort]?: Space } = {};
  if (ipv4.length > 0) {
    spaces.address = new Space(new Units(4, 32, ipv4.map(hostsOf), without));
  }
  for (const [sort, member, usual] of [
    ["ipv6Prefix", "ipv6", 64],
    ["delegatedPrefix", "delegated", 56],
  ] as const) {
    const ipv6 = read(member, 6);
    if (ipv6.length === 0) continue;
    const length = rule[`${member}Length`] ?? usual;
    for (const [at, range] of ipv6.entries()) {
      if (range.length === undefined || range.length > length) {
        throw new RulesError(
          `${where}: ${member}[${at}]`,
          `${formatRange(range)} is no prefix that holds prefixes of ${length} bits`,
        );
      }
    }
    spaces[sort] = new Space(new Units(6, length, ipv6, without));
  }
  return { name, ...(local !== undefined && { local }), ...(next !== undefined && { next }), spaces };
}

/** Of a network its hosts: its own address and the broadcast address are nobody's (a /31 and a /32 have neither). */
function hostsOf(range: AddressRange): AddressRange {
  const { family, first, last, length } = range;
  return family === 4 && length !== undefined && length < 31
    ? { family, first: first + 1n, last: last - 1n }
    : range;
}

function mustRead(where: string, text: string): AddressRange {
  const read = readRange(text);
  if ("wrong" in read) {
    const { wrong, remedy } = read;
    throw new RulesError(where, `${text} ${wrong}${remedy === undefined ? "" : `. ${remedy}`}`);
  }
  return read.range;
}
