/** Arithmetic modulo 65,536 against a model that counts step by step. */
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { advance, distance, isAfter, isDuplicate } from "../src/index.ts";

const number16 = fc.oneof(
  fc.integer({ min: 0, max: 65_535 }),
  fc.constantFrom(0, 1, 32_766, 32_767, 32_768, 32_769, 65_534, 65_535),
);

/** The last received number and the preceding 32767 values, written out. */
function duplicatesOf(last: number): Set<number> {
  const all = new Set<number>();
  for (let n = 0, value = last; n < 32_768; n++, value = value === 0 ? 65_535 : value - 1) all.add(value);
  return all;
}

test("a duplicate lies in the range of the last received number and the preceding 32767 values (RFC 2661 §5.8)", () => {
  fc.assert(
    fc.property(number16, fc.array(number16, { maxLength: 50 }), (last, numbers) => {
      const model = duplicatesOf(last);
      for (const ns of [...numbers, last]) expect(isDuplicate(ns, last)).toBe(model.has(ns));
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("with 15 the last received, 0 through 15 and 32784 through 65535 are duplicates, and no others", () => {
  const duplicates = Array.from({ length: 65_536 }, (_, ns) => ns).filter((ns) => isDuplicate(ns, 15));
  const expected = [
    ...Array.from({ length: 16 }, (_, ns) => ns),
    ...Array.from({ length: 65_536 - 32_784 }, (_, n) => 32_784 + n),
  ];
  expect(duplicates).toEqual(expected);
});

test("advance and distance are steps forward; isAfter is at most 32,767 of them", () => {
  fc.assert(
    fc.property(number16, fc.integer({ min: 0, max: 70_000 }), (from, steps) => {
      let model = from;
      for (let step = 0; step < steps; step++) model = model === 65_535 ? 0 : model + 1;
      expect(advance(from, steps)).toBe(model);
      expect(advance(model, -steps)).toBe(from);
      const apart = steps % 65_536;
      expect(distance(from, model)).toBe(apart);
      expect(isAfter(model, from)).toBe(apart > 0 && apart < 32_768);
    }),
    { numRuns: 100, seed: 1 },
  );
});
