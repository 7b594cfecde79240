/** Hello: after silence and only then, and what it finds out (RFC 2661 §5.5, RFC 3931 §4.4). */
import { describe, expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  messageKind,
  peerGoneWithinMs,
  RFC_SETTINGS,
  Transport,
  type TransportSettings,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { forSeeds, Host, numbered, rng, Sim } from "./sim.ts";

const everyFive = transportSettings(RFC_SETTINGS[3], { helloTimeoutMs: 5_000, helloJitter: 0 });

function open(settings: TransportSettings = everyFive, random?: () => number): [Transport, ChannelId] {
  const transport = new Transport(random ? { random } : {});
  return [transport, transport.open(0, { version: 3, peerConnectionId: 9, settings, peerWindow: 16 })];
}

function kindsLeaving(transport: Transport): string[] {
  const kinds: string[] = [];
  for (let out = transport.pollTransmit(); out; out = transport.pollTransmit()) {
    kinds.push(messageKind(out.datagram, 3));
  }
  return kinds;
}

/** Runs the timers alone up to `until`; returns when Hellos left. */
function hellos(transport: Transport, until: number): number[] {
  const times: number[] = [];
  for (
    let wake = transport.pollTimeout();
    wake !== undefined && wake <= until;
    wake = transport.pollTimeout()
  ) {
    transport.handleTimeout(wake);
    for (const kind of kindsLeaving(transport)) if (kind === "hello") times.push(wake);
  }
  return times;
}

function acknowledge(transport: Transport, channel: ChannelId, now: number, nr: number): void {
  const ack = acknowledgementMessage(3, 1, true);
  writeSequence(ack, 0, nr);
  transport.receive(channel, now, ack);
}

describe("a Hello is sent", () => {
  test("after the silence that hello_timeout says, as a whole message", () => {
    const [transport] = open();
    transport.handleTimeout(4_999);
    expect(transport.pollTransmit()).toBeUndefined();
    transport.handleTimeout(5_000);
    const hello = transport.pollTransmit()?.datagram ?? new Uint8Array();
    expect(Buffer.from(hello).toString("hex")).toBe("c803001400000009000000008008000000000006");
  });

  test("that long after anything was heard, control or data; the timer itself is not moved by traffic", () => {
    const [transport, channel] = open();
    acknowledge(transport, channel, 3_000, 0);
    expect(transport.pollTimeout()).toBe(5_000);
    transport.handleTimeout(5_000);
    expect(transport.pollTransmit()).toBeUndefined();
    expect(transport.pollTimeout()).toBe(8_000);
    transport.noteHeard(channel, 7_500);
    transport.noteHeard(channel, 7_000); // older news changes nothing
    expect(hellos(transport, 12_490)).toEqual([]);
    expect(hellos(transport, 12_500)).toEqual([12_500]);
  });

  test("never while a message of ours is on its way: that finds out as well", () => {
    const [transport, channel] = open();
    transport.send(channel, 4_900, numbered(0));
    expect(kindsLeaving(transport)).toEqual(["message"]);
    transport.handleTimeout(5_000);
    expect(kindsLeaving(transport)).toEqual([]);
    expect(transport.sendHello(channel, 5_000)).toBe(false);
    acknowledge(transport, channel, 5_100, 1);
    expect(hellos(transport, 10_099)).toEqual([]);
    expect(hellos(transport, 10_100)).toEqual([10_100]);
  });

  test("at once when it is asked for, and not twice", () => {
    const [transport, channel] = open();
    expect(transport.sendHello(channel, 10)).toBe(true);
    expect(transport.sendHello(channel, 10)).toBe(false);
    expect(kindsLeaving(transport)).toEqual(["hello"]);
    expect(transport.statistics(channel)).toMatchObject({ hellosSent: 1, messagesSent: 1 });
  });

  test("never with hello_timeout 0, until it is switched on", () => {
    const [transport, channel] = open(transportSettings(everyFive, { helloTimeoutMs: 0 }));
    expect(transport.pollTimeout()).toBeUndefined();
    transport.configure(channel, 1_000, { settings: everyFive });
    expect(hellos(transport, 6_000)).toEqual([6_000]);
  });

  test("at times spread by the jitter, later and never sooner (RFC 3931 §4.4: MUST employ a jittered timer)", () => {
    const settings = transportSettings(everyFive, { helloJitter: 0.2 });
    const random = rng(1);
    const times = Array.from({ length: 200 }, () => hellos(open(settings, random)[0], 6_000)[0] as number);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(6_000);
    expect(new Set(times).size).toBeGreaterThan(50);
  });
});

describe("a Hello that is not answered", () => {
  test("fails the channel after all its transmissions; helloMisses may say fewer", () => {
    for (const [helloMisses, sent] of [
      [0, [5_000, 6_000, 8_000, 12_000, 20_000, 28_000, 36_000, 44_000, 52_000, 60_000, 68_000]],
      [3, [5_000, 6_000, 8_000]],
      [1, [5_000]],
    ] as const) {
      const [transport, channel] = open(transportSettings(everyFive, { helloMisses }));
      expect(hellos(transport, 1e9)).toEqual(sent);
      expect(transport.pollEvent()).toMatchObject({
        type: "failed",
        what: "hello",
        transmissions: sent.length,
      });
      expect(transport.statistics(channel)?.state).toBe("failed");
    }
  });

  test("with helloMisses 3, other messages keep their own number of tries", () => {
    const [transport, channel] = open(transportSettings(everyFive, { helloMisses: 3 }));
    transport.send(channel, 0, numbered(0));
    expect(hellos(transport, 70_999)).toEqual([]);
    expect(transport.statistics(channel)?.state).toBe("open");
    hellos(transport, 71_000);
    expect(transport.pollEvent()).toMatchObject({ type: "failed", what: "message" });
  });
});

test("a peer that goes silent at any time is found gone within the time that the settings say", () => {
  forSeeds(60, (seed) => {
    const settings = transportSettings(FIELD_SETTINGS[3], {
      helloTimeoutMs: [5_000, 60_000, 777][seed % 3] as number,
      maxRetries: [10, 3, 5, 0][seed % 4] as number,
      helloMisses: [0, 2][seed % 2] as number,
    });
    const sim = new Sim(seed);
    const options = { version: 3, peerConnectionId: 1, settings } as const;
    const a = new Host("a", options, { random: sim.random });
    const b = new Host("b", options, { random: sim.random });
    sim.join(a, b, { delayMs: [1, 20] });
    let n = 0;
    for (let at = 0; at < 200_000; at += 1 + sim.random() * 30_000) {
      sim.at(at, () => a.transport.send(a.channel, sim.now, numbered(n++)));
    }
    const dies = sim.random() * 150_000;
    sim.run(dies);
    expect(a.count("failed")).toBe(0);
    sim.silence(b, true);
    sim.run(dies + 20 + peerGoneWithinMs(settings));
    expect(a.count("failed")).toBe(1);
    const at = a.events.find(({ event }) => event.type === "failed")?.at as number;
    expect(at).toBeGreaterThan(dies);
  });
});

test("without Hello nothing finds a silent peer gone, and the computed time says so", () => {
  expect(peerGoneWithinMs(transportSettings(everyFive, { helloTimeoutMs: 0 }))).toBe(
    Number.POSITIVE_INFINITY,
  );
});
