/** What an attacker can send: nothing throws, nothing grows, nothing is amplified. */
import { expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  helloMessage,
  Transport,
  transportSettings,
} from "../src/index.ts";
import { forSeeds, numbered, rng } from "./sim.ts";

test("300,000 mutated datagrams neither throw, nor grow what is kept, nor get more octets back than they had", () => {
  forSeeds(3, (seed) => {
    const random = rng(seed);
    const transport = new Transport();
    const channels: { id: ChannelId; version: 2 | 3 }[] = [];
    for (const version of [2, 3] as const) {
      for (const rebase of [false, true]) {
        const settings = transportSettings(FIELD_SETTINGS[version], { helloTimeoutMs: 0, maxRetries: 1_000 });
        channels.push({ id: transport.open(0, { version, peerConnectionId: 1, settings, rebase }), version });
      }
    }
    const models = [numbered(1, 2), numbered(1, 3), helloMessage(2, 1), helloMessage(3, 1)].concat(
      acknowledgementMessage(2, 1, false),
      acknowledgementMessage(3, 1, true),
    );
    let octetsIn = 0;
    let octetsOut = 0;
    for (let n = 0; n < 100_000; n++) {
      const { id } = channels[Math.floor(random() * channels.length)] as (typeof channels)[number];
      const model = models[Math.floor(random() * models.length)] as Uint8Array;
      const datagram = model.slice(0, random() < 0.1 ? Math.floor(random() * model.length) : model.length);
      for (let flips = Math.floor(random() * 4); flips > 0; flips--) {
        datagram[Math.floor(random() * datagram.length)] = Math.floor(random() * 256);
      }
      if (datagram.length >= 12 && random() < 0.7) {
        datagram.set([0, Math.floor(random() * 40), 0, Math.floor(random() * 3)], 8);
      }
      octetsIn += datagram.length;
      transport.receive(id, n / 10, datagram);
      if (n % 50 === 0) transport.handleTimeout(n / 10);
      for (let out = transport.pollTransmit(); out; out = transport.pollTransmit())
        octetsOut += out.datagram.length;
      while (transport.pollEvent());
    }
    expect(octetsOut).toBeLessThanOrEqual(octetsIn);
    for (const { id } of channels) {
      const statistics = transport.statistics(id);
      expect(statistics?.held).toBeLessThan(16);
      expect(statistics?.queued).toBe(0);
      expect(statistics?.acknowledgementsSent).toBeGreaterThan(0);
    }
  });
});

test("20,000 channels live on one due time, and none disturbs another", () => {
  const random = rng(7);
  const transport = new Transport({ random });
  const settings = FIELD_SETTINGS[3];
  const ids = Array.from({ length: 20_000 }, () =>
    transport.open(0, { version: 3, peerConnectionId: 1, settings }),
  );
  const hellos = new Map<ChannelId, number>();
  for (
    let wake = transport.pollTimeout();
    wake !== undefined && wake < 63_100;
    wake = transport.pollTimeout()
  ) {
    transport.handleTimeout(wake);
    for (let out = transport.pollTransmit(); out; out = transport.pollTransmit()) {
      if (!hellos.has(out.channel)) hellos.set(out.channel, wake);
    }
  }
  expect(hellos.size).toBe(ids.length);
  const times = [...hellos.values()];
  expect(Math.min(...times)).toBeGreaterThanOrEqual(60_000);
  expect(Math.max(...times)).toBeLessThanOrEqual(63_010);
  for (const id of ids) transport.release(id);
  expect([transport.size, transport.pollTimeout(), transport.pollTransmit()]).toEqual([
    0,
    undefined,
    undefined,
  ]);
});
