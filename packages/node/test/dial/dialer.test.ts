/** Dialling from start to end: failover, redial, limits, sleep, names, failing back. */
import type { Ending } from "@l2tp/control";
import { PlaneError } from "@l2tp/dataplane";
import { SimulatedClock } from "@l2tp/dataplane-mock";
import { seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import {
  Dialer,
  type DialFailure,
  type DialSettings,
  dialFailure,
  dnsResolver,
  ResolveError,
  type Resolver,
} from "../../src/dial/index.ts";
import { rng } from "../ppp/world.ts";

/** As the control plane makes them. */
const ending = (facts: Omit<Ending, "remedy" | "tryAnother">): Ending => ({
  remedy: "none",
  tryAnother: facts.by === "peer" && facts.result === 2 && (facts.error === 7 || facts.error === 4),
  ...facts,
});
const lns = (text = "no answer"): DialFailure => ({ kind: "lns", text });
const network = (text = "no route"): DialFailure => ({ kind: "network", text });
const A = "192.0.2.1";
const B = "192.0.2.2";
const two = [
  { host: A, priority: 1 },
  { host: B, priority: 2 },
];

/** A dialler on a clock that jumps from one step to the next. */
class Line {
  now = 0;
  /** Time of day minus the monotonic clock. */
  asleepMs = 0;
  readonly dialer: Dialer;
  /** Every try: when, and whom. */
  readonly tries: [number, string][] = [];

  constructor(
    settings: Partial<DialSettings> = {},
    resolve: Resolver = () => Promise.reject(new Error("no names here")),
  ) {
    this.dialer = new Dialer(
      { targets: [{ host: A }], jitter: 0, ...settings },
      { random: rng(1), resolve, wall: () => 1e12 + this.now + this.asleepMs },
    );
  }

  /** Until the next try, at most for `ms`; the address that is dialled. */
  async next(ms = 3_600_000): Promise<string | undefined> {
    const end = this.now + ms;
    for (;;) {
      const step = await this.dialer.next(this.now);
      if (step.target) {
        this.tries.push([this.now, step.target.peer.address]);
        return step.target.peer.address;
      }
      if (step.at === undefined || step.at > end) {
        this.now = step.at === undefined ? this.now : end;
        return undefined;
      }
      expect(step.at).toBeGreaterThan(this.now);
      this.now = step.at;
    }
  }

  /** Lets every try fail until none follows, or `count` were made. */
  async failAll(count: number, failure = lns()): Promise<number[]> {
    const from = this.tries.length;
    while (this.tries.length < from + count && (await this.next()) !== undefined)
      this.dialer.failed(this.now, failure);
    return this.tries.slice(from).map(([at]) => at);
  }

  events() {
    const all = [];
    for (let event = this.dialer.pollEvent(); event; event = this.dialer.pollEvent()) all.push(event);
    return all;
  }
}

const waits = (times: readonly number[]): number[] =>
  times.slice(1).map((at, i) => at - (times[i] as number));

describe("redial", () => {
  test("waits double up to the longest", async () => {
    const line = new Line({ initialMs: 1_000, maxMs: 8_000 });
    expect(waits(await line.failAll(7))).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test("with one wait for all, as xl2tpd's redial timeout", async () => {
    const line = new Line({ initialMs: 30_000, maxMs: 30_000 });
    expect(waits(await line.failAll(4))).toEqual([30_000, 30_000, 30_000]);
  });

  test.each(seeds(20))("jitter keeps each wait within its part (seed %i)", async (seed) => {
    const dialer = new Dialer(
      { targets: [{ host: A }], initialMs: 10_000, maxMs: 10_000, jitter: 0.3 },
      { random: rng(seed), resolve: () => Promise.resolve([]), wall: () => 0 },
    );
    let now = 0;
    const seen = new Set<number>();
    for (let i = 0; i < 20; i++) {
      for (let step = await dialer.next(now); !step.target; step = await dialer.next(now))
        now = step.at as number;
      dialer.failed(now, lns());
      await dialer.next(now);
      const wait = (dialer.status(now).nextAt as number) - now;
      expect(wait).toBeGreaterThanOrEqual(7_000);
      expect(wait).toBeLessThanOrEqual(13_000);
      seen.add(wait);
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  test("after as many new tries as are allowed it gives up, and says why; dial begins anew", async () => {
    const line = new Line({ maxRedials: 2 });
    expect(await line.failAll(10)).toHaveLength(3);
    expect(line.events()).toEqual([
      { type: "gave-up", at: 3_000, tries: 2, text: "gave up after 2 new tries: no answer" },
    ]);
    expect(line.dialer.status(line.now).state).toBe("gave-up");
    expect(line.dialer.dial(line.now)).toBe(true);
    expect(await line.failAll(10)).toHaveLength(3);
  });

  test("without redial there is one round", async () => {
    const line = new Line({ redial: false, targets: two });
    await line.failAll(10);
    expect(line.tries.map(([, host]) => host)).toEqual([A, B]);
    expect(line.dialer.status(line.now)).toMatchObject({
      state: "gave-up",
      text: "failed, and redial is off: no answer",
    });
  });

  test("a tunnel that was up for a while begins with the first wait; one that was not goes on counting", async () => {
    const line = new Line({ stableMs: 60_000, maxMs: 100_000 });
    await line.failAll(3);
    await line.next();
    line.dialer.succeeded(line.now);
    line.now += 5_000;
    line.dialer.down(line.now, lns("hello missed"));
    const short = line.now;
    await line.next();
    expect(line.now - short).toBe(8_000);
    line.dialer.succeeded(line.now);
    line.now += 60_000;
    line.dialer.down(line.now, lns("hello missed"));
    const long = line.now;
    await line.next();
    expect(line.now - long).toBe(1_000);
  });

  test("on demand: dials when asked, until it is up, and waits for the next demand when it has ended", async () => {
    const line = new Line({ mode: "on-demand" });
    expect(await line.next()).toBeUndefined();
    line.dialer.dial(line.now);
    await line.failAll(3);
    expect(await line.next()).toBe(A);
    line.dialer.succeeded(line.now);
    expect(line.dialer.dial(line.now)).toBe(false);
    line.dialer.down(line.now + 1, lns("ended"));
    expect(await line.next()).toBeUndefined();
    expect(line.dialer.status(line.now)).toMatchObject({
      state: "idle",
      text: "waiting for dial; ended: ended",
    });
  });

  test("manual: one round for each dial", async () => {
    const line = new Line({ mode: "manual" });
    line.dialer.dial(0);
    expect(await line.failAll(5)).toHaveLength(1);
    expect(line.dialer.status(0).state).toBe("gave-up");
  });

  test("what was closed here on purpose is not dialled again by itself", async () => {
    const line = new Line();
    await line.next();
    line.dialer.succeeded(line.now);
    line.dialer.down(line.now, { kind: "closed", text: "an operator did" });
    expect(await line.next()).toBeUndefined();
    expect(line.dialer.dial(line.now)).toBe(true);
    expect(await line.next()).toBe(A);
    line.dialer.stop("reload");
    line.dialer.failed(line.now, lns());
    expect(await line.next()).toBeUndefined();
  });
});

describe("several LNSs", () => {
  test("the next one is tried at once, and used until it ends", async () => {
    const line = new Line({ targets: two });
    await line.next();
    line.dialer.failed(0, lns());
    expect(await line.next()).toBe(B);
    expect(line.now).toBe(0);
    line.dialer.succeeded(0);
    expect(line.dialer.status(0).targets.map(({ state }) => state)).toEqual(["locked-out", "up"]);
    expect(line.events()).toEqual([{ type: "locked-out", at: 0, host: A, until: 10_000, text: "no answer" }]);
  });

  test("the one whose tunnel ended is left for another, at once", async () => {
    const line = new Line({ targets: two });
    expect(await line.next()).toBe(A);
    line.dialer.succeeded(0);
    line.now = 100_000;
    line.dialer.down(line.now, lns("hello missed"));
    expect(await line.next()).toBe(B);
    expect(line.now).toBe(100_000);
  });

  test("an LNS that accepts and drops, again and again, is not dialled without a pause", async () => {
    const line = new Line({ targets: two, initialMs: 1_000 });
    for (let i = 0; i < 60; i++) {
      await line.next();
      line.dialer.succeeded(line.now);
      line.dialer.down(line.now, lns("no"));
    }
    // 60 tries of a minute's back-off at most, two at a time.
    expect(line.now).toBeGreaterThan(20 * 60_000);
  });

  test("`try another` is obeyed: the next at once, and no lock-out", async () => {
    const line = new Line({ targets: two });
    await line.next();
    const another = ending({
      by: "peer",
      cause: "try-another",
      message: "StopCCN",
      result: 2,
      error: 7,
      text: "busy",
    });
    line.dialer.failed(0, another);
    expect(await line.next()).toBe(B);
    expect(line.events()).toEqual([]);
    expect(line.dialer.status(0).targets[0]).toMatchObject({ state: "ready", failures: 1 });
    expect(line.dialer.status(0).targets[0]?.lastReason).toContain("busy");
  });

  test("a new tunnel goes to the preferred one again when its time has come", async () => {
    const line = new Line({ targets: two, failBackMs: 60_000 });
    await line.next();
    line.dialer.failed(0, lns());
    await line.next();
    line.dialer.succeeded(0);
    expect((await line.dialer.next(120_000)).target).toBeUndefined(); // not while the other is up
    line.now = 120_000;
    line.dialer.down(line.now, lns("ended"));
    expect(await line.next()).toBe(A);
  });

  test("failBack move: the preferred one is dialled beside the other, and takes over when it is up", async () => {
    const line = new Line({ targets: two, failBackMs: 60_000, failBack: "move" });
    await line.next();
    line.dialer.failed(0, lns());
    await line.next();
    line.dialer.succeeded(0);
    expect(await line.next()).toBe(A);
    expect(line.now).toBe(60_000);
    line.dialer.failed(line.now, lns("still no answer"));
    expect(line.dialer.status(line.now)).toMatchObject({
      state: "up",
      targets: [{ state: "locked-out" }, { state: "up" }],
    });
    expect(await line.next()).toBe(A);
    expect(line.now).toBe(120_000);
    line.dialer.succeeded(line.now);
    expect(line.dialer.status(line.now).targets.map(({ state }) => state)).toEqual(["up", "ready"]);
    expect(await line.next()).toBeUndefined();
  });

  test("failBack move: when the other ends meanwhile, the try that is under way is what counts", async () => {
    const line = new Line({ targets: two, failBackMs: 60_000, failBack: "move" });
    await line.next();
    line.dialer.failed(0, lns());
    await line.next();
    line.dialer.succeeded(0);
    await line.next();
    line.dialer.down(line.now, lns("gone"));
    expect((await line.dialer.next(line.now)).target).toBeUndefined();
    line.dialer.succeeded(line.now);
    expect(line.dialer.status(line.now).targets[0]?.state).toBe("up");
  });
});

test("failBack move: when the tunnel ends while the preferred one's name is looked up, all begins anew", async () => {
  const waiting: ((found: readonly { address: string; family: 4 }[]) => void)[] = [];
  const line = new Line(
    { targets: [{ host: "lns.example" }, { host: B, priority: 1 }], failBackMs: 60_000, failBack: "move" },
    () => new Promise((resolve) => void waiting.push(resolve)),
  );
  const first = line.dialer.next(0);
  waiting[0]?.([]);
  expect((await first).target?.peer.address).toBe(B);
  line.dialer.succeeded(0);
  const back = line.dialer.next(60_000);
  await Promise.resolve();
  line.dialer.down(60_000, lns("ended"));
  waiting[1]?.([{ address: A, family: 4 }]);
  await new Promise((resolve) => setImmediate(resolve));
  waiting[2]?.([{ address: "192.0.2.9", family: 4 }]);
  expect((await back).target).toMatchObject({ peer: { address: "192.0.2.9" }, isFailBack: false });
  expect(line.dialer.status(60_000).state).toBe("dialling");
});

describe("no network, and sleep", () => {
  test("is looked at often for a while, without locks and without using up the tries", async () => {
    const line = new Line({ targets: two, maxRedials: 3, quickMs: 500, quickForMs: 5_000 });
    await line.failAll(40, network());
    const quick = line.tries.filter(([at]) => at < 5_000);
    expect(quick).toHaveLength(20);
    expect(line.tries.length).toBe(20 + 2 + 3 * 2);
    expect(line.dialer.status(line.now).targets.every(({ state }) => state === "ready")).toBe(true);
    expect(line.events()).toMatchObject([{ type: "gave-up", tries: 3 }]);
  });

  test("a failure that an LNS is to blame for ends the quick looks", async () => {
    const line = new Line({ initialMs: 3_000 });
    await line.failAll(3, network());
    await line.next();
    line.dialer.failed(line.now, lns());
    const before = line.now;
    await line.next();
    expect(line.now - before).toBe(3_000);
  });

  test("a host that slept dials at once, and has forgotten the waits", async () => {
    const line = new Line({ maxMs: 600_000, initialMs: 1_000 });
    await line.failAll(10);
    expect(await line.next(100_000)).toBeUndefined();
    // The monotonic clock of Linux stands still meanwhile, so that only the time of day tells.
    line.asleepMs += 8 * 3_600_000;
    const woke = line.now;
    expect(await line.next()).toBe(A);
    expect(line.now - woke).toBeLessThanOrEqual(5_000);
    expect(line.events().at(-1)).toMatchObject({ type: "woke", text: expect.stringContaining("28800 s") });
    line.dialer.failed(line.now, lns());
    const failed = line.now;
    await line.next();
    expect(line.now - failed).toBe(1_000);
  });

  test("a timer that comes much too late is a sleep, too", async () => {
    const line = new Line({ maxMs: 600_000, targets: two });
    await line.failAll(30);
    await line.dialer.next(line.now);
    const step = await line.dialer.next(line.now + 60_000);
    expect(step.target?.peer.address).toBe(A); // the preferred one, locks are void
    expect(line.events().at(-1)).toMatchObject({ type: "woke" });
  });
});

describe("names", () => {
  test("are resolved again at every try, and each address has its turn", async () => {
    const asked: string[] = [];
    const answers = [["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"], ["192.0.2.7"]];
    const line = new Line({ targets: [{ host: "lns.example", port: 1702 }] }, (name) => {
      asked.push(name);
      return Promise.resolve(
        (answers[asked.length - 1] ?? []).map((address) => ({ address, family: 4 as const })),
      );
    });
    await line.failAll(3);
    expect(line.tries).toEqual([
      [0, "192.0.2.1"],
      [0, "192.0.2.2"],
      [1_000, "192.0.2.7"],
    ]);
    expect(asked).toHaveLength(3);
    expect(line.dialer.status(line.now).targets[0]).toMatchObject({
      host: "lns.example",
      port: 1702,
      tries: 3,
    });
  });

  test("that are not found are a reason for people, and the next target is tried", async () => {
    const line = new Line({ targets: [{ host: "lns.example" }, { host: B, priority: 1 }] }, (name) =>
      Promise.reject(
        new ResolveError("no-such-name", `${name}: no such name, or no address for it (ENOTFOUND)`),
      ),
    );
    expect(await line.next()).toBe(B);
    expect(line.dialer.status(0).targets[0]).toMatchObject({
      state: "locked-out",
      tries: 0,
      lastReason: "lns.example: no such name, or no address for it (ENOTFOUND)",
    });
  });

  test("that nobody answers for are looked up often, as without a network", async () => {
    let asked = 0;
    const line = new Line({ targets: [{ host: "lns.example" }], quickForMs: 5_000 }, () => {
      asked += 1;
      return Promise.reject(
        new ResolveError("no-answer", "lns.example: the resolver did not answer (EAI_AGAIN)"),
      );
    });
    await line.next(4_999);
    expect(asked).toBe(10);
    expect(line.dialer.status(line.now).text).toContain("no network");
  });

  test("an answer that comes after a stop, or for an older question, changes nothing", async () => {
    const waiting: ((found: readonly { address: string; family: 4 }[]) => void)[] = [];
    const line = new Line(
      { targets: [{ host: "lns.example" }] },
      () => new Promise((resolve) => void waiting.push(resolve)),
    );
    const step = line.dialer.next(0);
    expect(line.dialer.next(0)).toBe(step); // one question at a time
    line.dialer.stop();
    waiting[0]?.([{ address: A, family: 4 }]);
    expect(await step).toEqual({ why: "stopped" });
    line.dialer.dial(0);
    const again = line.dialer.next(0);
    line.dialer.stop();
    line.dialer.dial(0);
    waiting[1]?.([{ address: A, family: 4 }]);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    waiting[2]?.([{ address: B, family: 4 }]);
    expect((await again).target?.peer.address).toBe(B);
  });
});

test.each<[string, Error | Ending, DialFailure["kind"]]>([
  ["no route", new PlaneError("no-route", "no route to 192.0.2.1"), "network"],
  ["an errno", Object.assign(new Error("connect"), { code: "ENETUNREACH" }), "network"],
  ["no privilege", new PlaneError("no-privilege", "run as root"), "lns"],
  ["silence", ending({ by: "network", cause: "no-response" }), "lns"],
  ["a refusal", ending({ by: "peer", cause: "peer-refused", message: "StopCCN", result: 4 }), "lns"],
  [
    "full",
    ending({ by: "peer", cause: "try-another", message: "StopCCN", result: 2, error: 4 }),
    "try-another",
  ],
  ["closed here", ending({ by: "local", cause: "local-close" }), "closed"],
  ["drained here", ending({ by: "local", cause: "drained" }), "closed"],
  ["our own refusal", ending({ by: "local", cause: "authentication" }), "lns"],
])("%s is a failure of kind %s", (_, what, kind) => {
  expect(dialFailure(what).kind).toBe(kind);
});

describe("the system's resolver", () => {
  const clock = new SimulatedClock();
  const ask = (lookup: (name: string) => Promise<{ address: string; family: number }[]>) =>
    dnsResolver({ clock, timeoutMs: 3_000, lookup })("lns.example");

  test("has addresses of both families, in its order", async () => {
    const found = await ask(() =>
      Promise.resolve([
        { address: "2001:db8::1", family: 6 },
        { address: "192.0.2.1", family: 4 },
      ]),
    );
    expect(found.map(({ family }) => family)).toEqual([6, 4]);
  });

  test.each([
    ["ENOTFOUND", "no-such-name"],
    ["EAI_AGAIN", "no-answer"],
  ])("%s is %s", async (code, expected) => {
    const failed = ask(() => Promise.reject(Object.assign(new Error("getaddrinfo"), { code })));
    await expect(failed).rejects.toMatchObject({ name: "ResolveError", code: expected });
  });

  test("does not keep anybody waiting", async () => {
    const late = ask(() => new Promise(() => {}));
    clock.advance(3_000);
    await expect(late).rejects.toThrow("lns.example: no answer from the resolver in 3 s");
  });

  test("knows localhost", async () => {
    const found = await dnsResolver()("localhost");
    expect(
      found.map(({ address }) => address).some((address) => address === "127.0.0.1" || address === "::1"),
    ).toBe(true);
  });
});

test.each<[Partial<DialSettings>, string]>([
  [{ initialMs: -1 }, "initialMs"],
  [{ jitter: 2 }, "jitter"],
  [{ maxRedials: Number.NaN }, "maxRedials"],
  [{ initialMs: 5_000, maxMs: 1_000 }, "maxMs"],
  [{ lockOutMs: 0.5 }, "lockOutMs"],
])("%j is refused and named", (settings, path) => {
  expect(() => new Line(settings)).toThrow(expect.objectContaining({ name: "ParameterError", path }));
});

test.each(seeds(30))(
  "whatever happens, a dialler comes back to its LNS when that is well again (seed %i)",
  async (seed) => {
    const next = rng(seed);
    const line = new Line({
      targets: [A, B, "192.0.2.3"].map((host, i) => ({ host, priority: i % 2, weight: i })),
      failBack: next() < 0.5 ? "move" : "new-tunnels",
      jitter: 0.3,
    });
    const failures: DialFailure[] = [lns(), network(), { kind: "try-another", text: "busy" }];
    let up: string | undefined;
    for (let i = 0; i < 200; i++) {
      const host = await line.next(Math.floor(next() * 100_000));
      const roll = next();
      if (host !== undefined) {
        if (roll < 0.4) {
          up = host;
          line.dialer.succeeded(line.now);
        } else line.dialer.failed(line.now, failures[Math.floor(next() * 3)] as DialFailure);
      } else if (up !== undefined && roll < 0.7) {
        line.dialer.down(line.now, failures[Math.floor(next() * 3)] as DialFailure);
        up = undefined;
      } else if (roll > 0.9) line.asleepMs += 100_000;
      line.now += Math.floor(next() * 1_000);
      const { state, targets } = line.dialer.status(line.now);
      expect(targets.filter((target) => target.state === "up")).toHaveLength(state === "up" ? 1 : 0);
    }
    if (up !== undefined) line.dialer.down(line.now, lns());
    const host = await line.next();
    expect(host).toBeDefined();
    line.dialer.succeeded(line.now);
    expect(line.dialer.status(line.now).state).toBe("up");
  },
);
