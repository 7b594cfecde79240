import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { equalConstantTime, hmac, md5, sha1 } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

test("octets are equal when all are, and not when one differs or the lengths do", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (a, at, by) => {
      expect(equalConstantTime(a, a.slice())).toBe(true);
      const other = a.slice();
      other[at % a.length] = (other[at % a.length] as number) ^ by;
      expect(equalConstantTime(a, other)).toBe(false);
      expect(equalConstantTime(a, a.subarray(1))).toBe(false);
      expect(equalConstantTime(a.subarray(1), a)).toBe(false);
    }),
  );
});

test("nothing is not equal to nothing: an empty response never matches an empty secret's", () => {
  expect(equalConstantTime(new Uint8Array(0), new Uint8Array(0))).toBe(false);
});

test("the audited hashes are here under their own names", () => {
  expect(toHex(md5(hex("616263")))).toBe("900150983cd24fb0d6963f7d28e17f72");
  expect(toHex(sha1(hex("616263")))).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  // RFC 2202 §2, test case 1.
  expect(toHex(hmac(md5, hex("0b".repeat(16)), new TextEncoder().encode("Hi There")))).toBe(
    "9294727a3638bb1c13f48ef8158bfc9d",
  );
});
