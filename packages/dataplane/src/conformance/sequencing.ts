/** Sequence numbers and reordering. */
import { equal, ok } from "./assert.ts";
import type { Bench, SessionWish } from "./bench.ts";
import { frame, v3Data } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

/** A session that faces a raw socket, and a way to send it numbered frames. */
async function numbered(bench: Bench, wish: SessionWish = {}) {
  const facing = await bench.facingRaw({ receiveSequence: true, ...wish });
  const { encapsulation } = bench.transport;
  const { sessionId } = facing.parameters;
  const send = (ns: number | null, n = ns ?? 0) =>
    facing.raw.send(facing.open.address, v3Data({ encapsulation, sessionId, ns, frame: frame(n) }));
  return { ...facing, send };
}

const rising = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? 0));

/** More than half of the 24-bit number space is "behind". */
const LARGEST_NS = 0xff_ffff;
/** Times for reordering: one that no stall of the machine between two messages uses up, and one that a test waits for. */
const LONG_MS = 10_000;
const SHORT_MS = 400;

export const SEQUENCING: readonly Scenario[] = [
  {
    name: "numbers that are sent count up from 0, and stop and go on when changed",
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      const { raw, port, session, parameters } = await bench.facingRaw({ sendSequence: true });
      const sessionId = parameters.peerSessionId;
      const expected: Uint8Array[] = [];
      const send = async (ns: number | null) => {
        const n = expected.length;
        await port.send(frame(n));
        expected.push(v3Data({ encapsulation, sessionId, ns, frame: frame(n) }));
        await bench.until(() => raw.received.length >= expected.length, `message ${n} arrives`);
      };
      for (const ns of [0, 1, 2, 3]) await send(ns);
      await session.update({ sendSequence: false });
      await send(null);
      await session.update({ sendSequence: true });
      await send(4);
      equal(raw.received, expected, "the messages");
    },
  },
  {
    name: "numbered frames cross between two that both require numbers",
    everywhere: true,
    async run(bench) {
      const { ports } = await bench.connected({ sendSequence: true, receiveSequence: true });
      const all = Array.from({ length: 20 }, (_, n) => n);
      for (const n of all) {
        await ports.a.send(frame(n));
        await ports.b.send(frame(100 + n));
      }
      await bench.expectFrames(ports.b, all, "at B");
      await bench.expectFrames(
        ports.a,
        all.map((n) => 100 + n),
        "at A",
      );
    },
  },
  {
    name: "frames without a number are dropped and counted where numbers are required",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench);
      await send(null, 50);
      await send(0);
      await bench.expectFrames(port, [0], "the numbered one alone");
      await bench.expectCounters(session, { rxSeqDiscards: 1, rxErrors: 1 }, "sequence discards and errors");
    },
  },
  {
    name: "requiring numbers can be turned on and off while the session is up",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench, { receiveSequence: false });
      await send(null, 50);
      await bench.expectFrames(port, [50], "not required");
      await session.update({ receiveSequence: true });
      await send(null, 51);
      await bench.expectCounters(session, { rxSeqDiscards: 1 }, "required");
      await session.update({ receiveSequence: false });
      await send(null, 52);
      await bench.expectFrames(port, [50, 52], "on and off");
    },
  },
  {
    name: "frames with a number pass where none is required",
    needs: { raw: true },
    async run(bench) {
      const { send, port } = await numbered(bench, { receiveSequence: false });
      for (const ns of [0, 1, 2]) await send(ns);
      await bench.expectFrames(port, [0, 1, 2], "all of them");
    },
  },
  {
    name: "without reordering, late frames and doubles are dropped and counted",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench);
      for (const ns of [0, 1, 1, 2, 0, 3]) await send(ns);
      await bench.expectFrames(port, [0, 1, 2, 3], "each once, in order");
      await bench.expectCounters(session, { rxErrors: 2 }, "what was dropped");
    },
  },
  {
    name: "after a gap the session takes the sender's numbering",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench);
      await send(0);
      for (let ns = 100; ns < 120; ns++) await send(ns);
      await bench.until(() => bench.numbers(port).at(-1) === 119, "the last one arrives");
      const got = bench.numbers(port);
      ok(rising(got), `${got.join()} is in order`);
      const lost = 21 - got.length;
      ok(lost <= 6, `no more than six are lost, not ${lost}`);
      const missing = { rxErrors: lost, rxSeqDiscards: lost };
      await bench.expectCounters(session, missing, "errors and sequence discards are what is missing");
    },
  },
  {
    name: "a sender that begins again at 0 is heard",
    needs: { raw: true },
    async run(bench) {
      const { send, port } = await numbered(bench);
      for (let ns = 0; ns < 30; ns++) await send(ns);
      await bench.until(() => bench.numbers(port).length === 30, "the first thirty arrive");
      for (let ns = 0; ns < 20; ns++) await send(ns, 100 + ns);
      await bench.until(() => bench.numbers(port).at(-1) === 119, "the last one after the restart arrives");
      ok(bench.numbers(port).length >= 30 + 14, "no more than six are lost");
    },
  },
  {
    name: "the numbers wrap around from the largest to 0",
    needs: { raw: true },
    async run(bench) {
      const { send, port } = await numbered(bench);
      let n = 0;
      // In steps that stay ahead of what is expected, each long enough to be taken up.
      for (const start of [0x60_0000, 0xc0_0000, LARGEST_NS - 20]) {
        for (let ns = start; ns < start + 8; ns++) await send(ns, n++);
      }
      await bench.until(() => bench.numbers(port).at(-1) === n - 1, "the numbering is taken up");
      const from = n;
      for (let ns = LARGEST_NS - 12; ns <= LARGEST_NS; ns++) await send(ns, n++);
      for (let ns = 0; ns < 10; ns++) await send(ns, n++);
      await bench.until(() => bench.numbers(port).at(-1) === n - 1, "the last one arrives");
      const tail = bench.numbers(port).filter((number) => number >= from);
      equal(
        tail,
        Array.from({ length: n - from }, (_, i) => from + i),
        "none is lost over the wrap",
      );
    },
  },
  {
    name: "with reordering, frames are put in order and counted",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench, { reorderMs: LONG_MS });
      for (const ns of [0, 2, 1, 3, 6, 5, 4, 7]) await send(ns);
      await bench.expectFrames(port, [0, 1, 2, 3, 4, 5, 6, 7], "in order");
      await bench.expectCounters(session, { rxErrors: 0, rxPackets: 8 }, "errors and packets");
      const { rxOosPackets } = await session.statistics();
      ok(rxOosPackets >= 2, `out of order: ${rxOosPackets}`);
    },
  },
  {
    name: "with reordering, a frame that never comes does not hold up the others for longer than was said",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench, { reorderMs: SHORT_MS });
      await send(0);
      const start = performance.now();
      await send(2);
      await bench.quiet();
      const meanwhile = bench.numbers(port);
      // A busy machine may have slept all that time, and more.
      if (performance.now() - start < SHORT_MS) equal(meanwhile, [0], "while it waits");
      await bench.fixture.wait(SHORT_MS + 100);
      for (let ns = 3; ns < 8; ns++) await send(ns);
      await bench.until(() => bench.numbers(port).at(-1) === 7, "it goes on");
      const got = bench.numbers(port);
      ok(rising(got), `${got.join()} is in order`);
      await bench.until(async () => {
        const { rxErrors, rxPackets } = await session.statistics();
        return rxPackets + rxErrors === 7;
      }, "what came is delivered or counted");
    },
  },
  {
    name: "reordering can be turned on while the session is up",
    needs: { raw: true },
    async run(bench) {
      const { send, port, session } = await numbered(bench);
      await send(0);
      await bench.expectFrames(port, [0], "without");
      await session.update({ reorderMs: LONG_MS });
      for (const ns of [2, 1, 3]) await send(ns);
      await bench.expectFrames(port, [0, 1, 2, 3], "with");
    },
  },
];
