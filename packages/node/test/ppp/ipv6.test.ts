/** IPv6 after IPV6CP: advertisements, DHCPv6, prefix delegation, neighbours; and what the data plane is told of them. */
import { formatIpv6, parseIpv6 } from "@l2tp/ppp";
import { expect, test } from "vitest";
import { CLIENT, CLIENT_OPTIONS, type End, FakeLink, last, PppWorld, rng, SERVER } from "./world.ts";

/** A packet with ICMPv6 in it; the checksum is right. */
function icmpv6(from: string, to: string, hops: number, ...message: number[]): Uint8Array {
  const body = Uint8Array.from(message);
  const packet = Uint8Array.of(
    0x60,
    0,
    0,
    0,
    0,
    body.length,
    58,
    hops,
    ...octetsOf(from),
    ...octetsOf(to),
    ...body,
  );
  packet[42] = 0;
  packet[43] = 0;
  let sum = body.length + 58;
  for (let at = 8; at < packet.length; at += 2) sum += ((packet[at] as number) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet[42] = (~sum >> 8) & 0xff;
  packet[43] = ~sum & 0xff;
  return packet;
}
const octetsOf = (text: string): Uint8Array => parseIpv6(text) as Uint8Array;

const tail = (linkLocal = ""): string => linkLocal.replace(/^fe80::/, "");

function world(): PppWorld {
  return new PppWorld().user().address({
    address: "10.0.0.2",
    ipv6Prefix: "2001:db8:1::/64",
    delegatedPrefix: "2001:db8:100::/56",
  });
}
const wantsPrefix = { ...CLIENT, ipv6: { requestPrefix: true } };
const router = { ...SERVER, ipv6: { dns: ["2001:db8::53"] } };

test("the prefix of the lease is advertised, and the host makes its address of it", async () => {
  const w = world();
  const { client, server } = await w.run(CLIENT, router, undefined, 5_000);
  const { local } = last(client, "up")?.ipv6 ?? {};
  const address = `2001:db8:1:0:${tail(local)}/64`;
  expect(client.runner.status().ipv6).toMatchObject({ addresses: [address], dns: ["2001:db8::53"] });
  expect(client.link.last?.ipv6).toMatchObject({ local, addresses: [address] });
  expect(server.link.last?.ipv6?.routes).toEqual(["2001:db8:1::/64", "2001:db8:100::/56"]);
  expect(last(server, "up")?.ipv6?.prefixes).toEqual(["2001:db8:1::/64", "2001:db8:100::/56"]);
});

test("a prefix is delegated to the host that asks for one", async () => {
  const w = world();
  const { client } = await w.run(wantsPrefix, router, undefined, 10_000);
  expect(client.runner.status().ipv6?.prefixes).toEqual(["2001:db8:100::/56"]);
  expect(client.runner.status().leases).toContainEqual(
    expect.objectContaining({ what: "2001:db8:100::/56" }),
  );
  // It is ours to hand on, and nothing that lies behind the peer.
  expect(client.link.last?.ipv6?.routes).toBeUndefined();
});

test("no advertisement leaves before IPv6 may pass", async () => {
  const w = world();
  const { client, server } = w.pair(CLIENT, router);
  server.link.configureMs = 400;
  client.runner.start();
  server.runner.start();
  await w.advance(300);
  expect(server.link.gates.ipv6).toBe("drop");
  await w.advance(5_000);
  expect(last(client, "addresses")?.ipv6?.addresses).toHaveLength(1);
});

/** When packets of an ICMPv6 type left an end, in milliseconds since its gate opened. */
function departures(
  w: PppWorld,
  { link }: End,
  type: number,
  lose: (index: number) => boolean = () => false,
) {
  const times: number[] = [];
  let openedAt = 0;
  const gate = link.gate.bind(link);
  link.gate = (protocol, mode) => {
    gate(protocol, mode);
    if (protocol === "ipv6" && mode === "pass") openedAt = w.clock.now();
  };
  const send = link.sendPacket.bind(link);
  link.sendPacket = (packet) => {
    if (packet[6] !== 58 || packet[40] !== type) return send(packet);
    times.push(w.clock.now() - openedAt);
    if (!lose(times.length - 1)) send(packet);
  };
  return times;
}
const [SOLICITATION, ADVERTISEMENT] = [133, 134];

test("the LNS advertises as soon as IPv6 passes, though nobody asked (RFC 4861 §6.2.4)", async () => {
  const w = world();
  const { client, server } = w.pair(CLIENT, router);
  const asked = departures(w, client, SOLICITATION, () => true);
  const told = departures(w, server, ADVERTISEMENT);
  client.runner.start();
  server.runner.start();
  await w.advance(2_000);
  expect(asked[0]).toBe(0);
  expect(told).toEqual([0]);
});

test("a host whose first packets are lost has its address with the next advertisement", async () => {
  const w = world();
  const { client, server } = w.pair(CLIENT, router);
  departures(w, client, SOLICITATION, () => true);
  const told = departures(w, server, ADVERTISEMENT, (index) => index === 0);
  client.runner.start();
  server.runner.start();
  await w.advance(3_500);
  // Alarms ring some milliseconds late, so that several ring together.
  expect(told.map((ms) => Math.floor(ms / 100))).toEqual([0, 30]);
  expect(client.runner.status().ipv6?.addresses).toHaveLength(1);
  await w.advance(60_000);
  // MAX_INITIAL_RTR_ADVERTISEMENTS, the last no later than MAX_INITIAL_RTR_ADVERT_INTERVAL; then in ten minutes.
  expect(told.map((ms) => Math.floor(ms / 100))).toEqual([0, 30, 190]);
});

test("who asks is answered at once, even right after an advertisement that it did not get", async () => {
  const w = world();
  const { client, server } = w.pair(CLIENT, router);
  // The host's own data plane takes its time: what came before is lost on it.
  client.link.configureMs = 500;
  const asked = departures(w, client, SOLICITATION);
  const told = departures(w, server, ADVERTISEMENT);
  client.runner.start();
  server.runner.start();
  await w.advance(2_500);
  expect(asked).toEqual([0]);
  expect(told).toHaveLength(2);
  expect(client.runner.status().ipv6?.addresses).toHaveLength(1);
});

test("without a prefix the LNS is no router, and the session is up all the same", async () => {
  const w = new PppWorld().user().address();
  const seen: number[] = [];
  const ends = w.pair(CLIENT, SERVER);
  const take = ends.client.link.takePacket.bind(ends.client.link);
  ends.client.link.takePacket = (protocol, packet) => {
    if (protocol === "ipv6") seen.push(packet[40] as number);
    take(protocol, packet);
  };
  ends.client.runner.start();
  ends.server.runner.start();
  await w.advance(20_000);
  expect(seen).toEqual([]);
  expect(last(ends.client, "up")?.ipv6).toMatchObject({ addresses: [], prefixes: [] });
});

test("a data plane that cannot hand up such packets leaves link-local addresses", async () => {
  const w = world();
  const { client, server } = await w.run(
    CLIENT,
    router,
    { server: { link: new FakeLink(w.clock, false) } },
    20_000,
  );
  expect(last(server, "up")?.ipv6).toMatchObject({ prefixes: [] });
  expect(last(client, "addresses")).toBeUndefined();
});

test("an advertised address is gone when its time is over, and the session goes on", async () => {
  const w = new PppWorld().user().address();
  const { client, server } = await w.run(CLIENT, SERVER, undefined, 5_000);
  const { local = "", peer = "" } = last(client, "up")?.ipv6 ?? {};
  const advertise = (validS: number) =>
    server.link.ipv6Control?.send(
      icmpv6(
        peer,
        "ff02::1",
        255,
        134,
        0,
        0,
        0,
        64,
        0,
        7,
        8,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        3,
        4,
        64,
        0x40,
        0,
        0,
        0,
        validS,
        0,
        0,
        0,
        validS,
        0,
        0,
        0,
        0,
        ...octetsOf("2001:db8:5::"),
      ),
    );
  advertise(20);
  await w.advance(100);
  const address = `2001:db8:5:0:${tail(local)}/64`;
  expect(client.link.last?.ipv6?.addresses).toEqual([address]);
  await w.advance(15_000);
  advertise(30);
  await w.advance(29_000);
  expect(client.link.last?.ipv6?.addresses).toEqual([address]);
  await w.advance(2_000);
  expect(client.link.last?.ipv6?.addresses).toBeUndefined();
  expect(last(client, "addresses")?.ipv6?.addresses).toEqual([]);
});

test("a router that advertises ever new prefixes fills no memory", async () => {
  const w = new PppWorld().user().address();
  const { client, server } = await w.run(CLIENT, SERVER, undefined, 5_000);
  const { peer = "" } = last(client, "up")?.ipv6 ?? {};
  for (let i = 0; i < 100; i++) {
    const prefix = octetsOf(`2001:db8:${i.toString(16)}::`);
    server.link.ipv6Control?.send(
      icmpv6(
        peer,
        "ff02::1",
        255,
        134,
        0,
        0,
        0,
        64,
        0,
        7,
        8,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        3,
        4,
        64,
        0x40,
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        ...prefix,
      ),
    );
  }
  await w.advance(1_000);
  expect(client.link.last?.ipv6?.addresses).toHaveLength(16);
});

test("a neighbour that asks for our link-local address is answered", async () => {
  const w = world();
  const { client, server } = await w.run(CLIENT, router, undefined, 5_000);
  const { local = "", peer = "" } = last(client, "up")?.ipv6 ?? {};
  const answers: Uint8Array[] = [];
  const take = client.link.takePacket.bind(client.link);
  client.link.takePacket = (protocol, packet) => {
    if (packet[40] === 136) answers.push(packet);
    take(protocol, packet);
  };
  client.link.ipv6Control?.send(
    icmpv6(local, "ff02::1:ff00:1", 255, 135, 0, 0, 0, 0, 0, 0, 0, ...octetsOf(peer)),
  );
  await w.advance(10);
  expect(answers.map((packet) => formatIpv6(packet.subarray(48, 64)))).toEqual([peer]);
  expect(server.events.some(({ type }) => type === "down")).toBe(false);
});

test("an Echo Request to our link-local address is answered where an interface is shared, which has no such address", async () => {
  const w = world();
  const { client, server } = await w.run(CLIENT, router, undefined, 5_000);
  server.link.isShared = true;
  const { local = "", peer = "" } = last(client, "up")?.ipv6 ?? {};
  const answers: Uint8Array[] = [];
  client.link.packets.onPacket((packet) => answers.push(packet));
  client.link.ipv6Control?.send(icmpv6(local, peer, 64, 128, 0, 0, 0, 0x12, 0x34, 0, 1, 9, 9));
  // Not to us: a packet for somebody else is nobody's here.
  client.link.ipv6Control?.send(icmpv6(local, "fe80::dead", 64, 128, 0, 0, 0, 0x12, 0x34, 0, 2));
  await w.advance(10);
  expect(answers).toEqual([icmpv6(peer, local, 64, 129, 0, 0, 0, 0x12, 0x34, 0, 1, 9, 9)]);
});

test("broken and hostile packets change nothing", async () => {
  const w = world();
  const { client, server } = await w.run(wantsPrefix, router, undefined, 10_000);
  const before = JSON.stringify([client.runner.status().ipv6, server.runner.status().ipv6]);
  const random = rng(7);
  const next = () => Math.floor(random() * 65_536);
  const inject = ({ link }: End) => {
    const packet = Uint8Array.from({ length: 40 + (next() % 120) }, () => next() & 0xff);
    packet.set([0x60, 0, 0, 0, 0, packet.length - 40, next() % 2 === 0 ? 58 : 17, 255]);
    packet.set([0xff, 0x02], 24);
    packet.set(next() % 2 === 0 ? [134, 0] : [2, 0x22], packet.length > 41 ? 40 : 0);
    link.takePacket("ipv6", packet);
  };
  for (let i = 0; i < 3_000; i++) {
    inject(client);
    inject(server);
  }
  await w.advance(1_000);
  expect(JSON.stringify([client.runner.status().ipv6, server.runner.status().ipv6])).toBe(before);
});

test("the leases are released when the host closes", async () => {
  const w = world();
  const { client, server } = await w.run(wantsPrefix, router, undefined, 10_000);
  const types: number[] = [];
  const take = server.link.takePacket.bind(server.link);
  server.link.takePacket = (protocol, packet) => {
    if (protocol === "ipv6" && packet[6] === 17) types.push(packet[48] as number);
    take(protocol, packet);
  };
  void client.runner.close();
  await w.advance(5_000);
  expect(types).toEqual([8]);
});

test("`none` leaves IPv6 to the system: nothing is taken from it", async () => {
  const w = world();
  const { client } = await w.run({ ...CLIENT, ipv6: { role: "none" } }, router, undefined, 5_000);
  expect(last(client, "up")?.ipv6?.addresses).toEqual([]);
  expect(client.link.last?.ipv6?.addresses).toBeUndefined();
  const off = await world().run(
    { ...CLIENT, options: { ...CLIENT_OPTIONS, ipv6: false } },
    router,
    undefined,
    5_000,
  );
  expect(last(off.client, "up")).toMatchObject({ ipv6: undefined, ipv4: { local: "10.0.0.2" } });
});

test("servers that change on and on are told four times at once, then once a second, and the last in the end", async () => {
  const w = new PppWorld().user().address();
  const { client } = await w.run(CLIENT, SERVER, undefined, 2_000);
  const { peer } = last(client, "up")?.ipv6 ?? {};
  const from = client.events.length;
  const tell = (server: string) => {
    const lifetime = [0, 0, 0x0e, 0x10];
    const message = [134, 0, 0, 0, 64, 0, 7, 8, ...new Array<number>(8).fill(0)];
    const option = [25, 3, 0, 0, ...lifetime, ...octetsOf(server)];
    client.link.takePacket("ipv6", icmpv6(peer ?? "", "ff02::1", 255, ...message, ...option));
  };
  for (let i = 1; i <= 100; i++) {
    tell(`2001:db8::${i}`);
    await w.advance(20);
  }
  await w.advance(5_000);
  const told = client.events.slice(from).map((event) => event.type === "addresses" && event.ipv6?.dns[0]);
  expect(told).toEqual([
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
    "2001:db8::4",
    expect.any(String),
    "2001:db8::100",
  ]);
  expect(client.runner.status().ipv6?.dns).toEqual(["2001:db8::100"]);
});
