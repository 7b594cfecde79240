/** When the heap is collected though V8 would not yet. */
import { describe, expect, it } from "vitest";
import { Rest } from "../src/heap.ts";

const MB = 1e6;

/** Looks until it is time to collect, at most so often. @returns how many it took; -1: it never was */
function looksUntilDue(rest: Rest, used: (look: number) => number, most = 200): number {
  for (let look = 1; look <= most; look++) if (rest.look(used(look))) return look;
  return -1;
}

/** At rest, with 100 MB that live. */
function settled(): Rest {
  const rest = new Rest();
  expect(looksUntilDue(rest, () => 150 * MB)).toBeGreaterThan(0);
  rest.collected(100 * MB);
  return rest;
}

describe("a heap at rest", () => {
  it("is collected after half a minute", () => {
    expect(looksUntilDue(settled(), () => 120 * MB)).toBe(61);
  });

  it("is left alone while calls come in", () => {
    expect(looksUntilDue(settled(), (look) => (100 + 4 * look) * MB)).toBe(-1);
  });

  it("is left alone when the last calls are not half a minute ago", () => {
    const rest = settled();
    for (let look = 0; look < 300; look++)
      expect(rest.look((100 + 4 * Math.floor(look / 55)) * MB)).toBe(false);
  });

  it("is left alone when there is little to be gained", () => {
    expect(looksUntilDue(settled(), () => 110 * MB)).toBe(-1);
  });

  it("is rest, too, while keep-alives leave a little garbage", () => {
    expect(looksUntilDue(settled(), (look) => (100 + 0.3 * look) * MB)).toBe(60);
  });

  it("is collected when much of what lived has ended and been collected in part", () => {
    const rest = settled();
    expect(looksUntilDue(rest, () => 40 * MB)).toBe(-1);
    expect(looksUntilDue(rest, () => 60 * MB)).toBeGreaterThan(0);
  });
});
