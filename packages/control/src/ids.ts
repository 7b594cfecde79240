/**
 * IDs of 16 bits: unpredictable (RFC 2661 §9.1), never 0, and not given again for a full retransmission cycle after
 * their end, nor while the data plane still has what bore them.
 */
import type { Instant } from "@l2tp/protocol";
import type { RandomSource } from "./random.ts";

const IDS = 65_535;
/** With so many of them taken, guessing takes too long: the next free one after a random one is used. */
const TRIES = 16;

/** IDs that rest, of one tunnel's sessions or of all tunnels. */
export class RestingIds {
  /** When each may be given again; Infinity while the data plane has it. */
  readonly #until = new Map<number, Instant>();

  get size(): number {
    return this.#until.size;
  }

  has(id: number): boolean {
    return this.#until.has(id);
  }

  /** @param until - `Infinity`: until it is put to rest anew. */
  rest(id: number, until: Instant): void {
    this.#until.delete(id);
    this.#until.set(id, until);
  }

  /** Frees this one if it has rested long enough. */
  wake(id: number, now: Instant): void {
    const until = this.#until.get(id);
    if (until !== undefined && until <= now) this.#until.delete(id);
  }

  /** Frees what has rested long enough. @returns when to look again, or undefined when nothing rests for a time. */
  purge(now: Instant): Instant | undefined {
    let next: Instant | undefined;
    for (const [id, until] of this.#until) {
      if (until <= now) this.#until.delete(id);
      else if (until !== Number.POSITIVE_INFINITY && (next === undefined || until < next)) next = until;
    }
    return next;
  }
}

/** @returns a random ID that is neither taken nor resting, or undefined when there is none. */
export function freeId(random: RandomSource, isTaken: (id: number) => boolean): number | undefined {
  let id = 0;
  for (let n = 0; n < TRIES; n++) {
    id = random.u16();
    if (id !== 0 && !isTaken(id)) return id;
  }
  for (let n = 0; n < IDS; n++) {
    id = (id % IDS) + 1;
    if (!isTaken(id)) return id;
  }
  return undefined;
}
