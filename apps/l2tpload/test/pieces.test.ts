import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../src/histogram.ts";
import { Pacer } from "../src/pacer.ts";
import { fill } from "../src/pattern.ts";
import { checksum, echoReply, echoRequest, readEcho } from "../src/ping.ts";
import { type Plan, shares } from "../src/plan.ts";
import { sources } from "../src/sources.ts";
import { Tally } from "../src/tally.ts";
import { isPrivate, resolveTarget, splitTarget } from "../src/target.ts";

test("quantiles of a histogram are within 1.1 % of the true ones, and so are those of two added up", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1 }), (values) => {
      const [whole, half, rest] = [new Histogram(), new Histogram(), new Histogram()];
      for (const [at, value] of values.entries()) {
        whole.record(value);
        (at % 2 === 0 ? half : rest).record(value);
      }
      half.add(rest.data());
      const sorted = [...values].sort((a, b) => a - b);
      for (const part of [0.5, 0.9, 0.99]) {
        const exact = sorted[Math.ceil(part * sorted.length) - 1] as number;
        expect(Math.abs(whole.quantile(part) - exact) / exact).toBeLessThan(0.0111);
        expect(half.quantile(part)).toBe(whole.quantile(part));
      }
      expect(half.summary()?.max).toBe(sorted.at(-1));
      expect(half.count).toBe(values.length);
    }),
  );
  expect(new Histogram().summary()).toBeUndefined();
});

test("patterns name numbers, with leading zeros on request; other braces stay", () => {
  const numbers = { tunnel: 3, session: 7, n: 42 };
  expect(fill("lac{tunnel}-{session}@{n:5}.{other}{", numbers)).toBe("lac3-7@00042.{other}{");
  expect(fill("plain", numbers)).toBe("plain");
});

test("a closed loop keeps so many under way; an open loop begins by the clock, late ones together", () => {
  const closed = new Pacer(0, 4);
  expect(closed.allowed(0, 1)).toBe(3);
  expect(closed.allowed(0, 5)).toBe(0);
  expect(closed.next()).toBeUndefined();
  const open = new Pacer(100, 1_000);
  expect(open.allowed(50, 0)).toBe(1);
  open.begun();
  expect(open.next()).toBe(60);
  expect(open.allowed(59.9, 0)).toBe(0);
  expect(open.allowed(85, 0)).toBe(3);
  expect(open.allowed(85, 999)).toBe(1);
});

test("shares of a plan add up to it, and number their tunnels through", () => {
  const base = {
    tunnels: 10,
    sources: sources("127.0.0.2-127.0.0.6", 4, 1, 0),
    firstTunnel: 0,
    tunnelRate: 9,
    sessionRate: 0,
    churnRate: 3,
    tunnelsAtOnce: 7,
    sessionsAtOnce: 2,
  } as unknown as Plan;
  const parts = shares(base, 3);
  expect(parts.map(({ firstTunnel, tunnels }) => [firstTunnel, tunnels])).toEqual([
    [0, 4],
    [4, 3],
    [7, 3],
  ]);
  expect(parts.flatMap((part) => part.sources)).toHaveLength(5);
  expect(parts.map(({ tunnelsAtOnce }) => tunnelsAtOnce)).toEqual([3, 2, 2]);
  expect(parts.every(({ tunnelRate, sessionsAtOnce }) => tunnelRate === 3 && sessionsAtOnce === 1)).toBe(
    true,
  );
  expect(shares(base, 64)).toHaveLength(5);
});

test("an Echo-Request is a sound IPv4 packet, and its reply answers it", () => {
  const request = echoRequest("10.0.0.2", "10.0.0.1", 7, 3);
  expect(checksum(request, 0, 20)).toBe(0);
  expect(checksum(request, 20, request.length)).toBe(0);
  expect(readEcho(request)).toEqual({ type: "request", from: "10.0.0.2", identifier: 7, sequence: 3 });
  const reply = echoReply(request);
  expect(checksum(reply, 0, 20)).toBe(0);
  expect(readEcho(reply)).toEqual({ type: "reply", from: "10.0.0.1", identifier: 7, sequence: 3 });
});

test("packets that are no sound Echo are left alone, whatever they hold", () => {
  const request = echoRequest("10.0.0.2", "10.0.0.1", 7, 3);
  for (let length = 0; length < request.length; length++) {
    expect(readEcho(request.subarray(0, length))).toBeUndefined();
  }
  const spoilt = request.slice();
  spoilt[40] = (spoilt[40] as number) ^ 1;
  expect(readEcho(spoilt)).toBeUndefined();
  const fragment = request.slice();
  fragment[6] = 0x20; // more fragments
  expect(readEcho(fragment)).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => void readEcho(octets)));
});

test("reasons are counted by their text, and a peer with a new text each time fills nothing", () => {
  const tally = new Tally();
  for (let n = 0; n < 1_000; n++) tally.reason("call", `text ${n}`, "");
  tally.reason("call", "text 5", "");
  expect(tally.reasons).toHaveLength(101);
  expect(tally.reasons[0]).toMatchObject({ text: expect.stringMatching(/other/) as string, count: 900 });
  expect(tally.reasons[1]).toMatchObject({ text: "text 5", count: 2 });
  const sum = new Tally();
  sum.add(tally.data());
  sum.add(tally.data());
  expect(sum.reasons.reduce((total, { count }) => total + count, 0)).toBe(2_002);
});

test("targets with and without ports, in both families", async () => {
  expect(splitTarget("lns.example:1702")).toEqual({ host: "lns.example", port: 1702 });
  expect(splitTarget("[2001:db8::1]:5")).toEqual({ host: "2001:db8::1", port: 5 });
  expect(splitTarget("2001:db8::1")).toEqual({ host: "2001:db8::1", port: 1701 });
  expect(await resolveTarget("192.0.2.1")).toEqual({ family: 4, address: "192.0.2.1", port: 1701 });
  for (const bad of ["", "a:b", "1.2.3.4:0", "1.2.3.4:65536", "[::1"]) {
    expect(() => splitTarget(bad)).toThrow(/address or name/);
  }
});

test("public addresses are told from those that are nobody else's", () => {
  const of = (address: string) => isPrivate({ family: address.includes(":") ? 6 : 4, address, port: 1701 });
  for (const ours of [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.9.9",
    "169.254.1.1",
    "198.19.0.1",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
  ]) {
    expect([ours, of(ours)]).toEqual([ours, true]);
  }
  for (const public_ of ["8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700::1", "::ffff:8.8.8.8"]) {
    expect([public_, of(public_)]).toEqual([public_, false]);
  }
});

test("sources are single addresses and ranges, each with its ports", () => {
  expect(sources(undefined, 4, 2, 0)).toEqual([
    { family: 4, address: "0.0.0.0", port: 0 },
    { family: 4, address: "0.0.0.0", port: 0 },
  ]);
  expect(sources("127.0.0.254-127.0.1.1,10.0.0.1", 4, 1, 1701).map(({ address }) => address)).toEqual([
    "127.0.0.254",
    "127.0.0.255",
    "127.0.1.0",
    "127.0.1.1",
    "10.0.0.1",
  ]);
  expect(sources("::1", 6, 2, 1701).map(({ port }) => port)).toEqual([1701, 1702]);
  for (const bad of ["127.0.0.5-127.0.0.1", "::1", "127.0.0", "127.0.0.1-x", "10.0.0.0-10.9.0.0"]) {
    expect(() => sources(bad, 4, 1, 0)).toThrow(/--source/);
  }
  expect(() => sources(undefined, 4, 2, 65_535)).toThrow(/65535/);
  expect(() => sources("127.0.0.1-127.0.3.255", 4, 2, 0)).toThrow(/1024/);
});
