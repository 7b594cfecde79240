import { processorMs, seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import {
  type AddressLease,
  overlap,
  type PoolRule,
  type Refusal,
  Rules,
  RulesError,
  readRange,
  type UserGrant,
  type UserRule,
} from "../src/index.ts";

const lease = (
  rules: Rules,
  session: string,
  { user = session, ...grant }: Partial<UserGrant> & { user?: string } = {},
) => rules.lease({ session, user, pool: "p", grant: { accept: true, ...grant } });
const withPool = (pool: Partial<PoolRule>, users: UserRule[] = []): Rules =>
  new Rules({ users, pools: [{ name: "p", ...pool }] });
const addressOf = (answer: AddressLease | Refusal): string | undefined => (answer as AddressLease).address;
const reasonOf = (answer: object): string => (answer as Refusal).reason;

describe("a pool", () => {
  test("gives the hosts of a network, but not what is excluded, ours, or fixed for a user", () => {
    const rules = withPool({ ranges: ["10.0.0.0/29"], exclude: ["10.0.0.2"], local: "10.0.0.1" }, [
      { name: "fixed", password: "x", address: "10.0.0.4" },
    ]);
    expect(["a", "b", "c"].map((session) => lease(rules, session))).toEqual([
      { address: "10.0.0.3", local: "10.0.0.1" },
      { address: "10.0.0.5", local: "10.0.0.1" },
      { address: "10.0.0.6", local: "10.0.0.1" },
    ]);
    expect(lease(rules, "fixed", { address: "10.0.0.4" })).toEqual({
      address: "10.0.0.4",
      local: "10.0.0.1",
    });
    expect(lease(rules, "d")).toEqual({
      accept: false,
      reason: 'nothing is free in pool "p" (3 of 3 addresses in use)',
      text: "no address is to be had",
    });
  });

  test("gives all of a range that is written with its ends, and both of a /31", () => {
    expect(withPool({ ranges: ["10.0.0.0-10.0.0.255"] }).status().pools[0]?.ipv4?.size).toBe(256);
    expect(withPool({ ranges: ["10.0.0.0/31"] }).status().pools[0]?.ipv4?.size).toBe(2);
    expect(withPool({ ranges: ["10.0.0.0/24", "10.0.2.7"] }).status().pools[0]?.ipv4?.size).toBe(255);
  });

  test("gives a session the same again when it asks twice, and takes back once", () => {
    const rules = withPool({ ranges: ["10.0.0.1-10.0.0.2"] });
    expect(lease(rules, "a")).toEqual(lease(rules, "a"));
    rules.release("a");
    rules.release("a");
    rules.release("never was");
    expect(rules.status()).toMatchObject({ leases: 0, pools: [{ ipv4: { size: 2, used: 0, free: 2 } }] });
  });

  test("gives a user the address that it had, while it is free, and others the ones that were free for longest", () => {
    const rules = withPool({ ranges: ["10.0.0.1-10.0.0.3"] });
    for (const user of ["a", "b", "c"]) lease(rules, user);
    for (const user of ["b", "a", "c"]) rules.release(user);
    expect(addressOf(lease(rules, "a, again", { user: "a" }))).toBe("10.0.0.1");
    expect(addressOf(lease(rules, "stranger"))).toBe("10.0.0.2");
    expect(addressOf(lease(rules, "b, late", { user: "b" }))).toBe("10.0.0.3");
  });

  test("that is full asks the next one, and says all that were full", () => {
    const rules = new Rules({
      pools: [
        { name: "p", ranges: ["10.0.0.1"], local: "10.0.0.254", next: "q" },
        { name: "q", ranges: ["10.0.1.1"], local: "10.0.1.254", next: "p" },
      ],
    });
    lease(rules, "a");
    expect(lease(rules, "b")).toEqual({ address: "10.0.1.1", local: "10.0.1.254" });
    expect(reasonOf(lease(rules, "c"))).toBe(
      'nothing is free in pool "p" (1 of 1 addresses in use) and pool "q" (1 of 1 addresses in use)',
    );
  });

  test("gives IPv6 prefixes for the link and to be delegated, beside the address or alone", () => {
    const rules = withPool({
      ranges: ["10.0.0.1"],
      ipv6: ["2001:db8:1::/63"],
      delegated: ["2001:db8:100::/40"],
      delegatedLength: 48,
    });
    expect(lease(rules, "a")).toEqual({
      address: "10.0.0.1",
      ipv6Prefix: "2001:db8:1::/64",
      delegatedPrefix: "2001:db8:100::/48",
    });
    // No address: and then no prefix either, or it would be lost.
    expect(reasonOf(lease(rules, "b"))).toContain("1 of 1 addresses in use");
    expect(lease(rules, "c", { address: "192.0.2.1" })).toEqual({
      address: "192.0.2.1",
      ipv6Prefix: "2001:db8:1:1::/64",
      delegatedPrefix: "2001:db8:101::/48",
    });
    expect(reasonOf(lease(rules, "d", { address: "192.0.2.2" }))).toContain("2 of 2 IPv6 prefixes in use");
    expect(rules.status().pools).toEqual([
      {
        name: "p",
        ipv4: { size: 1, used: 1, free: 0 },
        ipv6: { size: 2, used: 2, free: 0 },
        delegated: { size: 256, used: 2, free: 254 },
      },
    ]);
    // What was taken before the refusal is free again.
    expect(lease(rules, "e", { address: "192.0.2.2", ipv6Prefix: "2001:db8:2::/64" })).toMatchObject({
      address: "192.0.2.2",
    });
  });

  test("of more prefixes than can be counted gives the first ones", () => {
    const rules = withPool({ ipv6: ["2001:db8::/32"], delegated: ["fd00::/8"], delegatedLength: 64 });
    expect(lease(rules, "a")).toEqual({ ipv6Prefix: "2001:db8::/64", delegatedPrefix: "fd00::/64" });
    expect(rules.status().pools[0]?.delegated?.size).toBe(2 ** 48);
  });
});

describe("a fixed address", () => {
  test("is never two sessions', and the refusal says whose it is", () => {
    const rules = new Rules();
    expect(rules.lease({ session: "a", user: "u", grant: { accept: true, address: "192.0.2.5" } })).toEqual({
      address: "192.0.2.5",
    });
    expect(
      reasonOf(rules.lease({ session: "b", user: "u", grant: { accept: true, address: "192.0.2.5" } })),
    ).toBe('192.0.2.5 is fixed for this user, and session "a" has it');
    rules.release("a");
    expect(rules.lease({ session: "b", user: "u", grant: { accept: true, address: "192.0.2.5" } })).toEqual({
      address: "192.0.2.5",
    });
  });

  test("that lies in a pool by another authority's will is not given by the pool meanwhile, and counts", () => {
    const rules = withPool({ ranges: ["10.0.0.1-10.0.0.2"], ipv6: ["2001:db8:1::/63"] });
    lease(rules, "radius", { address: "10.0.0.1", ipv6Prefix: "2001:0db8:1:0::/64" });
    expect(rules.status().pools[0]).toMatchObject({ ipv4: { used: 1 }, ipv6: { used: 1 } });
    expect(lease(rules, "a")).toMatchObject({ address: "10.0.0.2", ipv6Prefix: "2001:db8:1:1::/64" });
    rules.release("radius");
    expect(lease(rules, "b")).toMatchObject({ address: "10.0.0.1", ipv6Prefix: "2001:db8:1::/64" });
  });

  test("prefix that is larger or smaller than a pool's takes all that it touches", () => {
    const rules = withPool({ ipv6: ["2001:db8:1::/62"] });
    rules.lease({ session: "big", user: "", grant: { accept: true, delegatedPrefix: "2001:db8:1::/63" } });
    rules.lease({
      session: "small",
      user: "",
      grant: { accept: true, delegatedPrefix: "2001:db8:1:2:8000::/65" },
    });
    expect(lease(rules, "a")).toEqual({ ipv6Prefix: "2001:db8:1:3::/64" });
    expect(reasonOf(lease(rules, "b"))).toContain("in use");
    rules.release("small");
    expect(reasonOf(lease(rules, "b"))).toContain("in use");
    expect(
      reasonOf(
        rules.lease({ session: "c", user: "", grant: { accept: true, ipv6Prefix: "2001:db8:1:1::/64" } }),
      ),
    ).toContain('"big"');
  });

  test("that is none is refused in words", () => {
    expect(reasonOf(lease(new Rules(), "a", { pool: undefined as never, address: "10.0.0.x" }))).toContain(
      "there is no pool",
    );
    expect(
      reasonOf(new Rules().lease({ session: "a", user: "", grant: { accept: true, address: "10.0.0.x" } })),
    ).toContain("is no address");
  });
});

describe("a reload", () => {
  test("leaves the leases, and gives nobody what somebody has", () => {
    const rules = withPool({ ranges: ["10.0.0.1-10.0.0.3"] });
    for (const session of ["a", "b"]) lease(rules, session);
    rules.replace({ pools: [{ name: "q", ranges: ["10.0.0.2-10.0.0.9"] }] });
    expect(rules.status().pools).toEqual([{ name: "q", ipv4: { size: 8, used: 1, free: 7 } }]);
    expect(lease(rules, "b")).toEqual({ address: "10.0.0.2" });
    expect(addressOf(lease(rules, "c", { pool: "q" }))).toBe("10.0.0.3");
    rules.release("a");
    rules.release("b");
    expect(rules.status()).toMatchObject({ leases: 1, pools: [{ ipv4: { used: 1 } }] });
    const rest = Array.from({ length: 7 }, (_, at) => addressOf(lease(rules, `r${at}`, { pool: "q" })));
    expect([...rest].sort()).toEqual([
      "10.0.0.2",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
      "10.0.0.7",
      "10.0.0.8",
      "10.0.0.9",
    ]);
    expect(lease(rules, "r8", { pool: "q" })).toMatchObject({ accept: false });
  });

  test("to prefixes of another length keeps away from those that are held", () => {
    const rules = withPool({ ipv6: ["2001:db8::/56"] });
    lease(rules, "a");
    rules.replace({ pools: [{ name: "p", delegated: ["2001:db8::/55"] }] });
    expect(lease(rules, "b")).toEqual({ delegatedPrefix: "2001:db8:0:100::/56" });
  });
});

test.each([
  [[{ name: "p" }, { name: "p" }], 'pool "p": there are two of this name'],
  [[{ name: "p", next: "q" }], 'pool "p": next: there is no pool "q"'],
  [
    [
      { name: "p", ranges: ["10.0.0.0/24"] },
      { name: "q", ranges: ["10.0.0.9"] },
    ],
    'pool "q": ranges[0]: 10.0.0.9 overlaps 10.0.0.0/24 of pool "p": ranges[0]',
  ],
  [[{ name: "p", ranges: ["::1"] }], 'pool "p": ranges[0]: ::1 is not IPv4'],
  [
    [{ name: "p", ipv6: ["2001:db8::/65"] }],
    'pool "p": ipv6[0]: 2001:db8::/65 is no prefix that holds prefixes of 64 bits',
  ],
  [
    [{ name: "p", ranges: ["10.0.0.1/8"] }],
    'pool "p": ranges[0]: 10.0.0.1/8 has bits beyond its prefix length. Write 10.0.0.0/8.',
  ],
])("%j is a mistake that is named", (pools, message) => {
  expect(() => new Rules({ pools })).toThrow(RulesError);
  expect(() => new Rules({ pools })).toThrow(message);
});

/** Two that have an address in common. */
function overlapping(texts: readonly string[]): string | undefined {
  const ranges = texts.map((text) => {
    const read = readRange(text);
    if ("wrong" in read) throw new Error(read.wrong);
    return read.range;
  });
  for (const [at, a] of ranges.entries()) {
    const other = ranges.findIndex((b, where) => where > at && overlap(a, b));
    if (other >= 0) return `${texts[at]} and ${texts[other]}`;
  }
  return undefined;
}

/** A pseudo-random sequence of whole numbers below `n` (mulberry32). */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

test.each(seeds(30))(
  "whatever comes and goes, no address is two sessions', none is lost, and counts are right (seed %i)",
  (seed) => {
    const next = random(seed);
    const ranges = (): PoolRule[] => [
      {
        name: "p",
        ranges: [`10.0.0.0/${27 + next(3)}`],
        exclude: ["10.0.0.3"],
        ipv6: ["2001:db8::/60"],
        ...(next(2) === 0 && { next: "q" }),
      },
      { name: "q", ranges: ["10.0.1.1-10.0.1.9"], delegated: ["2001:db8:100::/52"] },
    ];
    const rules = new Rules({ pools: ranges() });
    const model = new Map<string, AddressLease>();
    for (let step = 0; step < 500; step++) {
      const session = `s${next(60)}`;
      const action = next(100);
      if (action < 55) {
        const grant: UserGrant = {
          accept: true,
          ...(next(10) === 0 && { address: `10.0.${next(3)}.${next(34)}` }),
          ...(next(20) === 0 && {
            ipv6Prefix: `2001:db8:0:${next(20).toString(16)}::/6${3 + next(2)}`.replace(
              /([13579bdf])::\/63/,
              "0::/63",
            ),
          }),
        };
        const answer = rules.lease({ session, user: `u${next(30)}`, pool: next(2) ? "p" : "q", grant });
        if ("accept" in answer) {
          expect(model.has(session), `step ${step}: a session that has addresses was refused`).toBe(false);
        } else {
          expect(answer).toEqual(model.get(session) ?? answer);
          model.set(session, answer);
        }
      } else if (action < 99) {
        rules.release(session);
        model.delete(session);
      } else rules.replace({ pools: ranges() });

      const all = [...model.values()].flatMap(({ address, ipv6Prefix, delegatedPrefix }) =>
        [address, ipv6Prefix, delegatedPrefix].filter((one) => one !== undefined),
      );
      expect(new Set(all).size, `step ${step}`).toBe(all.length);
      expect(rules.status().leases).toBe(model.size);
      if (step % 50 === 0) expect(overlapping(all), `step ${step}`).toBeUndefined();
    }
    for (const session of model.keys()) rules.release(session);
    for (const { ipv4, ipv6, delegated } of rules.status().pools) {
      for (const count of [ipv4, ipv6, delegated]) expect(count?.used ?? 0).toBe(0);
    }
    // None is lost: the whole pool can be given again.
    const { size = 0 } = rules.status().pools[1]?.ipv4 ?? {};
    const given = Array.from({ length: size }, (_, at) =>
      rules.lease({ session: `last${at}`, user: "", grant: { accept: true, pool: "q" } }),
    );
    expect(given.every((answer) => !("accept" in answer))).toBe(true);
  },
);

test("100,000 addresses are given and taken back in the same time each, first or last", () => {
  const rules = withPool({ ranges: ["10.0.0.0/15"] });
  const round = (from: number, count: number): number =>
    processorMs(() => {
      for (let at = from; at < from + count; at++) lease(rules, `s${at}`);
    });
  round(0, 1000);
  const first = round(1000, 10_000);
  round(11_000, 79_000);
  const last = round(90_000, 10_000);
  expect(rules.status().leases).toBe(100_000);
  for (let at = 0; at < 100_000; at++) rules.release(`s${at}`);
  const again = round(200_000, 10_000);
  // Looking through what is taken would be a hundred times and more; the rest is the collector's mood.
  expect(Math.max(last, again)).toBeLessThan(first * 20 + 200);
  const { size, free } = rules.status().pools[0]?.ipv4 ?? { size: 0, free: 0 };
  expect(size - free).toBe(10_000);
});
