/**
 * go-l2tp's quiescent tunnels, octet by octet, from captures of ql2tpd on both ends (produced for this project):
 * udp4 has both ends saying hello at once, udp6-die one end that is killed. go-l2tp sends a Hello again with the same
 * Ns although it was acknowledged, and its ACK carries its own next Ns.
 */
import { describe, expect, test } from "vitest";
import { GO_L2TP_SETTINGS, readSequence, Transport, transportSettings } from "../src/index.ts";

/** [milliseconds, "1" or "2": which end sends, the UDP payload]. */
type Frame = readonly [number, "1" | "2", string];

const UDP4: readonly Frame[] = [
  [5_545.4, "2", "c80300140000f4ff000000008008000000000006"], // HELLO Ns 0 Nr 0
  [5_581.0, "1", "c803001400011c73000000008008000000000006"], // HELLO Ns 0 Nr 0
  [5_692.1, "2", "c80300140000f4ff000100018008000000000014"], // ACK Ns 1 Nr 1
  [6_560.7, "2", "c80300140000f4ff000000018008000000000006"], // HELLO Ns 0 Nr 1
  [6_593.9, "1", "c803001400011c73000000018008000000000006"], // HELLO Ns 0 Nr 1
  [6_716.1, "2", "c80300140000f4ff000100018008000000000014"],
  [8_565.9, "2", "c80300140000f4ff000000018008000000000006"],
  [8_609.5, "1", "c803001400011c73000000018008000000000006"],
  [8_714.3, "2", "c80300140000f4ff000100018008000000000014"],
];

const UDP6_DIE: readonly Frame[] = [
  [4_381.9, "2", "c80300140000f4ff000000008008000000000006"], // HELLO Ns 0 Nr 0
  [4_485.9, "1", "c803001400011c73000000018008000000000014"], // ACK Ns 0 Nr 1
  [5_415.9, "2", "c80300140000f4ff000000008008000000000006"],
  [5_531.0, "1", "c803001400011c73000000018008000000000014"],
  [7_420.8, "2", "c80300140000f4ff000000008008000000000006"],
  [7_527.3, "1", "c803001400011c73000000018008000000000014"],
  [9_925.1, "1", "c803001400011c73000000018008000000000006"], // HELLO Ns 0 Nr 1
  [10_032.0, "2", "c80300140000f4ff000100018008000000000014"], // ACK Ns 1 Nr 1
  [10_931.8, "1", "c803001400011c73000000018008000000000006"],
  [11_033.8, "2", "c80300140000f4ff000100018008000000000014"],
  [12_936.9, "1", "c803001400011c73000000018008000000000006"],
];

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (datagram: Uint8Array): string => Buffer.from(datagram).toString("hex");

/** Stands in for end 1 of a capture (its peer's ID is 72819), fed what end 2 sent when it did. */
function play(
  frames: readonly Frame[],
  helloTimeoutMs: number,
): { sent: [number, string][]; transport: Transport } {
  const transport = new Transport({ tickMs: 1 });
  const settings = transportSettings(GO_L2TP_SETTINGS, { helloTimeoutMs });
  const channel = transport.open(0, { version: 3, peerConnectionId: 72_819, settings, rebase: true });
  const sent: [number, string][] = [];
  const run = (until: number): void => {
    for (;;) {
      for (let out = transport.pollTransmit(); out; out = transport.pollTransmit()) {
        sent.push([now, hex(out.datagram)]);
      }
      const wake = transport.pollTimeout();
      if (wake === undefined || wake > until) break;
      now = wake;
      transport.handleTimeout(now);
    }
    now = until;
  };
  let now = 0;
  for (const [at, from, payload] of frames) {
    if (from !== "2") continue;
    run(at);
    expect(transport.receive(channel, at, octets(payload))).not.toMatch(/invalid|malformed|closed|out-of/);
  }
  run(now + 500);
  return { sent, transport };
}

describe("a peer that is go-l2tp", () => {
  test("gets the very octets and the delay of go-l2tp's own acknowledgement for each Hello", () => {
    const { sent } = play(UDP6_DIE, 0);
    const theirs = UDP6_DIE.filter(([, from, payload]) => from === "1" && payload.endsWith("14"));
    expect(sent.map(([, datagram]) => datagram)).toEqual(theirs.map(([, , payload]) => payload));
    // The first waits 100 ms for a message to ride on; a duplicate is answered at once.
    expect(sent[0]?.[0]).toBe(4_482);
  });

  test("satisfies our Hello with its ACK, whose Ns is that of its next message", () => {
    const transport = new Transport();
    const settings = transportSettings(GO_L2TP_SETTINGS, { helloTimeoutMs: 5_000 });
    const channel = transport.open(0, { version: 3, peerConnectionId: 72_819, settings, rebase: true });
    for (const [at, from, payload] of UDP4) {
      if (from === "2") transport.receive(channel, at, octets(payload));
      if (at === 5_581.0) transport.sendHello(channel, at);
    }
    // Acknowledged before it left; the one datagram is the acknowledgement of its Hellos.
    expect(hex(transport.pollTransmit()?.datagram ?? new Uint8Array())).toBe(
      "c803001400011c73000100018008000000000014",
    );
    expect(transport.pollTransmit()).toBeUndefined();
    expect(transport.statistics(channel)).toMatchObject({
      state: "open",
      queued: 0,
      ns: 1,
      nr: 1,
      peerNr: 1,
      rebases: 0,
      duplicates: 2,
      hellosReceived: 3,
      acknowledgementsReceived: 3,
    });
  });

  test("that both says hello and is said hello to sees no difference from itself: no Ns or Nr but 0 and 1", () => {
    const { sent } = play(UDP4, 3_000);
    for (const [, datagram] of sent) {
      expect(readSequence(octets(datagram)).ns).toBeLessThanOrEqual(1);
      expect(readSequence(octets(datagram)).nr).toBeLessThanOrEqual(1);
    }
    const hellos = sent.filter(([, datagram]) => datagram.endsWith("06"));
    expect(hellos.length).toBeGreaterThan(0);
  });

  test("began anew while we did not: its Hello with Ns 0 is acknowledged as Nr 1, and our next Hello has the Ns it expects", () => {
    const transport = new Transport();
    const settings = transportSettings(GO_L2TP_SETTINGS, { helloTimeoutMs: 5_000, ackDelayMs: 0 });
    const channel = transport.open(0, { version: 3, peerConnectionId: 72_819, settings, rebase: true });
    // Before: it sent 0 … 2 and acknowledged 0 … 2 of ours.
    for (let n = 0; n < 3; n++) {
      transport.sendHello(channel, n);
      const hello = octets("c80300140000f4ff000000008008000000000006");
      hello[9] = n;
      hello[11] = n + 1;
      transport.receive(channel, n, hello);
      while (transport.pollTransmit());
    }
    expect(transport.statistics(channel)).toMatchObject({ ns: 3, nr: 3, queued: 0 });
    expect(transport.receive(channel, 10, octets("c80300140000f4ff000000008008000000000006"))).toBe(
      "rebased",
    );
    expect(hex(transport.pollTransmit()?.datagram ?? new Uint8Array())).toBe(
      "c803001400011c73000000018008000000000014",
    );
    transport.sendHello(channel, 20);
    expect(hex(transport.pollTransmit()?.datagram ?? new Uint8Array())).toBe(
      "c803001400011c73000000018008000000000006",
    );
    transport.receive(channel, 30, octets("c80300140000f4ff000100018008000000000014"));
    expect(transport.statistics(channel)).toMatchObject({ queued: 0, state: "open" });
  });
});
