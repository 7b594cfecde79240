import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { DhcpClient, DhcpResponder, parseIpv6, RouterAdvertiser, RouterSolicitor } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { octets, rng } from "./pair.ts";

const HOST = hex("0000 0000 0000 0002");
const ROUTER = hex("0000 0000 0000 0001");
const DUIDS = {
  client: hex("0004 11111111111111111111111111111111"),
  server: hex("0004 22222222222222222222222222222222"),
};
const random = octets(rng(7));

test("a host asks for a router and makes an address of its prefix (RFC 4861, RFC 4862)", () => {
  const router = new RouterAdvertiser({
    identifier: ROUTER,
    prefix: "2001:db8:1:2::/64",
    dns: ["2001:db8::53"],
    mtu: 1400,
    other: true,
  });
  const host = new RouterSolicitor(HOST);
  host.start(0);
  const solicitation = host.pollTransmit() as Uint8Array;
  expect(toHex(solicitation)).toBe(
    `60000000 0008 3a ff fe80000000000000 0000000000000002 ff020000000000000000000000000002 8500 7d35 00000000`.replaceAll(
      " ",
      "",
    ),
  );
  expect(router.receive(0, solicitation)).toBe(true);
  const advertisement = router.pollTransmit() as Uint8Array;
  expect(host.receive(advertisement)).toEqual({
    router: "fe80::1",
    lifetimeS: 1800,
    managed: false,
    other: true,
    mtu: 1400,
    dns: ["2001:db8::53"],
    addresses: [{ address: "2001:db8:1:2::2", validS: 86_400, preferredS: 14_400 }],
  });
  expect(host.pollTimeout()).toBeUndefined();
});

test("a host asks three times; a router answers not more often than every three seconds, and tells by itself", () => {
  const host = new RouterSolicitor(HOST);
  host.start(0);
  const asked: Uint8Array[] = [];
  for (let at: number | undefined = 0; at !== undefined; at = host.pollTimeout()) {
    host.handleTimeout(at);
    for (let packet = host.pollTransmit(); packet; packet = host.pollTransmit()) asked.push(packet);
  }
  expect(asked).toHaveLength(3);
  const router = new RouterAdvertiser({ identifier: ROUTER });
  for (let i = 0; i < 100; i++) router.receive(10 * i, asked[0] as Uint8Array);
  expect(router.pollTransmit()).toBeDefined();
  expect(router.pollTransmit()).toBeUndefined();
  expect(router.pollTimeout()).toBe(3000);
  router.handleTimeout(3000);
  expect(router.pollTransmit()).toBeDefined();
  expect(router.pollTimeout()).toBe(603_000);
});

test("a router tells by itself three times at first, and who has missed the first is answered alone (RFC 4861 §6.2)", () => {
  const router = new RouterAdvertiser({ identifier: ROUTER, prefix: "2001:db8::/64" });
  const to = (packet: Uint8Array | undefined) => packet && toHex(packet.subarray(24, 40));
  const all = "ff020000000000000000000000000001";
  router.start(0);
  expect(to(router.pollTransmit())).toBe(all);
  const host = new RouterSolicitor(HOST);
  host.start(20);
  const solicitation = host.pollTransmit() as Uint8Array;
  router.receive(20, solicitation);
  const answer = router.pollTransmit() as Uint8Array;
  expect(to(answer)).toBe("fe800000000000000000000000000002");
  expect(host.receive(answer)?.addresses[0]?.address).toBe("2001:db8::2");
  // Once, however often it asks; nor is anything sent to who has no address yet, or that of somebody else.
  for (const asked of [solicitation, from("::", solicitation), from("2001:db8::9", solicitation)]) {
    router.receive(30, asked);
    expect(router.pollTransmit()).toBeUndefined();
  }
  const times: number[] = [];
  for (let at = router.pollTimeout(); at !== undefined && at < 1_300_000; at = router.pollTimeout()) {
    router.handleTimeout(at);
    while (to(router.pollTransmit()) === all) times.push(at);
  }
  expect(times).toEqual([3_000, 19_000, 619_000, 1_219_000]);
});

/** The message with another source, and a length and a checksum that fit. */
function from(source: string, packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy.set([(copy.length - 40) >> 8, (copy.length - 40) & 255], 4);
  copy.set(parseIpv6(source) as Uint8Array, 8);
  copy.set([0, 0], 42);
  let sum = copy.length - 40 + 58;
  for (let at = 8; at < copy.length; at += 2) sum += ((copy[at] as number) << 8) | (copy[at + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  copy.set([(~sum >> 8) & 0xff, ~sum & 0xff], 42);
  return copy;
}

test("a router's lies about prefixes and servers make no addresses, and the good beside them does (RFC 4862 §5.5.3)", () => {
  const host = new RouterSolicitor(HOST);
  const router = new RouterAdvertiser({ identifier: ROUTER });
  router.start(0);
  const plain = router.pollTransmit() as Uint8Array;
  const prefix = (octets: string, { length = "40", flags = "40", valid = "00000e10" } = {}) =>
    `0304 ${length} ${flags} ${valid} 00000e10 00000000 ${octets.padEnd(32, "0")}`;
  const servers = (seconds: string, count: number) =>
    `19${(1 + 2 * count).toString(16).padStart(2, "0")} 0000 ${seconds} ${"20010db8000000000000000000000053".repeat(count)}`;
  const options = hex(
    [
      ...["ff02", "00", "0000000000000000", "fe80", "febf", "00000000000000000000ffff"].map((one) =>
        prefix(one),
      ),
      prefix("20010db800000001", { length: "30" }),
      prefix("20010db800000002", { length: "80" }),
      prefix("20010db800000003", { length: "ff" }),
      prefix("20010db800000004", { flags: "80" }),
      prefix("20010db800000005", { valid: "00000000" }),
      prefix("20010db800000006", { valid: "00000001" }),
      prefix("20010db800000007"),
      servers("00000000", 1),
      servers("00000e10", 40),
    ].join(""),
  );
  const lying = from("fe80::1", Uint8Array.of(...plain.subarray(0, 56), ...options));
  expect(host.receive(lying)).toMatchObject({
    addresses: [{ address: "2001:db8:0:7::2" }],
    dns: Array.from({ length: 16 }, () => "2001:db8::53"),
  });
});

/** Carries packets between client and responder until both are quiet. */
function exchange(
  now: number,
  client: DhcpClient,
  server: DhcpResponder,
  lose: (n: number) => boolean = () => false,
) {
  let n = 0;
  for (let packet = client.pollTransmit(); packet; packet = client.pollTransmit()) {
    const answer = lose(n++) ? undefined : server.receive(packet);
    if (answer !== undefined) expect(client.receive(now, answer)).toBe(true);
  }
}

test("a client gets its address, a prefix and DNS servers, renews them, and gives them back (RFC 8415 §18)", () => {
  const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client }, random);
  const server = new DhcpResponder({
    identifier: ROUTER,
    duid: DUIDS.server,
    address: "2001:db8::5",
    prefix: "2001:db8:100::/56",
    dns: ["2001:db8::53", "2001:db8::54"],
  });
  client.start(0);
  exchange(0, client, server);
  const leases = {
    addresses: [{ what: "2001:db8::5", preferredS: 14_400, validS: 86_400 }],
    prefixes: [{ what: "2001:db8:100::/56", preferredS: 14_400, validS: 86_400 }],
    dns: ["2001:db8::53", "2001:db8::54"],
  };
  expect(client.pollEvent()).toEqual({ type: "leased", leases });
  expect(client.pollTimeout()).toBe(7_200_000);
  client.handleTimeout(7_200_000);
  exchange(7_200_000, client, server);
  expect(client.pollEvent()).toEqual({ type: "leased", leases });
  expect(client.pollTimeout()).toBe(14_400_000);
  client.release(7_300_000);
  const release = client.pollTransmit() as Uint8Array;
  expect(release[48]).toBe(8);
  expect(server.receive(release)?.[48]).toBe(7);
  expect(client.leases).toEqual({ addresses: [], prefixes: [], dns: [] });
  expect(client.pollTimeout()).toBeUndefined();
});

test("messages that get lost are sent again, ever more slowly; a server that falls silent costs the leases at last", () => {
  const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client, wantPrefix: false }, random);
  const server = new DhcpResponder({
    identifier: ROUTER,
    duid: DUIDS.server,
    address: "2001:db8::5",
    preferredS: 100,
    validS: 200,
  });
  client.start(0);
  const at: number[] = [];
  let now = 0;
  for (let i = 0; i < 5; i++) {
    expect(client.pollTransmit()).toBeDefined();
    now = client.pollTimeout() as number;
    at.push(now);
    client.handleTimeout(now);
  }
  for (let i = 1; i < at.length; i++) expect(at[i] as number).toBeGreaterThan(1.8 * (at[i - 1] as number));
  exchange(now, client, server);
  expect(client.pollEvent()).toMatchObject({ type: "leased" });
  const leasedAt = now;
  const types = new Set<number>();
  while (now < leasedAt + 200_000) {
    now = client.pollTimeout() as number;
    client.handleTimeout(now);
    for (let packet = client.pollTransmit(); packet; packet = client.pollTransmit())
      types.add(packet[48] as number);
  }
  // Renew at T1, rebind at T2, and solicit anew.
  expect([...types]).toEqual([5, 6, 1]);
  expect(client.pollEvent()).toEqual({ type: "lost" });
});

test("a server with nothing to give says so, and the client does not take it for a lease", () => {
  const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client }, random);
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server });
  client.start(0);
  exchange(0, client, server);
  expect(client.pollEvent()).toBeUndefined();
  expect(client.pollTimeout()).toBeGreaterThan(0);
});

test("addresses that no host can have are not leased, nor is anything with T1 behind T2 (RFC 8415 §21.4)", () => {
  for (const address of ["ff02::5", "::", "::1", "fe80::5", "::ffff:192.0.2.1"]) {
    const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client, wantPrefix: false }, random);
    client.start(0);
    exchange(0, client, new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, address }));
    expect(client.pollEvent(), address).toBeUndefined();
    expect(client.leases.addresses).toEqual([]);
  }
  const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client, wantPrefix: false }, random);
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, address: "2001:db8::5" });
  client.start(0);
  const offer = server.receive(client.pollTransmit() as Uint8Array) as Uint8Array;
  const times = toHex(offer).indexOf("00001c2000002d00") / 2;
  const swapped = offer.slice();
  swapped.set(offer.subarray(times + 4, times + 8), times);
  swapped.set(offer.subarray(times, times + 4), times + 4);
  client.receive(0, swapped);
  expect(client.pollEvent()).toBeUndefined();
  // With none left in the answer it begins anew, a while later.
  client.handleTimeout(client.pollTimeout() as number);
  exchange(20_000, client, server);
  expect(client.pollEvent()).toMatchObject({ type: "leased" });
});

test("a client that wants no leases asks for DNS servers only", () => {
  const client = new DhcpClient(
    { identifier: HOST, duid: DUIDS.client, wantAddress: false, wantPrefix: false },
    random,
  );
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, dns: ["2001:db8::53"] });
  client.start(0);
  exchange(0, client, server);
  expect(client.pollEvent()).toEqual({
    type: "leased",
    leases: { addresses: [], prefixes: [], dns: ["2001:db8::53"] },
  });
});

const ALL = "ff020000000000000000000000010002";
const CLIENT_ID = `0001 0012 ${toHex(DUIDS.client)}`;
const SERVER_ID = `0002 0012 ${toHex(DUIDS.server)}`;

/** A DHCPv6 message from a client, as an IPv6 packet with a right checksum. */
function message(text: string, { to = ALL, from = "fe800000000000000000000000000002" } = {}): Uint8Array {
  const data = hex(text);
  const udp = hex(`0222 0223 ${(8 + data.length).toString(16).padStart(4, "0")} 0000 ${toHex(data)}`);
  const pseudo = hex(`${from}${to}${udp.length.toString(16).padStart(8, "0")}00000011${toHex(udp)}00`);
  let sum = 0;
  for (let i = 0; i + 1 < pseudo.length; i += 2)
    sum += ((pseudo[i] as number) << 8) | (pseudo[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  udp.set([(sum ^ 0xffff) >> 8, (sum ^ 0xffff) & 255], 6);
  return hex(`60000000 ${udp.length.toString(16).padStart(4, "0")} 11 40 ${from} ${to} ${toHex(udp)}`);
}

/** Type and options of the answer. */
const answerTo = (server: DhcpResponder, packet: Uint8Array) => {
  const answer = server.receive(packet);
  return answer && { type: answer[48], options: toHex(answer.subarray(52)) };
};
const iaNa = (address: string) =>
  `0003 0028 00000001 00000000 00000000 0005 0018 ${address} 00000e10 00001c20`;

test("Confirm: addresses that are the client's are on this link, others are not, and none gets no answer (RFC 8415 §18.3.3)", () => {
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, address: "2001:db8::5" });
  const mine = "20010db8000000000000000000000005";
  const other = "20010db8000000000000000000000006";
  expect(answerTo(server, message(`04 000001 ${CLIENT_ID} ${iaNa(mine)}`))?.options).toMatch(/000d00..0000/);
  expect(answerTo(server, message(`04 000001 ${CLIENT_ID} ${iaNa(other)}`))?.options).toMatch(/000d00..0004/);
  expect(answerTo(server, message(`04 000001 ${CLIENT_ID} ${iaNa(mine)} ${iaNa(other)}`))?.options).toMatch(
    /000d00..0004/,
  );
  expect(
    answerTo(server, message(`04 000001 ${CLIENT_ID} 0003 000c 00000001 00000000 00000000`)),
  ).toBeUndefined();
  expect(answerTo(server, message(`04 000001 ${CLIENT_ID}`))).toBeUndefined();
  expect(answerTo(server, message(`04 000001 ${CLIENT_ID} ${SERVER_ID} ${iaNa(mine)}`))).toBeUndefined();
});

test("Renew and Rebind of what is no longer the client's: the new, and the old with no time left (RFC 8415 §18.3.4)", () => {
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, prefix: "2001:db8:100::/56" });
  const pd = (prefix: string) =>
    `0019 0029 00000001 00000000 00000000 001a 0019 00000e10 00001c20 38 ${prefix}0000000000000000`;
  const old = "20010db800ff0000";
  for (const text of [
    `05 000001 ${CLIENT_ID} ${SERVER_ID} ${pd(old)}`,
    `06 000001 ${CLIENT_ID} ${pd(old)}`,
  ]) {
    const { type, options } = answerTo(server, message(text)) ?? {};
    expect(type).toBe(7);
    expect(options).toContain("001a0019000038400001518038" + "20010db801000000");
    expect(options).toContain(`001a0019000000000000000038${old}`);
  }
  const same = answerTo(server, message(`06 000001 ${CLIENT_ID} ${pd("20010db801000000")}`))?.options;
  expect(same?.match(/001a0019/g)).toHaveLength(1);
  const none = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server });
  expect(
    answerTo(none, message(`06 000001 ${CLIENT_ID} ${iaNa("20010db8000000000000000000000006")}`))?.options,
  ).toMatch(/00050018.{32}0000000000000000000d00..0002/);
});

test("an address of another link is refused, what was not had is not given back, and questions without leases have none", () => {
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, address: "2001:db8::5" });
  const iaNa = (address: string) =>
    `0003 0028 00000007 00000000 00000000 0005 0018 ${address} 00000000 00000000`;
  const [ours, foreign] = ["20010db8000000000000000000000005", "20010db8aaaa00000000000000000005"].map(iaNa);
  const answer = (text: string) => toHex(server.receive(message(text)) ?? new Uint8Array(0)).slice(96);
  const status = (code: number) => new RegExp(`000d....000${code}`);
  // Request: NotOnLink (RFC 8415 §18.3.2).
  expect(answer(`03 000001 ${CLIENT_ID} ${SERVER_ID} ${foreign}`)).toMatch(status(4));
  expect(answer(`03 000001 ${CLIENT_ID} ${SERVER_ID} ${ours}`)).not.toMatch(status(4));
  // Release and Decline: Success, and NoBinding in the association (§18.3.7, §18.3.8).
  for (const type of ["08", "09"]) {
    expect(answer(`${type} 000001 ${CLIENT_ID} ${SERVER_ID} ${foreign}`)).toMatch(
      /^07000001.*000d00020000.*000300..00000007.*000d....0003/,
    );
    expect(answer(`${type} 000001 ${CLIENT_ID} ${SERVER_ID} ${ours}`)).toMatch(/000d00020000$/);
  }
  // Information-request with IA_NA, IA_TA or IA_PD: discarded (§16.12).
  for (const more of [ours, "0004 0004 00000001", "0019 000c 00000001 00000000 00000000"])
    expect(answer(`0b 000001 ${CLIENT_ID} ${more}`)).toBe("");
  expect(answer(`0b 000001 ${CLIENT_ID}`)).not.toBe("");
});

test("a solicitation with an option that cannot be is none (RFC 4861 §6.1.1)", () => {
  const ask = (options: string, source: string) => {
    const router = new RouterAdvertiser({ identifier: ROUTER });
    router.receive(0, icmpv6(`85000000 00000000 ${options}`, source));
    return router.pollTransmit() !== undefined;
  };
  const [link, none] = ["fe800000000000000000000000000002", "00".repeat(16)];
  expect(ask("", link)).toBe(true);
  expect(ask("", none)).toBe(true);
  expect(ask("0101020000000007", link)).toBe(true);
  expect(ask("0e01000000000000", none)).toBe(true);
  expect(ask("0101020000000007", none)).toBe(false);
  expect(ask("0100000000000000", link)).toBe(false);
  expect(ask("0102000000000000", link)).toBe(false);
});

/** A message of ICMPv6 to all routers, as an IPv6 packet with a right checksum. */
function icmpv6(text: string, from: string): Uint8Array {
  const [body, to] = [hex(text), "ff020000000000000000000000000002"];
  const length = body.length.toString(16).padStart(4, "0");
  const pseudo = hex(`${from}${to}0000${length}0000003a${toHex(body)}`);
  let sum = 0;
  for (let i = 0; i < pseudo.length; i += 2) sum += ((pseudo[i] as number) << 8) | (pseudo[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  body.set([(sum ^ 0xffff) >> 8, (sum ^ 0xffff) & 255], 2);
  return hex(`60000000 ${length} 3a ff ${from} ${to} ${toHex(body)}`);
}

test("what was sent to one server alone, from no address or a group, or for another server, is not answered as if it was not", () => {
  const server = new DhcpResponder({ identifier: ROUTER, duid: DUIDS.server, prefix: "2001:db8:100::/56" });
  const pd = "0019 000c 00000001 00000000 00000000";
  const to = "fe800000000000000000000000000001";
  const solicit = `01 000001 ${CLIENT_ID} ${pd}`;
  const request = `03 000001 ${CLIENT_ID} ${SERVER_ID} ${pd}`;
  expect(answerTo(server, message(solicit))?.type).toBe(2);
  expect(answerTo(server, message(request))?.type).toBe(7);
  expect(answerTo(server, message(solicit, { to }))).toBeUndefined();
  expect(answerTo(server, message(request, { to }))?.options).toMatch(/000d00..0005/);
  expect(answerTo(server, message(request, { to }))?.options).not.toContain("0019");
  expect(answerTo(server, message(solicit, { from: "0".repeat(32) }))).toBeUndefined();
  expect(answerTo(server, message(solicit, { from: ALL }))).toBeUndefined();
  const another = SERVER_ID.replace("2222", "3333");
  expect(answerTo(server, message(`03 000001 ${CLIENT_ID} ${another} ${pd}`))).toBeUndefined();
  expect(answerTo(server, message(`01 000001 ${pd}`))).toBeUndefined();
});

test("no octets whatever make any of them throw, and damaged packets have no effect", () => {
  const router = new RouterAdvertiser({ identifier: ROUTER, prefix: "2001:db8::/64", dns: ["2001:db8::53"] });
  router.start(0);
  const host = new RouterSolicitor(HOST);
  host.start(0);
  const client = new DhcpClient({ identifier: HOST, duid: DUIDS.client }, random);
  client.start(0);
  const server = new DhcpResponder({
    identifier: ROUTER,
    duid: DUIDS.server,
    address: "2001:db8::5",
    prefix: "2001:db8::/56",
  });
  const solicit = client.pollTransmit() as Uint8Array;
  const samples = [
    router.pollTransmit(),
    host.pollTransmit(),
    solicit,
    server.receive(solicit),
  ] as Uint8Array[];
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(400),
      (sample, changes, cut) => {
        const packet = sample.slice(0, cut < 20 ? cut * 10 : sample.length);
        for (const [at, value] of changes) packet[at % Math.max(1, packet.length)] = value;
        router.receive(0, packet);
        host.receive(packet);
        server.receive(packet);
        client.receive(0, packet);
        while (router.pollTransmit() ?? client.pollTransmit());
      },
    ),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (packet) => {
      expect(host.receive(packet)).toBeUndefined();
      expect(server.receive(packet)).toBeUndefined();
    }),
  );
});
