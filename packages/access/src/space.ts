/**
 * Which units of a pool are free. Those never given come first, in order; then those given back, the one that has been
 * free for longest first, so that its last user has the best chance to find it again.
 */
import type { Units } from "./units.ts";

/** The units of one sort of one pool, and where the next free one is. */
export class Space {
  readonly units: Units;
  /** How many are held; whoever holds and frees keeps it. */
  used = 0;
  /** All units from this one on have never been given from here (but may be held). */
  #fresh = 0;
  #returned: number[] = [];
  #head = 0;
  readonly #queued = new Set<number>();

  constructor(units: Units) {
    this.units = units;
  }

  /** A unit that is not `held`, or `undefined` when there is none. Each unit is looked at once per turn of the queue. */
  take(held: (unit: string) => boolean): string | undefined {
    while (this.#fresh < this.units.size) {
      const unit = this.units.at(this.#fresh++);
      if (!held(unit)) return unit;
    }
    while (this.#head < this.#returned.length) {
      const index = this.#returned[this.#head++] as number;
      this.#queued.delete(index);
      this.#compact();
      const unit = this.units.at(index);
      // It may have gone to its last user meanwhile: it comes back here when that one is done.
      if (!held(unit)) return unit;
    }
    return undefined;
  }

  /** The unit is free again. */
  give(unit: string): void {
    const index = this.units.indexOf(unit);
    if (index < 0 || index >= this.#fresh || this.#queued.has(index)) return;
    this.#queued.add(index);
    this.#returned.push(index);
  }

  /** The part of the queue that was read goes when it is the larger one: each unit is moved less than once for each read. */
  #compact(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#returned.length) return;
    this.#returned = this.#returned.slice(this.#head);
    this.#head = 0;
  }
}
