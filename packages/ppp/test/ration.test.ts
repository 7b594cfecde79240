import { expect, test } from "vitest";
import { Ration, type Spent } from "../src/ration.ts";

/** How many of so many tries get one, at each of these times. */
function taken(ration: Ration, times: readonly number[], tries: number): number[] {
  let spent: Spent;
  return times.map((now) => {
    let count = 0;
    for (let i = 0; i < tries; i++) {
      const after = ration.take(spent, now);
      if (after === undefined) continue;
      spent = after;
      count++;
    }
    return count;
  });
}

test("a ration gives so many at once, then so many a second, and saves up no more than at first", () => {
  // From 0.1: as a clock's time is, no number of milliseconds, and sums of it are not exact.
  const at = (ms: number) => 1e9 + 0.1 + ms;
  const times = [at(0), at(49), at(50), at(1050), at(1_000_000)];
  expect(taken(new Ration(100, 20), times, 200)).toEqual([100, 0, 1, 20, 100]);
  expect(taken(new Ration(10, 0.1), [at(0), at(9_999), at(10_000), at(15_000), at(20_000)], 20)).toEqual([
    10, 0, 1, 0, 1,
  ]);
});

test("who has spent nothing has all of it, however early, and a clock that stands still gives nothing back", () => {
  expect(taken(new Ration(3, 1), [0, 0, 0], 2)).toEqual([2, 1, 0]);
});
