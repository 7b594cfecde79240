import { interfaceMtu, encapsulationOverhead as overhead } from "@l2tp/dataplane";
import { expect, test } from "vitest";

const around = (change: object = {}) =>
  ({ family: 4, encapsulation: "udp", peerCookieLength: 0, sublayer: false, ...change }) as const;

test("the overhead is outer IP, UDP, L2TP header, cookie, sublayer and inner Ethernet header", () => {
  expect(overhead(around())).toBe(20 + 8 + 8 + 14);
  expect(overhead(around({ family: 6 }))).toBe(40 + 8 + 8 + 14);
  expect(overhead(around({ encapsulation: "ip" }))).toBe(20 + 4 + 14);
  expect(overhead(around({ peerCookieLength: 8, sublayer: true }))).toBe(20 + 8 + 8 + 8 + 4 + 14);
});

test("an interface's MTU is what is left of the path's", () => {
  expect(interfaceMtu(1_500, around())).toBe(1_450);
  expect(interfaceMtu(9_000, around({ family: 6, peerCookieLength: 4 }))).toBe(9_000 - 74);
});

test("it stays within what an outer packet can say, and what an interface can have", () => {
  expect(interfaceMtu(65_536, around())).toBe(65_535 - 50);
  expect(interfaceMtu(100, around({ family: 6, peerCookieLength: 8 }))).toBe(68);
});
