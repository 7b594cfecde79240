/** Sessions: IDs, cookies, sublayer, frames. */
import { largestId } from "../check.ts";
import { equal, ok, refused } from "./assert.ts";
import { freshId, type SessionWish, sessionParameters } from "./bench.ts";
import { frame, v3Data } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

const cookieOf = (octets: number, first = 0xa0): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) => first + i);

export const SESSIONS: readonly Scenario[] = [
  {
    name: "frames cross both ways unchanged, with every length of cookie, with and without sublayer",
    everywhere: true,
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnels = await bench.tunnels(a, b);
      let n = 0;
      for (const octets of [0, 4, 8]) {
        for (const l2SpecificSublayer of ["none", "default"] as const) {
          const pair = await bench.sessions(tunnels, {
            cookie: cookieOf(octets),
            peerCookie: cookieOf(octets, 0x30),
            l2SpecificSublayer,
          });
          const ports = { a: await bench.port(a.end, pair.a), b: await bench.port(b.end, pair.b) };
          n += 2;
          await ports.a.send(frame(n, 90));
          await ports.b.send(frame(n + 1, 91));
          await bench.expectFrames(ports.b, [n], `at B, cookie of ${octets}, sublayer ${l2SpecificSublayer}`);
          await bench.expectFrames(
            ports.a,
            [n + 1],
            `at A, cookie of ${octets}, sublayer ${l2SpecificSublayer}`,
          );
          ok(
            ports.b.received.some((got) => got.join() === frame(n, 90).join()),
            "every octet is as it was sent",
          );
        }
      }
    },
  },
  {
    name: "the two directions may have cookies of different lengths",
    async run(bench) {
      const { ports } = await bench.connected({ cookie: cookieOf(4), peerCookie: cookieOf(8, 0x30) });
      await ports.a.send(frame(1));
      await ports.b.send(frame(2));
      await bench.expectFrames(ports.b, [1], "at B");
      await bench.expectFrames(ports.a, [2], "at A");
    },
  },
  {
    name: "a data message on the wire has the octets that RFC 3931 gives it",
    everywhere: true,
    needs: { raw: true },
    async run(bench) {
      const { raw, tunnel, open, port, parameters } = await bench.facingRaw({
        peerCookie: cookieOf(8),
        sendSequence: true,
      });
      const { encapsulation } = bench.transport;
      const mine = () => raw.received.filter((octets) => octets.length < 200);
      const [cookie, sessionId] = [cookieOf(8), parameters.peerSessionId];
      await port.send(frame(1));
      await bench.until(() => mine().length >= 1, "it arrives");
      equal(
        mine()[0],
        v3Data({ encapsulation, sessionId, cookie, ns: 0, frame: frame(1) }),
        "with everything",
      );
      const bare = sessionParameters({ l2SpecificSublayer: "none" });
      const second = await bench.port(open.end, await tunnel.createSession(bare));
      await second.send(frame(2));
      await bench.until(() => mine().length >= 2, "the second arrives");
      equal(
        mine()[1],
        v3Data({ encapsulation, sessionId: bare.peerSessionId, frame: frame(2) }),
        "with neither cookie nor sublayer",
      );
    },
  },
  {
    name: "session IDs that are 0, negative, broken or too large are refused",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      for (const id of [0, -1, 1.5, largestId(3) + 1, Number.NaN]) {
        const create = (wish: SessionWish) => tunnel.createSession(sessionParameters(wish));
        await refused(() => create({ sessionId: id }), "invalid-parameters", `session ID ${id}`);
        await refused(() => create({ peerSessionId: id }), "invalid-parameters", `peer session ID ${id}`);
      }
    },
  },
  {
    name: "cookies of other lengths than 0, 4 and 8 are refused",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      for (const octets of [1, 2, 3, 5, 7, 9, 16]) {
        for (const key of ["cookie", "peerCookie"]) {
          await refused(
            () => tunnel.createSession(sessionParameters({ [key]: cookieOf(octets) })),
            "invalid-parameters",
            `${key} of ${octets} octets`,
          );
        }
      }
    },
  },
  {
    name: "parameters of a session that make no sense are refused",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      const wrong: [string, SessionWish][] = [
        ["sequence numbers sent without a sublayer", { l2SpecificSublayer: "none", sendSequence: true }],
        [
          "sequence numbers required without a sublayer",
          { l2SpecificSublayer: "none", receiveSequence: true },
        ],
        ["a negative reordering time", { reorderMs: -1 }],
        ["a reordering time that is no number", { reorderMs: Number.NaN }],
        ["an MTU of 0", { mtu: { mtuOctets: 0, dontFragment: "clear" } }],
        ["an MTU of 70,000", { mtu: { mtuOctets: 70_000, dontFragment: "clear" } }],
        ["an interface name of 16 octets", { interface: { name: "abcdefghijklmnop" } }],
        ["an interface name with a slash", { interface: { name: "a/b" } }],
        ["an empty interface name", { interface: { name: "" } }],
      ];
      for (const [what, wish] of wrong) {
        await refused(() => tunnel.createSession(sessionParameters(wish)), "invalid-parameters", what);
      }
      const missing = (["eth", "ppp", "pppac"] as const).find(
        (pseudowire) => !bench.fixture.a.plane.capabilities.pseudowires.includes(pseudowire),
      );
      if (missing !== undefined) {
        await refused(
          () => tunnel.createSession(sessionParameters({ pseudowire: missing })),
          "unsupported",
          `pseudowire ${missing}`,
        );
      }
    },
  },
  {
    name: "a session ID that is in use is refused, and its session goes on",
    async run(bench) {
      const { tunnels, sessions, ports } = await bench.connected();
      await refused(
        () => tunnels.a.createSession(sessionParameters({ sessionId: sessions.a.sessionId })),
        "id-in-use",
        "the same ID again",
      );
      await ports.a.send(frame(1));
      await bench.expectFrames(ports.b, [1], "at B");
    },
  },
  {
    name: "a session ID is free again when its session was closed",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnels = await bench.tunnels(a, b);
      const ids = { sessionId: freshId(), peerSessionId: freshId() };
      for (const n of [1, 2]) {
        const pair = await bench.sessions(tunnels, ids);
        const [portA, portB] = [await bench.port(a.end, pair.a), await bench.port(b.end, pair.b)];
        await portA.send(frame(n));
        await bench.expectFrames(portB, [n], `at B, time ${n}`);
        await pair.a[Symbol.asyncDispose]();
        await pair.b[Symbol.asyncDispose]();
      }
    },
  },
  {
    name: "a wrong cookie is dropped and counted, and the right one passes",
    everywhere: true,
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      for (const octets of [4, 8]) {
        const { raw, open, session, port, parameters } = await bench.facingRaw({ cookie: cookieOf(octets) });
        const { sessionId } = parameters;
        const send = (cookie: Uint8Array, n: number) =>
          raw.send(open.address, v3Data({ encapsulation, sessionId, cookie, ns: null, frame: frame(n) }));
        await send(cookieOf(octets, 0x10), 1);
        await send(cookieOf(octets).with(octets - 1, 0xff), 2);
        await send(cookieOf(octets), 3);
        await bench.expectFrames(port, [3], `with a cookie of ${octets}`);
        const wrong = { rxCookieDiscards: 2, rxErrors: 2 };
        await bench.expectCounters(session, wrong, "cookie discards and errors");
        equal(raw.received.length, 0, "answers");
        await open.wire[Symbol.asyncDispose]();
      }
    },
  },
  {
    name: "messages too short for their cookie, sublayer or frame are dropped, and the next one passes",
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      const { raw, open, port, parameters } = await bench.facingRaw({ cookie: cookieOf(8) });
      const { sessionId } = parameters;
      const whole = v3Data({ encapsulation, sessionId, cookie: cookieOf(8), ns: null, frame: frame(1, 18) });
      const headers = whole.length - 18;
      for (let octets = encapsulation === "udp" ? 8 : 4; octets < headers + 14; octets++) {
        await raw.send(open.address, whole.subarray(0, octets));
      }
      await raw.send(
        open.address,
        v3Data({ encapsulation, sessionId, cookie: cookieOf(8), ns: null, frame: frame(2) }),
      );
      await bench.expectFrames(port, [2], "after the short ones");
      equal(
        port.received.filter((got) => got.length < 14).length,
        0,
        "frames shorter than an Ethernet header",
      );
    },
  },
  {
    name: "frames of every size up to the MTU cross unchanged",
    everywhere: true,
    async run(bench) {
      const { sessions, ports } = await bench.connected({
        cookie: cookieOf(8),
        peerCookie: cookieOf(8, 0x30),
      });
      const { mtuOctets } = sessions.a;
      ok(mtuOctets >= 1_000 && mtuOctets <= 65_535, `an MTU of ${mtuOctets} is believable`);
      const largest = mtuOctets + 14;
      const sizes = [60, 61, 64, 65, 127, 128, 255, 256, 511, 512, 1_023, 1_024, 1_025, largest - 1, largest];
      for (const [n, size] of sizes.entries()) await ports.a.send(frame(n, size));
      await bench.expectFrames(ports.b, [...sizes.keys()], "at B");
      const own = ports.b.received.filter((got) => got[12] === 0x88 && got[13] === 0xb5);
      for (const [n, size] of sizes.entries()) equal(own[n], frame(n, size), `the frame of ${size} octets`);
    },
  },
  {
    name: "the interface gets the MTU that was asked for, and another while it is up",
    async run(bench) {
      const { sessions } = await bench.connected({ mtu: { mtuOctets: 1_280, dontFragment: "set" } });
      equal(sessions.a.mtuOctets, 1_280, "at first");
      await sessions.a.update({ mtuOctets: 1_300 });
      equal(sessions.a.mtuOctets, 1_300, "after the change");
    },
  },
  {
    name: "the interface has the name that was asked for, and a name is given once",
    needs: { interfaces: true },
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      const name = `cfm${freshId()}`;
      const session = await tunnel.createSession(sessionParameters({ interface: { name } }));
      equal(session.interfaceName, name, "its name");
      await refused(
        () => tunnel.createSession(sessionParameters({ interface: { name } })),
        "name-in-use",
        "the same name again",
      );
      const numbered = await tunnel.createSession(sessionParameters({ interface: { name: "cfm-%d" } }));
      ok(/^cfm-\d+$/.test(numbered.interfaceName ?? ""), `${numbered.interfaceName} is numbered`);
    },
  },
  {
    name: "data for a session that is not there is counted and told of, and never answered",
    everywhere: true,
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      const { raw, open, port, parameters } = await bench.facingRaw();
      const before = await open.wire.counters();
      const sessionId = freshId();
      for (let n = 0; n < 5; n++) {
        await raw.send(open.address, v3Data({ encapsulation, sessionId, ns: null, frame: frame(n) }));
      }
      await bench.until(
        async () => (await open.wire.counters()).strayData - before.strayData === 5,
        "five are counted",
      );
      await bench.until(() => open.notices.some(({ type }) => type === "stray-data"), "a notice comes");
      const notice = open.notices.find(({ type }) => type === "stray-data");
      ok(notice?.type === "stray-data" && notice.sessionId === sessionId, "it names the session");
      equal(notice.from, raw.local, "it names the sender");
      ok(open.notices.length <= 5, "no more notices than messages");
      await raw.send(
        open.address,
        v3Data({ encapsulation, sessionId: parameters.sessionId, ns: null, frame: frame(9) }),
      );
      await bench.expectFrames(port, [9], "at the session that is there");
      equal(raw.received.length, 0, "answers");
    },
  },
  {
    name: "data from before a session is not delivered to it, nor data from after its end",
    needs: { raw: true },
    async run(bench) {
      const { encapsulation } = bench.transport;
      const { raw, open, tunnel } = await bench.facingRaw();
      const parameters = sessionParameters();
      const send = (n: number) =>
        raw.send(
          open.address,
          v3Data({ encapsulation, sessionId: parameters.sessionId, ns: null, frame: frame(n) }),
        );
      const { strayData } = await open.wire.counters();
      const stray = (messages: number, what: string) =>
        bench.until(async () => (await open.wire.counters()).strayData === strayData + messages, what);
      await send(1);
      await stray(1, "it is stray as yet");
      const session = await tunnel.createSession(parameters);
      const port = await bench.port(open.end, session);
      await send(2);
      await bench.expectFrames(port, [2], "while it is up");
      await session[Symbol.asyncDispose]();
      await send(3);
      await stray(2, "it is stray now");
      equal(bench.numbers(port), [2], "frames");
    },
  },
  {
    name: "an interface that vanishes is told of, and its session is gone",
    needs: { vanish: true },
    async run(bench) {
      const { wires, tunnels, sessions } = await bench.connected();
      const stays = await bench.sessions(tunnels);
      await bench.fixture.a.vanish?.(sessions.a);
      await bench.until(
        () => wires.a.notices.some(({ type }) => type === "session-lost"),
        "the notice comes",
      );
      const notice = wires.a.notices.find(({ type }) => type === "session-lost");
      ok(notice?.type === "session-lost", "a notice of the loss");
      equal(
        [notice.tunnelId, notice.sessionId],
        [tunnels.a.tunnelId, sessions.a.sessionId],
        "which it names",
      );
      ok(notice.reason.length > 0, "it has a reason");
      await sessions.a[Symbol.asyncDispose]();
      const [portA, portB] = [await bench.port(wires.a.end, stays.a), await bench.port(wires.b.end, stays.b)];
      await portA.send(frame(1));
      await bench.expectFrames(portB, [1], "at the session that stays");
      await bench.sessions(tunnels, { sessionId: sessions.a.sessionId });
    },
  },
];
