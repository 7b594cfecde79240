/** Quiescent tunnels: two ends that find each other again when one began anew (docs/reliable-delivery.md). */
import { describe, expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  fullRetransmissionIntervalMs,
  helloMessage,
  peerGoneWithinMs,
  type Receipt,
  readSequence,
  Transport,
  type TransportEvent,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { forSeeds, Host, numbered, Sim } from "./sim.ts";

const settings = transportSettings(FIELD_SETTINGS[3], {
  helloTimeoutMs: 5_000,
  helloJitter: 0,
  ackDelayMs: 0,
});

class Bench {
  readonly transport = new Transport();
  readonly channel: ChannelId;

  constructor(rebase = true) {
    this.channel = this.transport.open(0, { version: 3, peerConnectionId: 9, settings, rebase });
  }

  receive(message: Uint8Array, ns: number, nr: number, now = 0): Receipt {
    writeSequence(message, ns, nr);
    return this.transport.receive(this.channel, now, message);
  }

  hello = (ns: number, nr: number): Receipt => this.receive(helloMessage(3, 1), ns, nr);
  ack = (ns: number, nr: number): Receipt => this.receive(acknowledgementMessage(3, 1, true), ns, nr);

  /** [Ns, Nr] of all that leaves. */
  leaving(): [number, number][] {
    const all: [number, number][] = [];
    for (let out = this.transport.pollTransmit(); out; out = this.transport.pollTransmit()) {
      all.push([readSequence(out.datagram).ns, readSequence(out.datagram).nr]);
    }
    return all;
  }

  events(): TransportEvent[] {
    const all: TransportEvent[] = [];
    for (let event = this.transport.pollEvent(); event; event = this.transport.pollEvent()) all.push(event);
    return all;
  }
}

describe("a Hello with an Ns that was not expected", () => {
  test.each([0, 4, 100, 32_770, 65_530])(
    "re-bases a quiescent channel: Ns %i is acknowledged, and counts as life",
    (ns) => {
      const bench = new Bench();
      for (let n = 0; n < 7; n++) bench.hello(n, 0);
      bench.leaving();
      bench.events();
      expect(bench.hello(ns, 0)).toBe("rebased");
      expect(bench.leaving()).toEqual([[0, (ns + 1) % 65_536]]);
      const { channel } = bench;
      expect(bench.events()).toMatchObject([
        { type: "rebased", channel, side: "receive", expected: 7, received: ns },
        { type: "message" },
      ]);
      expect(bench.hello(ns + 1, 0)).toBe("accepted");
      expect(bench.transport.statistics(channel)).toMatchObject({ rebases: 1, hellosReceived: 9 });
    },
  );

  test("is a duplicate when it is the last one again: acknowledged, and no re-basing", () => {
    const bench = new Bench();
    bench.hello(0, 0);
    bench.leaving();
    expect(bench.hello(0, 0)).toBe("duplicate");
    expect(bench.leaving()).toEqual([[0, 1]]);
    expect(bench.transport.statistics(bench.channel)?.rebases).toBe(0);
  });

  test("does not re-base a channel with session state, nor does any other message, nor a Hello that is not well-formed", () => {
    const dynamic = new Bench(false);
    dynamic.hello(0, 0);
    dynamic.hello(1, 0);
    expect(dynamic.hello(0, 0)).toBe("duplicate");
    expect(dynamic.hello(9, 0)).toBe("held");
    expect(dynamic.hello(900, 0)).toBe("out-of-window");
    const quiescent = new Bench();
    expect(quiescent.receive(numbered(0), 900, 0)).toBe("out-of-window");
    const broken = helloMessage(3, 1);
    const longer = new Uint8Array([...broken, 0, 3, 0, 0, 0, 1]); // an AVP shorter than its header
    longer[3] = 26;
    expect(quiescent.receive(longer, 900, 0)).toBe("out-of-window");
    writeSequence(broken, 900, 0);
    expect(quiescent.transport.receive(quiescent.channel, 0, broken, "message")).toBe("out-of-window");
    expect(quiescent.transport.statistics(quiescent.channel)).toMatchObject({ rebases: 0, nr: 0 });
  });
});

describe("an Nr that was not expected", () => {
  test("ahead of us comes from a peer that remembers more: our Hello counts as answered, and we go on from there", () => {
    const bench = new Bench();
    bench.transport.sendHello(bench.channel, 0);
    expect(bench.leaving()).toEqual([[0, 0]]);
    expect(bench.ack(3, 41)).toBe("acknowledgement");
    expect(bench.events()).toMatchObject([
      { type: "rebased", side: "send", expected: 0, received: 41 },
      { type: "peer-reached" },
      { type: "peer-heard" },
    ]);
    bench.transport.sendHello(bench.channel, 100);
    expect(bench.leaving()).toEqual([[41, 0]]);
    bench.ack(3, 42);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ queued: 0, peerNr: 42 });
  });

  test("behind us comes from a peer that began anew: what it has not seen goes out again under its numbers", () => {
    const bench = new Bench();
    for (let nr = 1; nr <= 5; nr++) {
      bench.transport.sendHello(bench.channel, 0);
      bench.ack(0, nr);
    }
    bench.transport.sendHello(bench.channel, 0);
    expect(bench.leaving()).toEqual([[5, 0]]);
    bench.hello(0, 0);
    bench.leaving();
    bench.transport.handleTimeout(1_000);
    expect(bench.leaving()).toEqual([[0, 1]]);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ queued: 1, retries: 1 });
    bench.ack(1, 1);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ queued: 0, ns: 1 });
  });

  test("with nothing of ours outstanding says with which Ns to go on", () => {
    const bench = new Bench();
    bench.transport.sendHello(bench.channel, 0);
    bench.ack(0, 1);
    bench.leaving();
    bench.hello(0, 0);
    bench.leaving();
    bench.transport.sendHello(bench.channel, 0);
    expect(bench.leaving()).toEqual([[0, 1]]);
  });
});

const options = { version: 3, peerConnectionId: 1, settings, rebase: true } as const;

/** Does what a quiescent tunnel does with a channel: it says hello first, and again whenever the channel has failed. */
function probing(sim: Sim, host: Host): void {
  host.onEvent = (event) => {
    if (event.type !== "failed") return;
    host.transport.reset(host.channel, sim.now);
    host.transport.sendHello(host.channel, sim.now);
  };
  host.transport.sendHello(host.channel, sim.now);
}

test("when either end restarts at any time, under loss, both are up again without either channel failing", () => {
  forSeeds(200, (seed) => {
    const sim = new Sim(seed);
    const a = new Host("a", options, { random: sim.random });
    const b = new Host("b", options, { random: sim.random });
    sim.join(a, b, { loss: 0.2, duplicate: 0.1, delayMs: [1, 300] });
    probing(sim, a);
    probing(sim, b);
    let at = 0;
    for (let restarts = 0; restarts < 6; restarts++) {
      at += sim.random() * 60_000;
      const host = sim.random() < 0.5 ? a : b;
      sim.at(at, () => {
        host.restart(sim.now, options);
        host.transport.sendHello(host.channel, sim.now);
      });
    }
    sim.run(at);
    // Both directions work: a Hello of each end is answered within a full retransmission interval.
    for (const host of [a, b]) {
      host.transport.sendHello(host.channel, sim.now);
    }
    sim.run(at + fullRetransmissionIntervalMs(settings));
    for (const host of [a, b]) {
      expect(host.transport.statistics(host.channel)).toMatchObject({ state: "open" });
      expect(host.events.filter(({ event }) => event.type === "failed")).toEqual([]);
    }
    expect(a.count("peer-reached") + b.count("peer-reached")).toBeGreaterThanOrEqual(2);
  });
});

test("after a partition longer than all tries both ends come back by themselves", () => {
  forSeeds(50, (seed) => {
    const sim = new Sim(seed);
    const a = new Host("a", options);
    const b = new Host("b", options);
    sim.join(a, b, { loss: 0.1, delayMs: [1, 100] });
    probing(sim, a);
    probing(sim, b);
    const cutAt = 10_000 + sim.random() * 60_000;
    const longer = cutAt + peerGoneWithinMs(settings) + sim.random() * 200_000;
    for (const host of [a, b]) {
      sim.at(cutAt, () => sim.cut(host, true));
      sim.at(longer, () => sim.cut(host, false));
    }
    sim.run(longer);
    for (const host of [a, b]) expect(host.count("failed")).toBeGreaterThanOrEqual(1);
    const before = [a.count("peer-reached"), b.count("peer-reached")] as const;
    sim.run(longer + fullRetransmissionIntervalMs(settings));
    expect(a.count("peer-reached")).toBeGreaterThan(before[0]);
    expect(b.count("peer-reached")).toBeGreaterThan(before[1]);
  });
});

test("a peer that keeps to the RFC alone, and began anew, is reached too: it says where it stands", () => {
  forSeeds(50, (seed) => {
    const sim = new Sim(seed);
    const a = new Host("a", options);
    const strict = { ...options, rebase: false };
    const b = new Host("b", strict);
    sim.join(a, b, { loss: 0.2, delayMs: [1, 100] });
    const at = 20_000 + sim.random() * 60_000;
    sim.at(at, () => b.restart(sim.now, strict));
    sim.run(at + 200_000);
    expect(a.count("failed")).toBe(0);
    expect(a.transport.statistics(a.channel)?.state).toBe("open");
  });
});
