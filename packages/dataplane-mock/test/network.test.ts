import { describe as describeRecord, MockDataPlane, MockNetwork, realTime } from "@l2tp/dataplane-mock";
import { seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { frame, numberOf, session, twoHosts, udp } from "./two-hosts.ts";

describe("the simulated network", () => {
  test("the same seed gives the same trace, another seed another", async () => {
    const impairment = { loss: 0.3, duplicate: 0.2, reorder: 0.2, delayMs: [1, 40] } as const;
    const trace = async (seed: number) => {
      const { network, sessions } = await twoHosts({ seed, impairment });
      for (let n = 0; n < 200; n++) {
        sessions.a.inject(frame(n));
        network.advance(3);
      }
      await network.runUntilIdle();
      return { lines: network.trace.map(describeRecord), received: sessions.b.received.map(numberOf) };
    };
    const first = await trace(42);
    expect(await trace(42)).toEqual(first);
    expect((await trace(43)).lines).not.toEqual(first.lines);
  });

  test.each(seeds(3))("loss, duplication and delay are as likely as was said (seed %i)", async (seed) => {
    const impairment = { loss: 0.2, duplicate: 0.1, delayMs: [10, 20] } as const;
    const { network, sessions } = await twoHosts({ seed, impairment });
    const count = 4_000;
    for (let n = 0; n < count; n++) sessions.a.inject(frame(n));
    await network.runUntilIdle();
    const lost = network.trace.filter(({ fate }) => fate === "lost").length;
    expect(lost / count).toBeGreaterThan(0.17);
    expect(lost / count).toBeLessThan(0.23);
    const arrived = network.trace.filter(({ fate }) => fate === "delivered");
    const twice = arrived.length - (count - lost);
    expect(twice / (count - lost)).toBeGreaterThan(0.07);
    expect(twice / (count - lost)).toBeLessThan(0.13);
    const delays = arrived.map(({ at, arrivedAt = 0 }) => arrivedAt - at);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...delays)).toBeLessThanOrEqual(20);
    expect(Math.max(...delays)).toBeGreaterThan(19);
  });

  test("a held datagram is overtaken by later ones", async () => {
    const { network, sessions } = await twoHosts({ seed: 5, impairment: { reorder: 0.2, reorderByMs: 50 } });
    for (let n = 0; n < 100; n++) {
      sessions.a.inject(frame(n));
      network.advance(5);
    }
    await network.runUntilIdle();
    const got = sessions.b.received.map(numberOf);
    expect(got).not.toEqual([...got].sort((x, y) => x - y));
    expect([...got].sort((x, y) => x - y)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test("a partition of one way stops that way only, and heals", async () => {
    const { network, hosts, sessions } = await twoHosts();
    network.partition(hosts.a, hosts.b, { oneWay: true });
    sessions.a.inject(frame(1));
    sessions.b.inject(frame(2));
    network.advance(10);
    expect(sessions.b.received).toEqual([]);
    expect(sessions.a.received.map(numberOf)).toEqual([2]);
    network.heal(hosts.a, hosts.b);
    sessions.a.inject(frame(3));
    network.advance(10);
    expect(sessions.b.received.map(numberOf)).toEqual([3]);
  });

  test("a partition of both ways, then loss of one link, leave other hosts alone", async () => {
    const { network, hosts, sessions } = await twoHosts();
    const third = network.host("c", "192.0.2.3");
    network.partition(hosts.a, hosts.b);
    sessions.a.inject(frame(1));
    sessions.b.inject(frame(2));
    network.advance(10);
    expect([sessions.a.received, sessions.b.received]).toEqual([[], []]);
    network.heal();
    network.link(hosts.a, hosts.b, { loss: 1 }, { oneWay: true });
    sessions.a.inject(frame(3));
    sessions.b.inject(frame(4));
    third.send({
      encapsulation: "udp",
      from: udp("192.0.2.3"),
      to: udp("192.0.2.2"),
      datagram: Uint8Array.of(0xc8, 3),
    });
    network.advance(10);
    expect(sessions.b.received).toEqual([]);
    expect(sessions.a.received.map(numberOf)).toEqual([4]);
    expect(network.trace.at(-1)?.fate).toBe("delivered");
  });

  test("a packet larger than the MTU is refused where it must not be fragmented, and counted", async () => {
    const whole = { mtu: { mtuOctets: 1_500, dontFragment: "set" } } as const;
    const { network, sessions } = await twoHosts({ impairment: { mtuOctets: 1_400 }, session: whole });
    expect(sessions.a.inject(new Uint8Array(1_514))).toBe(false);
    expect(sessions.a.peekStatistics()).toMatchObject({ txPackets: 0, txErrors: 1 });
    expect(network.trace.at(-1)?.fate).toBe("too-big");
    const inPieces = { mtu: { mtuOctets: 1_500, dontFragment: "clear" } } as const;
    const second = await twoHosts({ impairment: { mtuOctets: 1_400 }, session: inPieces });
    expect(second.sessions.a.inject(new Uint8Array(1_514))).toBe(true);
    second.network.advance(10);
    expect(second.sessions.b.received.length).toBe(1);
  });

  test("the MTU of a session is what the path leaves", async () => {
    const { sessions } = await twoHosts({ impairment: { mtuOctets: 1_400 } });
    // IPv4 20, UDP 8, L2TPv3 8, cookie 4, sublayer 4, Ethernet 14.
    expect(sessions.a.mtuOctets).toBe(1_400 - 58);
  });

  test("settings that make no sense are refused", () => {
    expect(() => new MockNetwork({ impairment: { loss: 20 } })).toThrow(/loss 20/);
    expect(() => new MockNetwork({ impairment: { delayMs: [5, 1] } })).toThrow(/5 to 1/);
    const network = new MockNetwork();
    network.host("a", "192.0.2.1");
    expect(() => network.host("b", "192.0.2.1")).toThrow(/belongs to host "a"/);
    expect(() => network.host("a")).toThrow(/already/);
    expect(() => network.host("c", "192.0.2.999")).toThrow(/no IP address/);
  });

  test("an address has one spelling", async () => {
    const network = new MockNetwork();
    const host = network.host("a", "2001:DB8:0:0:0:0:0:1");
    const plane = new MockDataPlane(host);
    const local = { family: 6, address: "2001:db8::1", port: 0 } as const;
    expect((await plane.open({ encapsulation: "udp", local }, () => {})).local.address).toBe("2001:db8::1");
    expect([...network.host("b", "::ffff:192.0.2.1", "::").addresses]).toEqual(["::ffff:c000:201", "::"]);
  });

  test("time that is moved without end is noticed", async () => {
    const network = new MockNetwork();
    const again = () => void network.scheduler.after(1_000, again);
    again();
    await expect(network.runUntilIdle(60_000)).rejects.toThrow(/not idle after 60000 ms/);
  });

  test("promises get their turn before each instant", async () => {
    const network = new MockNetwork();
    const seen: string[] = [];
    const sleep = (ms: number) => new Promise<void>((done) => network.scheduler.after(ms, done));
    void (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        seen.push(`${network.now()}`);
      }
    })();
    await network.advanceAsync(100);
    expect(seen).toEqual(["10", "20", "30"]);
    expect(network.now()).toBe(100);
  });

  test("a task that was called off does not run", () => {
    const network = new MockNetwork();
    const ran: number[] = [];
    const cancel = network.scheduler.after(5, () => ran.push(1));
    network.scheduler.after(5, () => ran.push(2));
    cancel();
    network.advance(10);
    expect(ran).toEqual([2]);
    expect(network.nextEvent()).toBeUndefined();
  });

  test("it runs on real time, too", async () => {
    const network = new MockNetwork({ scheduler: realTime() });
    const [a, b] = [
      new MockDataPlane(network.host("a", "192.0.2.1")),
      new MockDataPlane(network.host("b", "192.0.2.2")),
    ];
    const wire = await a.open({ encapsulation: "udp", local: udp("192.0.2.1") }, () => {});
    const got = new Promise<number>((resolve) => {
      void b.open({ encapsulation: "udp", local: udp("192.0.2.2") }, ({ datagram }) =>
        resolve(datagram.length),
      );
    });
    wire.send({ to: udp("192.0.2.2"), datagram: Uint8Array.of(0xc8, 3, 0, 12) });
    expect(await got).toBe(4);
    expect(() => network.advance(1)).toThrow(/scheduler that it was given/);
  });

  test("the trace as a pcap has IP and UDP headers with good checksums", async () => {
    const { network, sessions, wires } = await twoHosts();
    sessions.a.inject(frame(1));
    wires.b.send({ to: udp("192.0.2.1"), datagram: Uint8Array.of(0xc8, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0) });
    await network.runUntilIdle();
    const file = network.pcap();
    const view = new DataView(file.buffer);
    expect(view.getUint32(20)).toBe(101);
    const length = view.getUint32(24 + 8);
    const packet = file.subarray(40, 40 + length);
    // 20 IPv4, 8 UDP, 8 L2TPv3, 4 cookie, 4 sublayer, the frame.
    expect(length).toBe(20 + 8 + 8 + 4 + 4 + 60);
    expect(onesComplement(packet.subarray(0, 20))).toBe(0xffff);
    const pseudo = Uint8Array.of(...packet.subarray(12, 20), 0, 17, 0, length - 20);
    expect(onesComplement(Uint8Array.of(...pseudo, ...packet.subarray(20)))).toBe(0xffff);
    expect(file.length).toBe(24 + 16 + length + 16 + 40);
  });

  test("who keeps a control message without copying it finds it spoilt", async () => {
    const network = new MockNetwork();
    const [a, b] = [
      new MockDataPlane(network.host("a", "192.0.2.1")),
      new MockDataPlane(network.host("b", "192.0.2.2")),
    ];
    const kept: Uint8Array[] = [];
    await b.open(
      { encapsulation: "udp", local: udp("192.0.2.2") },
      ({ datagram }) => void kept.push(datagram),
    );
    const wire = await a.open({ encapsulation: "udp", local: udp("192.0.2.1") }, () => {});
    wire.send({ to: udp("192.0.2.2"), datagram: Uint8Array.of(0xc8, 3, 0, 4) });
    network.advance(10);
    expect(kept).toEqual([Uint8Array.of(0xdd, 0xdd, 0xdd, 0xdd)]);
  });

  test("data from elsewhere than the peer's address is not taken, and told of once when the cookie is right", async () => {
    const { network, wires, sessions } = await twoHosts();
    const notices: unknown[] = [];
    void (async () => {
      for await (const notice of wires.b.notices) notices.push(notice);
    })();
    const stranger = network.host("c", "203.0.113.1");
    const forge = (cookie: number[]) =>
      stranger.send({
        encapsulation: "udp",
        from: udp("203.0.113.1"),
        to: udp("192.0.2.2"),
        datagram: Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 22, ...cookie, 0, 0, 0, 0, ...frame(1)),
      });
    forge([9, 9, 9, 9]);
    forge([5, 6, 7, 8]);
    forge([5, 6, 7, 8]);
    await network.advanceAsync(10);
    expect(sessions.b.received).toEqual([]);
    expect((await wires.b.counters()).strayData).toBe(3);
    expect(notices.filter((notice) => (notice as { type: string }).type === "peer-moved")).toEqual([
      { type: "peer-moved", tunnelId: 2, peer: udp("203.0.113.1") },
    ]);
  });

  test("a namespace is another host", async () => {
    const network = new MockNetwork();
    const plane = new MockDataPlane(network.host("a", "192.0.2.1"));
    network.host("inside", "192.0.2.7");
    const local = udp("192.0.2.7");
    expect((await plane.open({ encapsulation: "udp", local, namespace: "inside" }, () => {})).local).toEqual(
      local,
    );
    await expect(
      plane.open({ encapsulation: "udp", local, namespace: "none" }, () => {}),
    ).rejects.toMatchObject({
      code: "no-such-namespace",
    });
  });

  test("session IDs over IP are one number space per host", async () => {
    const network = new MockNetwork();
    const plane = new MockDataPlane(network.host("a", "192.0.2.1", "192.0.2.3"));
    const peer = { family: 4, address: "192.0.2.2", port: 0 } as const;
    const tunnelAt = async (address: string, tunnelId: number) => {
      const wire = await plane.open({ encapsulation: "ip", local: udp(address, 0) }, () => {});
      return wire.createTunnel({ version: 3, tunnelId, peerTunnelId: 1, peer });
    };
    const [one, two] = [await tunnelAt("192.0.2.1", 1), await tunnelAt("192.0.2.3", 2)];
    const first = await one.createSession(session());
    await expect(two.createSession(session())).rejects.toMatchObject({ code: "id-in-use" });
    await first[Symbol.asyncDispose]();
    await two.createSession(session());
  });
});

function onesComplement(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
