/** Real traffic through PPP sessions between two hosts, each end run by a `PppSession`: ping in every size, and TCP. */
import type { PppLinkConfiguration } from "@l2tp/dataplane";
import { Lab } from "@l2tp/lab";
import { address, link, route } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { describe, expect } from "vitest";
import { transfer } from "./support/pair.ts";
import { client, INSIDE, type PppPairOptions, pppPair, server } from "./support/ppp.ts";

const test = needs("linux", "root", "tun");
const OCTETS = 12_000_000;

/** Runs TCP both ways and compares every octet. */
async function carries(options: PppPairOptions): Promise<void> {
  using lab = new Lab();
  await using pair = await pppPair(lab, options);
  const there = await transfer(lab.a, lab.b, INSIDE.server, OCTETS);
  const back = await transfer(lab.b, lab.a, INSIDE.client, OCTETS);
  expect(there).toMatchObject({ received: OCTETS, intact: true });
  expect(back).toMatchObject({ received: OCTETS, intact: true });
  const [atA, atB] = [await pair.a.session.statistics(), await pair.b.session.statistics()];
  expect(atA.txBytes).toBeGreaterThan(OCTETS);
  expect(atB.txBytes).toBeGreaterThan(OCTETS);
  expect([atA.txErrors, atB.txErrors]).toEqual([0, 0]);
}

describe("TCP through a PPP session arrives unchanged", () => {
  for (const [a, b] of [
    ["full", "full"],
    ["full", "batch"],
    ["gso", "full"],
    ["batch", "batch"],
  ] as const) {
    test(`between offload ${a} and ${b}`, () => carries({ a: { offload: a }, b: { offload: b } }));
  }

  test("with sequence numbers of 16 bits, which wrap, and reordering", () =>
    carries({ session: { sendSequence: true, receiveSequence: true, reorderMs: 50 } }));

  test("with short headers, over L2TPv3 with cookies and a sublayer", () => {
    const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    return carries({
      version: 3,
      session: { cookie, peerCookie: cookie, l2SpecificSublayer: "default", sendSequence: true },
      client: client({ sendCompressed: true }),
      server: server(undefined, { sendCompressed: true }),
    });
  });

  for (const mode of ["stateless", "stateful"] as const) {
    test(`with MPPE, ${mode}`, () => {
      const mppe = { policy: "require", mode, bits: [128] } as const;
      return carries({ client: client({ mppe }), server: server(undefined, { mppe }) });
    });
  }
});

needs("linux", "root", "tun", { tool: "ping" })(
  "ping passes in every size over IPv4 and IPv6, and says when one is too large",
  async () => {
    using lab = new Lab();
    await using pair = await pppPair(lab);
    const { a, b } = pair;
    expect([a.session.mtuOctets, b.session.mtuOctets]).toEqual([1_400, 1_400]);
    const ping = (...args: string[]) => lab.a.execute("ping", "-c", "2", "-i", "0.05", "-W", "20", ...args);
    for (const size of [0, 1, 56, 1_000, 1_400 - 28]) {
      const { code, output } = await ping("-M", "do", "-s", String(size), INSIDE.server);
      expect(code, output).toBe(0);
    }
    const large = await ping("-M", "do", "-s", String(1_400 - 27), INSIDE.server);
    expect(large.output).toContain("mtu=1400");
    const fragments = await ping("-M", "dont", "-s", "5000", INSIDE.server);
    expect(fragments.code, fragments.output).toBe(0);
    for (const size of [0, 56, 1_400 - 48]) {
      const { code, output } = await ping("-s", String(size), `fe80::1%${a.session.interfaceName}`);
      expect(code, output).toBe(0);
    }
    expect(a.session.link.lastDataReceived()).toBeGreaterThan(performance.now() - 10_000);
  },
);

describe("what the system has of a session", () => {
  test("addresses of both ends, a route behind the peer, and nothing after its end", async () => {
    using lab = new Lab();
    const pair = await pppPair(lab, { link: { server: { routes: ["10.96.0.0/16"] } } });
    const name = pair.b.session.interfaceName as string;
    const index = lab.b.index(name);
    const have = lab.b.netlink(address.list({ index }));
    expect(have.find(({ family }) => family === 4)).toMatchObject({
      address: INSIDE.server,
      peer: INSIDE.client,
    });
    expect(have.filter(({ family }) => family === 6).map(({ address: own }) => own)).toEqual(["fe80::1"]);
    expect(pair.b.session.addresses).toContainEqual({
      address: INSIDE.server,
      prefixLength: 32,
      peer: INSIDE.client,
    });
    expect(lab.b.netlink(route.lookUp("10.96.1.2")).interfaceIndex).toBe(index);
    await pair[Symbol.asyncDispose]();
    expect(() => lab.b.netlink(link.get({ name }))).toThrow(/ENODEV/);
  });

  test("a default route for a client, with a way to the tunnel's peer that stays outside; both go with it", async () => {
    using lab = new Lab();
    // The LNS is behind a gateway, as it is for most clients.
    lab.a.netlink(
      address.remove({ index: lab.a.index("cable"), address: lab.a.address(4), prefixLength: 24 }),
    );
    lab.a.netlink(address.add({ index: lab.a.index("cable"), address: lab.a.address(4), prefixLength: 32 }));
    const gateway = { interfaceIndex: lab.a.index("cable") };
    lab.a.netlink(route.add({ destination: "10.99.0.102/32", ...gateway }));
    lab.a.netlink(route.add({ destination: "10.99.0.2/32", gateway: "10.99.0.102", ...gateway }));
    const pair = await pppPair(lab, { link: { client: { defaultRoute: true } } });
    const index = lab.a.index(pair.a.session.interfaceName as string);
    expect(lab.a.netlink(route.lookUp("203.0.113.1")).interfaceIndex).toBe(index);
    expect(lab.a.netlink(route.lookUp(lab.b.address(4))).interfaceIndex).toBe(gateway.interfaceIndex);
    const reply = await lab.a.execute("ping", "-c", "1", "-W", "20", INSIDE.server);
    expect(reply.code, reply.output).toBe(0);
    await pair[Symbol.asyncDispose]();
    expect(lab.a.netlink(route.list({ family: 4 })).filter(({ prefixLength }) => prefixLength === 0)).toEqual(
      [],
    );
  });

  test("a default route that is there stays, and comes into force again when the session has ended", async () => {
    using lab = new Lab();
    const cable = lab.a.index("cable");
    lab.a.netlink(
      route.add({ destination: "default", family: 4, gateway: lab.b.address(4), interfaceIndex: cable }),
    );
    const pair = await pppPair(lab, { link: { client: { defaultRoute: true } } });
    const index = lab.a.index(pair.a.session.interfaceName as string);
    for (const far of ["8.8.8.8", "203.0.113.1"]) {
      expect(lab.a.netlink(route.lookUp(far)).interfaceIndex).toBe(index);
    }
    expect(lab.a.netlink(route.lookUp(lab.b.address(4))).interfaceIndex).toBe(cable);
    const reply = await lab.a.execute("ping", "-c", "1", "-W", "20", INSIDE.server);
    expect(reply.code, reply.output).toBe(0);
    await pair[Symbol.asyncDispose]();
    expect(lab.a.netlink(route.lookUp("203.0.113.1")).interfaceIndex).toBe(cable);
  });

  test("a route that somebody else made is left alone, and the configuration says so", async () => {
    using lab = new Lab();
    lab.b.netlink(route.add({ destination: "10.96.0.0/16", interfaceIndex: lab.b.index("cable") }));
    await using pair = await pppPair(lab);
    const { link: its } = pair.b.session;
    const agreed: PppLinkConfiguration = {
      ...(pair.b.runner.configuration as object as PppLinkConfiguration),
      ipv4: { local: INSIDE.server, peer: INSIDE.client, routes: ["10.96.0.0/16"] },
    };
    await expect(its.configure(agreed)).rejects.toMatchObject({ code: "address-in-use" });
    expect(lab.b.netlink(route.lookUp("10.96.0.1")).interfaceIndex).toBe(lab.b.index("cable"));
    const reply = await lab.a.execute("ping", "-c", "1", "-W", "20", INSIDE.server);
    expect(reply.code, reply.output).toBe(0);
  });

  test("proxy ARP on the interface that has the peer's network, until the session ends", async () => {
    using lab = new Lab();
    const peer = "10.99.0.77";
    const pair = await pppPair(lab, {
      server: server(peer),
      link: { server: { proxyArp: true } },
    });
    const show = async () => (await lab.b.execute("ip", "neighbour", "show", "proxy")).output;
    expect(await show()).toContain(peer);
    await pair[Symbol.asyncDispose]();
    expect(await show()).not.toContain(peer);
  });
});
