import { isIPv6 } from "node:net";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { formatIp, parseIp } from "../src/index.ts";

test.each([
  ["0.0.0.0", "0.0.0.0"],
  ["192.0.2.1", "192.0.2.1"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  // RFC 5952 §4.2.2: one group of zeros alone is not shortened; §4.2.3: of two runs the longest, or the first.
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
])("%s is written %s (RFC 5952)", (text, expected) => {
  expect(formatIp(parseIp(text).octets)).toBe(expected);
});

test("a scope is kept apart", () => {
  expect(parseIp("fe80::1%eth0")).toMatchObject({ scope: "eth0" });
  expect(parseIp("fe80::1").scope).toBeUndefined();
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  ":::",
  "1::2::3",
  "fe80::1%",
  "192.0.2.1%eth0",
  "g::",
  "1.2.3.4/24",
])("%j is refused", (text) => {
  expect(() => parseIp(text)).toThrow(TypeError);
});

test("any 4 or 16 octets come back from their text, which Node takes for an address", () => {
  const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map(Uint8Array.from.bind(Uint8Array));
  fc.assert(
    fc.property(fc.oneof(octets(4), octets(16), sparse), (address) => {
      const text = formatIp(address);
      expect(parseIp(text).octets).toEqual(address);
      if (address.length === 16) expect(isIPv6(text)).toBe(true);
    }),
  );
  expect(() => formatIp(new Uint8Array(5))).toThrow(RangeError);
});
