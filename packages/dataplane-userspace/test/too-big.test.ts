/** Packets that are larger than what a PPP session carries: who is told, with what, and what is cut. */
import type { PppLinkConfiguration } from "@l2tp/dataplane";
import { Lab } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { checksumInJavaScript } from "../src/packet/checksum.ts";
import { TooBig } from "../src/packet/too-big.ts";
import { slowSum } from "./support/frames.ts";
import { transfer } from "./support/pair.ts";
import { tunnelEnd } from "./support/ppp.ts";

const MTU = 1_400;
const DF = 0x40;
const [SOURCE, DESTINATION] = [
  [192, 0, 2, 1],
  [198, 51, 100, 2],
];
const [SOURCE6, DESTINATION6] = ["20010db8000000010000000000000001", "0064ff9b0000000000000000c6336402"].map(
  (hex) => [...Buffer.from(hex, "hex")],
);

/** An IPv4 packet with a right header checksum and octets that tell their places. */
function ipv4(
  length: number,
  change: { flags?: number; protocol?: number; source?: number[]; to?: number[] } = {},
) {
  const { flags = DF, protocol = 17, source = SOURCE, to = DESTINATION } = change;
  const packet = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
  packet.set([0x45, 0, length >> 8, length & 0xff, 0x12, 0x34, flags, 0, 64, protocol, 0, 0]);
  packet.set([...(source ?? []), ...(to ?? [])], 12);
  const sum = ~slowSum(packet.subarray(0, 20)) & 0xffff;
  packet.set([sum >> 8, sum & 0xff], 10);
  return packet;
}

function ipv6(
  length: number,
  change: { next?: number; type?: number; source?: number[]; to?: number[] } = {},
) {
  const { next = 17, type = 0, source = SOURCE6, to = DESTINATION6 } = change;
  const packet = Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);
  packet.set([0x60, 0, 0, 0, (length - 40) >> 8, (length - 40) & 0xff, next, 64]);
  packet.set([...(source ?? []), ...(to ?? []), type], 8);
  return packet;
}

const AT = 4_100;
const INTO = 70_000;
const arena = new Arena(200_000);
const tooBig = new TooBig(arena.view, arena.u8, checksumInJavaScript(arena.u8));

function answer(packet: Uint8Array, mtu = MTU): Uint8Array {
  arena.u8.set(packet, AT);
  const length = tooBig.answer(AT, packet.length, mtu, INTO);
  return arena.u8.slice(INTO, INTO + length);
}

describe("the answer to a packet that is too large", () => {
  test("IPv4: fragmentation needed, with the MTU, in the name of the destination, 576 octets", () => {
    const packet = ipv4(1_500);
    const reply = answer(packet);
    expect(reply).toHaveLength(576);
    expect([...reply.subarray(0, 4)]).toEqual([0x45, 0xc0, 576 >> 8, 576 & 0xff]);
    expect(reply[9]).toBe(1);
    expect([...reply.subarray(12, 20)]).toEqual([...(DESTINATION ?? []), ...(SOURCE ?? [])]);
    expect([...reply.subarray(20, 22)]).toEqual([3, 4]);
    expect([...reply.subarray(24, 28)]).toEqual([0, 0, MTU >> 8, MTU & 0xff]);
    expect(reply.subarray(28)).toEqual(packet.subarray(0, 548));
    expect(slowSum(reply.subarray(0, 20))).toBe(0xffff);
    expect(slowSum(reply.subarray(20))).toBe(0xffff);
  });

  test("IPv6: packet too big, with the MTU, 1,280 octets, to an address that begins with zeros as well", () => {
    const packet = ipv6(1_500, { source: DESTINATION6 as number[], to: SOURCE6 as number[] });
    const reply = answer(packet);
    expect(reply).toHaveLength(1_280);
    expect([...reply.subarray(4, 8)]).toEqual([1_240 >> 8, 1_240 & 0xff, 58, 64]);
    expect([...reply.subarray(8, 40)]).toEqual([...(SOURCE6 ?? []), ...(DESTINATION6 ?? [])]);
    expect([...reply.subarray(40, 42)]).toEqual([2, 0]);
    expect([...reply.subarray(44, 48)]).toEqual([0, 0, MTU >> 8, MTU & 0xff]);
    expect(reply.subarray(48)).toEqual(packet.subarray(0, 1_232));
    const pseudo = [...reply.subarray(8, 40), 0, 0, 1_240 >> 8, 1_240 & 0xff, 0, 0, 0, 58];
    expect(slowSum(Uint8Array.from([...pseudo, ...reply.subarray(40)]))).toBe(0xffff);
  });

  test("a short packet is quoted whole", () => {
    expect(answer(ipv4(101), 100)).toHaveLength(129);
    expect(answer(ipv6(101), 100)).toHaveLength(149);
  });

  test.each([
    ["an IPv4 packet that may be cut", ipv4(1_500, { flags: 0 })],
    ["a fragment that is not the first", Uint8Array.from(ipv4(1_500)).fill(1, 7, 8)],
    ["an ICMP error", Uint8Array.from(ipv4(1_500, { protocol: 1 })).fill(3, 20, 21)],
    ["a group", ipv4(1_500, { to: [224, 0, 0, 5] })],
    ["a broadcast", ipv4(1_500, { to: [255, 255, 255, 255] })],
    ["nobody's packet", ipv4(1_500, { source: [0, 0, 0, 0] })],
    ["a loopback address", ipv4(1_500, { source: [127, 0, 0, 1] })],
    ["an ICMPv6 error", ipv6(1_500, { next: 58, type: 1 })],
    ["an IPv6 group", ipv6(1_500, { to: [0xff, 2, ...Array(13).fill(0), 1] })],
    ["the unspecified address", ipv6(1_500, { source: Array(16).fill(0) })],
    ["a header that is cut off", ipv4(24)],
  ])("there is none to %s", (_, packet) => {
    expect(answer(packet)).toHaveLength(0);
  });

  test("echo requests are no errors, and are answered", () => {
    expect(answer(Uint8Array.from(ipv4(1_500, { protocol: 1 })).fill(8, 20, 21))).toHaveLength(576);
    expect(answer(ipv6(1_500, { next: 58, type: 128 }))).toHaveLength(1_280);
  });
});

describe("fragments", () => {
  test("of any packet and MTU are within it, have right checksums, and give the packet when they are put together", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 69, max: 9_000 }),
        fc.integer({ min: 68, max: 1_500 }),
        fc.constantFrom(0, 0x20),
        (length, mtu, flags) => {
          fc.pre(length > mtu);
          const packet = ipv4(length, { flags });
          arena.u8.set(packet, AT);
          const most = tooBig.fragmentPayload(AT, length, mtu);
          expect(most % 8).toBe(0);
          expect(most).toBeGreaterThan(0);
          const whole = new Uint8Array(length - 20);
          let seen = 0;
          for (let from = 0; from < length - 20; from += most) {
            const octets = tooBig.fragment(AT, length, from, most, INTO);
            const fragment = arena.u8.slice(INTO, INTO + octets);
            const view = new DataView(fragment.buffer);
            expect(octets).toBeLessThanOrEqual(mtu);
            expect(view.getUint16(2)).toBe(octets);
            expect(slowSum(fragment.subarray(0, 20))).toBe(0xffff);
            expect((view.getUint16(6) & 0x1fff) * 8).toBe(from);
            const isLast = from + most >= length - 20;
            // What was cut may itself have been followed by more.
            expect((view.getUint16(6) & 0x2000) !== 0).toBe(!isLast || flags === 0x20);
            whole.set(fragment.subarray(20), from);
            seen += octets - 20;
          }
          expect(seen).toBe(length - 20);
          expect(whole).toEqual(packet.subarray(20));
        },
      ),
    );
  });

  test("are not made of what may not be cut, of IPv6, of packets with options or with a length that is not theirs", () => {
    for (const packet of [
      ipv4(1_500),
      ipv6(1_500),
      Uint8Array.from(ipv4(1_500, { flags: 0 })).fill(0x46, 0, 1),
      Uint8Array.from(ipv4(1_500, { flags: 0 })).fill(0, 2, 3),
    ]) {
      arena.u8.set(packet, AT);
      expect(tooBig.fragmentPayload(AT, packet.length, MTU)).toBe(0);
    }
  });
});

for (const offload of ["full", "batch"] as const) {
  needs(
    "linux",
    "root",
    "tun",
    { tool: "ping" },
    { tool: "ip" },
  )(
    `a shared interface with a larger MTU than its session's tells who sends too much, and cuts what may be cut (${offload})`,
    async () => {
      using lab = new Lab();
      const at = (host: typeof lab.a) => host.socketAddress(4, 1701);
      const [a, b] = await Promise.all([
        tunnelEnd(lab.a, at(lab.a), at(lab.b), { tunnelId: 1, peerTunnelId: 2 }, { offload }),
        tunnelEnd(lab.b, at(lab.b), at(lab.a), { tunnelId: 2, peerTunnelId: 1 }, { offload }),
      ]);
      await using _a = a.plane;
      await using _b = b.plane;
      const [subscriber, lns] = await Promise.all([
        a.session({ sessionId: 11, peerSessionId: 22, pppLink: { attach: { to: "interface" } } }),
        b.session({
          sessionId: 22,
          peerSessionId: 11,
          pppLink: {
            attach: {
              to: "shared",
              name: "lns0",
              addresses: ["10.97.0.1", "2001:db8:1::1"],
              routes: ["10.97.0.0/16"],
            },
          },
        }),
      ]);
      const common = { sendAccm: 0, receiveAccm: 0, pfc: false, acfc: false, mru: MTU, mtu: MTU };
      const [client, server] = ["fe80::2", "fe80::1"];
      const configurations: readonly [typeof lns, PppLinkConfiguration][] = [
        [
          subscriber,
          {
            ...common,
            ipv4: { local: "10.97.0.2", peer: "10.97.0.1" },
            ipv6: {
              local: client,
              peer: server,
              addresses: ["2001:db8:2::2/64"],
              routes: ["2001:db8:1::/64"],
            },
          },
        ],
        [
          lns,
          {
            ...common,
            ipv4: { local: "10.97.0.1", peer: "10.97.0.2" },
            ipv6: { local: server, peer: client, routes: ["2001:db8:2::/64"] },
          },
        ],
      ];
      for (const [session, configuration] of configurations) {
        await session.link.configure(configuration);
        session.link.gate("ipv4", "pass");
        session.link.gate("ipv6", "pass");
        await session.link.configure(configuration);
      }
      expect(lab.b.netlink(link.get({ name: "lns0" })).mtuOctets).toBeGreaterThan(MTU);
      // Room for the first segments of a thousand flows.
      expect((await lab.b.execute("ip", "link", "show", "lns0")).output).toContain("qlen 8192");
      const ping = (...args: string[]) => lab.b.execute("ping", "-c", "2", "-i", "0.2", "-W", "2", ...args);

      const refused = (await lns.statistics()).txErrors;
      const large = await ping("-M", "do", "-s", String(MTU - 27), "10.97.0.2");
      expect(large.output).toContain(`mtu = ${MTU}`);
      expect((await lns.statistics()).txErrors).toBe(refused + 1);
      // Not in the cache of another destination: what may be cut is cut, twice.
      const cut = await ping("-M", "dont", "-s", "5000", "10.97.0.2");
      expect(cut.code, cut.output).toBe(0);
      const large6 = await ping("-M", "do", "-s", String(MTU - 47), "-I", "2001:db8:1::1", "2001:db8:2::2");
      expect(large6.output).toMatch(/Packet too big|mtu:? ?=? ?1400/i);

      // TCP, whose SYNs nobody has clamped here, finds its size by that.
      const moved = await transfer(lab.b, lab.a, "10.97.0.2", 2_000_000);
      expect(moved).toMatchObject({ received: 2_000_000, intact: true });
    },
  );
}
