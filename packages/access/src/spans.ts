/** Ranges that have no address in common, each with a name, in order: finding one takes as many steps as their number has bits. */
import type { AddressRange } from "./address.ts";

interface Span extends AddressRange {
  readonly name: string;
}

/** See the file's head. */
export class Spans {
  readonly #sorted: Record<4 | 6, Span[]> = { 4: [], 6: [] };

  /** The one that has an address in common with `range`. */
  find(range: AddressRange): string | undefined {
    const spans = this.#sorted[range.family];
    if (spans.length === 0) return undefined;
    const before = spans[this.#after(spans, range.last) - 1];
    return before !== undefined && before.last >= range.first ? before.name : undefined;
  }

  /** Adds one; nothing may be there that overlaps it. */
  add(range: AddressRange, name: string): void {
    const spans = this.#sorted[range.family];
    spans.splice(this.#after(spans, range.first), 0, { ...range, name });
  }

  /** Takes out what was added with this name and range. */
  delete(range: AddressRange, name: string): void {
    const spans = this.#sorted[range.family];
    const at = this.#after(spans, range.first) - 1;
    if (spans[at]?.name === name) spans.splice(at, 1);
  }

  get size(): number {
    return this.#sorted[4].length + this.#sorted[6].length;
  }

  clear(): void {
    this.#sorted[4] = [];
    this.#sorted[6] = [];
  }

  /** How many begin at or before `value`. */
  #after(spans: readonly Span[], value: bigint): number {
    let low = 0;
    let high = spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((spans[middle] as Span).first <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
