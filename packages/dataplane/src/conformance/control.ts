/** Control messages: they pass through the data plane, which reads nothing but the T bit. */
import { equal, ok } from "./assert.ts";
import { type Bench, type OpenWire, wildcard } from "./bench.ts";
import { controlMessage, controlNumber } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

const numbers = ({ control }: OpenWire): number[] => control.map(({ datagram }) => controlNumber(datagram));

export const CONTROL: readonly Scenario[] = [
  {
    name: "control messages pass both ways, with who sent them and to which address",
    everywhere: true,
    async run(bench) {
      const { a, b } = await bench.wires();
      a.wire.send({ to: b.address, datagram: controlMessage(1) });
      b.wire.send({ to: a.address, datagram: controlMessage(2, 1_200) });
      await bench.until(() => a.control.length > 0 && b.control.length > 0, "both arrive");
      equal(b.control, [{ from: a.address, to: b.address.address, datagram: controlMessage(1) }], "at B");
      equal(
        a.control,
        [{ from: b.address, to: a.address.address, datagram: controlMessage(2, 1_200) }],
        "at A",
      );
    },
  },
  {
    name: "control messages on one way arrive once, in the order in which they were sent",
    async run(bench) {
      const { a, b } = await bench.wires();
      const all = Array.from({ length: 60 }, (_, n) => n);
      for (const n of all) a.wire.send({ to: b.address, datagram: controlMessage(n) });
      await bench.until(() => b.control.length >= all.length, "all arrive");
      await bench.quiet();
      equal(numbers(b), all, "order");
    },
  },
  {
    name: "a control message belongs to the caller again when send returns",
    async run(bench) {
      const { a, b } = await bench.wires();
      const datagram = controlMessage(1);
      a.wire.send({ to: b.address, datagram });
      datagram.fill(0);
      await bench.until(() => b.control.length > 0, "it arrives");
      equal(b.control[0]?.datagram, controlMessage(1), "the octets of the moment of sending");
    },
  },
  {
    name: "a message sent in the handler of another goes out",
    async run(bench) {
      const { a, b } = await bench.wires();
      const { family, encapsulation } = bench.transport;
      const { plane, namespace } = bench.fixture.a;
      const at = namespace === undefined ? {} : { namespace };
      const local = { family, address: bench.addressOf(bench.fixture.a), port: 0 };
      if (encapsulation === "ip") await a.wire[Symbol.asyncDispose]();
      const echo = await plane.open({ encapsulation, local, ...at }, ({ from, to, datagram }) => {
        echo.send({ from: to, to: from, datagram });
      });
      bench.defer(() => echo[Symbol.asyncDispose]());
      b.wire.send({ to: { ...local, port: echo.local.port }, datagram: controlMessage(7) });
      await bench.until(() => numbers(b).includes(7), "the echo comes back");
    },
  },
  {
    name: "a wire on all addresses answers from the address that it was called at",
    everywhere: true,
    needs: { secondAddress: true },
    async run(bench) {
      const a = await bench.open(bench.fixture.a);
      const b = await bench.open(bench.fixture.b, { address: wildcard(bench.transport.family) });
      for (const index of [0, 1]) {
        const called = bench.addressOf(bench.fixture.b, index);
        const to = { ...b.address, address: called };
        const [atA, atB] = [a.control.length, b.control.length];
        a.wire.send({ to, datagram: controlMessage(index) });
        await bench.until(() => b.control.length > atB, `the call to ${called} arrives`);
        equal(b.control[atB]?.to, called, "the address it was called at");
        b.wire.send({ from: called, to: a.address, datagram: controlMessage(index) });
        await bench.until(() => a.control.length > atA, `the answer from ${called} arrives`);
        equal(a.control[atA]?.from, to, "where the answer comes from");
      }
    },
  },
  {
    name: "control messages of a tunnel leave from the tunnel's address",
    needs: { secondAddress: true },
    async run(bench) {
      const a = await bench.open(bench.fixture.a);
      const b = await bench.open(bench.fixture.b, { address: wildcard(bench.transport.family) });
      const local = bench.addressOf(bench.fixture.b, 1);
      const tunnel = await bench.tunnel(b, { peer: a.address, local });
      b.wire.send({ tunnel, to: a.address, datagram: controlMessage(1) });
      await bench.until(() => a.control.length > 0, "it arrives");
      equal(a.control[0]?.from.address, local, "its source");
    },
  },
  {
    name: "send never throws, whatever it is given, and goes on working",
    async run(bench) {
      const { a, b } = await bench.wires();
      const other = bench.transport.family === 4 ? 6 : 4;
      a.wire.send({ to: { family: other, address: wildcard(other), port: 1 }, datagram: controlMessage(1) });
      a.wire.send({ to: { ...b.address, port: 0 }, from: "192.0.2.77", datagram: controlMessage(2) });
      a.wire.send({ to: b.address, datagram: new Uint8Array(70_000).fill(0xc8) });
      a.wire.send({ to: { ...b.address, port: -1 }, datagram: controlMessage(3) });
      a.wire.send({ to: b.address, datagram: controlMessage(4) });
      await bench.until(() => numbers(b).includes(4), "the good one arrives");
    },
  },
  {
    name: "a wire that is closed sends nothing, hands up nothing and does not throw",
    async run(bench) {
      const { a, b } = await bench.wires();
      a.wire.send({ to: b.address, datagram: controlMessage(1) });
      await bench.until(() => b.control.length === 1, "the first arrives");
      await b.wire[Symbol.asyncDispose]();
      a.wire.send({ to: b.address, datagram: controlMessage(2) });
      b.wire.send({ to: a.address, datagram: controlMessage(3) });
      await bench.quiet();
      equal([numbers(a), numbers(b)], [[], [1]], "what arrived");
    },
  },
  {
    name: "control messages are counted where they leave and where they arrive",
    everywhere: true,
    async run(bench) {
      const { a, b } = await bench.wires();
      const [before, beforeB] = [await a.wire.counters(), await b.wire.counters()];
      for (let n = 0; n < 5; n++) a.wire.send({ to: b.address, datagram: controlMessage(n) });
      await bench.until(() => b.control.length === 5, "all arrive");
      await countersReach(bench, b, beforeB.controlReceived + 5);
      equal((await a.wire.counters()).controlSent - before.controlSent, 5, "sent");
      equal((await b.wire.counters()).malformed, beforeB.malformed, "malformed");
      equal((await b.wire.counters()).strayData, beforeB.strayData, "stray data");
    },
  },
  {
    name: "two wires of one host do not hear one another's messages",
    needs: { encapsulation: "udp" },
    async run(bench) {
      const { a, b } = await bench.wires();
      const second = await bench.open(bench.fixture.b);
      ok(second.wire.local.port !== b.wire.local.port, "they have different ports");
      a.wire.send({ to: b.address, datagram: controlMessage(1) });
      a.wire.send({ to: second.address, datagram: controlMessage(2) });
      await bench.until(() => b.control.length + second.control.length >= 2, "both arrive");
      equal([numbers(b), numbers(second)], [[1], [2]], "who got which");
    },
  },
];

/** A worker's counters may be a moment behind what it handed up. */
function countersReach(bench: Bench, { wire }: OpenWire, controlReceived: number): Promise<void> {
  return bench.until(
    async () => (await wire.counters()).controlReceived === controlReceived,
    `${controlReceived} control messages are counted`,
  );
}
