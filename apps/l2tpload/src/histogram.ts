/** Latencies: any number of them in a few kilobytes, which threads can send each other and add up. */

/** Buckets for each doubling: the value told is at most 1.1 % from the true one. */
const STEPS = 64;
/** From 1 µs to 2^40 µs, twelve days. */
const DOUBLINGS = 40;

/** What is told of a histogram, in milliseconds. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** A histogram as plain data. */
export interface HistogramData {
  readonly counts: Float64Array;
  readonly max: number;
  readonly sum: number;
}

/** Milliseconds, counted in buckets whose width grows with the value. */
export class Histogram {
  #counts = new Float64Array(STEPS * DOUBLINGS);
  #count = 0;
  #max = 0;
  #sum = 0;

  get count(): number {
    return this.#count;
  }

  record(ms: number): void {
    const bucket = Math.floor(Math.log2(Math.max(1, ms * 1_000)) * STEPS);
    const at = Math.min(bucket, this.#counts.length - 1);
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#count++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  /** The latency that the share `part` (0 … 1) of all is not above; NaN when there is none. */
  quantile(part: number): number {
    if (this.#count === 0) return Number.NaN;
    let left = Math.ceil(part * this.#count);
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (count > 0 && left <= 0) return Math.min(this.#max, 2 ** ((bucket + 0.5) / STEPS) / 1_000);
    }
    return this.#max;
  }

  add(other: HistogramData): void {
    for (const [bucket, count] of other.counts.entries()) {
      if (count === 0) continue;
      this.#counts[bucket] = (this.#counts[bucket] as number) + count;
      this.#count += count;
    }
    this.#sum += other.sum;
    this.#max = Math.max(this.#max, other.max);
  }

  data(): HistogramData {
    return { counts: this.#counts, max: this.#max, sum: this.#sum };
  }

  /** @returns undefined when nothing was recorded. */
  summary(): Summary | undefined {
    if (this.#count === 0) return undefined;
    const [p50, p90, p99] = [this.quantile(0.5), this.quantile(0.9), this.quantile(0.99)];
    return { count: this.#count, p50, p90, p99, max: this.#max, mean: this.#sum / this.#count };
  }
}
