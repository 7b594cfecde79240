/** What was measured of several contenders in several rounds, and the medians of their ratios. */
import { median } from "./measure.ts";

/** Samples of all contenders, by name, a list with one for each round. */
export class Samples<T> {
  readonly #all = new Map<string, T[]>();

  add(name: string, sample: T): void {
    this.#all.set(name, [...this.of(name), sample]);
  }

  has(name: string): boolean {
    return this.#all.has(name);
  }

  of(name: string): readonly T[] {
    return this.#all.get(name) ?? [];
  }

  median(name: string, pick: (sample: T) => number): number {
    return median(this.of(name).map(pick));
  }

  /** One contender's figure to another's, round by round. */
  ratios(name: string, reference: string, pick: (sample: T) => number): number[] {
    const references = this.of(reference).map(pick);
    return this.of(name).map((sample, i) => pick(sample) / (references[i] ?? Number.NaN));
  }

  /** The median of {@link ratios}. */
  ratio(name: string, reference: string, pick: (sample: T) => number): number {
    return median(this.ratios(name, reference, pick));
  }
}

/** Of both directions. */
export const mean = ({ down, up }: { readonly down: number; readonly up: number }): number => (down + up) / 2;
