/** The timer wheel: exact, against a sorted list. */
import { describe, expect, test } from "vitest";
import { TimerWheel } from "../src/index.ts";
import { forSeeds, rng } from "./sim.ts";

/** All keys that expire at `now`, in order. */
function expired(wheel: TimerWheel, now: number): number[] {
  const keys: number[] = [];
  for (let key = wheel.expire(now); key >= 0; key = wheel.expire(now)) keys.push(key);
  return keys;
}

describe("a timer", () => {
  test("never expires early, and is late by less than a tick", () => {
    for (const due of [0.5, 1, 9.99, 10, 10.01, 2_559, 2_560, 2_561, 655_361, 1e9 + 0.1]) {
      const wheel = new TimerWheel({ tickMs: 10 });
      wheel.arm(3, due);
      const tick = Math.ceil(due / 10) * 10;
      expect(expired(wheel, Math.min(due, tick) - 0.001)).toEqual([]);
      expect(expired(wheel, tick)).toEqual([3]);
      expect(wheel.size).toBe(0);
    }
  });

  test("is not early by a rounding either, whatever the tick and however large the numbers", () => {
    const random = rng(3);
    const bits = new DataView(new ArrayBuffer(8));
    const neighbour = (value: number, step: bigint): number => {
      bits.setFloat64(0, value);
      bits.setBigInt64(0, bits.getBigInt64(0) + step);
      return bits.getFloat64(0);
    };
    for (let n = 0; n < 2_000; n++) {
      const tickMs = 1 + Math.floor(random() ** 3 * 5_000);
      const whole = Math.floor(random() ** 4 * 1e9) * tickMs + tickMs;
      for (const due of [neighbour(whole, -1n), whole, neighbour(whole, 1n)]) {
        const wheel = new TimerWheel({ tickMs });
        expired(wheel, due - 3 * tickMs);
        wheel.arm(0, due);
        expect(expired(wheel, neighbour(due, -1n))).toEqual([]);
        expect(expired(wheel, due + tickMs)).toEqual([0]);
      }
    }
  });

  test("that is due when armed is given by the next call, with the same now", () => {
    const wheel = new TimerWheel();
    expect(expired(wheel, 1_000)).toEqual([]);
    wheel.arm(1, 1_000);
    wheel.arm(2, 3);
    expect(wheel.nextWake()).toBeLessThanOrEqual(1_000);
    expect(expired(wheel, 1_000)).toEqual([1, 2]);
  });

  test("armed while others expire is given in the same run when its time has passed", () => {
    const wheel = new TimerWheel();
    wheel.arm(1, 100);
    expect(wheel.expire(500)).toBe(1);
    wheel.arm(2, 200);
    wheel.arm(3, 501);
    expect(expired(wheel, 500)).toEqual([2]);
    expect(expired(wheel, 510)).toEqual([3]);
  });

  test("moved later or earlier has the last due time only", () => {
    const wheel = new TimerWheel();
    wheel.arm(1, 100);
    wheel.arm(1, 5_000);
    expect(wheel.dueAt(1)).toBe(5_000);
    expect(expired(wheel, 4_990)).toEqual([]);
    wheel.arm(1, 4_995);
    expect(expired(wheel, 5_000)).toEqual([1]);
    expect(expired(wheel, 1e6)).toEqual([]);
  });

  test("cancelled does not expire; cancelling twice, or what was never armed, is nothing", () => {
    const wheel = new TimerWheel();
    wheel.arm(1, 100);
    wheel.cancel(1);
    wheel.cancel(1);
    wheel.cancel(999_999);
    expect(wheel.size).toBe(0);
    expect(wheel.nextWake()).toBeUndefined();
    expect(expired(wheel, 1_000)).toEqual([]);
  });

  test("beyond the wheel's reach of 2^32 ticks is exact as well", () => {
    const wheel = new TimerWheel({ tickMs: 1 });
    const due = 2 ** 32 * 2 + 77;
    wheel.arm(5, due);
    let wakes = 0;
    for (let at = wheel.nextWake() as number; at < due; at = wheel.nextWake() as number) {
      expect(expired(wheel, at)).toEqual([]);
      if (++wakes > 20) break;
    }
    expect(expired(wheel, due - 1)).toEqual([]);
    expect(expired(wheel, due)).toEqual([5]);
  });

  test("works on a clock that starts anywhere, as the wall clock does", () => {
    const wheel = new TimerWheel();
    const now = 1_790_000_000_000;
    wheel.arm(1, now + 1_000);
    expect(expired(wheel, now)).toEqual([]);
    expect(wheel.nextWake()).toBeLessThanOrEqual(now + 1_000);
    expect(expired(wheel, now + 990)).toEqual([]);
    expect(expired(wheel, now + 1_000)).toEqual([1]);
  });
});

test("a due time that is no number, or a key that is none, is refused", () => {
  const wheel = new TimerWheel();
  expect(() => wheel.arm(1, Number.NaN)).toThrow(RangeError);
  expect(() => wheel.arm(1, Number.POSITIVE_INFINITY)).toThrow(RangeError);
  expect(() => wheel.arm(-1, 5)).toThrow(RangeError);
  expect(() => wheel.arm(1e6 + 0.5, 5)).toThrow(RangeError);
  for (const tickMs of [0, -10, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new TimerWheel({ tickMs })).toThrow(/tickMs: a whole number/);
  }
});

/** The same calls on a plain list, searched each time. */
class SortedList {
  readonly due = new Map<number, number>();
  readonly #tickMs: number;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  tick(key: number): number {
    return Math.ceil((this.due.get(key) as number) / this.#tickMs);
  }

  expired(now: number): number[] {
    const keys = [...this.due.keys()].filter((key) => this.tick(key) * this.#tickMs <= now);
    for (const key of keys) this.due.delete(key);
    return keys;
  }

  first(): number | undefined {
    const ticks = [...this.due.keys()].map((key) => this.tick(key));
    return ticks.length === 0 ? undefined : Math.min(...ticks) * this.#tickMs;
  }
}

test("any sequence of arming, moving, cancelling and waiting gives what a sorted list gives", () => {
  forSeeds(40, (seed) => {
    const random = rng(seed);
    const tickMs = [1, 10, 16][seed % 3] as number;
    const wheel = new TimerWheel({ tickMs, keys: 4 });
    const model = new SortedList(tickMs);
    const ranges = [50, 3_000, 700_000, 2e8, 1e12];
    let now = seed % 2 ? 0 : 1e12;
    let seen = Number.NEGATIVE_INFINITY;
    for (let step = 0; step < 1_500; step++) {
      const key = Math.floor(random() * 60);
      const range = ranges[Math.floor(random() * ranges.length * random())] as number;
      const what = random();
      if (what < 0.5) {
        const due = now + Math.round(random() * range) - 20;
        wheel.arm(key, due);
        model.due.set(key, due);
      } else if (what < 0.6) {
        wheel.cancel(key);
        model.due.delete(key);
      } else {
        const wake = wheel.nextWake();
        const first = model.first();
        if (wake === undefined || first === undefined) expect(wake).toBe(first);
        else expect(wake).toBeLessThanOrEqual(Math.max(first, now + tickMs));
        now = what < 0.8 && wake !== undefined ? Math.max(now, wake) : now + random() * range;
        const keys = expired(wheel, now);
        expect(keys.slice().sort((a, b) => a - b)).toEqual(model.expired(now).sort((a, b) => a - b));
        expect(now).toBeGreaterThanOrEqual(seen);
        seen = now;
      }
      expect(wheel.size).toBe(model.due.size);
      expect(wheel.isArmed(key)).toBe(model.due.has(key));
    }
  });
});

test("timers expire by tick, whatever the order in which they were armed and moved", () => {
  forSeeds(10, (seed) => {
    const random = rng(seed);
    const wheel = new TimerWheel({ tickMs: 10 });
    for (let round = 0; round < 3; round++) {
      for (let key = 0; key < 500; key++) wheel.arm(key, Math.floor(random() * 1e6));
    }
    const ticks = Array.from({ length: 500 }, (_, key) => Math.ceil((wheel.dueAt(key) as number) / 10));
    const order = expired(wheel, 1e6).map((key) => ticks[key] as number);
    expect(order).toHaveLength(500);
    expect(order).toEqual(order.slice().sort((a, b) => a - b));
  });
});

test("the next wake is exact while timers are few, also far ahead", () => {
  const wheel = new TimerWheel({ tickMs: 10 });
  wheel.arm(1, 5_001);
  wheel.arm(2, 5_000_000);
  expect(wheel.nextWake()).toBe(5_010);
  expect(expired(wheel, 5_010)).toEqual([1]);
  expect(wheel.nextWake()).toBe(5_000_000);
  for (let key = 3; key < 60; key++) wheel.arm(key, 9_000_000 - key);
  wheel.cancel(2);
  expect(expired(wheel, 5_000_000)).toEqual([]);
  expect(wheel.nextWake()).toBe(8_999_950);
});

test("following nextWake alone, each timer expires at its own tick and few wakes are in vain", () => {
  forSeeds(5, (seed) => {
    const random = rng(seed);
    const wheel = new TimerWheel({ tickMs: 10 });
    const due = Array.from({ length: 300 }, () => random() * 3e6);
    due.forEach((at, key) => {
      wheel.arm(key, at);
    });
    let wakes = 0;
    for (let now = wheel.nextWake(); now !== undefined; now = wheel.nextWake()) {
      wakes++;
      for (const key of expired(wheel, now)) expect(now).toBe(Math.ceil((due[key] as number) / 10) * 10);
    }
    expect(wheel.size).toBe(0);
    expect(wakes).toBeLessThan(900);
  });
});
