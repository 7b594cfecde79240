/** PPP sessions beyond one link: shared interfaces, programs without privilege, bridges, strangers, limits, endings. */
import { setTimeout as delay } from "node:timers/promises";
import type { PppLinkConfiguration, SessionPlane } from "@l2tp/dataplane";
import { FrameSocket, type Host, Lab, Stranger, until } from "@l2tp/lab";
import { address, link, route } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { LoopWatch } from "@l2tp/testing/loop-watch";
import { describe, expect } from "vitest";
import { sessionParameters, transfer } from "./support/pair.ts";
import { client, INSIDE, pppPair, Runner, server, tunnelEnd } from "./support/ppp.ts";
import { program, seenBy } from "./support/program.ts";

const test = needs("linux", "root", "tun");
const at = (host: Host) => host.socketAddress(4, 1701);
const SHARED = {
  to: "shared",
  name: "lns0",
  addresses: ["10.97.0.1"],
  routes: ["10.97.0.0/16"],
} as const;

/** What PPP would have agreed on. */
const agreed = (
  local: string,
  peer: string,
  more: Partial<PppLinkConfiguration> = {},
): PppLinkConfiguration => ({
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: 1_400,
  mtu: 1_400,
  ipv4: { local, peer },
  ...more,
});

async function open({ link: its }: SessionPlane, configuration: PppLinkConfiguration): Promise<void> {
  await its?.configure(configuration);
  its?.gate("ipv4", "pass");
  await its?.configure(configuration);
}

/** An IPv4 packet of UDP without checksum. */
function udp(from: string, to: string, octets = 64): Uint8Array {
  const packet = new Uint8Array(octets);
  packet.set([0x45, 0, octets >> 8, octets & 0xff, 0, 0, 0x40, 0, 64, 17]);
  packet.set([...from.split("."), ...to.split(".")].map(Number), 12);
  packet.set([0x13, 0x88, 0x13, 0x89, (octets - 20) >> 8, (octets - 20) & 0xff], 20);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ((packet[i] ?? 0) << 8) | (packet[i + 1] ?? 0);
  sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  packet.set([sum >> 8, sum & 0xff], 10);
  return packet;
}
const sourceOf = (packet: Uint8Array) => packet.subarray(12, 16).join(".");

async function twoEnds(lab: Lab) {
  return Promise.all([
    tunnelEnd(lab.a, at(lab.a), at(lab.b), { tunnelId: 1, peerTunnelId: 2 }),
    tunnelEnd(lab.b, at(lab.b), at(lab.a), { tunnelId: 2, peerTunnelId: 1 }),
  ]);
}

describe("an interface that sessions share", () => {
  test("an Echo Request to our link-local address goes to who runs the link: no interface has that address", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const ids = { sessionId: 1, peerSessionId: 1 };
    const [subscriber, lns] = await Promise.all([
      a.session({ ...ids, pppLink: { attach: { to: "program" } } }),
      b.session({ ...ids, pppLink: { attach: SHARED } }),
    ]);
    const got: Uint8Array[] = [];
    lns.link.ipv6Control?.onPacket((packet) => got.push(packet.slice()));
    for (const { link: its } of [subscriber, lns]) {
      const own = its === lns.link ? "1" : "2";
      const ipv6 = { local: `fe80::${own}`, peer: `fe80::${3 - Number(own)}` };
      await its.configure({ ...agreed(INSIDE.server, INSIDE.client), ipv6 });
      its.gate("ipv6", "pass");
      await its.configure({ ...agreed(INSIDE.server, INSIDE.client), ipv6 });
    }
    const ping = new Uint8Array(48);
    ping.set([0x60, 0, 0, 0, 0, 8, 58, 64, 0xfe, 0x80]);
    ping.set([2], 23);
    ping.set([0xfe, 0x80], 24);
    ping.set([1, 128], 39);
    subscriber.link.packets?.send(ping);
    await until(() => got.length > 0, "it is handed up");
    expect(got).toEqual([ping]);
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
  });

  test("200 subscribers on one: each gets what is for it, and may send from its own address only", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const count = 200;
    const own = (i: number) => `10.97.${1 + (i >> 8)}.${i & 0xff}`;
    const subscribers = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const ids = { sessionId: i + 1, peerSessionId: i + 1 };
        const [subscriber, lns] = await Promise.all([
          a.session({ ...ids, pppLink: { attach: { to: "program" } } }),
          b.session({ ...ids, pppLink: { attach: SHARED } }),
        ]);
        await Promise.all([
          open(subscriber, agreed(own(i), INSIDE.server)),
          open(lns, agreed(INSIDE.server, own(i))),
        ]);
        const received: Uint8Array[] = [];
        subscriber.link.packets?.onPacket((packet) => {
          // The host answers what nobody listens to, by ICMP.
          if (packet[9] === 17) received.push(packet.slice());
        });
        return { subscriber, lns, received };
      }),
    );
    expect(new Set(subscribers.map(({ lns }) => lns.interfaceName))).toEqual(new Set(["lns0"]));
    expect(lab.b.netlink(link.list()).filter(({ kind }) => kind === "tun")).toHaveLength(1);
    expect(lab.b.netlink(address.list({ index: lab.b.index("lns0") })).map((one) => one.address)).toContain(
      INSIDE.server,
    );

    // Up: each with its own address, and with its neighbour's.
    await using watch = new FrameSocket(lab.b, "lns0");
    for (const [i, { subscriber }] of subscribers.entries()) {
      subscriber.link.packets?.send(udp(own(i), INSIDE.server));
      subscriber.link.packets?.send(udp(own((i + 1) % count), INSIDE.server, 65));
    }
    const good = () => watch.received.filter((packet) => packet[9] === 17);
    await until(() => good().length >= count, "a packet of each arrives");
    for (const { lns } of subscribers)
      await until(async () => (await lns.statistics()).rxErrors === 1, "one of each is refused");
    expect(good().map(sourceOf).sort()).toEqual(subscribers.map((_, i) => own(i)).sort());

    // Down: a packet for each reaches it and nobody else.
    for (const [i] of subscribers.entries()) watch.send(udp(INSIDE.server, own(i), 80));
    await until(() => subscribers.every(({ received }) => received.length > 0), "each gets a packet");
    for (const [i, { received }] of subscribers.entries()) {
      expect(received.map((packet) => packet.subarray(16, 20).join("."))).toEqual([own(i)]);
    }

    // One goes: its address is nobody's, then another's.
    const [first, second] = subscribers;
    await first?.lns[Symbol.asyncDispose]();
    watch.send(udp(INSIDE.server, own(0), 90));
    await delay(50);
    expect(first?.received).toHaveLength(1);
    await open(second?.lns as SessionPlane, agreed(INSIDE.server, own(0)));
    watch.send(udp(INSIDE.server, own(0), 90));
    await until(() => second?.received.length === 2, "the second has the first's address");
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
    expect(() => lab.b.netlink(link.get({ name: "lns0" }))).toThrow(/ENODEV/);
  });

  test("an address that another session has is refused, and a route outside of the pool is made and taken away", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const one = await b.session({ sessionId: 1, pppLink: { attach: SHARED } });
    const two = await b.session({ sessionId: 2, pppLink: { attach: SHARED, routes: ["10.55.0.0/16"] } });
    await open(one, agreed(INSIDE.server, "10.97.0.9"));
    await expect(two.link.configure(agreed(INSIDE.server, "10.97.0.9"))).rejects.toMatchObject({
      code: "address-in-use",
    });
    await open(two, agreed(INSIDE.server, "10.97.0.10"));
    expect(lab.b.netlink(route.lookUp("10.55.1.1")).interfaceIndex).toBe(lab.b.index("lns0"));
    await two[Symbol.asyncDispose]();
    expect(() => lab.b.netlink(route.lookUp("10.55.1.1"))).toThrow(/ENETUNREACH/);
    // Somebody deletes the interface: its sessions are lost, and told of.
    lab.b.netlink(link.remove({ name: "lns0" }));
    await until(() => b.notices.some(({ type }) => type === "session-lost"), "the session is lost");
    const again = await b.session({ sessionId: 3, pppLink: { attach: SHARED } });
    expect(again.interfaceName).toBe("lns0");
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
  });

  test("serves subscribers of two wires, IPv4 and IPv6 outside, until the one that reads it closes", async () => {
    using lab = new Lab();
    const a4 = await tunnelEnd(lab.a, at(lab.a), at(lab.b), { tunnelId: 1, peerTunnelId: 2 });
    const [a6At, b6At] = [lab.a.socketAddress(6, 1701), lab.b.socketAddress(6, 1701)];
    const a6 = await tunnelEnd(lab.a, a6At, b6At, { tunnelId: 1, peerTunnelId: 2 });
    const b4 = await tunnelEnd(lab.b, at(lab.b), at(lab.a), { tunnelId: 2, peerTunnelId: 1 });
    // The other wire of the same data plane.
    const wire = await b4.plane.open({ encapsulation: "udp", local: b6At, namespace: lab.b.path }, () => {});
    const lost: number[] = [];
    void (async () => {
      for await (const notice of wire.notices)
        if (notice.type === "session-lost") lost.push(notice.sessionId);
    })();
    const tunnel = await wire.createTunnel({ version: 2, tunnelId: 2, peerTunnelId: 1, peer: a6At });
    const key = { bits: 128, stateless: true, startKey: new Uint8Array(16).fill(7) } as const;
    const mppe = { send: key, receive: key };
    const one = await b4.session({ sessionId: 5, peerSessionId: 5, pppLink: { attach: SHARED } });
    const two = await tunnel.createSession(
      sessionParameters({ pseudowire: "ppp", sessionId: 6, peerSessionId: 6, pppLink: { attach: SHARED } }),
    );
    const program_ = { attach: { to: "program" } } as const;
    const far = [
      await a4.session({ sessionId: 5, peerSessionId: 5, pppLink: program_ }),
      await a6.session({ sessionId: 6, peerSessionId: 6, pppLink: program_ }),
    ];
    const received: string[][] = far.map(() => []);
    for (const [i, session] of far.entries()) {
      session.link.packets?.onPacket((packet) => {
        if (packet[9] === 17) received[i]?.push(packet.subarray(16, 20).join("."));
      });
      await open(session, agreed(`10.97.0.${i + 2}`, INSIDE.server, { mppe }));
      await open([one, two][i] as SessionPlane, agreed(INSIDE.server, `10.97.0.${i + 2}`, { mppe }));
    }
    await expect(two.link?.configure(agreed(INSIDE.server, "10.97.0.2"))).rejects.toMatchObject({
      code: "address-in-use",
    });
    await using watch = new FrameSocket(lab.b, "lns0");
    for (let n = 0; n < 50; n++) for (const i of [2, 3]) watch.send(udp(INSIDE.server, `10.97.0.${i}`));
    for (const [i, session] of far.entries()) {
      session.link.packets?.send(udp(`10.97.0.${i + 2}`, INSIDE.server));
      session.link.packets?.send(udp(`10.97.0.${3 - i}`, INSIDE.server));
    }
    await until(() => received.every((to) => to.length === 50), "each gets its own packets");
    expect(new Set(received[0])).toEqual(new Set(["10.97.0.2"]));
    expect(new Set(received[1])).toEqual(new Set(["10.97.0.3"]));
    const good = () => watch.received.filter((packet) => packet[9] === 17).map(sourceOf);
    await until(() => good().length === 2, "one packet of each");
    expect(good().sort()).toEqual(["10.97.0.2", "10.97.0.3"]);
    for (const session of [one, two]) {
      await until(async () => (await session.statistics()).rxErrors > 0, "and one of each is refused");
      const { txPackets, txErrors, rxErrors } = await session.statistics();
      expect(txPackets).toBeGreaterThanOrEqual(50);
      expect([txErrors, rxErrors]).toEqual([0, 1]);
    }
    await b4.wire[Symbol.asyncDispose]();
    await until(() => lost.includes(6), "the other wire's session is lost");
    const again = await tunnel.createSession(
      sessionParameters({ pseudowire: "ppp", sessionId: 6, peerSessionId: 6, pppLink: { attach: SHARED } }),
    );
    expect(again.interfaceName).toBe("lns0");
    await Promise.all([a4, a6, b4].map(({ plane }) => plane[Symbol.asyncDispose]()));
  });

  test("carries TCP of two subscribers at once, by PPP from end to end", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    // Both subscribers are on one host, so each has a server's address of its own to go to.
    const servers = ["10.97.0.1", "10.97.255.1"];
    const attach = { ...SHARED, addresses: servers };
    const runners = await Promise.all(
      servers.map(async (local, i) => {
        const [subscriber, lns] = await Promise.all([
          a.session({ sessionId: i + 1, peerSessionId: i + 1, pppLink: { attach: { to: "interface" } } }),
          b.session({ sessionId: i + 1, peerSessionId: i + 1, pppLink: { attach } }),
        ]);
        const ipv4 = { local, peer: `10.97.0.${i + 2}` };
        const dialled = new Runner(lns.link, server(undefined, { ipv4, ipv6: false }));
        const dialling = new Runner(subscriber.link, client({ ipv6: false }));
        await Promise.all([dialling.up, dialled.up]);
        return [dialling, dialled];
      }),
    );
    const moved = await Promise.all(servers.map((to) => transfer(lab.a, lab.b, to, 6_000_000)));
    for (const one of moved) expect(one).toMatchObject({ received: 6_000_000, intact: true });
    for (const one of runners.flat()) one[Symbol.dispose]();
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
  });
});

needs("linux", "root")(
  "a session that ends in the program needs no privilege: two ends and an echo, as nobody",
  async () => {
    const seen = await seenBy(process.execPath, program("in-program"));
    expect(seen).toMatchObject({
      uid: 65_534,
      sizes: [28, 60, 1_400],
      interfaceName: null,
      pppLink: ["program"],
      mtu: 1_400,
    });
    expect(seen["why"]).toMatch(/CAP_NET_ADMIN|\/dev\/net\/tun/);
  },
);

describe("a bridge", () => {
  test("between two tunnels: PPP from end to end through a switch on two wires, with numbers on one side only", async () => {
    using lab = new Lab();
    const [lacAt, lnsAt] = [at(lab.a), lab.a.socketAddress(4, 1702)];
    const [west, east] = [at(lab.b), lab.b.socketAddress(4, 1702)];
    const lac = await tunnelEnd(lab.a, lacAt, west, { tunnelId: 1, peerTunnelId: 2 });
    const lns = await tunnelEnd(lab.a, lnsAt, east, { tunnelId: 3, peerTunnelId: 4 });
    const onEast = await tunnelEnd(lab.b, east, lnsAt, { tunnelId: 4, peerTunnelId: 3 });
    // One data plane with two wires: the switch.
    const wire = await onEast.plane.open(
      { encapsulation: "udp", local: west, namespace: lab.b.path },
      () => {},
    );
    const westTunnel = await wire.createTunnel({ version: 2, tunnelId: 2, peerTunnelId: 1, peer: lacAt });
    const program_ = { attach: { to: "program" } } as const;
    const own = await lac.session({ sessionId: 10, peerSessionId: 20, pppLink: program_ });
    const theirs = await lns.session({
      sessionId: 30,
      peerSessionId: 40,
      pppLink: program_,
      receiveSequence: true,
      sendSequence: true,
    });
    const left = await westTunnel.createSession({
      name: "left",
      pseudowire: "ppp",
      sessionId: 20,
      peerSessionId: 10,
      cookie: new Uint8Array(),
      peerCookie: new Uint8Array(),
      l2SpecificSublayer: "none",
      sendSequence: false,
      receiveSequence: false,
      reorderMs: 0,
      pppLink: program_,
    });
    const right = await onEast.session({
      sessionId: 40,
      peerSessionId: 30,
      pppLink: program_,
      sendSequence: true,
      receiveSequence: true,
    });
    const bridge = await left.bridge?.(right);
    expect(bridge?.kind).toBe("direct");

    using dialled = new Runner(theirs.link, server(undefined, { ipv6: false }));
    using dialling = new Runner(own.link, client({ ipv6: false }));
    await Promise.all([dialling.up, dialled.up]);
    const received: Uint8Array[] = [];
    let open = false;
    theirs.link.packets?.onPacket((packet) => {
      if (packet.length === 99) open = true;
      else received.push(packet.slice());
    });
    // A few packets wait for a gate that opens; so many would not.
    await until(() => {
      own.link.packets?.send(udp(INSIDE.client, INSIDE.server, 99));
      return open;
    }, "packets pass");
    for (let n = 0; n < 500; n++) own.link.packets?.send(udp(INSIDE.client, INSIDE.server, 100 + n));
    await until(() => received.length === 500, "all packets arrive");
    expect(received.map(({ length }) => length)).toEqual(Array.from({ length: 500 }, (_, n) => 100 + n));
    const [atLeft, atRight, atLns] = [
      await left.statistics(),
      await right.statistics(),
      await theirs.statistics(),
    ];
    expect(atRight.txPackets).toBe(atLeft.rxPackets);
    expect([atLns.rxSeqDiscards, atLns.rxErrors, atRight.txErrors]).toEqual([0, 0, 0]);

    // A session that ends takes the bridge with it, and the other works for itself again.
    await left[Symbol.asyncDispose]();
    let rejected = 0;
    right.link.onFrame(() => {
      rejected++;
    });
    theirs.link.sendFrame(Uint8Array.of(0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0));
    await until(() => rejected > 0, "frames are handed up in the middle");
    right.link.sendFrame(Uint8Array.of(0xc0, 0x21, 10, 1, 0, 8, 0, 0, 0, 0));
    await until(async () => (await theirs.statistics()).rxPackets > atLns.rxPackets, "and are sent there");
    expect((await theirs.statistics()).rxSeqDiscards).toBe(0);
    for (const { plane } of [lac, lns, onEast]) await plane[Symbol.asyncDispose]();
  });

  test("takes two sessions of one data plane that carry the same", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const pppLink = { attach: { to: "program" } } as const;
    const one = await a.session({ sessionId: 1, pppLink });
    const two = await a.session({ sessionId: 2, pppLink });
    const foreign = await b.session({ sessionId: 1, pppLink });
    await expect(one.bridge?.(one)).rejects.toMatchObject({ code: "invalid-parameters" });
    const bridge = await one.bridge?.(two);
    await expect(two.bridge?.(one)).rejects.toMatchObject({ code: "invalid-parameters" });
    await bridge?.[Symbol.asyncDispose]();
    await bridge?.[Symbol.asyncDispose]();
    await (await one.bridge?.(foreign))?.[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    await expect(one.bridge?.(two)).rejects.toMatchObject({ code: "closed" });
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
  });
});

describe("strangers and misbehaviour", () => {
  test("random octets to a session with MPPE and a shared interface: all are counted, and it still works", async () => {
    using lab = new Lab();
    await using stranger = new Stranger(lab.a, "udp", lab.a.socketAddress(4, 0));
    const b = await tunnelEnd(lab.b, at(lab.b), stranger.local, { tunnelId: 2, peerTunnelId: 1 });
    const session = await b.session({ sessionId: 22, peerSessionId: 11, pppLink: { attach: SHARED } });
    const key = { bits: 128, stateless: true, startKey: new Uint8Array(16).fill(7) } as const;
    await open(session, agreed(INSIDE.server, "10.97.0.2", { mppe: { send: key, receive: key } }));
    let seed = 12_345;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 16;
    };
    const header = [0x00, 0x02, 0x00, 0x02, 0x00, 0x16];
    const counted = async () => {
      const { rxErrors, rxPackets } = await session.statistics();
      return rxErrors + rxPackets;
    };
    const from = performance.now();
    for (let n = 0; n < 3_000; n++) {
      const body = Uint8Array.from({ length: random() % 90 }, () => random() & 0xff);
      const front =
        [[], [0xff, 0x03], [0x00, 0x21], [0x00, 0xfd], [0xfd, 0x90, 0x00], [0xc0, 0x21]][random() % 6] ?? [];
      stranger.send(at(lab.b), Uint8Array.of(...header, ...front, ...body));
      // A header that promises more than there is.
      if (n % 10 === 0)
        stranger.send(at(lab.b), Uint8Array.of(0x4a, 0x02, random() & 0xff, random() & 0xff, 0, 2));
      // A cable's queue holds no more than so many on a busy machine. A few are empty, and no packets.
      if (n % 100 === 99) await until(async () => (await counted()) > n - 30, "those so far are counted");
    }
    const frames: Uint8Array[] = [];
    session.link.onFrame((frame) => frames.push(frame.slice()));
    const lcp = Uint8Array.of(0xc0, 0x21, 9, 9, 0, 8, 1, 2, 3, 4);
    await until(async () => {
      stranger.send(at(lab.b), Uint8Array.of(...header, 0xff, 0x03, ...lcp));
      await delay(20);
      return frames.some((frame) => frame.join() === lcp.join());
    }, "a sound frame is handed up");
    const { rxErrors, rxPackets } = await session.statistics();
    expect(rxErrors).toBeGreaterThan(1_000);
    // 64 frames go up at once, and 256 a second; the longer a busy machine takes, the more.
    expect(rxPackets).toBeLessThanOrEqual(64 + Math.ceil((performance.now() - from) * 0.256) + 1);
    await b.plane[Symbol.asyncDispose]();
  });

  test("stateful MPPE asks for a new start after a loss, and goes on with it", async () => {
    using lab = new Lab();
    const mppe = { policy: "require", mode: "stateful", bits: [128] } as const;
    await using pair = await pppPair(lab, {
      client: client({ mppe, ipv6: false }),
      server: server(undefined, { mppe, ipv6: false }),
    });
    const { a, b } = pair;
    let lost = 0;
    b.session.link.onMppeLost(() => {
      lost++;
      b.runner.ppp.mppeLost(performance.now());
    });
    const ping = (seconds = 1) => lab.a.execute("ping", "-c", "1", "-W", `${seconds}`, INSIDE.server);
    expect((await ping(20)).code).toBe(0);
    expect(a.runner.configuration?.mppe?.send.stateless).toBe(false);
    // What A sends to where nobody is has used up its place in the key stream.
    await a.tunnel.update({ peer: lab.b.socketAddress(4, 9) });
    await ping();
    await a.tunnel.update({ peer: at(lab.b) });
    await until(async () => (await ping()).code === 0, "packets pass again");
    expect(lost).toBeGreaterThan(0);
    expect(a.runner.down).toBeUndefined();
  });

  test("rates are held in both directions", async () => {
    using lab = new Lab();
    await using pair = await pppPair(lab, {
      configuration: { server: { rateLimit: { toPeerBps: 8_000_000, fromPeerBps: 4_000_000 } } },
    });
    expect(pair.b.session.link.lastDataReceived()).toBeLessThan(performance.now());
    // 2 MB at 1 MB/s after a burst of half a megabyte, and 1 MB at half of that.
    const down = await transfer(lab.b, lab.a, INSIDE.client, 2_000_000);
    expect(down.intact).toBe(true);
    expect(down.seconds).toBeGreaterThan(1.2);
    const up = await transfer(lab.a, lab.b, INSIDE.server, 1_000_000);
    expect(up.intact).toBe(true);
    expect(up.seconds).toBeGreaterThan(1.2);
  });

  test("a MSS that does not fit is lowered in SYNs of both directions", async () => {
    using lab = new Lab();
    const tcpMss = { ipv4: 900, ipv6: 880 };
    await using pair = await pppPair(lab, { configuration: { server: { tcpMss } } });
    await using watch = new FrameSocket(lab.a, pair.a.session.interfaceName as string);
    await using inside = new FrameSocket(lab.b, pair.b.session.interfaceName as string);
    await transfer(lab.a, lab.b, INSIDE.server, 1_000);
    const mssOf = (packets: readonly Uint8Array[]) =>
      packets
        .filter((packet) => packet[0] === 0x45 && packet[9] === 6 && ((packet[33] ?? 0) & 2) !== 0)
        .map((packet) => ((packet[42] ?? 0) << 8) | (packet[43] ?? 0));
    expect(mssOf(inside.received)).toContain(900);
    expect(mssOf(watch.received)).toContain(900);
  });
});

describe("the end", () => {
  test("of many interfaces keeps neither the event loop nor other files waiting", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const sessions = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        a.session({ sessionId: i + 1, peerSessionId: i + 1, pppLink: { attach: { to: "interface" } } }),
      ),
    );
    expect(new Set(sessions.map(({ interfaceName }) => interfaceName)).size).toBe(100);
    const watch = new LoopWatch();
    await watch.start();
    await a.plane[Symbol.asyncDispose]();
    const { ranLongest } = watch.report();
    watch.stop();
    expect(ranLongest).toBeLessThan(500);
    expect(lab.a.netlink(link.list()).filter(({ kind }) => kind === "tun")).toEqual([]);
    await b.plane[Symbol.asyncDispose]();
  });

  test("a session without pppLink is refused, with what to do", async () => {
    using lab = new Lab();
    const [a, b] = await twoEnds(lab);
    const { name, ...nothing } = { name: "x", pseudowire: "ppp" } as const;
    await expect(a.session({ ...nothing, name })).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("pppLink"),
    });
    await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
  });
});
