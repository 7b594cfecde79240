/** What the conformance kit does not ask: sockets, addresses, fragments, routes, and what the status says. */
import { PlaneError } from "@l2tp/dataplane";
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { CABLE, FrameSocket, Lab, Stranger, until } from "@l2tp/lab";
import { abi, address, encodeSocketAddress, link, route, sys } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { describe, expect } from "vitest";
import { TCP } from "../src/packet/frame.ts";
import { tcpFrame } from "./support/frames.ts";
import { Pair, sessionParameters } from "./support/pair.ts";

const test = needs("linux", "root", "tun");

/** A frame of nobody's protocol. */
const frame = (length: number, fill = 1) =>
  Uint8Array.from({ length }, (_, i) => (i < 12 ? 2 : i === 12 ? 0x88 : i === 13 ? 0xb5 : fill));
const ours = (frames: readonly Uint8Array[]) => frames.filter((f) => f[12] === 0x88 && f[13] === 0xb5);

async function codeOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PlaneError);
  const { code, message } = error as PlaneError;
  return { code, message };
}

describe("interfaces", () => {
  test("are what was asked for: name, MAC, MTU, addresses, bridge, up or down", async () => {
    using lab = new Lab();
    lab.a.netlink(link.add({ name: "br0", kind: "bridge" }));
    await using pair = await Pair.open(lab, {
      inner: false,
      session: {
        mtu: { mtuOctets: 1_400, dontFragment: "path" },
        interface: { name: "east%d", macAddress: "02:00:5e:10:20:30" },
      },
    });
    const { tunnel, session } = pair.a;
    expect(session.interfaceName).toBe("east0");
    expect(lab.a.netlink(link.get({ name: "east0" }))).toMatchObject({
      mtuOctets: 1_400,
      address: "02:00:5e:10:20:30",
      up: true,
      kind: "tun",
    });
    await tunnel.createSession(
      sessionParameters({
        sessionId: 900,
        interface: {
          name: "port",
          bridge: "br0",
          up: false,
          addresses: [{ address: "10.97.0.1", prefixLength: 30 }],
        },
      }),
    );
    const port = lab.a.netlink(link.get({ name: "port" }));
    expect(port).toMatchObject({ up: false, master: lab.a.index("br0") });
    expect(lab.a.netlink(address.list({ index: port.index }))).toMatchObject([
      { address: "10.97.0.1", prefixLength: 30 },
    ]);
  });

  test("get the MTU of the route to the peer, less the overhead", async () => {
    using lab = new Lab({ mtuOctets: 9_000 });
    lab.a.netlink(
      route.add({
        destination: `${lab.b.address(4)}/32`,
        interfaceIndex: lab.a.index(CABLE),
        mtuOctets: 3_000,
      }),
    );
    await using pair = await Pair.open(lab, { inner: false });
    expect(pair.a.session.mtuOctets).toBe(3_000 - 50);
    expect(pair.b.session.mtuOctets).toBe(9_000 - 50);
  });

  test("that cannot be made leave nothing behind", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab, { inner: false });
    const before = lab.a.netlink(link.list()).map(({ name }) => name);
    const create = (wish: object) =>
      codeOf(pair.a.tunnel.createSession(sessionParameters({ sessionId: 77, ...wish })));
    expect(await create({ interface: { name: CABLE } })).toMatchObject({ code: "name-in-use" });
    const noBridge = await create({ interface: { bridge: "br9" } });
    expect(noBridge.code).toBe("no-bridge");
    expect(noBridge.message).toContain("br9");
    expect(await create({ interface: { bridge: CABLE } })).toMatchObject({ code: "no-bridge" });
    expect(
      await create({ interface: { addresses: [{ address: "10.0.0.300", prefixLength: 8 }] } }),
    ).toMatchObject({
      code: "invalid-parameters",
    });
    // A multicast address is nobody's own.
    expect((await create({ interface: { macAddress: "01:00:00:00:00:00" } })).code).toBe(
      "invalid-parameters",
    );
    expect(lab.a.netlink(link.list()).map(({ name }) => name)).toEqual(before);
    await pair.a.tunnel.createSession(sessionParameters({ sessionId: 77 }));
  });
});

describe("a route to the peer through the tunnel itself", () => {
  test("is refused when a session's addresses would make it", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab, { inner: false });
    const create = pair.a.tunnel.createSession(
      sessionParameters({
        sessionId: 5,
        // More specific than the cable's /24, and the peer 10.99.0.2 is in it.
        interface: { addresses: [{ address: "10.99.0.3", prefixLength: 30 }] },
      }),
    );
    const { code, message } = await codeOf(create);
    expect(code).toBe("route-through-itself");
    expect(message).toContain("10.99.0.2");
    expect(lab.a.netlink(link.list()).map(({ name }) => name)).not.toContain("l2tpeth1");
  });

  test("stops the session when it comes later, is told of, and ends with the route", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab);
    const { host, session, notices } = pair.a;
    const through = {
      destination: `${lab.b.address(4)}/32`,
      interfaceIndex: host.index(session.interfaceName as string),
    };
    host.netlink(route.add(through));
    await until(
      () => notices.some((n) => n.type === "send-failed" && n.code === "route-through-itself"),
      "a notice",
    );
    await using port = new FrameSocket(host, session.interfaceName as string);
    const before = await session.statistics();
    port.send(frame(60));
    await until(
      async () => (await session.statistics()).txErrors > before.txErrors,
      "the frame is counted as lost",
    );
    expect((await session.statistics()).txPackets).toBe(before.txPackets);
    host.netlink(route.remove(through));
    await using far = new FrameSocket(lab.b, pair.b.session.interfaceName as string);
    await until(() => {
      port.send(frame(60));
      return ours(far.received).length > 0;
    }, "frames pass again");
  });
});

describe("fragmentation by policy", () => {
  /** Sends a frame that is too large for the cable once wrapped, and tells what came of it. */
  async function large(dontFragment: "set" | "clear" | "path") {
    using lab = new Lab();
    await using pair = await Pair.open(lab, { session: { mtu: { mtuOctets: 2_000, dontFragment } } });
    const { a, b } = pair;
    await using near = new FrameSocket(lab.a, a.session.interfaceName as string);
    await using far = new FrameSocket(lab.b, b.session.interfaceName as string);
    await using cable = new FrameSocket(lab.b, CABLE);
    near.send(frame(1_800, 7));
    await until(
      async () => ours(far.received).length > 0 || (await a.session.statistics()).txErrors > 0,
      "it arrives or is counted",
    );
    near.send(frame(100, 8));
    await until(() => ours(far.received).some((f) => f.length === 100), "a small one arrives");
    const packets = cable.received.filter((f) => f[12] === 0x08 && f[13] === 0 && f[23] === 17);
    return {
      arrived: ours(far.received).map(({ length }) => length),
      errors: (await a.session.statistics()).txErrors,
      dontFragment: packets.filter((f) => ((f[20] as number) & 0x40) !== 0).length,
      fragments: packets.filter((f) => ((f[20] as number) & 0x3f) !== 0 || f[21] !== 0).length,
      notice: () => a.notices.some((n) => n.type === "send-failed" && n.code === "EMSGSIZE"),
    };
  }

  test("clear: the outer packet goes in fragments", async () => {
    const result = await large("clear");
    expect(result).toMatchObject({ arrived: [1_800, 100], errors: 0, dontFragment: 0 });
    expect(result.fragments).toBeGreaterThan(0);
  });

  test("set: what is too large is dropped and counted, and the rest has the DF bit", async () => {
    const result = await large("set");
    expect(result).toMatchObject({ arrived: [100], errors: 1, fragments: 0 });
    expect(result.dontFragment).toBeGreaterThan(0);
    await until(result.notice, "a notice");
  });

  test("path: as the kernel does it", async () => {
    expect(await large("path")).toMatchObject({ arrived: [1_800, 100], errors: 0 });
  });
});

describe("addresses", () => {
  test("data from another port passes and is told of, from another address only with a cookie; neither moves the tunnel", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab, {
      inner: false,
      session: { cookie: Uint8Array.of(9, 9, 9, 9), peerCookie: Uint8Array.of(9, 9, 9, 9) },
    });
    const { b } = pair;
    const bare = await b.tunnel.createSession(sessionParameters({ sessionId: 500 }));
    await using withCookie = new FrameSocket(lab.b, b.session.interfaceName as string);
    await using without = new FrameSocket(lab.b, bare.interfaceName as string);
    await using otherPort = new Stranger(lab.a, "udp", lab.a.socketAddress(4, 0));
    await using otherAddress = new Stranger(lab.a, "udp", {
      family: 4,
      address: lab.a.address(4, 1),
      port: 0,
    });
    const message = (id: number, cookie: number[], fill: number) =>
      Uint8Array.of(0, 3, 0, 0, 0, 0, id >>> 8, id & 0xff, ...cookie, ...frame(60, fill));
    const to = b.wire.local;
    otherPort.send(to, message(32, [9, 9, 9, 9], 1));
    otherPort.send(to, message(500, [], 2));
    otherAddress.send(to, message(32, [9, 9, 9, 9], 3));
    otherAddress.send(to, message(500, [], 4));
    otherPort.send(to, message(500, [], 5));
    await until(() => ours(without.received).length === 2, "the two from the peer's address");
    expect(ours(withCookie.received).map((f) => f[14])).toEqual([1, 3]);
    expect(ours(without.received).map((f) => f[14])).toEqual([2, 5]);
    expect((await bare.statistics()).rxErrors).toBe(1);
    await until(() => b.notices.some(({ type }) => type === "peer-moved"), "a notice");
    expect(b.notices.find(({ type }) => type === "peer-moved")).toEqual({
      type: "peer-moved",
      tunnelId: 2,
      peer: otherPort.local,
    });
    withCookie.send(frame(60, 6));
    await using atPeer = new FrameSocket(lab.a, pair.a.session.interfaceName as string);
    await until(() => {
      withCookie.send(frame(60, 6));
      return ours(atPeer.received).length > 0;
    }, "the answer goes to the peer that was configured");
    expect([otherPort.received, otherAddress.received]).toEqual([[], []]);
  });

  test("on a wire on all addresses, data leaves from the tunnel's own", async () => {
    using lab = new Lab();
    await using plane = new UserspaceDataPlane();
    const second = lab.a.address(4, 1);
    const wire = await plane.open(
      { encapsulation: "udp", local: { family: 4, address: "0.0.0.0", port: 0 }, namespace: lab.a.path },
      () => {},
    );
    await using peer = new Stranger(lab.b, "udp", lab.b.socketAddress(4, 0));
    const tunnel = await wire.createTunnel({
      version: 3,
      tunnelId: 1,
      peerTunnelId: 1,
      local: second,
      peer: peer.local,
    });
    const session = await tunnel.createSession(sessionParameters());
    await using cable = new FrameSocket(lab.b, CABLE);
    await using port = new FrameSocket(lab.a, session.interfaceName as string);
    // More than one, so that the source stands beside a segment size, too.
    for (let i = 0; i < 20; i++) port.send(frame(200, i));
    await until(() => peer.received.length === 20, "all arrive");
    const sources = cable.received
      .filter((f) => f[12] === 8 && f[23] === 17)
      .map((f) => f.slice(26, 30).join("."));
    expect(new Set(sources)).toEqual(new Set([second]));
  });

  test("two wires of one plane may have the same port on different addresses, and a wire keeps out other programs", async () => {
    using lab = new Lab();
    await using plane = new UserspaceDataPlane();
    const open = (address: string) =>
      plane.open(
        { encapsulation: "udp", local: { family: 4, address, port: 1701 }, namespace: lab.a.path },
        () => {},
      );
    await open(lab.a.address(4));
    await open(lab.a.address(4, 1));
    const taken = await codeOf(open("0.0.0.0"));
    expect(taken.code).toBe("address-in-use");
    expect(taken.message).toContain("0.0.0.0:1701");
    lab.a.run(() => {
      const fd = sys.socket(abi.AF_INET, abi.SOCK_DGRAM);
      expect(() => sys.bind(fd, encodeSocketAddress(lab.a.socketAddress(4, 1701)))).toThrow(/EADDRINUSE/);
      sys.close(fd);
    });
  });

  test("over IP protocol 115 a process has one wire per address", async () => {
    using lab = new Lab();
    await using plane = new UserspaceDataPlane();
    await using other = new UserspaceDataPlane();
    const open = (on: UserspaceDataPlane, address: string, namespace = lab.a.path) =>
      on.open({ encapsulation: "ip", local: { family: 4, address, port: 0 }, namespace }, () => {});
    const first = await open(plane, lab.a.address(4));
    expect((await codeOf(open(other, lab.a.address(4)))).code).toBe("address-in-use");
    expect((await codeOf(open(plane, "0.0.0.0"))).code).toBe("address-in-use");
    await open(plane, lab.a.address(4, 1));
    await open(plane, "0.0.0.0", lab.b.path);
    await first[Symbol.asyncDispose]();
    await open(other, lab.a.address(4));
  });

  test("link-local IPv6 addresses work with their scope", async () => {
    using lab = new Lab();
    for (const [host, own] of [
      [lab.a, "fe80::a"],
      [lab.b, "fe80::b"],
    ] as const) {
      host.netlink(
        address.add({ index: host.index(CABLE), address: own, prefixLength: 64, noDuplicateDetection: true }),
      );
    }
    await using plane = new UserspaceDataPlane();
    const wire = await plane.open(
      {
        encapsulation: "udp",
        local: { family: 6, address: `fe80::a%${CABLE}`, port: 1701 },
        namespace: lab.a.path,
      },
      () => {},
    );
    await using peer = new Stranger(lab.b, "udp", { family: 6, address: "::", port: 1701 });
    const tunnel = await wire.createTunnel({
      version: 3,
      tunnelId: 1,
      peerTunnelId: 1,
      peer: { family: 6, address: `fe80::b%${CABLE}`, port: 1701 },
    });
    const session = await tunnel.createSession(sessionParameters());
    await using port = new FrameSocket(lab.a, session.interfaceName as string);
    port.send(frame(60));
    await until(() => peer.received.length > 0, "it arrives");
  });
});

test("UDP checksums can be left out of data messages, and control messages keep theirs", async () => {
  for (const family of [4, 6] as const) {
    using lab = new Lab();
    await using plane = new UserspaceDataPlane();
    const wire = await plane.open(
      { encapsulation: "udp", local: lab.a.socketAddress(family, 1701), namespace: lab.a.path },
      () => {},
    );
    await using peer = new Stranger(lab.b, "udp", lab.b.socketAddress(family, 1701));
    const tunnel = await wire.createTunnel({
      version: 3,
      tunnelId: 1,
      peerTunnelId: 1,
      peer: peer.local,
      udpChecksum: false,
    });
    const session = await tunnel.createSession(sessionParameters());
    await using cable = new FrameSocket(lab.b, CABLE);
    await using port = new FrameSocket(lab.a, session.interfaceName as string);
    for (let i = 0; i < 5; i++) port.send(frame(100, i));
    wire.send({ tunnel, to: peer.local, datagram: Uint8Array.of(0xc8, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0) });
    const udp = family === 4 ? 14 + 20 : 14 + 40;
    const seen = () =>
      cable.received
        .filter((f) => (family === 4 ? f[12] === 8 && f[23] === 17 : f[12] === 0x86 && f[20] === 17))
        .map((f) => ({
          control: ((f[udp + 8] as number) & 0x80) !== 0,
          zero: f[udp + 6] === 0 && f[udp + 7] === 0,
        }));
    await until(() => seen().length >= 6, "all are on the cable");
    for (const { control, zero } of seen()) expect(zero).toBe(!control);
  }
});

test("a TCP SYN is clamped in both directions, to what fits or to what was said", async () => {
  for (const [clampMss, expected] of [
    [true, 1_450 - 40],
    [1_200, 1_200],
    [false, 1_460],
  ] as const) {
    for (const clamped of ["a", "b"] as const) {
      using lab = new Lab();
      await using pair = await Pair.open(lab);
      const options = Uint8Array.of(1, 2, 4, 1_460 >>> 8, 1_460 & 0xff, 1, 1, 1);
      const clamp = { sessionId: 700, peerSessionId: 700, mtu: { dontFragment: "path", clampMss } } as const;
      const plain = { sessionId: 700, peerSessionId: 700 };
      const sessionA = await pair.a.tunnel.createSession(sessionParameters(clamped === "a" ? clamp : plain));
      const sessionB = await pair.b.tunnel.createSession(sessionParameters(clamped === "b" ? clamp : plain));
      await using near = new FrameSocket(lab.a, sessionA.interfaceName as string);
      await using far = new FrameSocket(lab.b, sessionB.interfaceName as string);
      const syn = (mss: number) =>
        tcpFrame({
          family: 4,
          sequence: 1,
          flags: TCP.syn,
          payload: new Uint8Array(),
          options: options.with(3, mss >>> 8).with(4, mss & 0xff),
        });
      near.send(syn(1_460));
      await until(() => far.received.some((f) => f[12] === 8 && f[23] === 6), "the SYN arrives");
      expect(far.received.find((f) => f[12] === 8 && f[23] === 6)).toEqual(syn(expected));
    }
  }
});

test("control messages inside a batch of data reach the main thread, in order", async () => {
  using lab = new Lab();
  await using pair = await Pair.open(lab, { inner: false });
  // One GSO send is one batch for UDP_GRO on the other side: the kernel steers it by its first segment.
  const fd = lab.a.run(() => {
    const made = sys.socket(abi.AF_INET, abi.SOCK_DGRAM);
    sys.bind(made, encodeSocketAddress(lab.a.socketAddress(4, 0)));
    sys.setsockoptInt(made, abi.SOL_UDP, abi.UDP_SEGMENT, 100);
    return made;
  });
  await using port = new FrameSocket(lab.b, pair.b.session.interfaceName as string);
  const segments = Array.from({ length: 20 }, (_, i) => {
    const segment = new Uint8Array(100);
    if (i % 3 === 1) segment.set([0xc8, 3, 0, 100, 0, 0, 0, 2, 0, i]);
    else segment.set([0, 3, 0, 0, 0, 0, 0, 32, ...frame(92, i)]);
    return segment;
  });
  sys.sendto(fd, Uint8Array.from(segments.flatMap((s) => [...s])), encodeSocketAddress(pair.b.wire.local));
  sys.close(fd);
  await until(() => pair.b.control.length === 7 && ours(port.received).length === 13, "all are there");
  expect(pair.b.control.map((c) => c[9])).toEqual([1, 4, 7, 10, 13, 16, 19]);
  expect(ours(port.received).map((f) => f[14])).toEqual(
    Array.from({ length: 20 }, (_, i) => i).filter((i) => i % 3 !== 1),
  );
  expect((await pair.b.wire.counters()).controlReceived).toBe(7);
});

test("the status says what is in use and why not more", async () => {
  using lab = new Lab();
  await using plane = new UserspaceDataPlane({ offload: "gso", checksum: "JavaScript" });
  await plane.open(
    { encapsulation: "udp", local: lab.a.socketAddress(4, 1701), namespace: lab.a.path },
    () => {},
  );
  const { features } = plane.status();
  const find = (name: string) => features.find(({ feature }) => feature.startsWith(name));
  expect(find("udp-gso")).toEqual({ feature: "udp-gso", using: "UDP_SEGMENT" });
  expect(find("tap-tso")).toMatchObject({ using: "off", why: 'option offload: "gso"' });
  expect(find("checksum")).toMatchObject({ using: "JavaScript" });
  expect(find("receive-buffer")?.using).toMatch(/KiB/);
});

test("twenty thousand mangled data messages, alone and in batches, do no harm", async () => {
  using lab = new Lab();
  await using pair = await Pair.open(lab, {
    session: { l2SpecificSublayer: "default", cookie: Uint8Array.of(1, 2, 3, 4), reorderMs: 20 },
  });
  const { b } = pair;
  const fd = lab.a.run(() => {
    const made = sys.socket(abi.AF_INET, abi.SOCK_DGRAM);
    sys.bind(made, encodeSocketAddress(lab.a.socketAddress(4, 0)));
    return made;
  });
  let state = 0x1701_0115;
  const roll = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const header = (ns: number) => [0, 3, 0, 0, 0, 0, 0, 32, 1, 2, 3, 4, 0x40, 0, ns >>> 8, ns & 0xff];
  const to = encodeSocketAddress(b.wire.local);
  let sent = 0;
  for (let n = 0; sent < 20_000; n++) {
    const size = 70 + roll(60);
    const count = 1 + roll(40);
    const batch: number[] = [];
    for (let i = 0; i < count; i++, sent++) {
      const inner = tcpFrame({
        family: roll(2) === 0 ? 4 : 6,
        sequence: n + i,
        flags: TCP.ack,
        payload: new Uint8Array(size),
      });
      const message = Uint8Array.of(...header(sent & 0xffff), ...inner).slice(0, size);
      // Bits of headers are turned over, and pieces cut off.
      for (let flips = roll(4); flips > 0; flips--) {
        const at = 1 + roll(size - 1);
        message[at] = (message[at] as number) ^ (1 << roll(8));
      }
      batch.push(...message);
    }
    if (roll(3) === 0) batch.length -= roll(size);
    sys.setsockoptInt(fd, abi.SOL_UDP, abi.UDP_SEGMENT, count > 1 ? size : 0);
    sys.sendto(fd, Uint8Array.from(batch), to);
  }
  sys.close(fd);
  await using far = new FrameSocket(lab.b, b.session.interfaceName as string);
  await using stranger = new Stranger(lab.a, "udp", lab.a.socketAddress(4, 0));
  await until(() => {
    stranger.send(b.wire.local, Uint8Array.of(...header(0).with(12, 0), ...frame(60, 9)));
    return ours(far.received).some((f) => f[14] === 9);
  }, "a good frame passes");
  const { rxPackets, rxErrors } = await b.session.statistics();
  const { strayData, malformed, controlReceived, overruns } = await b.wire.counters();
  expect(rxErrors).toBeGreaterThan(0);
  expect(rxPackets + rxErrors + strayData + malformed + controlReceived + overruns).toBeGreaterThan(20_000);
  expect(b.notices.filter(({ type }) => type === "wire-lost")).toEqual([]);
});
