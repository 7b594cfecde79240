/** Where the mock takes its time from: a clock that the test moves, or a real one. */
import type { Instant } from "@l2tp/protocol";

/** The little that a simulated network needs of time. */
export interface Scheduler {
  now(): Instant;
  /** Runs `task` after `delayMs`; the function returned calls it off. */
  after(delayMs: number, task: () => void): () => void;
}

/** A turn of the event loop. Taken once, so that a test's fake timers do not stop the clock that moves them. */
const turn: (done: () => void) => void =
  (globalThis as { setImmediate?: (done: () => void) => void }).setImmediate ??
  ((done) => setTimeout(done, 0));

/** Lets everything that promises have started come to rest, without time passing on any simulated clock. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 2; turns++) await new Promise<void>((done) => turn(done));
}

interface Task {
  readonly at: Instant;
  /** Tasks of one instant run in the order in which they were set. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** A clock that stands still until it is told to move. Starts at 0. */
export class SimulatedClock implements Scheduler {
  #now: Instant = 0;
  #order = 0;
  /** Binary heap, soonest first. */
  readonly #heap: Task[] = [];

  now(): Instant {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const task: Task = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run, cancelled: false };
    push(this.#heap, task);
    return () => {
      task.cancelled = true;
    };
  }

  /** When the next task is due; `undefined` when none is set. */
  next(): Instant | undefined {
    for (;;) {
      const task = this.#heap[0];
      if (task === undefined) return undefined;
      if (!task.cancelled) return task.at;
      pop(this.#heap);
    }
  }

  /** Moves time forward and runs what becomes due, in order; promises do not get a turn in between. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    while (this.#step(until));
    this.#now = until;
  }

  /** As {@link advance}, and lets promises come to rest before each instant and at the end. */
  async advanceAsync(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settle();
    for (let at = this.next(); at !== undefined && at <= until; at = this.next()) {
      while (this.#step(at));
      await settle();
    }
    this.#now = until;
  }

  /**
   * Jumps from task to task until none is left.
   * @throws Error when there is still something to do after `limitMs`: something re-arms itself for ever.
   */
  async runUntilIdle(limitMs = 3_600_000): Promise<void> {
    const until = this.#now + limitMs;
    await settle();
    for (let at = this.next(); at !== undefined; at = this.next()) {
      if (at > until) throw new Error(`not idle after ${limitMs} ms of simulated time`);
      while (this.#step(at));
      await settle();
    }
  }

  /** Runs one task that is due by `until`. */
  #step(until: Instant): boolean {
    const at = this.next();
    if (at === undefined || at > until) return false;
    const task = pop(this.#heap);
    this.#now = Math.max(this.#now, task.at);
    task.run();
    return true;
  }
}

/** Real time, for tests whose other half runs on real timers. */
export function realTime(): Scheduler {
  return {
    now: () => performance.now(),
    after(delayMs, task) {
      const timer = setTimeout(task, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

const before = (a: Task, b: Task): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Task[], task: Task): void {
  let i = heap.length;
  heap.push(task);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent] as Task;
    if (!before(task, above)) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = task;
}

function pop(heap: Task[]): Task {
  const first = heap[0] as Task;
  const last = heap.pop() as Task;
  if (heap.length > 0) {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Task, heap[child] as Task)) child += 1;
      if (!before(heap[child] as Task, last)) break;
      heap[i] = heap[child] as Task;
      i = child;
    }
    heap[i] = last;
  }
  return first;
}
