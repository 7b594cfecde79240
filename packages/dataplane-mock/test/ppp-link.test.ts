/** The PPP link of the mock: frames and packets over its wire, and what a test can see and do. */
import type { PppLinkConfiguration, PppLinkSettings } from "@l2tp/dataplane";
import { MockDataPlane, MockNetwork } from "@l2tp/dataplane-mock";
import { expect, test } from "vitest";
import { session, udp } from "./two-hosts.ts";

const LCP = Uint8Array.of(0xc0, 0x21, 1, 1, 0, 4);
const CONFIGURATION: PppLinkConfiguration = {
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: 1500,
  mtu: 1400,
  ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
};

/** An IPv4 header from `10.0.0.last` and nothing behind it. */
const packet = (last: number): Uint8Array => {
  const octets = new Uint8Array(20);
  octets.set([0x45, 0, 0, 20]);
  octets.set([10, 0, 0, last, 10, 0, 0, 9], 12);
  return octets;
};

/** A v2 tunnel with one PPP session between two hosts. */
async function linked(settings: PppLinkSettings = { attach: { to: "program" } }) {
  const network = new MockNetwork({ seed: 1 });
  const planes = [1, 2].map((n) => new MockDataPlane(network.host(`h${n}`, `192.0.2.${n}`)));
  const ends = await Promise.all(
    planes.map(async (plane, i) => {
      const wire = await plane.open({ encapsulation: "udp", local: udp(`192.0.2.${i + 1}`) }, () => {});
      const tunnel = await wire.createTunnel({
        version: 2,
        tunnelId: i + 1,
        peerTunnelId: 2 - i,
        peer: udp(`192.0.2.${2 - i}`),
      });
      const made = await tunnel.createSession(
        session({
          pseudowire: "ppp",
          sessionId: i + 11,
          peerSessionId: 12 - i,
          cookie: new Uint8Array(),
          peerCookie: new Uint8Array(),
          l2SpecificSublayer: "none",
          pppLink: settings,
        }),
      );
      if (made.link === undefined) throw new Error("no link");
      return { plane, tunnel, session: made, link: made.link };
    }),
  );
  const [a, b] = ends;
  if (a === undefined || b === undefined) throw new Error("two hosts have two ends");
  return { network, a, b };
}

test("frames that come before there is a handler are kept, 64 of them", async () => {
  const { network, a, b } = await linked();
  for (let n = 0; n < 70; n++) a.link.sendFrame(Uint8Array.of(...LCP, n));
  await network.advanceAsync(10);
  const got: number[] = [];
  b.link.onFrame((frame) => got.push(frame[6] as number));
  expect(got).toEqual(Array.from({ length: 64 }, (_, n) => n));
  a.link.sendFrame(Uint8Array.of(...LCP, 99));
  await network.advanceAsync(10);
  expect(got.at(-1)).toBe(99);
  expect(b.session.peekStatistics()).toMatchObject({ rxPackets: 65, rxErrors: 6 });
});

test("packets pass where the gate lets them, and reach the program", async () => {
  const { network, a, b } = await linked();
  const got: Uint8Array[] = [];
  b.link.packets?.onPacket((octets) => got.push(octets.slice()));
  a.link.packets?.send(packet(2));
  a.link.gate("ipv4", "pass");
  a.link.packets?.send(packet(2));
  await network.advanceAsync(10);
  expect([got.length, b.link.dropped.gate]).toEqual([0, 1]);
  expect(b.session.interfaceName).toBeUndefined();
  b.link.gate("ipv4", "pass");
  a.link.packets?.send(packet(2));
  await network.advanceAsync(10);
  expect(got).toEqual([packet(2)]);
  expect(b.link.lastDataReceived()).toBeGreaterThan(0);
});

test("what was configured is kept, a fault can be injected, and a shared interface drops strange sources", async () => {
  const { network, a, b } = await linked({ attach: { to: "shared", name: "lns0" } });
  b.plane.fail("configureLink");
  await expect(b.link.configure(CONFIGURATION)).rejects.toMatchObject({ code: "system" });
  await b.link.configure(CONFIGURATION);
  expect(b.link.configuration).toEqual(CONFIGURATION);
  for (const { link } of [a, b]) link.gate("ipv4", "pass");
  const got: Uint8Array[] = [];
  b.session.onFrame((frame) => got.push(frame));
  a.link.sendPacket(packet(2));
  a.link.sendPacket(packet(3));
  await network.advanceAsync(10);
  expect([got.length, b.link.dropped.source, b.session.interfaceName]).toEqual([1, 1, "lns0"]);
  b.plane.calls.expect(["configureLink", "configureLink", ["gateLink", { protocol: "ipv4", mode: "pass" }]], {
    only: ["configureLink", "gateLink"],
  });
  await expect(b.link.configure({ ...CONFIGURATION, ipv4: { peer: "10.0.0" } })).rejects.toMatchObject({
    code: "invalid-parameters",
  });
});

test("an Echo Request to our link-local address goes to who runs the link, where the interface is shared", async () => {
  const ping = new Uint8Array(48);
  ping.set([0x60, 0, 0, 0, 0, 8, 58, 64]);
  ping.set([0xfe, 0x80], 8);
  ping.set([0xfe, 0x80], 24);
  ping[40] = 128;
  for (const [to, expected] of [
    ["shared", 1],
    ["interface", 0],
  ] as const) {
    const { network, a, b } = await linked({ attach: to === "shared" ? { to, name: "lns0" } : { to } });
    const got: Uint8Array[] = [];
    b.link.ipv6Control.onPacket((one) => got.push(one));
    for (const { link } of [a, b]) {
      await link.configure({ ...CONFIGURATION, ipv6: { local: "fe80::1", peer: "fe80::2" } });
      link.gate("ipv6", "pass");
    }
    a.link.sendPacket(ping);
    await network.advanceAsync(10);
    expect(got, to).toEqual(Array.from({ length: expected }, () => ping));
  }
});

test("a bridge passes the frames of each session on at the other, control protocols too, until it ends", async () => {
  const left = await linked();
  const right = await linked();
  const bridge = await left.b.session.bridge(right.a.session);
  expect(bridge.kind).toBe("direct");
  const got: Uint8Array[] = [];
  right.b.link.onFrame((frame) => got.push(frame.slice()));
  left.a.link.sendFrame(LCP);
  await left.network.advanceAsync(10);
  await right.network.advanceAsync(10);
  expect(got).toEqual([LCP]);
  await expect(left.b.session.bridge(right.a.session)).rejects.toMatchObject({ code: "invalid-parameters" });
  await bridge[Symbol.asyncDispose]();
  left.a.link.sendFrame(LCP);
  await left.network.advanceAsync(10);
  await right.network.advanceAsync(10);
  expect(got).toHaveLength(1);
});

test("after the end of its session a link does nothing, and configure says why", async () => {
  const { network, a, b } = await linked();
  let got = 0;
  b.link.onFrame(() => {
    got += 1;
  });
  await a.session[Symbol.asyncDispose]();
  a.link.sendFrame(LCP);
  await network.advanceAsync(10);
  expect(got).toBe(0);
  await expect(a.link.configure(CONFIGURATION)).rejects.toMatchObject({ code: "closed" });
});
