import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { bestChecksum, complement } from "../src/packet/checksum.ts";
import { CHECKSUM_SCALAR, CHECKSUM_SIMD } from "../src/packet/checksum-wasm.ts";
import { slowSum } from "./support/frames.ts";

const arena = new Arena(200_000);

describe.each(["WebAssembly SIMD", "WebAssembly", "JavaScript"] as const)("the checksum in %s", (using) => {
  const checksum = bestChecksum(arena.memory, arena.u8, using);
  const expected = (offset: number, length: number) =>
    slowSum(arena.u8.subarray(offset, offset + length)) % 65_535;

  test("runs here", () => {
    expect(checksum.using).toBe(using);
  });

  test("is that of RFC 1071 §3's example", () => {
    arena.u8.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 100);
    expect(checksum.sum(100, 8)).toBe(0xddf2);
  });

  test("equals the slow one for any octets at any place and of any length", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 400 }),
        fc.integer({ min: 0, max: 70 }),
        (octets, offset) => {
          arena.u8.set(octets, offset);
          return checksum.sum(offset, octets.length) === expected(offset, octets.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("equals the slow one where carries are as many as can be", () => {
    arena.u8.fill(0xff);
    for (const length of [1, 2, 3, 63, 64, 65, 1_460, 65_535, 65_536]) {
      for (const offset of [0, 1, 2, 3, 5]) {
        expect(checksum.sum(offset, length), `${length} octets at ${offset}`).toBe(expected(offset, length));
      }
    }
  });

  test("of nothing is 0", () => {
    expect(checksum.sum(7, 0)).toBe(0);
  });
});

test("the complement of a sum is what the header carries, with one form of zero", () => {
  expect(complement(0xddf2)).toBe(0x220d);
  expect(complement(0)).toBe(0);
  expect(complement(65_535)).toBe(0);
  expect(complement(65_536)).toBe(0xfffe);
});

test("without WebAssembly it is JavaScript", () => {
  expect(bestChecksum(undefined, new Uint8Array(8)).using).toBe("JavaScript");
});

test.each([CHECKSUM_SIMD, CHECKSUM_SCALAR])(
  "the module from $source is made from the source as it is now",
  (module) => {
    const source = readFileSync(new URL(`../src/packet/${module.source}`, import.meta.url));
    expect(createHash("sha256").update(source).digest("hex")).toBe(module.sourceSha256);
  },
);
