/**
 * What is kept in mind about addresses, so that one of them cannot use up what is there for all: token buckets and
 * counts, for a bounded number of addresses.
 */
import type { Instant } from "@l2tp/protocol";
import type { Limits } from "./parameters.ts";

/** So many at once, and so many more each second. */
export class TokenBucket {
  #tokens: number;
  #at: Instant;
  #perSecond = 0;
  #burst = 0;

  constructor(now: Instant, rate: readonly [perSecond: number, burst: number]) {
    this.#tokens = rate[1];
    this.#at = now;
    this.limit(rate);
  }

  /** Another rate from now on; what was used up stays so. */
  limit([perSecond, burst]: readonly [perSecond: number, burst: number]): void {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }

  /** Takes one token, if there is one. */
  take(now: Instant): boolean {
    this.#refill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whether there is one. */
  has(now: Instant): boolean {
    this.#refill(now);
    return this.#tokens >= 1;
  }

  #refill(now: Instant): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
  }
}

/** Lines of the log: so many, and how many were left out since the last one. */
export class LineBudget extends TokenBucket {
  #leftOut = 0;

  /** @returns how many were left out before this line; `undefined`: this one is left out, too. */
  line(now: Instant, all: TokenBucket): number | undefined {
    if (!this.take(now) || !all.take(now)) {
      this.#leftOut++;
      return undefined;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}

/** Counters of a peer's address; part of the statistics. */
export interface SourceStatistics {
  tunnelsOpened: number;
  tunnelsEstablished: number;
  tunnelsRefused: number;
  sessionsEstablished: number;
  sessionsRefused: number;
  badAuthentications: number;
  rateLimited: number;
  messagesReceived: number;
  discarded: number;
}

/** What is known of one address; `T` is what a tunnel is. */
export class Source<T> {
  /** Tunnels not yet established, closing ones that never were included. */
  halfOpen = 0;
  /** Its tunnels that have not ended. */
  readonly open = new Set<T>();
  readonly statistics: SourceStatistics = {
    tunnelsOpened: 0,
    tunnelsEstablished: 0,
    tunnelsRefused: 0,
    sessionsEstablished: 0,
    sessionsRefused: 0,
    badAuthentications: 0,
    rateLimited: 0,
    messagesReceived: 0,
    discarded: 0,
  };
  #limits: Limits;
  readonly #now: Instant;
  #sccrq: TokenBucket | undefined;
  #calls: TokenBucket | undefined;
  #bad: TokenBucket | undefined;
  #lines: LineBudget | undefined;
  #discards: LineBudget | undefined;
  #refusals: TokenBucket | undefined;

  constructor(now: Instant, limits: Limits) {
    this.#now = now;
    this.#limits = limits;
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.#sccrq?.limit(limits.sourceSccrq);
    this.#calls?.limit(limits.sourceCalls);
    this.#bad?.limit(limits.sourceBadAuthentication);
    this.#lines?.limit(limits.sourceNotices);
    this.#discards?.limit(limits.sourceNotices);
    this.#refusals?.limit(limits.sourceRefusals);
  }

  // Made when first needed: most addresses need one or two of them.
  get sccrq(): TokenBucket {
    this.#sccrq ??= new TokenBucket(this.#now, this.#limits.sourceSccrq);
    return this.#sccrq;
  }
  get calls(): TokenBucket {
    this.#calls ??= new TokenBucket(this.#now, this.#limits.sourceCalls);
    return this.#calls;
  }
  get badAuthentication(): TokenBucket {
    this.#bad ??= new TokenBucket(this.#now, this.#limits.sourceBadAuthentication);
    return this.#bad;
  }
  /** Lines of the log. */
  get lines(): LineBudget {
    this.#lines ??= new LineBudget(this.#now, this.#limits.sourceNotices);
    return this.#lines;
  }
  /** Lines about datagrams that were dropped: apart, so that a flood of those leaves nothing else unsaid. */
  get discards(): LineBudget {
    this.#discards ??= new LineBudget(this.#now, this.#limits.sourceNotices);
    return this.#discards;
  }
  get refusals(): TokenBucket {
    this.#refusals ??= new TokenBucket(this.#now, this.#limits.sourceRefusals);
    return this.#refusals;
  }
}

/** All addresses in mind; those with tunnels stay, of the others the oldest go when there are too many. */
export class Sources<T> {
  #limits: Limits;
  readonly #byAddress = new Map<string, Source<T>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Other limits from now on. Addresses beyond their number go when others come. */
  limit(limits: Limits): void {
    this.#limits = limits;
    for (const source of this.#byAddress.values()) source.limit(limits);
  }

  of(now: Instant, address: string): Source<T> {
    const known = this.#byAddress.get(address);
    if (known !== undefined) return known;
    if (this.#byAddress.size >= this.#limits.sources) this.#forgetOldest();
    const source = new Source<T>(now, this.#limits);
    this.#byAddress.set(address, source);
    return source;
  }

  *entries(): IterableIterator<readonly [address: string, source: Source<T>]> {
    yield* this.#byAddress.entries();
  }

  /** Looks at a few of the oldest only: a flood of addresses must not make each datagram a long search. */
  #forgetOldest(): void {
    let looked = 0;
    for (const [address, source] of this.#byAddress) {
      if (source.open.size === 0 && source.halfOpen === 0) {
        this.#byAddress.delete(address);
        return;
      }
      // It has tunnels: to the end of the queue with it.
      this.#byAddress.delete(address);
      this.#byAddress.set(address, source);
      if (++looked >= 8) return;
    }
  }
}
