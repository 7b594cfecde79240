/** Leases of addresses: from pools, and fixed ones that are nobody else's. */
import { type AddressRange, formatRange, overlap, readRange } from "./address.ts";
import type { AddressLease, LeaseRequest, Refusal } from "./authority.ts";
import { makePools, type Pool, SORTS, type Sort } from "./pool.ts";
import type { PoolRule } from "./rules-data.ts";
import type { Space } from "./space.ts";
import { Spans } from "./spans.ts";

/** What a pool has of one sort. */
export interface PoolCount {
  readonly size: number;
  readonly used: number;
  readonly free: number;
}

/** A pool for people. */
export interface PoolStatus {
  readonly name: string;
  readonly ipv4?: PoolCount;
  readonly ipv6?: PoolCount;
  readonly delegated?: PoolCount;
}

const WORDS: Readonly<Record<Sort, string>> = {
  address: "addresses",
  ipv6Prefix: "IPv6 prefixes",
  delegatedPrefix: "prefixes to delegate",
};

/** A unit, and our end's address where the pool has one. */
interface Taken {
  readonly unit: string;
  readonly local?: string;
}

interface Holding {
  readonly user: string;
  readonly lease: AddressLease;
}

/** Users whose last addresses are remembered. */
const MOST_REMEMBERED = 131_072;

/** All pools of a host. Giving and taking back take the same time however many there are. */
export class Pools {
  #pools: ReadonlyMap<string, Pool>;
  /** By session. */
  readonly #holdings = new Map<string, Holding>();
  /** Every address and prefix that a session has, and the session. */
  readonly #held = new Map<string, string>();
  /** Fixed prefixes that sessions have and that are not units of a pool, for pools may have parts of them. */
  readonly #odd = new Spans();
  /** Users that were here, and what they had. */
  readonly #last = new Map<string, AddressLease>();

  /**
   * @param reserved - fixed addresses and prefixes: pools do not give them.
   * @throws RulesError
   */
  constructor(pools: readonly PoolRule[] = [], reserved: readonly string[] = []) {
    this.#pools = makePools(pools, reserved);
  }

  /** Takes other pools; sessions keep what they have. @throws RulesError, and then nothing has changed. */
  replace(pools: readonly PoolRule[], reserved: readonly string[] = []): void {
    this.#pools = makePools(pools, reserved);
    this.#odd.clear();
    for (const unit of this.#held.keys()) this.#countOrNote(unit);
  }

  /** Addresses for a session: the fixed ones of the grant, else of its pool. A session that has some gets the same. */
  lease({ session, user, pool, grant }: LeaseRequest): AddressLease | Refusal {
    const before = this.#holdings.get(session);
    if (before !== undefined) return before.lease;
    const name = grant.pool ?? pool;
    const from = name === undefined ? undefined : this.#pools.get(name);
    if (name !== undefined && from === undefined) {
      return refusal(`there is no pool ${JSON.stringify(name)}`);
    }
    const lease: { -readonly [S in keyof AddressLease]: AddressLease[S] } = {};
    for (const sort of SORTS) {
      const fixed = grant[sort];
      const answer =
        fixed !== undefined
          ? this.#fixed(fixed, sort, session)
          : from?.spaces[sort] && this.#fromPool(from, sort, session, this.#last.get(user)?.[sort]);
      if (answer === undefined) continue;
      if ("accept" in answer) {
        this.#free(lease);
        return answer;
      }
      lease[sort] = answer.unit;
      if (sort === "address" && answer.local !== undefined) lease.local = answer.local;
    }
    if (lease.local === undefined && from?.local !== undefined) lease.local = from.local;
    this.#holdings.set(session, { user, lease });
    return lease;
  }

  /** The session has ended. */
  release(session: string): void {
    const holding = this.#holdings.get(session);
    if (holding === undefined) return;
    this.#holdings.delete(session);
    this.#free(holding.lease);
    this.#remember(holding);
  }

  /** Who has what, by pool. */
  status(): PoolStatus[] {
    return [...this.#pools.values()].map(({ name, spaces }) => ({
      name,
      ...(spaces.address && { ipv4: countOf(spaces.address) }),
      ...(spaces.ipv6Prefix && { ipv6: countOf(spaces.ipv6Prefix) }),
      ...(spaces.delegatedPrefix && { delegated: countOf(spaces.delegatedPrefix) }),
    }));
  }

  /** How many sessions have addresses. */
  get leases(): number {
    return this.#holdings.size;
  }

  #fixed(text: string, sort: Sort, session: string): Taken | Refusal {
    const read = readRange(text);
    const good = "range" in read && (sort !== "address" || read.range.first === read.range.last);
    if (!good) return refusal(`${JSON.stringify(text)} is no ${sort === "address" ? "address" : "prefix"}`);
    const unit = formatRange(read.range);
    const holder = this.#holderOf(unit) ?? this.#holderWithin(unit, read.range);
    if (holder !== undefined) {
      return refusal(`${unit} is fixed for this user, and session ${JSON.stringify(holder)} has it`);
    }
    this.#held.set(unit, session);
    this.#countOrNote(unit);
    return { unit };
  }

  #countOrNote(unit: string): void {
    if (this.#count(unit, 1)) return;
    const range = rangeOf(unit);
    // An address is a unit of any pool that has it, and a prefix may be larger or smaller.
    if (range.first !== range.last) this.#odd.add(range, unit);
  }

  /** Whoever has this, or what it is a part of. */
  #holderOf(unit: string): string | undefined {
    const exact = this.#held.get(unit);
    if (exact !== undefined || this.#odd.size === 0) return exact;
    const other = this.#odd.find(rangeOf(unit));
    return other === undefined ? undefined : this.#held.get(other);
  }

  /** Whoever has a unit of a pool that is a part of this prefix. Looks at all, but only when a pool has such units at all. */
  #holderWithin(unit: string, range: AddressRange): string | undefined {
    const spaces = [...this.#pools.values()].flatMap((pool) => Object.values(pool.spaces));
    if (spaces.every(({ units }) => units.indexOf(unit) >= 0 || !units.touches(range))) return undefined;
    for (const [other, session] of this.#held) if (overlap(rangeOf(other), range)) return session;
    return undefined;
  }

  #fromPool(first: Pool, sort: Sort, session: string, last: string | undefined): Taken | Refusal {
    const full: string[] = [];
    const asked = new Set<Pool>();
    let pool: Pool | undefined = first;
    while (pool !== undefined && !asked.has(pool)) {
      asked.add(pool);
      const space: Space | undefined = pool.spaces[sort];
      const isHeld = (one: string): boolean => this.#holderOf(one) !== undefined;
      const again = last !== undefined && (space?.units.indexOf(last) ?? -1) >= 0 && !isHeld(last);
      const unit = again ? last : space?.take(isHeld);
      if (space !== undefined && unit !== undefined) {
        this.#held.set(unit, session);
        space.used += 1;
        return { unit, ...(pool.local !== undefined && { local: pool.local }) };
      }
      if (space !== undefined) {
        const { name } = pool;
        full.push(
          `pool ${JSON.stringify(name)} (${space.used} of ${space.units.size} ${WORDS[sort]} in use)`,
        );
      }
      pool = pool.next === undefined ? undefined : this.#pools.get(pool.next);
    }
    return refusal(`nothing is free in ${full.join(" and ")}`);
  }

  #free(lease: AddressLease): void {
    for (const sort of SORTS) {
      const unit = lease[sort];
      if (unit === undefined) continue;
      this.#held.delete(unit);
      if (!this.#count(unit, -1)) this.#odd.delete(rangeOf(unit), unit);
    }
  }

  /** Keeps the counts of whatever has this unit. @returns whether anything has. */
  #count(unit: string, by: 1 | -1): boolean {
    let found = false;
    for (const { spaces } of this.#pools.values()) {
      for (const sort of SORTS) {
        const space = spaces[sort];
        if (space === undefined || space.units.indexOf(unit) < 0) continue;
        space.used += by;
        if (by < 0) space.give(unit);
        found = true;
      }
    }
    return found;
  }

  #remember({ user, lease }: Holding): void {
    if (user === "") return;
    // The newest at the end.
    this.#last.delete(user);
    this.#last.set(user, lease);
    if (this.#last.size <= MOST_REMEMBERED) return;
    // Half of them at once: one at a time would walk over the places of those gone before.
    let surplus = MOST_REMEMBERED / 2;
    for (const name of this.#last.keys()) {
      if (surplus-- <= 0) break;
      this.#last.delete(name);
    }
  }
}

const refusal = (reason: string): Refusal => ({ accept: false, reason, text: "no address is to be had" });

const countOf = ({ units, used }: Space): PoolCount => ({
  size: units.size,
  used,
  free: units.size - used,
});

function rangeOf(text: string): AddressRange {
  const read = readRange(text);
  if ("wrong" in read) throw new TypeError(`${text} ${read.wrong}`);
  return read.range;
}
