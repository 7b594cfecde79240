import { expect, test } from "vitest";
import { formatAddress, formatDuration } from "../src/text.ts";

test("durations and addresses are written as people read them", () => {
  expect([850, 42_000, 190_000, 18_120_000, 1_047_600_000].map(formatDuration)).toEqual([
    "850 ms",
    "42 s",
    "3 min 10 s",
    "5 h 2 min",
    "12 d 3 h",
  ]);
  expect(formatAddress({ address: "2001:db8::1", port: 1701 })).toBe("[2001:db8::1]:1701");
  expect(formatAddress({ address: "192.0.2.1", port: 0 })).toBe("192.0.2.1");
});
