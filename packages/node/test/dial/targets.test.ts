/** Which LNS is next. */
import { expect, test } from "vitest";
import {
  type LnsTarget,
  LnsTargets,
  type ResolvedAddress,
  type TargetSettings,
} from "../../src/dial/index.ts";
import { ParameterError } from "../../src/errors.ts";
import { rng } from "../ppp/world.ts";

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const v6 = (address: string): ResolvedAddress => ({ address, family: 6 });

function targets(all: readonly LnsTarget[], settings: TargetSettings = {}, random = rng(1)): LnsTargets {
  return new LnsTargets(all, settings, random);
}

/** Goes through one round in which everybody fails; the hosts, in order. */
function round(of: LnsTargets, now: number, kind: "lns" | "network" | "try-another" = "lns"): string[] {
  of.newRound(now);
  const hosts: string[] = [];
  for (let next = of.choose(now); next; next = of.choose(now)) {
    hosts.push(next.host);
    of.address([v4("192.0.2.1")]);
    of.failed(now, kind, "failed");
  }
  return hosts;
}

test("the lowest priority is first, the others follow in order (RFC 2782)", () => {
  const of = targets([
    { host: "c", priority: 30 },
    { host: "a", priority: 10 },
    { host: "b", priority: 20 },
  ]);
  expect(round(of, 0)).toEqual(["a", "b", "c"]);
});

test("of one priority each is first as often as its weight says; 0 hardly ever", () => {
  const random = rng(7);
  const first: Record<string, number> = { a: 0, b: 0, c: 0, never: 0 };
  for (let i = 0; i < 10_000; i++) {
    const of = targets(
      [
        { host: "a", weight: 60 },
        { host: "b", weight: 30 },
        { host: "c", weight: 10 },
        { host: "never", weight: 0 },
      ],
      {},
      random,
    );
    of.newRound(0);
    first[of.choose(0)?.host ?? ""] = (first[of.choose(0)?.host ?? ""] ?? 0) + 1;
  }
  expect(first["a"]).toBeGreaterThan(5_800);
  expect(first["a"]).toBeLessThan(6_200);
  expect(first["b"]).toBeGreaterThan(2_800);
  expect(first["b"]).toBeLessThan(3_200);
  expect(first["c"]).toBeGreaterThan(880);
  expect(first["never"]).toBeLessThan(20);
});

test("weights of 0 only are equal", () => {
  const random = rng(3);
  let a = 0;
  for (let i = 0; i < 2_000; i++) {
    const of = targets(
      [
        { host: "a", weight: 0 },
        { host: "b", weight: 0 },
      ],
      {},
      random,
    );
    of.newRound(0);
    if (of.choose(0)?.host === "a") a += 1;
  }
  expect(a).toBeGreaterThan(900);
  expect(a).toBeLessThan(1_100);
});

test("a target that failed is locked out while there are others, doubling up to the longest", () => {
  const of = targets(
    [
      { host: "a", priority: 1 },
      { host: "b", priority: 2 },
    ],
    { lockOutMs: 10_000, maxLockOutMs: 35_000 },
  );
  const locks: number[] = [];
  let now = 0;
  for (let i = 0; i < 4; i++) {
    of.newRound(now);
    expect(of.choose(now)?.host).toBe("a");
    of.address([v4("192.0.2.1")]);
    const locked = of.failed(now, "lns", "no answer");
    locks.push(of.lockedUntil(locked as never) - now);
    of.newRound(now);
    expect(of.choose(now)?.host).toBe("b");
    now = of.status(now)[0]?.lockedUntil as number;
  }
  expect(locks).toEqual([10_000, 20_000, 35_000, 35_000]);
});

test("when all are locked out, all are tried again", () => {
  const of = targets([
    { host: "a", priority: 1 },
    { host: "b", priority: 2 },
  ]);
  expect(round(of, 0)).toEqual(["a", "b"]);
  expect(round(of, 1)).toEqual(["a", "b"]);
});

test.each(["try-another", "network"] as const)("%s is no reason to lock a target out", (kind) => {
  const of = targets([
    { host: "a", priority: 1 },
    { host: "b", priority: 2 },
  ]);
  expect(round(of, 0, kind)).toEqual(["a", "b"]);
  expect(of.status(0).map(({ state }) => state)).toEqual(["ready", "ready"]);
});

test("the addresses of a name are tried in turn; the name is locked out when all failed", () => {
  const of = targets([{ host: "lns" }, { host: "other", priority: 1 }]);
  of.newRound(0);
  const found = [v6("2001:db8::1"), v4("192.0.2.1"), v4("192.0.2.2")];
  const dialled: (string | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    expect(of.choose(0)?.host).toBe("lns");
    dialled.push(of.address(found)?.address);
    const locked = of.failed(0, i === 1 ? "network" : "lns", "no answer");
    expect(locked?.host).toBe(i === 2 ? "lns" : undefined);
  }
  expect(dialled).toEqual(["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
  expect(of.choose(0)?.host).toBe("other");
});

test("an address that the name has got meanwhile is tried, too; one that it has lost is not", () => {
  const of = targets([{ host: "lns" }]);
  of.newRound(0);
  of.choose(0);
  expect(of.address([v4("192.0.2.1"), v4("192.0.2.2")])?.address).toBe("192.0.2.1");
  of.failed(0, "lns", "no answer");
  of.choose(0);
  expect(of.address([v4("192.0.2.1"), v4("192.0.2.9")])?.address).toBe("192.0.2.9");
  of.failed(0, "lns", "no answer");
  expect(of.choose(0)).toBeUndefined();
});

test.each<[TargetSettings["family"], string[]]>([
  [undefined, ["2001:db8::1", "192.0.2.1"]],
  [{ prefer: 4 }, ["192.0.2.1", "2001:db8::1"]],
  [{ prefer: 6 }, ["2001:db8::1", "192.0.2.1"]],
  [{ prefer: 4, only: true }, ["192.0.2.1"]],
])("with family %j the addresses are %j", (family, expected) => {
  const of = targets([{ host: "lns" }], family ? { family } : {});
  of.newRound(0);
  const got: string[] = [];
  for (; of.choose(0); of.failed(0, "lns", "x")) {
    const peer = of.address([v6("2001:db8::1"), v4("192.0.2.1")]);
    if (peer) got.push(peer.address);
  }
  expect(got).toEqual(expected);
});

test("a name without an address of the family says so", () => {
  const of = targets([{ host: "lns" }], { family: { prefer: 6, only: true } });
  of.newRound(0);
  of.choose(0);
  expect(of.address([v4("192.0.2.1")])).toBeUndefined();
  of.hasNoAddress(0);
  expect(of.status(0)[0]?.lastReason).toBe("lns: no IPv6 address");
});

test("while a less preferred one serves, those before it that failed are left alone for failBackMs", () => {
  const of = targets(
    [
      { host: "a", priority: 1 },
      { host: "b", priority: 2 },
    ],
    { failBackMs: 300_000, lockOutMs: 1_000 },
  );
  of.newRound(0);
  of.choose(0);
  of.address([v4("192.0.2.1")]);
  of.failed(0, "lns", "no answer");
  of.choose(0);
  of.address([v4("192.0.2.2")]);
  expect(of.succeeded(5_000)?.host).toBe("b");
  of.newRound(60_000);
  expect(of.choose(60_000)?.host).toBe("b");
  of.newRound(305_000);
  expect(of.choose(305_000)?.host).toBe("a");
});

test.each<[LnsTarget[], string]>([
  [[], "targets: name one LNS at least"],
  [[{ host: "" }], "targets[0].host"],
  [[{ host: "a b" }], "targets[0].host"],
  [[{ host: "a", port: 0 }], "targets[0].port"],
  [[{ host: "a" }, { host: "b", weight: 70_000 }], "targets[1].weight"],
  [[{ host: "a", priority: 0.5 }], "targets[0].priority"],
])("%j is refused: %s", (all, message) => {
  expect(() => targets(all)).toThrow(ParameterError);
  expect(() => targets(all)).toThrow(message);
});

test("an address of a family that is excluded is refused", () => {
  expect(() => targets([{ host: "192.0.2.1" }], { family: { prefer: 6, only: true } })).toThrow(
    "only IPv6 is to be used",
  );
});
