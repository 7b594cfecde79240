import fc from "fast-check";
import { expect, test } from "vitest";
import { DhcpClient, DhcpResponder, RouterAdvertiser, RouterSolicitor } from "../src/index.ts";
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
