/**
 * Links of PPP sessions: what goes up and what does not, gates, sources, compression of headers, bridges. The IP
 * packets go where `ConformanceOptions.pppLink` says.
 */
import { equal, ok, refused } from "./assert.ts";
import {
  A4,
  A6,
  agreed,
  B4,
  B6,
  expectPackets,
  facing,
  has,
  linkOf,
  numbers,
  of,
  open,
  ours,
  PPP,
  pair,
  running,
} from "./linked.ts";
import { ipv4Packet, ipv6Packet, pppFrame } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

const V2 = { version: 2, encapsulation: "udp", link: true } as const;
const KEY = { send: 0x11, receive: 0x22 } as const;

export const PPP_LINKS: readonly Scenario[] = [
  {
    name: "PPP link: frames of control protocols cross both ways unchanged",
    everywhere: true,
    needs: V2,
    async run(bench) {
      const { a, b } = await pair(bench);
      for (const n of [1, 2, 3]) {
        a.link.sendFrame(pppFrame(n));
        b.link.sendFrame(of(0x8021, 1, n, 0, 4));
      }
      await bench.until(
        () => b.frames.length >= 3 && a.frames.length >= 3,
        "three frames arrive at each end",
      );
      equal(b.frames, [1, 2, 3].map(pppFrame), "at B");
      equal(
        a.frames,
        [1, 2, 3].map((n) => of(0x8021, 1, n, 0, 4)),
        "at A",
      );
    },
  },
  {
    name: "PPP link: frames that come before there is a handler are kept for it",
    needs: V2,
    async run(bench) {
      const wires = await bench.wires();
      const tunnels = await bench.tunnels(wires.a, wires.b, 2);
      const { a, b } = await bench.sessions(tunnels, bench.linked(PPP));
      for (const n of [1, 2, 3]) a.link?.sendFrame(pppFrame(n));
      await bench.quiet();
      const frames: Uint8Array[] = [];
      b.link?.onFrame((frame) => frames.push(frame.slice()));
      await bench.until(() => frames.length >= 3, "they are handed over");
      equal(frames, [1, 2, 3].map(pppFrame), "the frames");
    },
  },
  {
    name: "PPP link: a frame on the wire has FF 03 and two octets of protocol, and is a v2 data message",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { raw, link } = await facing(bench);
      link.sendFrame(pppFrame(7));
      const mine = () => raw.received.find((datagram) => has(datagram, pppFrame(7)));
      await bench.until(() => mine() !== undefined, "it arrives");
      const datagram = mine() as Uint8Array;
      equal(datagram.subarray(-16), Uint8Array.of(0xff, 0x03, ...pppFrame(7)), "the frame");
      equal(datagram[1], 2, "the version");
    },
  },
  {
    name: "PPP link: a frame without FF 03, or with one octet of protocol, is handed up with two",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { send, frames } = await facing(bench);
      await send(pppFrame(1));
      await send(Uint8Array.of(0xff, 0x03, ...pppFrame(2)));
      await send(Uint8Array.of(0x2d, 9, 9, 9));
      await send(Uint8Array.of(0xff, 0x03, 0x2f, 8, 8));
      await send(of(0x002d, 7));
      await bench.until(() => frames.length >= 5, "five frames arrive");
      const expected = [pppFrame(1), pppFrame(2), of(0x002d, 9, 9, 9), of(0x002f, 8, 8), of(0x002d, 7)];
      equal(frames, expected, "the frames");
    },
  },
  {
    name: "PPP link: frames of a protocol that nobody knows are handed up, to be rejected",
    needs: V2,
    async run(bench) {
      const { a, b } = await pair(bench);
      a.link.sendFrame(of(0x8235, 1, 2, 3));
      await bench.until(() => b.frames.length === 1, "it arrives");
      equal(b.frames, [of(0x8235, 1, 2, 3)], "the frame");
    },
  },
  {
    name: "PPP link: packets pass when the gate of their protocol is open, and are no frames",
    everywhere: true,
    needs: V2,
    async run(bench) {
      const { a, b } = await pair(bench);
      await a.link.configure(agreed("a"));
      await b.link.configure(agreed("b"));
      await a.packets.send(ipv4Packet(1, A4, B4));
      await bench.quiet();
      equal(numbers(b.packets), [], "with closed gates");
      for (const { link } of [a, b]) link.gate("ipv4", "pass");
      await a.link.configure(agreed("a"));
      await b.link.configure(agreed("b"));
      await a.packets.send(ipv4Packet(2, A4, B4));
      await b.packets.send(ipv4Packet(3, B4, A4, 1_400));
      await a.packets.send(ipv6Packet(4, A6, B6));
      await expectPackets(bench, b.packets, [2], "at B, IPv4 only");
      await expectPackets(bench, a.packets, [3], "at A, of 1,400 octets");
      for (const { link } of [a, b]) link.gate("ipv6", "pass");
      await a.link.configure(agreed("a"));
      await b.link.configure(agreed("b"));
      await a.packets.send(ipv6Packet(5, A6, B6));
      await expectPackets(bench, b.packets, [2, 5], "at B, IPv6, too");
      ok(
        b.packets.received.some((got) => got.join() === ipv6Packet(5, A6, B6).join()),
        "every octet is as it was sent",
      );
      b.link.gate("ipv4", "drop");
      await b.link.configure(agreed("b"));
      await a.packets.send(ipv4Packet(6, A4, B4));
      await bench.quiet();
      equal(numbers(b.packets), [2, 5], "with the gate closed again");
      equal([ours(a.frames, 0x21), ours(b.frames, 0x21), ours(b.frames, 0x57)], [[], [], []], "handed up");
    },
  },
  {
    name: "PPP link: headers of packets are compressed as was agreed, those of LCP never lose FF 03",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { raw, link, packets } = await facing(bench);
      const forms: [pfc: boolean, acfc: boolean, header: number[]][] = [
        [false, false, [0xff, 0x03, 0x00, 0x21]],
        [true, false, [0xff, 0x03, 0x21]],
        [false, true, [0x00, 0x21]],
        [true, true, [0x21]],
      ];
      let n = 0;
      for (const [pfc, acfc, header] of forms) {
        n++;
        await link.configure(agreed("b", { pfc, acfc }));
        const packet = ipv4Packet(n, B4, A4);
        await packets.send(packet);
        const mine = () => raw.received.find((datagram) => has(datagram, packet));
        await bench.until(() => mine() !== undefined, `packet ${n} arrives`);
        const datagram = mine() as Uint8Array;
        // Flags, tunnel ID and session ID are in front.
        equal(datagram.subarray(6), Uint8Array.of(...header, ...packet), `pfc ${pfc}, acfc ${acfc}`);
      }
      link.sendFrame(pppFrame(1));
      const lcp = Uint8Array.of(0xff, 0x03, ...pppFrame(1));
      await bench.until(() => raw.received.some((datagram) => has(datagram, lcp)), "LCP with FF 03");
    },
  },
  {
    name: "PPP link: packets are taken with every form of header",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { send, packets } = await facing(bench);
      await send(Uint8Array.of(0xff, 0x03, 0x00, 0x21, ...ipv4Packet(1, A4, B4)));
      await send(Uint8Array.of(0xff, 0x03, 0x21, ...ipv4Packet(2, A4, B4)));
      await send(Uint8Array.of(0x00, 0x21, ...ipv4Packet(3, A4, B4)));
      await send(Uint8Array.of(0x21, ...ipv4Packet(4, A4, B4)));
      await send(Uint8Array.of(0x57, ...ipv6Packet(5, A6, B6)));
      await expectPackets(bench, packets, [1, 2, 3, 4, 5], "at B");
    },
  },
  {
    name: "PPP link: with checkSource a packet with somebody else's address is dropped and counted",
    needs: { ...V2, checkSource: true },
    async run(bench) {
      const more = { ipv4: { local: B4, peer: A4, routes: ["10.78.0.0/16"] } };
      const { a, b } = await running(bench, { checkSource: true }, { b: more });
      const before = await b.session.statistics();
      await a.packets.send(ipv4Packet(1, A4, B4));
      await a.packets.send(ipv4Packet(2, "10.77.0.3", B4));
      await a.packets.send(ipv4Packet(3, "10.78.3.4", B4));
      await a.packets.send(ipv4Packet(4, "10.79.0.1", B4));
      await a.packets.send(ipv6Packet(5, "2001:db8::1", B6));
      await a.packets.send(ipv6Packet(6, A6, B6));
      await expectPackets(bench, b.packets, [1, 3, 6], "those of the peer and of what is behind it");
      await bench.until(
        async () => (await b.session.statistics()).rxErrors - before.rxErrors >= 3,
        "the others are counted",
      );
    },
  },
  {
    name: "PPP link: a stump of a frame, or of a packet, is dropped and harms nothing",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { send, packets, session } = await facing(bench);
      const before = (await session.statistics()).rxErrors;
      const stumps = [
        [0xff, 0x03],
        [0xff, 0x03, 0x00],
        [0x00],
        [0x00, 0x21],
        [0x00, 0x21, 0x45, 0, 0, 20],
        [0x00, 0x57, 0x60, 0, 0, 0],
        // Claims to be longer than it is, and of another version.
        [0x00, 0x21, 0x45, 0, 0xff, 0xff, ...new Array<number>(16).fill(0)],
        [0x00, 0x21, 0x65, 0, 0, 20, ...new Array<number>(16).fill(0)],
      ];
      for (const stump of stumps) await send(Uint8Array.from(stump));
      await send(of(0x0021, ...ipv4Packet(1, A4, B4)));
      await expectPackets(bench, packets, [1], "a sound packet after them");
      ok((await session.statistics()).rxErrors >= before, "counters do not go back");
    },
  },
  {
    name: "PPP link: a flood of frames is bounded, and neither packets nor later frames suffer",
    needs: { ...V2, raw: true },
    async run(bench) {
      const { send, packets, frames } = await facing(bench);
      for (let n = 0; n < 1_000; n++) await send(pppFrame(n));
      await send(of(0x0021, ...ipv4Packet(1, A4, B4)));
      await expectPackets(bench, packets, [1], "a packet after the flood");
      await bench.fixture.wait(500);
      const last = of(0xc021, 9, 1, 0, 8, 0x5a, 0x5a, 0x5a, 0x5a);
      await bench.until(async () => {
        await send(last);
        return frames.some((frame) => frame.join() === last.join());
      }, "a frame some time after the flood");
    },
  },
  {
    name: "PPP link: when data was last received is known, and frames are no data",
    needs: V2,
    async run(bench) {
      const { a, b } = await running(bench);
      a.link.sendFrame(pppFrame(1));
      await bench.until(() => b.frames.length > 0, "a frame arrives");
      await a.packets.send(ipv4Packet(1, A4, B4));
      await expectPackets(bench, b.packets, [1], "a packet arrives");
      await bench.until(() => b.link.lastDataReceived() > Number.NEGATIVE_INFINITY, "there was data");
      const first = b.link.lastDataReceived();
      await bench.fixture.wait(50);
      await a.packets.send(ipv4Packet(2, A4, B4));
      await bench.until(() => b.link.lastDataReceived() > first, "there was data later");
    },
  },
  {
    name: "PPP link: a configuration that makes no sense is refused, and the one before stays",
    needs: V2,
    async run(bench) {
      const { a, b } = await running(bench);
      await refused(
        () => b.link.configure(agreed("b", { ipv4: { local: B4, peer: "10.77.0" } })),
        "invalid-parameters",
        "a peer's address of three octets",
      );
      await a.packets.send(ipv4Packet(1, A4, B4));
      await expectPackets(bench, b.packets, [1], "as before");
    },
  },
  {
    name: "PPP link: it ends with its session",
    needs: V2,
    async run(bench) {
      const { a, b } = await running(bench);
      await a.session[Symbol.asyncDispose]();
      const before = b.frames.length;
      a.link.sendFrame(pppFrame(1));
      a.link.gate("ipv4", "drop");
      a.link.resetMppe();
      await refused(() => a.link.configure(agreed("a")), "closed", "configure after the end");
      await bench.quiet();
      equal(b.frames.length, before, "frames at the other end");
    },
  },
  {
    name: "PPP link: neighbour discovery and DHCPv6 go to who runs the link, while it wants them",
    needs: V2,
    async run(bench) {
      const { a, b } = await running(bench);
      const { ipv6Control } = b.link;
      if (ipv6Control === undefined) return;
      const got: Uint8Array[] = [];
      const listening = ipv6Control.onPacket((packet) => got.push(packet.slice()));
      await b.link.configure(agreed("b"));
      const solicitation = ipv6Packet(0, A6, "ff02::2", 48, 58);
      solicitation[40] = 133;
      const dhcp = ipv6Packet(0, A6, "ff02::1:2", 60, 17);
      dhcp.set([0x02, 0x22, 0x02, 0x23], 40);
      await a.packets.send(solicitation);
      await a.packets.send(dhcp);
      await a.packets.send(ipv6Packet(3, A6, B6));
      await bench.until(() => got.length >= 2, "both are handed up");
      // Hosts say things of their own on an interface.
      const mine = got.filter((packet) => [solicitation.join(), dhcp.join()].includes(packet.join()));
      equal(mine, [solicitation, dhcp], "the packets");
      await expectPackets(bench, b.packets, [3], "other packets go on");
      listening[Symbol.dispose]();
      ipv6Control.send(ipv6Packet(4, B6, A6));
      await expectPackets(bench, a.packets, [4], "one that was sent to the peer");
    },
  },
  {
    name: "PPP link: with MPPE packets cross both ways, encrypted on the wire",
    needs: { ...V2, raw: true, mppe: true },
    async run(bench) {
      const key = (octet: number) => new Uint8Array(16).fill(octet);
      const mode = { bits: 128, stateless: true } as const;
      const [one, other] = [
        { ...mode, startKey: key(KEY.send) },
        { ...mode, startKey: key(KEY.receive) },
      ];
      const { a, b } = await running(
        bench,
        {},
        { a: { mppe: { send: one, receive: other } }, b: { mppe: { send: other, receive: one } } },
      );
      for (const n of [1, 2, 3]) {
        await a.packets.send(ipv4Packet(n, A4, B4));
        await b.packets.send(ipv4Packet(n, B4, A4));
      }
      await expectPackets(bench, b.packets, [1, 2, 3], "at B");
      await expectPackets(bench, a.packets, [1, 2, 3], "at A");
      const { raw, packets } = await facing(bench, {}, { mppe: { send: one, receive: other } });
      const packet = ipv4Packet(9, B4, A4);
      await packets.send(packet);
      const mine = () => raw.received.find((datagram) => datagram.length >= packet.length);
      await bench.until(() => mine() !== undefined, "it arrives");
      const datagram = mine() as Uint8Array;
      equal(datagram.subarray(6, 10), Uint8Array.of(0xff, 0x03, 0x00, 0xfd), "the protocol (RFC 3078 §3)");
      ok(!has(datagram, packet.subarray(0, 20)), "nothing of it can be read");
    },
  },
  {
    name: "PPP link: a bridge passes frames and packets from session to session, until it is disposed of",
    needs: V2,
    async run(bench) {
      const { a: wireA, b: wireB } = await bench.wires();
      const [left, right] = [await bench.tunnels(wireA, wireB, 2), await bench.tunnels(wireA, wireB, 2)];
      const one = await bench.sessions(left, bench.linked(PPP));
      const two = await bench.sessions(right, bench.linked(PPP));
      const [lac, lns] = [await linkOf(bench, wireA, one.a), await linkOf(bench, wireA, two.a)];
      const middle = await linkOf(bench, wireB, one.b);
      if (one.b.bridge === undefined) return;
      const bridge = await one.b.bridge(two.b);
      equal(bridge.kind, "direct", "within one data plane");
      lac.link.sendFrame(pppFrame(1));
      lns.link.sendFrame(pppFrame(2));
      await bench.until(() => lns.frames.length > 0 && lac.frames.length > 0, "a frame passes each way");
      equal([lns.frames, lac.frames, middle.frames], [[pppFrame(1)], [pppFrame(2)], []], "the frames");
      await open(lac.link, agreed("a"));
      await open(lns.link, agreed("b"));
      await lac.packets.send(ipv4Packet(1, A4, B4));
      await expectPackets(bench, lns.packets, [1], "a packet passes");
      await bridge[Symbol.asyncDispose]();
      lac.link.sendFrame(pppFrame(3));
      await bench.until(
        () => middle.frames.length > 0,
        "after the bridge a frame is handed up in the middle",
      );
      equal(middle.frames, [pppFrame(3)], "in the middle");
      equal(lns.frames.length, 1, "at the far end");
    },
  },
];
