/**
 * Lets operations begin a few at a time. A thousand tunnels that are asked for in one breath would otherwise open a
 * thousand sockets before the event loop does anything else; and as many that end, forget ten thousand sessions.
 */

/** Under way at the same time: the kernel works off one after the other, and what is answered together goes on together. */
const CONCURRENT = 8;
/** Operations begin for so long, then other work gets its turn. */
const SLICE_MS = 5;

export class Pacer {
  readonly #waiting: (() => void)[] = [];
  #head = 0;
  #active = 0;
  #scheduled = false;
  #turnEnd: number | undefined;
  /** Ends that are yet to begin. */
  readonly #ending: (() => void)[] = [];
  #ended = 0;
  #goingOn = false;
  /** Begun at once in this turn: what they set going is yet to be seen. */
  #endsNow = 0;

  /**
   * Runs an operation when its turn comes: at once when few are under way. It must not wait for others that are yet to
   * begin here.
   */
  run<T>(operation: () => Promise<T>): Promise<T> {
    const free = this.#active < CONCURRENT && this.#head === this.#waiting.length && !this.#scheduled;
    if (free && this.#hasTime()) return this.#begin(operation);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => this.#begin(operation).then(resolve, reject));
      this.#schedule();
    });
  }

  /**
   * Begins the end of something: at once while this turn of the event loop has time, else in one of the next, in order.
   * However many are under way; so it may wait for what it likes.
   */
  end<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.#goingOn && this.#hasTime() && this.#endsNow++ < CONCURRENT) return operation();
    return new Promise((resolve, reject) => {
      this.#ending.push(() => operation().then(resolve, reject));
      if (this.#goingOn) return;
      this.#goingOn = true;
      setImmediate(() => this.#goOn());
    });
  }

  /** One at a time, as what it sets going (promises that settle) is part of the turn. */
  #goOn(): void {
    const next = this.#ending[this.#ended++];
    next?.();
    if (this.#ended === this.#ending.length) {
      this.#ending.length = 0;
      this.#ended = 0;
      this.#goingOn = false;
    } else if (this.#hasTime()) queueMicrotask(() => this.#goOn());
    else setImmediate(() => this.#goOn());
  }

  /** Whether this turn of the event loop has time for one more: those that begin at once are work, too. */
  #hasTime(): boolean {
    const now = performance.now();
    if (this.#turnEnd === undefined) {
      this.#turnEnd = now + SLICE_MS;
      setImmediate(() => {
        this.#turnEnd = undefined;
        this.#endsNow = 0;
      });
    }
    return now < this.#turnEnd;
  }

  async #begin<T>(operation: () => Promise<T>): Promise<T> {
    this.#active++;
    try {
      return await operation();
    } finally {
      this.#active--;
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#head === this.#waiting.length || this.#active >= CONCURRENT) return;
    this.#scheduled = true;
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    const end = performance.now() + SLICE_MS;
    while (this.#active < CONCURRENT && this.#head < this.#waiting.length && performance.now() < end) {
      const next = this.#waiting[this.#head++];
      next?.();
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    }
    this.#scheduled = false;
    this.#schedule();
  }
}
