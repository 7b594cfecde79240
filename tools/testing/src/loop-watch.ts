/**
 * How long the event loop is held up, told apart: by work of its own thread, or because the machine gave it no processor.
 * In an emulated machine of two processors, where the kernel and the data plane's threads work as well, both happen.
 */
import { openSync, readSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";

const TICK_MS = 5;
const USUAL = 0.9;
const MOST = 0.99;
const MOSTLY = 0.75;

/** Milliseconds. */
export interface LoopReport {
  readonly ticks: number;
  /** Between two ticks: time that the loop's thread ran, of 90 %, of 99 % and of the longest. What it did before it let go. */
  readonly ranUsual: number;
  readonly ranMost: number;
  readonly ranLongest: number;
  /** Three quarters of the time that the thread ran passed in turns no longer than this: see {@link longTurns}. */
  readonly ranMostly: number;
  /** How late the ticks were, most and the latest, by the clock: with the waits for a processor. */
  readonly lateMost: number;
  readonly latest: number;
  /** Of the latest tick: how long the thread was ready to run, and others had the processors. */
  readonly waitedThen: number;
  /** The longest collection of garbage. */
  readonly collecting: number;
}

/** Open for good: the watching is part of what is watched, and to open a file is most of reading one. */
let schedstat: number | undefined;
const text = Buffer.alloc(128);

/** Milliseconds that the main thread ran, and that it was ready to run and waited for a processor. */
function scheduled(): [number, number] {
  schedstat ??= openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const octets = readSync(schedstat, text, 0, text.length, 0);
  const [ran = "0", waited = "0"] = text.toString("latin1", 0, octets).split(" ");
  return [Number(ran) / 1e6, Number(waited) / 1e6];
}

interface Tick {
  readonly ran: number;
  readonly late: number;
  readonly waited: number;
}

/**
 * How long the turns are in which the work is done: `part` of all the time passes in turns no longer than this. One turn
 * that does everything at once counts by what it does, and not as one among hundreds; a few that a host held up count little.
 */
export function longTurns(turns: readonly number[], part: number): number {
  const sorted = [...turns].sort((a, b) => a - b);
  let left = part * sorted.reduce((sum, turn) => sum + turn, 0);
  for (const turn of sorted) {
    left -= turn;
    if (left <= 0) return turn;
  }
  return 0;
}

export class LoopWatch {
  #at = performance.now();
  #last = scheduled();
  #ticks: Tick[] = [];
  #collecting = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);
  readonly #collector = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collecting = Math.max(this.#collecting, duration);
  });

  constructor() {
    this.#collector.observe({ entryTypes: ["gc"] });
  }

  #tick(): void {
    const [ran, waited] = scheduled();
    const now = performance.now();
    const [ranBefore, waitedBefore] = this.#last;
    this.#ticks.push({
      ran: ran - ranBefore,
      late: Math.max(0, now - this.#at - TICK_MS),
      waited: waited - waitedBefore,
    });
    this.#last = [ran, waited];
    this.#at = now;
  }

  /** Begins anew, with the next tick: what the watching itself did before is not counted. */
  async start(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 4 * TICK_MS));
    this.#ticks = [];
    this.#collecting = 0;
  }

  report(): LoopReport {
    // The turn at hand, too.
    this.#tick();
    const sorted = (of: (tick: Tick) => number) => this.#ticks.map(of).sort((a, b) => a - b);
    const ran = sorted(({ ran: value }) => value);
    const late = sorted(({ late: value }) => value);
    const at = (values: readonly number[], part: number) =>
      Math.round(values[Math.floor((values.length - 1) * part)] ?? 0);
    const latest = this.#ticks.reduce((a, b) => (b.late > a.late ? b : a), { ran: 0, late: 0, waited: 0 });
    return {
      ticks: this.#ticks.length,
      ranUsual: at(ran, USUAL),
      ranMost: at(ran, MOST),
      ranLongest: at(ran, 1),
      ranMostly: Math.round(longTurns(ran, MOSTLY)),
      lateMost: at(late, MOST),
      latest: at(late, 1),
      waitedThen: Math.round(latest.waited),
      collecting: Math.round(this.#collecting),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#collector.disconnect();
  }
}
