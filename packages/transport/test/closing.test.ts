/** The end of a channel: what it still does, for how long, and that nothing of it is left (RFC 2661 §5.7, §5.8). */
import { describe, expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  GO_L2TP_SETTINGS,
  readSequence,
  Transport,
  type TransportEvent,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { forSeeds, numbered, rng } from "./sim.ts";

function open(version: 2 | 3): [Transport, ChannelId] {
  const transport = new Transport();
  return [transport, transport.open(0, { version, peerConnectionId: 9, settings: FIELD_SETTINGS[version] })];
}

function leaving(transport: Transport): number {
  let datagrams = 0;
  while (transport.pollTransmit()) datagrams++;
  return datagrams;
}

function events(transport: Transport): TransportEvent[] {
  const all: TransportEvent[] = [];
  for (let event = transport.pollEvent(); event; event = transport.pollEvent()) all.push(event);
  return all.filter(({ type }) => type !== "peer-heard" && type !== "peer-reached");
}

function receive(
  transport: Transport,
  channel: ChannelId,
  now: number,
  ns: number,
  nr: number,
  v: 2 | 3,
): string {
  const message = numbered(ns, v);
  writeSequence(message, ns, nr);
  return transport.receive(channel, now, message);
}

function acknowledge(
  transport: Transport,
  channel: ChannelId,
  now: number,
  nr: number,
  version: 2 | 3,
): void {
  const ack = acknowledgementMessage(version, 9, true);
  writeSequence(ack, 0, nr);
  transport.receive(channel, now, ack);
}

/** Runs the timers up to `until`. */
function run(transport: Transport, until: number): void {
  for (
    let wake = transport.pollTimeout();
    wake !== undefined && wake <= until;
    wake = transport.pollTimeout()
  ) {
    transport.handleTimeout(wake);
  }
}

describe("who has received StopCCN", () => {
  test.each([2, 3] as const)(
    "answers its retransmissions for a full retransmission interval (v%i)",
    (version) => {
      const [transport, channel] = open(version);
      const interval = version === 2 ? 31_000 : 71_000;
      expect(receive(transport, channel, 0, 0, 0, version)).toBe("accepted");
      transport.close(channel, 0);
      expect(leaving(transport)).toBe(1); // at once: nothing will follow on which it could ride
      for (const at of [1_000, 3_000, 7_000, 15_000, 23_000, interval - 1]) {
        transport.handleTimeout(at);
        expect(receive(transport, channel, at, 0, 0, version)).toBe("duplicate");
        expect(leaving(transport)).toBe(1);
      }
      expect(events(transport)).toHaveLength(1); // the message itself
      run(transport, interval);
      expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: true }]);
      expect(transport.size).toBe(0);
      expect(transport.pollTimeout()).toBeUndefined();
    },
  );
});

describe("who has sent StopCCN", () => {
  test("in L2TPv3 is done when it is acknowledged (RFC 3931 §4.2)", () => {
    const [transport, channel] = open(3);
    transport.send(channel, 0, numbered(0));
    transport.close(channel, 0);
    leaving(transport);
    acknowledge(transport, channel, 40, 1, 3);
    run(transport, 50);
    expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: true }]);
  });

  test("in L2TPv2 is kept for the full interval after the final exchange", () => {
    const [transport, channel] = open(2);
    transport.send(channel, 0, numbered(0, 2));
    transport.close(channel, 0);
    leaving(transport);
    acknowledge(transport, channel, 500, 1, 2);
    run(transport, 31_490);
    expect(events(transport)).toEqual([]);
    run(transport, 31_500);
    expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: true }]);
  });

  test("sends it again as any message, and ends unacknowledged when nobody answers", () => {
    for (const version of [2, 3] as const) {
      const [transport, channel] = open(version);
      transport.send(channel, 0, numbered(0, version));
      transport.close(channel, 0);
      let datagrams = 0;
      for (let wake: number | undefined = 0; wake !== undefined; wake = transport.pollTimeout()) {
        transport.handleTimeout(wake);
        datagrams += leaving(transport);
      }
      expect(datagrams).toBe(version === 2 ? 6 : 11);
      expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: false }]);
      expect(transport.size).toBe(0);
    }
  });

  test("and receives the peer's own stays to answer its retransmissions, and delivers nothing more", () => {
    const [transport, channel] = open(3);
    transport.send(channel, 0, numbered(0));
    transport.close(channel, 0);
    leaving(transport);
    receive(transport, channel, 30, 0, 1, 3); // acknowledges ours, and is new
    expect(leaving(transport)).toBe(1);
    run(transport, 1_000);
    receive(transport, channel, 1_030, 0, 1, 3); // our acknowledgement was lost
    expect(leaving(transport)).toBe(1);
    run(transport, 80_000);
    expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: true }]);
  });
});

test("a closing channel sends no Hello and takes no more messages to send", () => {
  const [transport, channel] = open(2);
  transport.close(channel, 0, { until: "interval" });
  expect(transport.send(channel, 0, numbered(0, 2))).toBe(false);
  expect(transport.sendHello(channel, 0)).toBe(false);
  run(transport, 1e6);
  expect(leaving(transport)).toBe(0);
});

test("duplicates do not keep a closed channel for ever", () => {
  const [transport, channel] = open(2);
  receive(transport, channel, 0, 0, 0, 2);
  transport.close(channel, 0);
  let now = 0;
  for (; transport.size > 0 && now < 1e6; now += 1_000) {
    transport.handleTimeout(now);
    receive(transport, channel, now, 0, 0, 2);
  }
  expect(now).toBeLessThanOrEqual(32_000);
});

test("closing twice is closing once; releasing ends at once, without event or datagram", () => {
  const [transport, channel] = open(3);
  transport.close(channel, 0, { until: "interval" });
  transport.close(channel, 60_000, { until: "interval" });
  run(transport, 71_000);
  expect(events(transport)).toEqual([{ type: "closed", channel, acknowledged: true }]);
  const [other, id] = open(3);
  other.send(id, 0, numbered(0));
  receive(other, id, 0, 0, 0, 3);
  other.pollEvent();
  other.release(id);
  other.release(id);
  expect([leaving(other), other.size, other.pollTimeout()]).toEqual([0, 0, undefined]);
});

test("a failed channel is silent, and gone when it is closed; reset begins it anew", () => {
  const settings = transportSettings(GO_L2TP_SETTINGS, { maxRetries: 0 });
  const transport = new Transport();
  const channel = transport.open(0, { version: 3, peerConnectionId: 1, settings });
  transport.send(channel, 0, numbered(0));
  run(transport, 1_000);
  expect(events(transport)).toMatchObject([{ type: "failed", transmissions: 1, silentMs: 1_000 }]);
  expect(transport.send(channel, 1_000, numbered(1))).toBe(false);
  expect(receive(transport, channel, 1_000, 0, 0, 3)).toBe("closed");
  expect(leaving(transport)).toBe(0);
  transport.reset(channel, 2_000);
  expect(transport.send(channel, 2_000, numbered(2))).toBe(true);
  const out = transport.pollTransmit()?.datagram as Uint8Array;
  expect(readSequence(out).ns).toBe(0);
  expect(receive(transport, channel, 2_000, 0, 1, 3)).toBe("accepted");
  expect(transport.statistics(channel)).toMatchObject({ messagesSent: 2, discardedClosed: 1, queued: 0 });
  run(transport, 1e6);
  transport.reset(channel, 1e6);
  transport.send(channel, 1e6, numbered(3));
  run(transport, 2e6);
  transport.close(channel, 2e6);
  expect(events(transport).at(-1)).toMatchObject({ type: "closed", acknowledged: false });
  expect(transport.size).toBe(0);
});

test("an ID that was given back does nothing, although its place is used again", () => {
  const transport = new Transport();
  const options = { version: 3, peerConnectionId: 1, settings: FIELD_SETTINGS[3] } as const;
  const old = transport.open(0, options);
  transport.send(old, 0, numbered(0));
  transport.release(old);
  const seen = new Set([old]);
  for (let n = 0; n < 2_000; n++) {
    const channel = transport.open(n, options);
    expect(seen.has(channel)).toBe(false);
    seen.add(channel);
    transport.send(old, n, numbered(1));
    expect(receive(transport, old, n, 0, 0, 3)).toBe("closed");
    transport.close(old, n);
    transport.reset(old, n);
    transport.release(old);
    transport.configure(old, n, { peerWindow: 1 });
    expect(transport.statistics(old)).toBeUndefined();
    expect(transport.statistics(channel)).toMatchObject({ messagesSent: 0, messagesReceived: 0, window: 4 });
    transport.release(channel);
  }
  expect(leaving(transport)).toBe(0);
});

test("timers that fire while channels close, fail, reset and go leave no timer, datagram or row behind", () => {
  forSeeds(20, (seed) => {
    const random = rng(seed);
    const transport = new Transport({ random });
    const settings = transportSettings(FIELD_SETTINGS[3], { helloTimeoutMs: 900, maxRetries: 2 });
    const live: ChannelId[] = [];
    let now = 0;
    for (let step = 0; step < 3_000; step++) {
      now += random() * 300;
      const channel = live[Math.floor(random() * live.length)];
      const what = random();
      if (channel === undefined || what < 0.15) {
        live.push(transport.open(now, { version: 3, peerConnectionId: 1, settings, rebase: random() < 0.5 }));
      } else if (what < 0.3) transport.send(channel, now, numbered(step));
      else if (what < 0.5)
        receive(transport, channel, now, Math.floor(random() * 4), Math.floor(random() * 4), 3);
      else if (what < 0.55) transport.close(channel, now);
      else if (what < 0.6) transport.reset(channel, now);
      else if (what < 0.65) transport.release(channel);
      else transport.handleTimeout(now);
      if (random() < 0.5) leaving(transport);
      events(transport);
    }
    for (const channel of live) transport.close(channel, now);
    run(transport, now + 1e6);
    leaving(transport);
    expect(transport.size).toBe(0);
    expect(transport.pollTimeout()).toBeUndefined();
  });
});
