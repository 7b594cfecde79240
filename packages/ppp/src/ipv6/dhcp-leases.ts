/** What a DHCPv6 client holds: each lease with its own times, as a Reply may leave some out (RFC 8415 §18.2.10.1). */
import type { Association, Lease } from "./dhcp-message.ts";

/** The kinds of association that a client has, one of each. */
export const KINDS = ["addresses", "prefixes"] as const;
export type Kind = (typeof KINDS)[number];

/** A lease, and when it is to be renewed, asked of anybody, not preferred any more, and over; milliseconds. */
interface Held {
  readonly what: string;
  readonly renewAt: number;
  readonly rebindAt: number;
  readonly preferredUntil: number;
  readonly validUntil: number;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Leases of one kind that are held: a server that gives ever new ones fills no memory, and no message. */
const MAXIMUM_LEASES = 16;
/** As seconds: for ever. */
const INFINITY = 0xffffffff;

const end = (now: number, seconds: number): number => (seconds >= INFINITY ? NEVER : now + seconds * 1000);
const left = (now: number, until: number): number =>
  until === NEVER ? INFINITY : Math.max(0, Math.floor((until - now) / 1000));

/** See the file's head. */
export class HeldLeases {
  #held: Readonly<Record<Kind, readonly Held[]>> = { addresses: [], prefixes: [] };

  /** When the first of them is to be renewed, asked of anybody, and over. */
  get renewAt(): number {
    return this.#first(({ renewAt }) => renewAt);
  }
  get rebindAt(): number {
    return this.#first(({ rebindAt }) => rebindAt);
  }
  get expireAt(): number {
    return this.#first(({ validUntil }) => validUntil);
  }

  #first(when: (held: Held) => number): number {
    return Math.min(NEVER, ...KINDS.flatMap((kind) => this.#held[kind].map(when)));
  }

  get isEmpty(): boolean {
    return KINDS.every((kind) => this.#held[kind].length === 0);
  }

  /** With the time that each has left. */
  at(now: number): Record<Kind, Lease[]> {
    const leases = (kind: Kind) =>
      this.#held[kind].map(({ what, preferredUntil, validUntil }) => ({
        what,
        preferredS: left(now, preferredUntil),
        validS: left(now, validUntil),
      }));
    return { addresses: leases("addresses"), prefixes: leases("prefixes") };
  }

  /** Takes what a Reply says of one association: what it leaves out stays as it is, what has no time left goes. */
  merge(now: number, kind: Kind, { leases, t1S, t2S }: Association): void {
    const alive = leases.filter(({ validS }) => validS > 0);
    // 0 leaves the times to us (RFC 8415 §21.4): half and eight tenths.
    const preferredS = Math.max(1, Math.min(INFINITY, ...alive.map((lease) => lease.preferredS)));
    const share = (of: number) => (preferredS === INFINITY ? INFINITY : Math.floor(preferredS * of));
    const t1 = Math.max(1, t1S > 0 ? t1S : share(0.5));
    const t2 = Math.max(t1, t2S > 0 ? t2S : share(0.8));
    const told = new Set(leases.map(({ what }) => what));
    const once = new Map(alive.map((lease) => [lease.what, lease]));
    const fresh = [...once.values()].map((lease) => ({
      what: lease.what,
      renewAt: end(now, t1),
      rebindAt: end(now, t2),
      preferredUntil: end(now, lease.preferredS),
      validUntil: end(now, lease.validS),
    }));
    this.#keep(kind, (held) => !told.has(held.what), fresh);
  }

  /** Drops an association that the server knows nothing of. */
  drop(kind: Kind): void {
    this.#keep(kind, () => false);
  }

  /** Drops what is over. @returns whether something was. */
  expire(now: number): boolean {
    if (now < this.expireAt) return false;
    for (const kind of KINDS) this.#keep(kind, ({ validUntil }) => validUntil > now);
    return true;
  }

  clear(): void {
    this.#held = { addresses: [], prefixes: [] };
  }

  #keep(kind: Kind, holds: (held: Held) => boolean, more: readonly Held[] = []): void {
    this.#held = {
      ...this.#held,
      [kind]: [...this.#held[kind].filter(holds), ...more].slice(-MAXIMUM_LEASES),
    };
  }
}
