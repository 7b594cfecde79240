/** L2TPv2: PPP in UDP, RFC 2661 §3.1. */
import type { PlaneNotice } from "../notice.ts";
import { equal, refused } from "./assert.ts";
import { type Bench, freshId, type SessionWish, sessionParameters } from "./bench.ts";
import type { FramePort } from "./fixture.ts";
import { pppFrame, v2Data, v3Data } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

const V2 = { version: 2, encapsulation: "udp" } as const;
const V2_PPP = { ...V2, port: "ppp" } as const;
const PPP: SessionWish = { pseudowire: "ppp", l2SpecificSublayer: "none" };
/** Address and Control (RFC 1662 §3.1). */
const withHeader = (frame: Uint8Array): Uint8Array => Uint8Array.of(0xff, 0x03, ...frame);

async function expectPpp(
  bench: Bench,
  port: FramePort,
  expected: readonly number[],
  what: string,
): Promise<void> {
  await bench.until(
    () => port.received.length >= expected.length,
    `${what}: ${expected.length} frames arrive`,
  );
  equal(port.received, expected.map(pppFrame), what);
}

/** A session whose peer, by hand, sends its messages with numbers or without. */
async function ruled(bench: Bench, wish: SessionWish) {
  const facing = await bench.facingRaw({ ...PPP, ...wish }, 2);
  const { raw, open, tunnel, port, parameters } = facing;
  const ids = { tunnelId: tunnel.tunnelId, sessionId: parameters.sessionId };
  let n = 0;
  let ns = 0;
  /** One message in, one out. */
  const exchange = async (on: boolean) => {
    n += 1;
    const number = on ? { ns: ns++ } : {};
    await raw.send(open.address, v2Data({ ...ids, ...number, payload: withHeader(pppFrame(n)) }));
    await port.send(pppFrame(n));
  };
  /** Whether the newest message of the session has the S bit (RFC 2661 §3.1). */
  const numbered = () => ((raw.received.at(-1)?.[0] ?? 0) & 0x08) !== 0;
  return { ...facing, exchange, numbered };
}

export const VERSION_2: readonly Scenario[] = [
  {
    name: "L2TPv2: PPP frames cross both ways",
    everywhere: true,
    needs: V2_PPP,
    async run(bench) {
      const { ports } = await bench.connected(PPP, {}, 2);
      for (const n of [1, 2, 3]) {
        await ports.a.send(pppFrame(n));
        await ports.b.send(pppFrame(10 + n));
      }
      await expectPpp(bench, ports.b, [1, 2, 3], "at B");
      await expectPpp(bench, ports.a, [11, 12, 13], "at A");
    },
  },
  {
    name: "L2TPv2: a data message on the wire has the octets that RFC 2661 gives it",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const { raw, port, session, parameters, peerTunnelId } = await bench.facingRaw(PPP, 2);
      const ids = { tunnelId: peerTunnelId, sessionId: parameters.peerSessionId };
      await port.send(pppFrame(1));
      await session.update({ sendSequence: true });
      await port.send(pppFrame(2));
      await port.send(pppFrame(3));
      await bench.until(() => raw.received.length === 3, "three arrive");
      equal(
        raw.received,
        [
          v2Data({ ...ids, payload: withHeader(pppFrame(1)) }),
          v2Data({ ...ids, ns: 0, payload: withHeader(pppFrame(2)) }),
          v2Data({ ...ids, ns: 1, payload: withHeader(pppFrame(3)) }),
        ],
        "the messages",
      );
    },
  },
  {
    name: "L2TPv2: length, priority, offset and missing FF 03 are understood",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const { raw, open, tunnel, port, parameters } = await bench.facingRaw(PPP, 2);
      const ids = { tunnelId: tunnel.tunnelId, sessionId: parameters.sessionId };
      const messages = [
        v2Data({ ...ids, payload: withHeader(pppFrame(0)) }),
        v2Data({ ...ids, length: true, payload: withHeader(pppFrame(1)) }),
        v2Data({ ...ids, length: true, priority: true, payload: pppFrame(2) }),
        v2Data({ ...ids, offset: 0, payload: pppFrame(3) }),
        v2Data({ ...ids, offset: 6, payload: withHeader(pppFrame(4)) }),
        v2Data({ ...ids, offset: 1, length: true, ns: 0, payload: pppFrame(5) }),
        // Beyond the Length there may be padding of the layer below.
        Uint8Array.of(...v2Data({ ...ids, length: true, payload: pppFrame(6) }), 0, 0, 0),
      ];
      for (const message of messages) await raw.send(open.address, message);
      await expectPpp(bench, port, [0, 1, 2, 3, 4, 5, 6], "at the session");
    },
  },
  {
    name: "L2TPv2: the same session ID in two tunnels is two sessions",
    needs: V2_PPP,
    async run(bench) {
      const { a, b } = await bench.wires();
      const ids = { sessionId: freshId(), peerSessionId: freshId() };
      for (const n of [1, 2]) {
        const tunnels = await bench.tunnels(a, b, 2);
        const sessions = await bench.sessions(tunnels, { ...PPP, ...ids });
        const [portA, portB] = [await bench.port(a.end, sessions.a), await bench.port(b.end, sessions.b)];
        await portA.send(pppFrame(n));
        await expectPpp(bench, portB, [n], `at session ${n}`);
      }
    },
  },
  {
    name: "L2TPv2: cookies, a sublayer, Ethernet and large IDs are refused",
    needs: V2,
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { version: 2, peer: b.address });
      const wrong: [string, SessionWish][] = [
        ["a cookie", { ...PPP, cookie: new Uint8Array(4) }],
        ["a peer's cookie", { ...PPP, peerCookie: new Uint8Array(8) }],
        ["a sublayer", { ...PPP, l2SpecificSublayer: "default" }],
        ["a session ID of 17 bits", { ...PPP, sessionId: 0x1_0000 }],
        ["an Ethernet pseudowire", { ...PPP, pseudowire: "eth" }],
      ];
      for (const [what, wish] of wrong) {
        await refused(
          () => tunnel.createSession(sessionParameters(wish)),
          ["invalid-parameters", "unsupported"],
          what,
        );
      }
    },
  },
  {
    name: "L2TPv2: a v3 message with the same session ID is not taken for it",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const { raw, open, port, parameters, tunnel } = await bench.facingRaw(PPP, 2);
      const { sessionId } = parameters;
      const before = await open.wire.counters();
      await raw.send(open.address, v3Data({ encapsulation: "udp", sessionId, frame: pppFrame(1) }));
      await bench.until(
        async () => (await open.wire.counters()).strayData === before.strayData + 1,
        "it is stray",
      );
      await raw.send(open.address, v2Data({ tunnelId: tunnel.tunnelId, sessionId, payload: pppFrame(2) }));
      await expectPpp(bench, port, [2], "at the session");
    },
  },
  {
    name: "L2TPv2: a LAC follows the LNS's choice of sequence numbers",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const { raw, open, tunnel, session, exchange, numbered } = await ruled(bench, { role: "lac" });
      const { sessionId } = session;
      const expected: PlaneNotice[] = [];
      for (const [round, on] of [true, false, true].entries()) {
        const what = `in round ${round + 1} the LAC ${on ? "begins" : "stops"} to send numbers`;
        const obeyed = async () => {
          await exchange(on);
          return raw.received.length > 0 && numbered() === on;
        };
        await bench.until(obeyed, what);
        expected.push({ type: "sequencing", tunnelId: tunnel.tunnelId, sessionId, on });
        const told = () => open.notices.filter(({ type }) => type === "sequencing");
        const says = async () => {
          // The kernel is asked; the others say it by themselves.
          await session.statistics();
          return told().length === round + 1;
        };
        await bench.until(says, `a notice that ${what}`);
        equal(told(), expected, "the notices");
      }
    },
  },
  {
    name: "L2TPv2: an LNS follows nobody, nor does a LAC whose call requires sequence numbers",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const required = { sendSequence: true, receiveSequence: true };
      const cases: [string, SessionWish, boolean][] = [
        ["an LNS", { role: "lns" }, false],
        ["nobody said whose end it is", {}, false],
        ["a LAC that is to number all", { role: "lac", ...required }, true],
      ];
      for (const [what, wish, sends] of cases) {
        const { raw, exchange, numbered } = await ruled(bench, wish);
        for (let n = 1; n <= 3; n++) {
          await exchange(!sends);
          await bench.until(() => raw.received.length === n, `${what}: message ${n} arrives`);
          await bench.quiet();
          equal(numbered(), sends, `${what}: message ${n} has a number`);
        }
      }
    },
  },
  {
    name: "L2TPv2: the 16-bit numbers of data messages wrap around",
    needs: { ...V2_PPP, raw: true },
    async run(bench) {
      const { raw, open, port, parameters, tunnel } = await bench.facingRaw(
        { ...PPP, receiveSequence: true },
        2,
      );
      const ids = { tunnelId: tunnel.tunnelId, sessionId: parameters.sessionId };
      let n = 0;
      const send = (ns: number) => raw.send(open.address, v2Data({ ...ids, ns, payload: pppFrame(n++) }));
      const last = () =>
        new DataView((port.received.at(-1) ?? new Uint8Array(14)).slice().buffer).getUint32(10);
      for (const start of [0x6000, 0xc000, 0xffe0]) for (let ns = start; ns < start + 8; ns++) await send(ns);
      await bench.until(() => last() === n - 1, "the numbering is taken up");
      const before = port.received.length;
      for (let ns = 0xffe8; ns <= 0xffff; ns++) await send(ns);
      for (let ns = 0; ns < 8; ns++) await send(ns);
      await bench.until(() => last() === n - 1, "the last one arrives");
      equal(port.received.length - before, 24 + 8, "none is lost over the wrap");
    },
  },
];
