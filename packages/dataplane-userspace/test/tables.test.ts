/** The session table and the ring of stray control messages, against the plain structures that they stand for. */
import { Worker } from "node:worker_threads";
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { Ring } from "../src/worker/ring.ts";
import { SessionTable } from "../src/worker/session-table.ts";

describe("the session table", () => {
  test("does what a Map does", () => {
    // Few different IDs, so that they are found, replaced and deleted; among them those that hash alike.
    const id = fc.constantFrom(
      1,
      2,
      3,
      0x8000_0000,
      0xffff_ffff,
      ...Array.from({ length: 30 }, (_, i) => i * 0x1000),
    );
    const step = fc.tuple(fc.constantFrom("set", "delete", "get"), id, fc.nat({ max: 1_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const [table, map] = [new SessionTable(), new Map<number, number>()];
        for (const [what, key, value] of steps) {
          if (what === "set") {
            table.set(key, value);
            map.set(key, value);
          } else if (what === "delete") expect(table.delete(key)).toBe(map.delete(key));
          expect(table.get(key)).toBe(map.get(key) ?? -1);
          expect(table.size).toBe(map.size);
        }
        for (const [key, value] of map) expect(table.get(key)).toBe(value);
      }),
    );
  });

  test("holds 100,000 sessions and finds each", () => {
    const table = new SessionTable();
    for (let i = 0; i < 100_000; i++) table.set((i * 2_654_435_761) >>> 0, i);
    for (let i = 0; i < 100_000; i++)
      if (table.get((i * 2_654_435_761) >>> 0) !== i) expect.fail(`session ${i}`);
    expect(table.get(12_345)).toBe(-1);
  });
});

describe("the ring", () => {
  const push = (ring: Ring, octets: Uint8Array) => {
    const memory = new Uint8Array(44 + octets.length);
    memory.fill(octets[0] ?? 0, 0, 28).fill(0xee, 28, 44);
    memory.set(octets, 44);
    return ring.push(memory, 0, 28, 44, octets.length);
  };

  test("gives back what was put in, in order, and says when it is full", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant("shift" as const)), {
          maxLength: 200,
        }),
        (steps) => {
          const ring = new Ring(new SharedArrayBuffer(64 + 1_024));
          const model: Uint8Array[] = [];
          for (const step of steps) {
            if (step === "shift") {
              expect(ring.shift()?.datagram).toEqual(model.shift());
              continue;
            }
            const result = push(ring, step);
            if (result === "full") {
              const used = model.reduce((sum, { length }) => sum + Math.ceil((48 + length) / 8) * 8, 0);
              // A datagram is in one piece, so up to its own length may be left unused at the end.
              expect(used + 2 * (56 + step.length)).toBeGreaterThan(1_024);
            } else {
              expect(result).toBe(model.length === 0 ? "first" : "more");
              model.push(step);
            }
          }
          for (const expected of model) {
            const got = ring.shift();
            expect(got?.datagram).toEqual(expected);
            expect(got?.from).toEqual(new Uint8Array(28).fill(expected[0] ?? 0));
            expect(got?.local).toEqual(new Uint8Array(16).fill(0xee));
          }
          expect(ring.shift()).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });

  test("passes datagrams from one thread to another without losing or mixing any", async () => {
    const buffer = new SharedArrayBuffer(64 + 4_096);
    const ring = new Ring(buffer);
    const count = 5_000;
    // The reader is in the other thread here: it needs only the layout that ring.ts and entry-ring.ts document.
    const reader = new Worker(
      `const { workerData, parentPort } = require("node:worker_threads");
       const index = new Int32Array(workerData.buffer, 0, 2), view = new DataView(workerData.buffer, 64);
       const capacity = (workerData.buffer.byteLength - 64) & ~7;
       let bad = 0;
       for (let n = 0; n < workerData.count; ) {
         let head = Atomics.load(index, 0);
         if (head === Atomics.load(index, 1)) continue;
         let length = view.getUint32(head);
         if (length === 0xffffffff) { head = 0; length = view.getUint32(0); }
         for (let i = 0; i + 4 <= length; i += 4) if (view.getUint32(head + 48 + i) !== n) bad++;
         const next = head + ((48 + length + 7) & ~7);
         Atomics.store(index, 0, next === capacity ? 0 : next);
         n++;
       }
       parentPort.postMessage(bad);`,
      { eval: true, workerData: { buffer, count } },
    );
    const result = new Promise((resolve, reject) => {
      reader.once("message", resolve);
      reader.once("error", reject);
    });
    await new Promise((resolve) => reader.once("online", resolve));
    for (let n = 0; n < count; n++) {
      const octets = new Uint8Array(4 * (1 + (n % 200)));
      const view = new DataView(octets.buffer);
      for (let i = 0; i < octets.length; i += 4) view.setUint32(i, n);
      while (push(ring, octets) === "full") await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await result).toBe(0);
  });
});
