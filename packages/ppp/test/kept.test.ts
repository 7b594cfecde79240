import { expect, test } from "vitest";
import { keep, NOTHING, octetsIn } from "../src/kept.ts";

test("octets that are kept are the same octets afterwards, however many, and compare as they are", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(octetsIn(keep(all))).toEqual(all);
  expect(keep(all)).toBe(keep(all.slice()));
  expect(keep(all)).not.toBe(keep(all.subarray(1)));
  expect(keep(new Uint8Array(0))).toBe(NOTHING);
  const frame = Uint8Array.from({ length: 65_535 }, (_, i) => i * 7);
  expect(octetsIn(keep(frame))).toEqual(frame);
});
