/**
 * A hierarchical timer wheel: due times for integer keys, in a few typed arrays and nothing else. It has no
 * clock; `now` comes in as a parameter.
 *
 * Four levels of 256 buckets: a bucket of level 0 is one tick, of level 1 256 ticks, and so on. A timer lies in
 * the level that its distance asks for, and moves down (cascades) when its bucket's time comes. Buckets are
 * circular lists, linked through two arrays that hold a node for each bucket and then one for each key.
 *
 * Moving a timer to a later time, the everyday case, only stores the time: when its old bucket comes up, the
 * timer is seen to be not yet due and is put where it belongs.
 */
import type { Instant } from "@l2tp/protocol";

const LEVELS = 4;
const BUCKETS = 256;
const MASK = BUCKETS - 1;
/** Ticks that all levels together reach; a timer beyond waits in the farthest bucket and is put in again. */
const REACH = BUCKETS ** LEVELS;
/** Ticks of one bucket, by level. */
const SPAN = [1, BUCKETS, BUCKETS ** 2, BUCKETS ** 3] as const;
/** The bucket of what was due already when it was armed. */
const OVERDUE = LEVELS * BUCKETS;
const FIRST_KEY = OVERDUE + 1;
/** Marks the node of a key that is not armed. */
const IDLE = -1;
/** So many timers of one bucket are looked at to tell the next wake exactly. */
const LOOK_AT_MOST = 64;
/** {@link TimerWheel} does not know the next wake and has to look. */
const UNKNOWN = -1;

/** What a wheel may be told when it is made. */
export interface TimerWheelOptions {
  /** Milliseconds of one tick, a whole number: how late a timer may be. Default 10. */
  readonly tickMs?: number;
  /** Keys to make room for at once; the wheel grows as keys are armed. Default 64. */
  readonly keys?: number;
}

/**
 * Timers by integer key, for any number of them with one real timer armed.
 *
 * - A timer never expires early: {@link expire} gives a key only when `now` is at or after its due time.
 * - It is late by less than one tick: what is due at `d` expires once `now` is at or after `d` rounded up to a
 *   whole tick.
 * - Keys expire by tick; within a tick in an order that depends on the calls made and nothing else.
 * - Arming a key again moves it; a key has one due time. A key that expired is not armed any more.
 *
 * Memory: 16 octets for each key from 0 to the highest ever armed, and 8 KiB.
 *
 * @example
 * ```ts
 * const wheel = new TimerWheel({ tickMs: 10 });
 * wheel.arm(7, now + 1000);
 * for (let key = wheel.expire(now); key >= 0; key = wheel.expire(now)) retransmit(key);
 * ```
 */
export class TimerWheel {
  /** Milliseconds of one tick. */
  readonly tickMs: number;
  /** Every tick up to and including this one has expired. */
  #tick = 0;
  /** No timer expires before this tick; {@link UNKNOWN} when that must be looked up. */
  #wake = UNKNOWN;
  #armed = 0;
  #due: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;

  /** @throws RangeError when `tickMs` is not a whole number from 1. */
  constructor({ tickMs = 10, keys = 64 }: TimerWheelOptions = {}) {
    // Only then is each tick's time a number without rounding, and no timer a hair too early.
    if (!(Number.isInteger(tickMs) && tickMs > 0)) {
      throw new RangeError(`tickMs: a whole number of milliseconds from 1 was expected, got ${tickMs}`);
    }
    this.tickMs = tickMs;
    this.#due = new Float64Array(keys);
    this.#next = new Int32Array(FIRST_KEY + keys).fill(IDLE);
    this.#previous = new Int32Array(FIRST_KEY + keys).fill(IDLE);
    for (let bucket = 0; bucket < FIRST_KEY; bucket++) {
      this.#next[bucket] = bucket;
      this.#previous[bucket] = bucket;
    }
  }

  /** How many timers are armed. */
  get size(): number {
    return this.#armed;
  }

  /** @returns when `key` is due, or undefined when it is not armed. */
  dueAt(key: number): Instant | undefined {
    return this.isArmed(key) ? this.#due[key] : undefined;
  }

  isArmed(key: number): boolean {
    return (this.#next[key + FIRST_KEY] ?? IDLE) !== IDLE;
  }

  /**
   * Arms `key`, or moves it. A due time in the past is fine: the next {@link expire} gives it.
   *
   * @param key - a small whole number from 0: memory is used up to the highest.
   * @throws RangeError when `due` is not a finite number, or `key` no whole number from 0.
   */
  arm(key: number, due: Instant): void {
    if (!Number.isFinite(due)) {
      throw new RangeError(`timer ${key}: a finite due time was expected, got ${due}`);
    }
    if (key >= this.#due.length || !(key >= 0)) this.#grow(key);
    const node = key + FIRST_KEY;
    if (this.#next[node] !== IDLE) {
      const earlier = due < (this.#due[key] as number);
      this.#due[key] = due;
      if (!earlier) return;
      this.#unlink(node);
    } else {
      this.#due[key] = due;
      this.#armed++;
    }
    const tick = this.#tickAtOrAfter(due);
    this.#link(node, tick);
    if (tick < this.#wake) this.#wake = tick;
  }

  /** Disarms `key`; nothing happens when it is not armed. */
  cancel(key: number): void {
    if (!this.isArmed(key)) return;
    this.#unlink(key + FIRST_KEY);
    this.#next[key + FIRST_KEY] = IDLE;
    this.#armed--;
  }

  /**
   * When to call {@link expire} next: the first due time rounded up to a tick, or sooner, when a timer was cancelled
   * or moved since, or so many are due about then that looking through them would cost more than a wake in vain.
   */
  nextWake(): Instant | undefined {
    if (this.#armed === 0) return undefined;
    if (this.#next[OVERDUE] !== OVERDUE) return this.#tick * this.tickMs;
    if (this.#wake === UNKNOWN) this.#wake = this.#nextOccupied(true);
    return this.#wake * this.tickMs;
  }

  /**
   * Takes the next timer that is due. Call until it returns -1; between the calls timers may be armed and
   * cancelled, and one armed for a time that has passed is given by the same run of calls.
   *
   * @returns a key, which is not armed any more, or -1 when nothing (else) is due.
   */
  expire(now: Instant): number {
    const target = this.#tickAtOrBefore(now);
    if (this.#armed === 0) {
      if (target > this.#tick) this.#tick = target;
      this.#wake = UNKNOWN;
      return -1;
    }
    if (this.#wake > target && this.#next[OVERDUE] === OVERDUE) return -1;
    this.#wake = UNKNOWN;
    for (;;) {
      const key = this.#take(OVERDUE) ?? this.#take(this.#tick & MASK);
      if (key !== undefined) return key;
      if (this.#tick >= target) return -1;
      const occupied = this.#nextOccupied(false);
      this.#tick = Math.min(target, occupied);
      if (this.#tick === occupied) this.#cascade();
    }
  }

  /** Takes the first timer of a bucket that is really due; those moved to a later time go where they belong. */
  #take(bucket: number): number | undefined {
    for (;;) {
      const node = this.#next[bucket] as number;
      if (node === bucket) return undefined;
      this.#unlink(node);
      const tick = this.#tickAtOrAfter(this.#due[node - FIRST_KEY] as number);
      if (tick > this.#tick) {
        this.#link(node, tick);
        continue;
      }
      this.#next[node] = IDLE;
      this.#armed--;
      return node - FIRST_KEY;
    }
  }

  /**
   * The first tick after the present one at which a bucket with something in it begins, of whatever level.
   *
   * @param look - look into that bucket, when it is of a higher level, for the first tick that is due.
   */
  #nextOccupied(look: boolean): number {
    let first = Number.POSITIVE_INFINITY;
    for (let level = 0; level < LEVELS; level++) {
      const span = SPAN[level] as number;
      const block = Math.floor(this.#tick / span);
      for (let ahead = 1; ahead <= BUCKETS; ahead++) {
        const start = (block + ahead) * span;
        if (start >= first) break;
        const bucket = level * BUCKETS + ((block + ahead) & MASK);
        if (this.#next[bucket] === bucket) continue;
        first = look && level > 0 ? Math.min(first, this.#firstTickIn(bucket, start, span)) : start;
        break;
      }
    }
    return first;
  }

  /**
   * The first tick due in a bucket of the `span` ticks from `start`; just `start` when it holds too many to look
   * through, or one that was moved beyond it.
   */
  #firstTickIn(bucket: number, start: number, span: number): number {
    let first = Number.POSITIVE_INFINITY;
    let left = LOOK_AT_MOST;
    for (let node = this.#next[bucket] as number; node !== bucket; node = this.#next[node] as number) {
      const tick = this.#tickAtOrAfter(this.#due[node - FIRST_KEY] as number);
      if (left-- === 0 || tick >= start + span) return start;
      first = Math.min(first, tick);
    }
    return first;
  }

  /** Moves what lies in the higher levels' buckets that begin at the present tick down to where it belongs. */
  #cascade(): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      const span = SPAN[level] as number;
      if (this.#tick % span !== 0) continue;
      const bucket = level * BUCKETS + ((this.#tick / span) & MASK);
      // Ends, for none comes back: the bucket begins now, so that whatever it would take again is a whole round away.
      for (let node = this.#next[bucket] as number; node !== bucket; node = this.#next[bucket] as number) {
        this.#unlink(node);
        this.#link(node, this.#tickAtOrAfter(this.#due[node - FIRST_KEY] as number));
      }
    }
  }

  /** Puts a node at the end of the bucket for `tick`. */
  #link(node: number, tick: number): void {
    const ahead = tick - this.#tick;
    let bucket: number;
    if (ahead <= 0) bucket = OVERDUE;
    else if (ahead < BUCKETS) bucket = tick & MASK;
    else if (ahead < BUCKETS ** 2) bucket = BUCKETS + ((tick >>> 8) & MASK);
    else if (ahead < BUCKETS ** 3) bucket = 2 * BUCKETS + ((tick >>> 16) & MASK);
    else if (ahead < REACH) bucket = 3 * BUCKETS + ((tick >>> 24) & MASK);
    else bucket = 3 * BUCKETS + (((this.#tick >>> 24) - 1) & MASK);
    const last = this.#previous[bucket] as number;
    this.#next[node] = bucket;
    this.#previous[node] = last;
    this.#next[last] = node;
    this.#previous[bucket] = node;
  }

  #unlink(node: number): void {
    const next = this.#next[node] as number;
    const previous = this.#previous[node] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #tickAtOrAfter(due: Instant): number {
    return Math.ceil(due / this.tickMs);
  }

  #tickAtOrBefore(now: Instant): number {
    return Math.floor(now / this.tickMs);
  }

  #grow(key: number): void {
    if (!(Number.isInteger(key) && key >= 0)) {
      throw new RangeError(`a timer's key must be a whole number from 0, got ${key}`);
    }
    const keys = Math.max(key + 1, this.#due.length * 2);
    const due = new Float64Array(keys);
    const next = new Int32Array(FIRST_KEY + keys).fill(IDLE);
    const previous = new Int32Array(FIRST_KEY + keys).fill(IDLE);
    due.set(this.#due);
    next.set(this.#next);
    previous.set(this.#previous);
    this.#due = due;
    this.#next = next;
    this.#previous = previous;
  }
}
