import { encapsulationOverhead, interfaceMtu } from "@l2tp/dataplane";
import { expect, test } from "vitest";

test.each([
  [
    "v3 over UDP and IPv4, no cookie, no sublayer",
    { family: 4, encapsulation: "udp" },
    0,
    false,
    20 + 8 + 8 + 14,
  ],
  [
    "v3 over UDP and IPv6, cookie of 8, sublayer",
    { family: 6, encapsulation: "udp" },
    8,
    true,
    40 + 8 + 8 + 8 + 4 + 14,
  ],
  ["v3 over IP and IPv4, cookie of 4", { family: 4, encapsulation: "ip" }, 4, false, 20 + 4 + 4 + 14],
] as const)(
  "the overhead of %s is the sum of its headers",
  (_, around, peerCookieLength, sublayer, octets) => {
    expect(encapsulationOverhead({ ...around, peerCookieLength, sublayer })).toBe(octets);
    expect(interfaceMtu(1_500, { ...around, peerCookieLength, sublayer })).toBe(1_500 - octets);
  },
);

test("PPP in v2 has its own headers, and numbers lengthen them", () => {
  const v2 = {
    family: 4,
    encapsulation: "udp",
    version: 2,
    pseudowire: "ppp",
    peerCookieLength: 0,
    sublayer: false,
  } as const;
  expect(encapsulationOverhead(v2)).toBe(20 + 8 + 6 + 4);
  expect(encapsulationOverhead({ ...v2, sequence: true })).toBe(20 + 8 + 10 + 4);
});

test("an MTU is never less than IPv4's, nor more than a packet can say", () => {
  const around = { family: 4, encapsulation: "udp", peerCookieLength: 0, sublayer: false } as const;
  expect(interfaceMtu(100, around)).toBe(68);
  expect(interfaceMtu(1_000_000, around)).toBe(65_535 - 50);
});
