/** What a channel does with what it receives: order, duplicates, acknowledgements (RFC 2661 §5.8, RFC 3931 §4.2). */
import { describe, expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  helloMessage,
  isControlMessage,
  messageKind,
  type Receipt,
  RFC_SETTINGS,
  readSequence,
  Transport,
  type TransportSettings,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { numbered, numberIn } from "./sim.ts";

const hex = (octets: Uint8Array | undefined): string | undefined =>
  octets && Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

/** One channel, fed and emptied by hand. */
class Bench {
  readonly transport = new Transport();
  readonly channel: ChannelId;
  readonly version: 2 | 3;

  constructor(version: 2 | 3 = 3, settings: TransportSettings = RFC_SETTINGS[version]) {
    this.version = version;
    const own = transportSettings(settings, { helloTimeoutMs: 0 });
    this.channel = this.transport.open(0, {
      version,
      peerConnectionId: 0x1234,
      settings: own,
      peerWindow: 16,
    });
  }

  receive(now: number, ns: number, nr = 0): Receipt {
    const message = numbered(ns, this.version);
    writeSequence(message, ns, nr);
    return this.transport.receive(this.channel, now, message);
  }

  /** A ZLB with these numbers. */
  zlb(now: number, ns: number, nr: number): Receipt {
    const message = acknowledgementMessage(this.version, 1, false);
    writeSequence(message, ns, nr);
    return this.transport.receive(this.channel, now, message);
  }

  delivered(): number[] {
    const numbers: number[] = [];
    for (let event = this.transport.pollEvent(); event; event = this.transport.pollEvent()) {
      if (event.type === "message") numbers.push(numberIn(event.message));
    }
    return numbers;
  }

  /** [octets, Ns, Nr] of all that leaves. */
  leaving(): [number, number, number][] {
    const all: [number, number, number][] = [];
    for (let out = this.transport.pollTransmit(); out; out = this.transport.pollTransmit()) {
      all.push([out.datagram.length, readSequence(out.datagram).ns, readSequence(out.datagram).nr]);
    }
    return all;
  }
}

describe("order", () => {
  test("a message before its turn is kept, and delivered after those before it", () => {
    const bench = new Bench(3, FIELD_SETTINGS[3]);
    expect([bench.receive(0, 2), bench.receive(0, 1), bench.receive(0, 0)]).toEqual([
      "held",
      "held",
      "accepted",
    ]);
    expect(bench.delivered()).toEqual([0, 1, 2]);
    expect(bench.leaving()).toEqual([[20, 0, 3]]);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ outOfOrder: 2, held: 0, nr: 3 });
  });

  test("what is kept is a copy: the socket's buffer may be used again", () => {
    const bench = new Bench();
    const buffer = numbered(1);
    writeSequence(buffer, 1, 0);
    bench.transport.receive(bench.channel, 0, buffer);
    buffer.fill(0xff);
    bench.receive(0, 0);
    expect(bench.delivered()).toEqual([0, 1]);
  });

  test("so is what is delivered", () => {
    const bench = new Bench();
    const buffer = numbered(0);
    bench.transport.receive(bench.channel, 0, buffer);
    buffer.fill(0xff);
    expect(bench.delivered()).toEqual([0]);
  });

  test("what lies beyond the window that we advertise is dropped in silence and counted", () => {
    const bench = new Bench(3, transportSettings(RFC_SETTINGS[3], { windowSize: 4 }));
    expect([bench.receive(0, 3), bench.receive(0, 4), bench.receive(0, 32_767)]).toEqual([
      "held",
      "out-of-window",
      "out-of-window",
    ]);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ discardedOutOfWindow: 2, held: 1 });
  });

  test("a flood of messages before their turn takes no more memory than the window", () => {
    const bench = new Bench(3, transportSettings(RFC_SETTINGS[3], { windowSize: 16 }));
    for (let ns = 1; ns < 65_536; ns++) bench.receive(0, ns);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ held: 15, messagesReceived: 0 });
    expect(bench.leaving()).toEqual([[20, 0, 0]]); // acknowledged once for all
  });
});

describe("duplicates", () => {
  test("are acknowledged again and not delivered (RFC 2661 §5.8: receipt of duplicate messages MUST be acknowledged)", () => {
    const bench = new Bench(2);
    bench.receive(0, 0);
    expect(bench.leaving()).toEqual([[12, 0, 1]]);
    expect(bench.receive(1, 0)).toBe("duplicate");
    expect(bench.leaving()).toEqual([[12, 0, 1]]);
    expect(bench.delivered()).toEqual([0]);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({
      duplicates: 1,
      acknowledgementsSent: 2,
    });
  });

  test("after 0 … 15, 0 through 15 and 32784 through 65535 are duplicates (the RFC's example)", () => {
    const bench = new Bench();
    for (let ns = 0; ns <= 15; ns++) bench.receive(0, ns);
    for (const ns of [0, 7, 15, 32_784, 40_000, 65_535]) expect(bench.receive(1, ns)).toBe("duplicate");
    expect(bench.receive(1, 32_783)).toBe("out-of-window");
    expect(bench.delivered()).toHaveLength(16);
  });

  test("of a message that is kept are acknowledged and not kept twice", () => {
    const bench = new Bench();
    expect([bench.receive(0, 2), bench.receive(0, 2)]).toEqual(["held", "duplicate"]);
    bench.receive(0, 0);
    bench.receive(0, 1);
    expect(bench.delivered()).toEqual([0, 1, 2]);
  });
});

describe("acknowledgements", () => {
  test("a ZLB is never acknowledged, whatever its Ns, and takes up no sequence number", () => {
    const bench = new Bench(2);
    for (const ns of [0, 1, 5, 65_535, 40_000]) expect(bench.zlb(0, ns, 0)).toBe("acknowledgement");
    expect(bench.leaving()).toEqual([]);
    expect(bench.receive(0, 0)).toBe("accepted");
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ acknowledgementsReceived: 5, nr: 1 });
  });

  test("nor is an ACK message; in L2TPv2 type 20 is a message like any other", () => {
    const ack = acknowledgementMessage(3, 1, true);
    const bench = new Bench(3);
    expect(bench.transport.receive(bench.channel, 0, ack)).toBe("acknowledgement");
    expect(bench.leaving()).toEqual([]);
    ack[1] = 2;
    expect(new Bench(2).transport.receive(new Bench(2).channel, 0, ack)).toBe("accepted");
  });

  test("two channels do not acknowledge each other's acknowledgements for ever", () => {
    const ends = [new Bench(3, FIELD_SETTINGS[3]), new Bench(3, FIELD_SETTINGS[3])] as const;
    ends[0].transport.send(ends[0].channel, 0, numbered(0));
    let datagrams = 0;
    for (let now = 0; now < 60_000; now += 10) {
      for (const [from, to] of [ends, [ends[1], ends[0]]] as const) {
        from.transport.handleTimeout(now);
        for (let out = from.transport.pollTransmit(); out; out = from.transport.pollTransmit()) {
          datagrams++;
          to.transport.receive(to.channel, now, out.datagram.slice());
        }
      }
    }
    expect(datagrams).toBe(2);
  });

  test("are a ZLB in L2TPv2, and in L2TPv3 an ACK message or a ZLB as the settings say (RFC 3931 §6.15)", () => {
    for (const [version, explicitAck, expected] of [
      [2, true, "c802000c1234000000000001"],
      [3, true, "c8030014000012340000000180080000" + "00000014"],
      [3, false, "c803000c0000123400000001"],
    ] as const) {
      const bench = new Bench(version, transportSettings(RFC_SETTINGS[version], { explicitAck }));
      bench.receive(0, 0);
      expect(hex(bench.transport.pollTransmit()?.datagram)).toBe(expected);
    }
  });

  test("ride on a message that leaves in time, and otherwise leave alone after the delay", () => {
    const bench = new Bench(3, transportSettings(RFC_SETTINGS[3], { ackDelayMs: 20 }));
    bench.receive(0, 0);
    bench.transport.send(bench.channel, 5, numbered(0));
    expect(bench.leaving()).toEqual([[30, 0, 1]]);
    bench.transport.handleTimeout(100);
    expect(bench.leaving()).toEqual([]);
    bench.receive(100, 1, 1);
    expect(bench.leaving()).toEqual([]);
    expect(bench.transport.pollTimeout()).toBe(120);
    bench.transport.handleTimeout(120);
    expect(bench.leaving()).toEqual([[20, 1, 2]]);
  });

  test("are not withheld: a second message is acknowledged at once, with the first", () => {
    const bench = new Bench(3, transportSettings(RFC_SETTINGS[3], { ackDelayMs: 100 }));
    bench.receive(0, 0);
    expect(bench.leaving()).toEqual([]);
    bench.receive(10, 1);
    expect(bench.leaving()).toEqual([[20, 0, 2]]);
  });

  test("the answer to a message carries its acknowledgement even with no delay, when it is sent before the poll", () => {
    const bench = new Bench(2);
    bench.receive(0, 0);
    bench.transport.send(bench.channel, 0, numbered(0, 2));
    expect(bench.leaving()).toEqual([[30, 0, 1]]);
  });
});

describe("the received Nr", () => {
  test("of a ZLB flushes the queue", () => {
    const bench = new Bench(2);
    bench.transport.send(bench.channel, 0, numbered(0, 2));
    bench.leaving();
    bench.zlb(10, 0, 1);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ queued: 0, peerNr: 1 });
    expect(bench.transport.pollTimeout()).toBeUndefined();
  });

  test("of a duplicate, or of a message before its turn, flushes the queue as well", () => {
    const bench = new Bench();
    bench.receive(0, 0);
    for (const [ns, nr] of [
      [0, 1],
      [5, 2],
    ] as const) {
      bench.transport.send(bench.channel, 0, numbered(0));
      bench.leaving();
      bench.receive(10, ns, nr);
      expect(bench.transport.statistics(bench.channel)?.queued).toBe(0);
    }
  });

  test("greater than the last Ns sent plus 1 is invalid: in L2TPv3 the message is dropped (RFC 3931 §4.2)", () => {
    const bench = new Bench(3);
    expect(bench.receive(0, 0, 1)).toBe("invalid-nr");
    expect(bench.delivered()).toEqual([]);
    expect(bench.leaving()).toEqual([]);
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ discardedInvalidNr: 1, nr: 0 });
    const v2 = new Bench(2);
    v2.transport.send(v2.channel, 0, numbered(0, 2));
    expect(v2.receive(0, 0, 2)).toBe("accepted"); // RFC 2661 has no such rule; what it says is not believed
    expect(v2.transport.statistics(v2.channel)).toMatchObject({ queued: 1, discardedInvalidNr: 1 });
  });

  test("that is old changes nothing", () => {
    const bench = new Bench();
    bench.transport.send(bench.channel, 0, numbered(0));
    bench.zlb(0, 0, 1);
    bench.transport.send(bench.channel, 0, numbered(1));
    expect(bench.zlb(0, 0, 0)).toBe("acknowledgement");
    expect(bench.transport.statistics(bench.channel)).toMatchObject({ queued: 1, discardedInvalidNr: 0 });
  });
});

describe("the RFC's examples (RFC 2661 appendix B)", () => {
  test("B.1: lock-step tunnel establishment", () => {
    const lac = new Bench(2);
    const lns = new Bench(2);
    const pass = (from: Bench, to: Bench): [number, number][] => {
      const numbers: [number, number][] = [];
      for (let out = from.transport.pollTransmit(); out; out = from.transport.pollTransmit()) {
        numbers.push([readSequence(out.datagram).nr, readSequence(out.datagram).ns]);
        to.transport.receive(to.channel, 0, out.datagram.slice());
      }
      return numbers;
    };
    lac.transport.send(lac.channel, 0, numbered(1, 2)); // SCCRQ
    expect(pass(lac, lns)).toEqual([[0, 0]]);
    lns.transport.send(lns.channel, 0, numbered(2, 2)); // SCCRP
    expect(pass(lns, lac)).toEqual([[1, 0]]);
    lac.transport.send(lac.channel, 0, numbered(3, 2)); // SCCCN
    expect(pass(lac, lns)).toEqual([[1, 1]]);
    expect(pass(lns, lac)).toEqual([[2, 1]]); // ZLB
    expect(pass(lac, lns)).toEqual([]);
  });

  test("B.2: lost packet with retransmission", () => {
    const lns = new Bench(2);
    // As after B.1: the LNS has received 0 and 1, and sent 0.
    lns.receive(0, 0);
    lns.transport.send(lns.channel, 0, numbered(0, 2));
    lns.receive(0, 1, 1);
    lns.leaving();
    expect(lns.receive(1_000, 2, 1)).toBe("accepted"); // ICRQ
    lns.transport.send(lns.channel, 1_000, numbered(0, 2)); // ICRP, which is lost
    expect(lns.leaving()).toEqual([[30, 1, 3]]);
    expect(lns.receive(1_900, 2, 1)).toBe("duplicate"); // ICRQ again
    expect(lns.leaving()).toEqual([[12, 2, 3]]); // ZLB
    lns.transport.handleTimeout(2_000);
    expect(lns.leaving()).toEqual([[30, 1, 3]]); // ICRP again
    expect(lns.receive(2_010, 3, 2)).toBe("accepted"); // ICCN
    expect(lns.leaving()).toEqual([[12, 2, 4]]); // ZLB
  });
});

describe("hostile and broken input", () => {
  test("no octets whatever make the transport throw, or answer what is no control message of its version", () => {
    const bench = new Bench(3);
    const good = numbered(0);
    for (let length = 0; length < 12; length++) {
      expect(bench.transport.receive(bench.channel, 0, good.subarray(0, length))).toBe("malformed");
    }
    for (const [at, value] of [
      [0, 0x48], // T clear
      [0, 0x88], // L clear
      [0, 0xc0], // S clear
      [1, 2], // version
      [3, 11], // Length shorter than the header
      [3, 31], // Length beyond the datagram
    ] as const) {
      const bad = good.slice();
      bad[at] = value;
      expect(bench.transport.receive(bench.channel, 0, bad)).toBe("malformed");
    }
    expect(bench.leaving()).toEqual([]);
    expect(bench.transport.statistics(bench.channel)?.discardedMalformed).toBe(18);
  });

  test("a Hello is one only when its AVPs fill the message exactly", () => {
    const hello = helloMessage(3, 7);
    expect(messageKind(hello, 3)).toBe("hello");
    const withAvp = new Uint8Array([...hello, 0, 7, 0, 0, 0, 99, 1]);
    withAvp[3] = 27;
    expect(isControlMessage(withAvp, 3)).toBe(true);
    expect(messageKind(withAvp, 3)).toBe("hello");
    for (const length of [0, 5, 6, 8, 255]) {
      withAvp[21] = length;
      expect(messageKind(withAvp, 3)).toBe("message");
    }
  });

  test("a message of ours that is none is refused with an error that says so", () => {
    const bench = new Bench(2);
    expect(() => bench.transport.send(bench.channel, 0, new Uint8Array(3))).toThrow(
      /whole L2TPv2 control message/,
    );
    expect(() => bench.transport.send(bench.channel, 0, numbered(0, 3))).toThrow(
      expect.objectContaining({ code: "ERR_L2TP_MESSAGE" }),
    );
  });
});
