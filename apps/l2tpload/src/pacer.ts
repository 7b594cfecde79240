/** When to begin the next one: at a rate, whatever the peer does (open loop), or as others are done (closed loop). */
import type { Instant } from "@l2tp/protocol";

/** See the file's head. */
export class Pacer {
  readonly #rate: number;
  readonly #atOnce: number;
  #from: Instant | undefined;
  #begun = 0;

  /** @param rate - per second; 0: as fast as `atOnce` allows. */
  constructor(rate: number, atOnce: number) {
    this.#rate = rate;
    this.#atOnce = atOnce;
  }

  /** How many to begin now, while so many are under way; the first one at once. */
  allowed(now: Instant, underWay: number): number {
    const room = this.#atOnce - underWay;
    if (this.#rate === 0) return Math.max(0, room);
    this.#from ??= now;
    const due = Math.floor(((now - this.#from) / 1_000) * this.#rate) + 1 - this.#begun;
    return Math.max(0, Math.min(room, due));
  }

  /** When the rate allows the next one; undefined in a closed loop, and before the first. */
  next(): Instant | undefined {
    if (this.#rate === 0 || this.#from === undefined) return undefined;
    return this.#from + (this.#begun / this.#rate) * 1_000;
  }

  begun(): void {
    this.#begun++;
  }
}
