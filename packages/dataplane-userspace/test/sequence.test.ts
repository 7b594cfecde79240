/** Sequencing against the kernel's own steps, written down slowly, and where it is meant to be better. */
import { seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { HoldingSlots, Sequence, VERDICT } from "../src/packet/sequence.ts";

const MASK = 0xff_ffff;

/** What the code under test reports, for a message known by a number of its own. */
class Subject {
  readonly delivered: number[] = [];
  dropped = 0;
  readonly slots: HoldingSlots;
  readonly sequence: Sequence;
  readonly #held = new Map<number, number>();

  constructor(slots = 64) {
    this.slots = new HoldingSlots(slots);
    this.sequence = new Sequence(this.slots);
  }

  receive(ns: number, message: number, nowMs = 0, reorderMs = 0): void {
    const verdict = this.sequence.accept(ns, nowMs, reorderMs);
    if (verdict === VERDICT.deliver) this.delivered.push(message);
    else if (verdict === VERDICT.held) this.#held.set(this.sequence.heldIn, message);
    else {
      this.dropped++;
      return;
    }
    for (let slot = this.sequence.release(nowMs); slot !== -1; slot = this.sequence.release(nowMs)) {
      this.delivered.push(this.#held.get(slot) as number);
      this.slots.give(slot);
    }
    this.dropped += this.sequence.expired;
    this.sequence.expired = 0;
  }
}

interface Waiting {
  readonly ns: number;
  readonly message: number;
  readonly expires: number;
}

/** `l2tp_recv_data_seq`, `l2tp_recv_queue_skb` and `l2tp_recv_dequeue` of Linux 6.1, statement by statement. */
class Kernel {
  readonly delivered: number[] = [];
  dropped = 0;
  oosPackets = 0;
  #nr = 0;
  #nrOos = 0;
  #nrOosCount = 0;
  #reorderSkip = true;
  #queue: Waiting[] = [];

  receive(ns: number, message: number, nowMs = 0, reorderMs = 0): void {
    const item = { ns, message, expires: nowMs + (reorderMs > 0 ? reorderMs : 1_000) };
    if (ns === -1) this.#queue.push(item);
    else if (((ns - this.#nr) & MASK) >= MASK >>> 1) {
      this.dropped++;
      return;
    } else if (reorderMs > 0) {
      const at = this.#queue.findIndex((other) => other.ns !== -1 && other.ns > ns);
      if (at === -1) this.#queue.push(item);
      else {
        this.#queue.splice(at, 0, item);
        this.oosPackets++;
      }
    } else if (ns === this.#nr) this.#queue.push(item);
    else {
      this.#nrOosCount = ns === ((this.#nrOos + 1) & MASK) ? this.#nrOosCount + 1 : 0;
      this.#nrOos = ns;
      if (this.#nrOosCount > 4) this.#reorderSkip = true;
      if (!this.#reorderSkip) {
        this.dropped++;
        return;
      }
      this.#queue.push(item);
    }
    this.#dequeue(nowMs);
  }

  #dequeue(nowMs: number): void {
    start: for (;;) {
      for (const item of [...this.#queue]) {
        if (nowMs > item.expires) {
          this.dropped++;
          this.#reorderSkip = true;
          this.#queue.splice(this.#queue.indexOf(item), 1);
          continue;
        }
        if (item.ns !== -1) {
          if (this.#reorderSkip) {
            this.#reorderSkip = false;
            this.#nr = item.ns;
          }
          if (item.ns !== this.#nr) return;
          this.#nr = (this.#nr + 1) & MASK;
        }
        this.#queue.splice(this.#queue.indexOf(item), 1);
        this.delivered.push(item.message);
        continue start;
      }
      return;
    }
  }
}

/** xorshift32. */
function dice(seed: number): (below: number) => number {
  let state = seed * 0x9e37_79b1 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe("sequencing", () => {
  test.each(seeds(60))("goes the kernel's way with loss and reordering, seed %i", (seed) => {
    const roll = dice(seed);
    const reorderMs = [0, 20, 100][roll(3)] as number;
    const [subject, kernel] = [new Subject(10_000), new Kernel()];
    // Numbers from a sender, lost and moved about; nothing comes twice, for there the kernel's queue gets stuck.
    const sent = Array.from({ length: 400 }, (_, ns) => ({ ns, at: ns * 2 + (roll(5) === 0 ? roll(60) : 0) }))
      .filter(() => roll(12) !== 0)
      .sort((x, y) => x.at - y.at);
    for (const [message, { ns, at }] of sent.entries()) {
      const number = reorderMs === 0 && roll(40) === 0 ? -1 : ns;
      subject.receive(number, message, at, reorderMs);
      kernel.receive(number, message, at, reorderMs);
    }
    expect(subject.delivered, `seed ${seed}`).toEqual(kernel.delivered);
    expect([subject.dropped, subject.sequence.reordered]).toEqual([kernel.dropped, kernel.oosPackets]);
  });

  test("takes the number of the first message as it is", () => {
    const subject = new Subject();
    for (const ns of [0x90_0000, 0x90_0001]) subject.receive(ns, ns);
    expect(subject.delivered).toEqual([0x90_0000, 0x90_0001]);
  });

  test("without reordering drops what is not expected, and follows after five in sequence", () => {
    const subject = new Subject();
    for (const ns of [0, 1, 5, 2, 100, 101, 102, 103, 104, 105, 106]) subject.receive(ns, ns);
    expect(subject.delivered).toEqual([0, 1, 2, 105, 106]);
    expect(subject.dropped).toBe(6);
  });

  test("follows a sender that began again at 0, with and without reordering", () => {
    for (const reorderMs of [0, 50]) {
      const subject = new Subject();
      for (let ns = 0; ns < 100; ns++) subject.receive(ns, ns, ns, reorderMs);
      for (let ns = 0; ns < 20; ns++) subject.receive(ns, 1_000 + ns, 100 + ns, reorderMs);
      expect(subject.delivered.slice(100)).toEqual(Array.from({ length: 15 }, (_, i) => 1_005 + i));
    }
  });

  test("puts in order over the wrap of the numbers, where the kernel does not", () => {
    const subject = new Subject();
    const order = [MASK - 2, MASK, 0, MASK - 1, 2, 1, 3];
    for (const [i, ns] of order.entries()) subject.receive(ns, ns, i, 100);
    expect(subject.delivered).toEqual([MASK - 2, MASK - 1, MASK, 0, 1, 2, 3]);
    expect(subject.dropped).toBe(0);
  });

  test("a double of one that waits is dropped and holds nothing up", () => {
    const subject = new Subject();
    for (const [i, ns] of [0, 2, 2, 3, 1, 4].entries()) subject.receive(ns, i, i, 100);
    expect(subject.delivered).toEqual([0, 4, 1, 3, 5]);
    expect(subject.dropped).toBe(1);
  });

  test("what waits too long is dropped when the next one comes, and the session goes on from there", () => {
    const subject = new Subject();
    subject.receive(0, 0, 0, 100);
    subject.receive(2, 2, 10, 100);
    subject.receive(3, 3, 105, 100);
    expect(subject.delivered).toEqual([0]);
    subject.receive(4, 4, 120, 100);
    expect(subject.delivered).toEqual([0, 3, 4]);
    expect(subject.dropped).toBe(1);
  });

  test("a full queue drops and does not forget what it holds", () => {
    const subject = new Subject(2);
    for (const ns of [0, 2, 3, 4, 5, 1, 4]) subject.receive(ns, ns, 0, 100);
    expect(subject.delivered).toEqual([0, 1, 2, 3, 4]);
  });

  test("without room nothing is changed, and once there is some it goes on", () => {
    const slots = new HoldingSlots(1);
    const [one, other] = [new Sequence(slots), new Sequence(slots)];
    one.accept(0, 0, 100);
    expect(one.accept(2, 0, 100)).toBe(VERDICT.held);
    other.accept(0, 0, 100);
    expect(other.accept(2, 150, 100)).toBe(VERDICT.noRoom);
    expect(one.release(150)).toBe(-1);
    expect([one.waiting, one.expired]).toEqual([false, 1]);
    expect(other.accept(2, 150, 100)).toBe(VERDICT.held);
    expect(other.accept(1, 150, 100)).toBe(VERDICT.deliver);
    expect(other.release(150)).toBe(0);
  });

  test("slots come back when the session ends", () => {
    const slots = new HoldingSlots(3);
    const sequence = new Sequence(slots);
    for (const ns of [0, 2, 3, 4]) sequence.accept(ns, 0, 100);
    expect(slots.take()).toBe(-1);
    sequence.clear();
    expect([slots.take(), slots.take(), slots.take()].sort()).toEqual([0, 1, 2]);
    expect(slots.take()).toBe(-1);
  });

  test("a message without number waits behind numbered ones", () => {
    const subject = new Subject();
    for (const [i, ns] of [0, 2, -1, 1, -1].entries()) subject.receive(ns, i, i, 100);
    expect(subject.delivered).toEqual([0, 3, 1, 2, 4]);
  });
});
