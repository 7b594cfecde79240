/** Two channels over a bad network: everything arrives, in order, exactly once; or the channel fails in time. */
import { expect, test } from "vitest";
import {
  type ChannelOptions,
  FIELD_SETTINGS,
  fullRetransmissionIntervalMs,
  type TransportSettings,
  transportSettings,
} from "../src/index.ts";
import { forSeeds, Host, type Impairment, numbered, Sim } from "./sim.ts";

/** So many tries that 40 % loss does not end the channel, which is not what these tests are about. */
const stubborn = transportSettings(FIELD_SETTINGS[3], { maxRetries: 500, helloTimeoutMs: 0 });

const options = (settings: TransportSettings, more: Partial<ChannelOptions> = {}): ChannelOptions => ({
  version: 3,
  peerConnectionId: 1,
  settings,
  peerWindow: settings.windowSize,
  ...more,
});

/** Sends `count` messages from each end, some at a time, and returns the ends when all has arrived or given up. */
function exchange(
  seed: number,
  count: number,
  impairment: Impairment,
  settings: TransportSettings,
  tracing = false,
): { sim: Sim; a: Host; b: Host } {
  const sim = new Sim(seed);
  sim.tracing = tracing;
  const a = new Host("a", options(settings));
  const b = new Host("b", options(settings));
  sim.join(a, b, impairment);
  for (const host of [a, b]) {
    for (let n = 0; n < count; n++) host.transport.send(host.channel, 0, numbered(n));
  }
  sim.run(count * 60_000);
  return { sim, a, b };
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test("10,000 messages each way arrive in order, exactly once, through 40 % loss, duplication, reordering and delay", () => {
  forSeeds(2, (seed) => {
    const bad = { loss: 0.4, duplicate: 0.2, delayMs: [5, 400] } as const;
    const { a, b } = exchange(seed, 10_000, bad, stubborn);
    expect(b.numbers).toEqual(inOrder(10_000));
    expect(a.numbers).toEqual(inOrder(10_000));
    expect(a.count("failed") + b.count("failed")).toBe(0);
  });
}, 300_000);

test("every mixture of loss, duplication and delay delivers in order, exactly once", () => {
  forSeeds(24, (seed) => {
    const loss = [0, 0.05, 0.2, 0.4][seed % 4] as number;
    const duplicate = [0, 0.3, 1][seed % 3] as number;
    const delayMs = (
      [
        [1, 1],
        [10, 2_500],
      ] as const
    )[seed % 2] as readonly [number, number];
    const { a, b } = exchange(seed, 300, { loss, duplicate, delayMs }, stubborn);
    expect(b.numbers).toEqual(inOrder(300));
    expect(a.numbers).toEqual(inOrder(300));
  });
}, 300_000);

test("Ns wraps from 65,535 to 0 under loss, with a window of 16 and with a window of 1 (RFC 2661 §5.8)", () => {
  for (const windowSize of [16, 1]) {
    forSeeds(1, (seed) => {
      const settings = transportSettings(stubborn, { windowSize, ackDelayMs: 0 });
      const sim = new Sim(seed);
      sim.tracing = false;
      const a = new Host("a", options(settings));
      const b = new Host("b", options(settings));
      sim.join(a, b, { loss: 0.002, delayMs: [1, 3] });
      const count = 65_536 + 500;
      for (let n = 0; n < count; n++) a.transport.send(a.channel, 0, numbered(n));
      sim.run(1e9);
      expect(b.numbers).toEqual(inOrder(count));
      expect(a.transport.statistics(a.channel)).toMatchObject({ ns: 500, peerNr: 500, queued: 0 });
    });
  }
}, 300_000);

test("a peer with window 1 has never more than one message of ours on its way", () => {
  const settings = transportSettings(stubborn, { ackDelayMs: 0 });
  const sim = new Sim(1);
  const a = new Host("a", options(settings, { peerWindow: 1 }));
  const b = new Host("b", options(transportSettings(settings, { windowSize: 1 })));
  sim.join(a, b, { delayMs: [10, 10] });
  for (let n = 0; n < 50; n++) a.transport.send(a.channel, 0, numbered(n));
  sim.run(60_000);
  expect(b.numbers).toEqual(inOrder(50));
  // One message and its acknowledgement after the other: 20 ms for each.
  expect(sim.trace.filter((line) => line.includes(" a sends ")).map(parseFloat)).toEqual(
    inOrder(50).map((n) => n * 20),
  );
  expect(b.transport.statistics(b.channel)?.discardedOutOfWindow).toBe(0);
});

test("a peer that never acknowledges fails the channel at the computed time, with its reason", () => {
  for (const version of [2, 3] as const) {
    const sim = new Sim(1);
    const settings = FIELD_SETTINGS[version];
    const a = new Host("a", { version, peerConnectionId: 1, settings });
    const b = new Host("b", { version, peerConnectionId: 1, settings });
    sim.join(a, b, { loss: 1 });
    a.transport.send(a.channel, 0, numbered(0, version));
    const giveUpMs = fullRetransmissionIntervalMs(settings);
    expect(giveUpMs).toBe(version === 2 ? 31_000 : 71_000);
    sim.run(giveUpMs - 1);
    expect(a.count("failed")).toBe(0);
    sim.run(giveUpMs);
    expect(a.events.map(({ event }) => event)).toEqual([
      {
        type: "failed",
        channel: a.channel,
        what: "message",
        transmissions: settings.maxRetries + 1,
        silentMs: giveUpMs,
      },
    ]);
    sim.run(10 * giveUpMs);
    expect(sim.trace.filter((line) => line.includes(" a sends "))).toHaveLength(settings.maxRetries + 1);
    expect(a.transport.pollTimeout()).toBeUndefined();
  }
});

test("with all our datagrams lost the channel fails, although the peer is heard", () => {
  const sim = new Sim(1);
  const a = new Host("a", options(FIELD_SETTINGS[3]));
  const b = new Host("b", options(transportSettings(FIELD_SETTINGS[3], { maxRetries: 100 })));
  sim.join(a, b, { loss: 1 }, { loss: 0 });
  a.transport.send(a.channel, 0, numbered(0));
  for (let n = 0; n < 3; n++) b.transport.send(b.channel, 0, numbered(n));
  sim.run(71_000);
  expect(a.count("peer-heard")).toBe(1);
  expect(a.count("peer-reached")).toBe(0);
  expect(a.count("failed")).toBe(1);
});

test("with all acknowledgements lost messages arrive once, however often they are sent again", () => {
  const sim = new Sim(1);
  const a = new Host("a", options(FIELD_SETTINGS[3]));
  const b = new Host("b", options(FIELD_SETTINGS[3]));
  sim.join(a, b, { loss: 0 }, { loss: 1 });
  for (let n = 0; n < 3; n++) a.transport.send(a.channel, 0, numbered(n));
  sim.run(120_000);
  expect(b.numbers).toEqual([0]); // CWND is 1 until something is acknowledged
  expect(a.count("failed")).toBe(1);
  expect(b.transport.statistics(b.channel)).toMatchObject({ duplicates: 10, acknowledgementsSent: 11 });
});

test("what was queued before a partition arrives after it, when the tries suffice", () => {
  forSeeds(5, (seed) => {
    const sim = new Sim(seed);
    const a = new Host("a", options(FIELD_SETTINGS[3]));
    const b = new Host("b", options(FIELD_SETTINGS[3]));
    sim.join(a, b, { loss: 0.1, delayMs: [5, 50] });
    let n = 0;
    for (let at = 0; at < 120_000; at += 500) {
      sim.at(at, () => a.transport.send(a.channel, sim.now, numbered(n++)));
    }
    for (const host of [a, b]) {
      sim.at(20_000, () => sim.cut(host, true));
      sim.at(60_000, () => sim.cut(host, false));
    }
    sim.run(400_000);
    expect(b.numbers).toEqual(inOrder(240));
  });
});

test("the same seed gives the same trace, and another seed another", () => {
  const bad = { loss: 0.3, duplicate: 0.2, delayMs: [5, 300] } as const;
  const trace = (seed: number): string => exchange(seed, 100, bad, stubborn, true).sim.trace.join("\n");
  expect(trace(1)).toBe(trace(1));
  expect(trace(1)).not.toBe(trace(2));
});
