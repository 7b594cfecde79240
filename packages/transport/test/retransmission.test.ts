/** When messages go out, again and again: the window, the schedule, slow start (RFC 2661 §5.8 and appendix A). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  RFC_SETTINGS,
  readSequence,
  retransmissionSchedule,
  Transport,
  type TransportSettings,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { numbered } from "./sim.ts";

const quick = transportSettings(RFC_SETTINGS[3], { windowSize: 16, helloTimeoutMs: 0 });

function open(
  settings: TransportSettings = quick,
  peerWindow = 16,
): { transport: Transport; channel: ChannelId } {
  const transport = new Transport();
  return { transport, channel: transport.open(0, { version: 3, peerConnectionId: 1, settings, peerWindow }) };
}

/** The Ns of all that leaves now. */
function leaving(transport: Transport): number[] {
  const ns: number[] = [];
  for (let out = transport.pollTransmit(); out; out = transport.pollTransmit())
    ns.push(readSequence(out.datagram).ns);
  return ns;
}

function acknowledge(transport: Transport, channel: ChannelId, now: number, nr: number): void {
  const ack = acknowledgementMessage(3, 1, true);
  writeSequence(ack, 0, nr);
  transport.receive(channel, now, ack);
}

/** When anything leaves, until the transport has nothing more to do. */
function timesOfSending(transport: Transport): number[] {
  const times: number[] = [];
  let now = 0;
  for (;;) {
    for (const _ of leaving(transport)) times.push(now);
    const wake = transport.pollTimeout();
    if (wake === undefined) return times;
    now = wake;
    transport.handleTimeout(now);
  }
}

describe("the schedule", () => {
  test("L2TPv2 sends at 0, 1, 3, 7, 15 and 23 seconds and gives up at 31 (RFC 2661 §5.8)", () => {
    const expected = { sentAtMs: [0, 1_000, 3_000, 7_000, 15_000, 23_000], giveUpMs: 31_000 };
    expect(retransmissionSchedule(RFC_SETTINGS[2])).toEqual(expected);
    const { transport, channel } = open(RFC_SETTINGS[2]);
    transport.send(channel, 0, numbered(0));
    expect(timesOfSending(transport)).toEqual(expected.sentAtMs);
    expect(transport.statistics(channel)).toMatchObject({ state: "failed", retransmits: 5 });
  });

  test("L2TPv3 tries ten times more, no more than 8 seconds apart, and gives up at 71 (RFC 3931 §4.2)", () => {
    const { transport, channel } = open(RFC_SETTINGS[3]);
    transport.send(channel, 0, numbered(0));
    const sentAtMs = [0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000, 39_000, 47_000, 55_000, 63_000];
    expect(timesOfSending(transport)).toEqual(sentAtMs);
    expect(retransmissionSchedule(RFC_SETTINGS[3])).toEqual({ sentAtMs, giveUpMs: 71_000 });
  });

  const constants = new URL("../../../../shared/spec/constants.json", import.meta.url);
  if (existsSync(constants)) {
    test("is that of the specification's constants", () => {
      const { reliability: spec } = JSON.parse(readFileSync(constants, "utf8"));
      const schedule = retransmissionSchedule(RFC_SETTINGS[2]);
      expect(schedule.sentAtMs).toEqual(spec.scheduleV2MsSinceFirst);
      expect(schedule.giveUpMs).toBe(spec.giveUpV2Ms);
      expect(RFC_SETTINGS[3].maxRetries).toBe(spec.maxRetransmitsV3);
    });
  }

  test("a late timer does not shift the schedule, a process that was stopped begins it anew", () => {
    const { transport, channel } = open();
    transport.send(channel, 0, numbered(0));
    leaving(transport);
    transport.handleTimeout(1_007);
    expect(leaving(transport)).toEqual([0]);
    transport.handleTimeout(2_999);
    expect(leaving(transport)).toEqual([]);
    transport.handleTimeout(3_000);
    expect(leaving(transport)).toEqual([0]);
    transport.handleTimeout(20_000); // due at 7,000
    expect(leaving(transport)).toEqual([0]);
    transport.handleTimeout(27_999);
    expect(leaving(transport)).toEqual([]);
    transport.handleTimeout(28_000);
    expect(leaving(transport)).toEqual([0]);
  });

  test("each message has its own: the second is due a second after it was sent, not after the first was acknowledged", () => {
    const { transport, channel } = open();
    transport.send(channel, 0, numbered(0));
    acknowledge(transport, channel, 0, 1); // CWND is 2
    transport.send(channel, 0, numbered(1));
    transport.send(channel, 300, numbered(2));
    leaving(transport);
    acknowledge(transport, channel, 900, 2);
    expect(transport.pollTimeout()).toBeLessThanOrEqual(1_300);
    transport.handleTimeout(1_299);
    expect(leaving(transport)).toEqual([]);
    transport.handleTimeout(1_300);
    expect(leaving(transport)).toEqual([2]);
  });
});

describe("a retransmission", () => {
  test("has the same Ns, and the Nr of the moment (RFC 2661 §5.8)", () => {
    const { transport, channel } = open();
    transport.send(channel, 0, numbered(0));
    leaving(transport);
    const fromPeer = numbered(7);
    writeSequence(fromPeer, 0, 0);
    transport.receive(channel, 500, fromPeer);
    expect(leaving(transport)).toEqual([1]); // the acknowledgement
    transport.handleTimeout(1_000);
    const again = transport.pollTransmit()?.datagram as Uint8Array;
    expect([readSequence(again).ns, readSequence(again).nr]).toEqual([0, 1]);
  });

  test("of a message that was acknowledged before it could leave does not leave", () => {
    const { transport, channel } = open();
    transport.send(channel, 0, numbered(0));
    leaving(transport);
    transport.handleTimeout(1_000);
    acknowledge(transport, channel, 1_001, 1);
    expect(leaving(transport)).toEqual([]);
    expect(transport.pollTimeout()).toBeUndefined();
  });

  test("sends only the oldest message again; the others follow as acknowledgements come", () => {
    const { transport, channel } = open();
    for (let n = 0; n < 12; n++) transport.send(channel, 0, numbered(n));
    leaving(transport);
    for (let nr = 1; nr <= 4; nr++) acknowledge(transport, channel, 10, nr); // CWND is 5
    expect(leaving(transport)).toEqual([4, 5, 6, 7, 8]); // what is acknowledged need not leave
    transport.handleTimeout(1_010);
    expect(leaving(transport)).toEqual([4]);
    expect(transport.statistics(channel)).toMatchObject({
      cwnd: 1,
      ssthresh: 2,
      inFlight: 1,
      retransmits: 1,
    });
    acknowledge(transport, channel, 1_020, 5);
    expect(leaving(transport)).toEqual([5, 6]);
    // The peer had kept 7 and 8: what it acknowledges is not sent again.
    acknowledge(transport, channel, 1_030, 9);
    expect(leaving(transport)).toEqual([9, 10]);
  });
});

describe("slow start and congestion avoidance (RFC 2661 appendix A)", () => {
  test("CWND starts at 1 and grows by 1 with each acknowledgement up to SSTHRESH, then by 1/CWND", () => {
    const { transport, channel } = open();
    for (let n = 0; n < 100; n++) transport.send(channel, 0, numbered(n));
    expect(leaving(transport)).toEqual([0]);
    const cwnd = (): number => transport.statistics(channel)?.cwnd as number;
    const seen = [cwnd()];
    for (let nr = 1; nr <= 3; nr++) {
      acknowledge(transport, channel, 1, nr);
      seen.push(cwnd());
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    transport.handleTimeout(1_010); // congestion: SSTHRESH is 2, CWND 1
    seen.length = 0;
    for (let nr = 4; nr <= 13; nr++) {
      acknowledge(transport, channel, 1_020, nr);
      seen.push(cwnd());
    }
    expect(seen).toEqual([2, 2, 3, 3, 3, 4, 4, 4, 4, 5]);
  });

  test("CWND never exceeds the peer's window, SSTHRESH is never below 1", () => {
    const { transport, channel } = open(quick, 4);
    for (let n = 0; n < 50; n++) transport.send(channel, 0, numbered(n));
    for (let nr = 1; nr <= 20; nr++) acknowledge(transport, channel, 1, nr);
    expect(transport.statistics(channel)).toMatchObject({ cwnd: 4, ssthresh: 4, inFlight: 4 });
    for (let at = 1_010; at < 20_000; at += 100) transport.handleTimeout(at);
    expect(transport.statistics(channel)).toMatchObject({ cwnd: 1, ssthresh: 1 });
  });

  test("one acknowledgement of several messages opens the window by one", () => {
    const { transport, channel } = open();
    for (let n = 0; n < 50; n++) transport.send(channel, 0, numbered(n));
    for (let nr = 1; nr <= 3; nr++) acknowledge(transport, channel, 1, nr);
    acknowledge(transport, channel, 1, 7);
    expect(transport.statistics(channel)).toMatchObject({ cwnd: 5, inFlight: 5 });
  });
});

describe("the peer's receive window", () => {
  test.each([
    [1, 1],
    [4, 4],
    [0, 4], // "A value of 0 is invalid": as if it were absent
    [undefined, 4],
    [65_535, 16], // our own limit
  ])("of %s lets %i messages be on their way", (advertised, expected) => {
    const transport = new Transport();
    const options = { version: 3, peerConnectionId: 1, settings: FIELD_SETTINGS[3] } as const;
    const channel = transport.open(
      0,
      advertised === undefined ? options : { ...options, peerWindow: advertised },
    );
    for (let n = 0; n < 100; n++) transport.send(channel, 0, numbered(n));
    for (let nr = 1; nr <= 40; nr++) acknowledge(transport, channel, 1, nr);
    expect(leaving(transport)).toHaveLength(expected);
    expect(transport.statistics(channel)).toMatchObject({ window: expected, inFlight: expected });
  });

  test("may be learnt later; what waits then leaves", () => {
    const { transport, channel } = open(quick, 1);
    for (let n = 0; n < 10; n++) transport.send(channel, 0, numbered(n));
    acknowledge(transport, channel, 1, 1);
    leaving(transport);
    transport.configure(channel, 2, { peerWindow: 8, peerConnectionId: 9 });
    for (let nr = 2; nr <= 4; nr++) acknowledge(transport, channel, 3, nr);
    expect(transport.statistics(channel)).toMatchObject({ window: 8, inFlight: 4 });
  });
});

test("the round trip time is measured on messages that were sent once (Karn)", () => {
  const { transport, channel } = open();
  transport.send(channel, 0, numbered(0));
  acknowledge(transport, channel, 40, 1);
  expect(transport.statistics(channel)).toMatchObject({ rttMs: 40, rttVariationMs: 20 });
  transport.send(channel, 100, numbered(1));
  transport.handleTimeout(1_100);
  acknowledge(transport, channel, 1_101, 2);
  expect(transport.statistics(channel)).toMatchObject({ rttMs: 40 });
  transport.send(channel, 2_000, numbered(2));
  acknowledge(transport, channel, 2_120, 3);
  expect(transport.statistics(channel)).toMatchObject({ rttMs: 50, rttVariationMs: 35 });
});
