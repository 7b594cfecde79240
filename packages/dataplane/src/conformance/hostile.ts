/** Datagrams from strangers, which prove nothing, cost little and get no answer. */
import { equal } from "./assert.ts";
import type { Bench, OpenWire } from "./bench.ts";
import { controlMessage, controlNumber, frame, v3Data } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

/** Short and wrong datagrams, each of which is no L2TP at all or none for us. */
const UDP_JUNK: readonly (readonly number[])[] = [
  [],
  [0x00],
  [0x00, 0x03],
  [0x00, 0x03, 0x00],
  [0x00, 0x03, 0, 0, 0, 0, 0],
  [0x00, 0x02, 0, 1],
  [0x00, 0x00, 0, 1, 0, 1],
  [0x00, 0x01, 0, 1, 0, 1, 0, 0],
  [0x00, 0x04, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6],
  [0x00, 0x0f, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6],
  [0x00, 0x03, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
  [0x40, 0x02, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0],
  [0x40, 0x02, 0, 3, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0],
  [0x02, 0x02, 0, 1, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0],
  [0x08, 0x02, 0, 1, 0, 1, 0, 0],
  Array<number>(64).fill(0x00),
  Array<number>(1_200).fill(0x7f),
];
const IP_JUNK: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 0, 0],
  [0, 0, 0, 1],
  [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4],
  Array<number>(1_200).fill(0x7f),
];
/** With the T bit, but no control message that anybody could read: the control plane's business to refuse. */
const CONTROL_JUNK: readonly (readonly number[])[] = [
  [0x80, 0x00],
  [0xc8, 0x03],
  [0xc8, 0x02, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x05, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0],
  Array<number>(1_200).fill(0xff),
];

async function seen({ wire }: OpenWire): Promise<number> {
  const { malformed, strayData, controlReceived } = await wire.counters();
  return malformed + strayData + controlReceived;
}

/** Sends all of it, sees it counted, then a good frame pass, and nothing answered. */
async function survive(bench: Bench, junk: readonly Uint8Array[]): Promise<OpenWire> {
  const { encapsulation } = bench.transport;
  const { raw, open, port, parameters } = await bench.facingRaw();
  const before = await seen(open);
  for (const datagram of junk) await raw.send(open.address, datagram);
  await bench.until(
    async () => (await seen(open)) === before + junk.length,
    `${junk.length} datagrams are counted`,
  );
  await raw.send(
    open.address,
    v3Data({ encapsulation, sessionId: parameters.sessionId, ns: null, frame: frame(1) }),
  );
  await bench.expectFrames(port, [1], "afterwards");
  equal(raw.received.length, 0, "answers");
  return open;
}

export const HOSTILE: readonly Scenario[] = [
  {
    name: "datagrams that are too short or of another version are counted and do no harm",
    everywhere: true,
    needs: { raw: true },
    async run(bench) {
      const junk = bench.transport.encapsulation === "udp" ? UDP_JUNK : IP_JUNK;
      const open = await survive(
        bench,
        junk.map((octets) => Uint8Array.from(octets)),
      );
      equal(open.control.length, 0, "what was handed up as control messages");
    },
  },
  {
    name: "anything with the T bit is handed up as it came",
    everywhere: true,
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      const mark = encapsulation === "ip" ? [0, 0, 0, 0] : [];
      const open = await survive(
        bench,
        CONTROL_JUNK.map((octets) => Uint8Array.of(...mark, ...octets)),
      );
      const got = open.control.map(({ datagram }) => datagram);
      equal(
        got,
        CONTROL_JUNK.map((octets) => Uint8Array.from(octets)),
        "what was handed up",
      );
    },
  },
  {
    name: "two hundred random datagrams do no harm",
    needs: { raw: true },
    async run(bench) {
      let state = 0x2661_3931;
      const dice = (below: number): number => {
        // xorshift32: the same datagrams in every run.
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % below;
      };
      const junk = Array.from({ length: 200 }, () => Uint8Array.from({ length: dice(80) }, () => dice(256)));
      await survive(bench, junk);
    },
  },
  {
    name: "control messages pass while data keeps coming, and data while control messages do",
    async run(bench) {
      const { wires, ports } = await bench.connected();
      for (let n = 0; n < 50; n++) {
        await ports.a.send(frame(n));
        wires.a.wire.send({ to: wires.b.address, datagram: controlMessage(n) });
      }
      const all = Array.from({ length: 50 }, (_, n) => n);
      await bench.expectFrames(ports.b, all, "the frames");
      await bench.until(() => wires.b.control.length === 50, "the control messages");
      equal(
        wires.b.control.map(({ datagram }) => controlNumber(datagram)),
        all,
        "their order",
      );
    },
  },
];
