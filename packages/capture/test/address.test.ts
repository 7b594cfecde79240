import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { formatIpAddress } from "../src/index.ts";
import { hex } from "./octets.ts";

test.each([
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000000", "2001:db8::"],
  ["20010db8000000010000000000000001", "2001:db8:0:1::1"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["20010db8000100010001000100010000", "2001:db8:1:1:1:1:1:0"],
  ["00010000000100010001000100010001", "1:0:1:1:1:1:1:1"],
  ["00000001000100010001000100010000", "0:1:1:1:1:1:1:0"],
  ["fe80000000000000abcdef0123456789", "fe80::abcd:ef01:2345:6789"],
  ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
])("%s is %s", (octets, text) => {
  expect(formatIpAddress(hex(octets))).toBe(text);
});

test("every IPv6 address reads as the platform's own formatting of it does", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const octets = Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff]));
      const text = formatIpAddress(octets);
      if (text.includes(".")) return; // mapped: URL writes it as hex
      const written = groups.map((value) => value.toString(16)).join(":");
      expect(text).toBe(new URL(`http://[${written}]/`).hostname.slice(1, -1));
    }),
    { numRuns: 500 },
  );
});
