import { isIPv4, isIPv6 } from "node:net";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import {
  formatAddress,
  formatRange,
  overlap,
  prefixesOf,
  readAddress,
  readRange,
  within,
} from "../src/index.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["::", "::"],
  ["::1", "::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8::192.0.2.1", "2001:db8::c000:201"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
])("%s is %s", (text, canonical) => {
  const address = readAddress(text);
  expect(address && formatAddress(address)).toBe(canonical);
});

test.each([
  "",
  "192.0.2",
  "192.0.2.256",
  "192.0.2.01",
  "192.0.2.1%eth0",
  ":",
  ":::",
  "1::2::3",
  "12345::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "host.example",
  `1${":".repeat(100_000)}`,
])("%j is no address", (text) => {
  expect(readAddress(text.slice(0, 200))).toBeUndefined();
});

test("any text is an address exactly when Node says so, leading zeros and zones apart", () => {
  const characters = fc.constantFrom(..."0123456789abcdef:.:..::");
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 24 }), (text) => {
      expect(readAddress(text) !== undefined, text).toBe(isIPv4(text) || isIPv6(text));
    }),
    { numRuns: 5_000 },
  );
});

test("what is written is read back as it was", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 128n) - 1n), fc.bigInt(0n, 0xffffffffn), (six, four) => {
      expect(readAddress(formatAddress({ family: 4, value: four }))).toEqual({ family: 4, value: four });
      // An IPv4 address in IPv6's clothes comes back as what it is.
      if (six >> 32n !== 0xffffn) {
        expect(readAddress(formatAddress({ family: 6, value: six }))).toEqual({ family: 6, value: six });
      }
    }),
  );
});

test("a range holds its ends and nothing beside them", () => {
  const read = readRange("192.0.2.10 - 192.0.2.20");
  if ("wrong" in read) throw new Error(read.wrong);
  const at = (text: string) => readAddress(text) ?? { family: 4, value: -1n };
  expect(
    ["192.0.2.9", "192.0.2.10", "192.0.2.20", "192.0.2.21", "::"].map((text) =>
      within(at(text) as never, read.range),
    ),
  ).toEqual([false, true, true, false, false]);
  expect(formatRange(read.range)).toBe("192.0.2.10-192.0.2.20");
});

test.each([
  ["192.0.2.1/24", "has bits beyond its prefix length", "Write 192.0.2.0/24."],
  ["192.0.2.0/33", "has no prefix length from 0 to 32", undefined],
  ["2001:db8::/129", "has no prefix length from 0 to 128", undefined],
  ["192.0.2.0/", "has no prefix length from 0 to 32", undefined],
  ["192.0.2.9-192.0.2.1", "ends before it begins", "Write 192.0.2.1-192.0.2.9."],
  ["192.0.2.1-::1", "begins in one family and ends in the other", undefined],
  ["10.0.0.300", "is no IPv4 address", undefined],
  ["lac.example", "is no IP address", undefined],
])("%s %s", (text, wrong, remedy) => {
  expect(readRange(text)).toEqual(remedy === undefined ? { wrong } : { wrong, remedy });
});

test("two prefixes overlap when one holds the other", () => {
  const range = (text: string) => {
    const read = readRange(text);
    if ("wrong" in read) throw new Error(read.wrong);
    return read.range;
  };
  expect(overlap(range("10.0.0.0/8"), range("10.1.2.3"))).toBe(true);
  expect(overlap(range("10.0.0.0/24"), range("10.0.1.0/24"))).toBe(false);
  expect(overlap(range("0.0.0.0/0"), range("::/0"))).toBe(false);
});

test("a range is the fewest prefixes, which have its addresses and no others", () => {
  const of = (text: string): string[] => {
    const read = readRange(text);
    if ("wrong" in read) throw new Error(read.wrong);
    return prefixesOf(read.range);
  };
  expect(of("10.0.0.0/24")).toEqual(["10.0.0.0/24"]);
  expect(of("10.0.0.1-10.0.0.6")).toEqual(["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]);
  expect(of("0.0.0.0/0")).toEqual(["0.0.0.0/0"]);
  expect(of("::/0")).toEqual(["::/0"]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 4095 }), (a, b) => {
      const [first, last] = [BigInt(Math.min(a, b)), BigInt(Math.max(a, b))];
      const ranges = prefixesOf({ family: 4, first, last }).map((text) => {
        const read = readRange(text);
        if ("wrong" in read) throw new Error(read.wrong);
        return read.range;
      });
      let next = first;
      for (const range of ranges) {
        expect(range.first).toBe(next);
        next = range.last + 1n;
      }
      expect(next).toBe(last + 1n);
    }),
  );
});
