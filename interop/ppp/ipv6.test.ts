/** IPv6 of an LNS of ours before subscribers on raw octets: routers, neighbours, DHCPv6 and whose addresses they may have. */
import { until } from "@l2tp/lab";
import { address as ipAddress } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { address, association, DHCP, echo6, iaAddress, iaPrefix, option, RawHost } from "./raw/ipv6.ts";
import { echo } from "./raw/packets.ts";
import { hex, type RawSubscriber, u16 } from "./raw/raw-ppp.ts";
import { GATEWAY, RawScene } from "./raw/scene.ts";

const test = needs("linux", "root", "tun");
const IP = 0x21;
const IPV6 = 0x57;
const ICMP = 58;
const UNSPECIFIED = Buffer.alloc(16);
/** An address of the LNS's host. */
const FAR = "2001:db8:ffff::1";
const STATUS = { success: 0, noAddress: 2, noBinding: 3, notOnLink: 4, useMulticast: 5, noPrefix: 6 };
const RAPID = option(14);
const ASK = option(6, u16(23));
const LEASE = /^([0-9a-f]{32})\/56 14400 86400$/;

/** As text that {@link address} takes: eight groups. */
const groups = (octets: Buffer): string => (octets.toString("hex").match(/.{4}/g) ?? []).join(":");

describe("IPv6 behind an LNS of ours", () => {
  let scene: RawScene;
  beforeAll(async () => {
    scene = new RawScene();
    const { b } = scene.sites;
    b.netlink(ipAddress.add({ index: b.index("lo"), address: FAR, prefixLength: 128 }));
    await scene.ready();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  async function host(attach: string, user = "test", duid?: Buffer): Promise<RawHost> {
    const subscriber = await scene.lac.call(attach);
    await subscriber.up(user);
    const one = await new RawHost(subscriber, duid).up();
    // The LNS's first advertisement goes when packets pass, and what came before is lost.
    await until(() => subscriber.all(IPV6).length > 0, "IPv6 passes");
    return one;
  }
  /** The prefix that its routers tell. */
  async function prefixOf(one: RawHost): Promise<Buffer> {
    const octets = await one.next(ICMP, (body) => body[0] === 134, "an advertisement");
    for (let at = 56; at < octets.length; at += 8 * (octets[at + 1] as number))
      if (octets[at] === 3) return octets.subarray(at + 16, at + 32);
    throw new Error("no prefix was advertised");
  }
  async function answers(
    subscriber: RawSubscriber,
    packet: Uint8Array,
    patienceMs = 2_000,
  ): Promise<boolean> {
    const count = () =>
      subscriber.all(IP).length + subscriber.all(IPV6).filter(({ octets }) => octets[40] === 129).length;
    const before = count();
    subscriber.say(packet);
    return until(() => count() > before, "an answer", patienceMs).then(
      () => true,
      () => false,
    );
  }
  const rxErrors = async (user: string) => Number((await scene.ctl.client.session(user)).data?.["rxErrors"]);

  for (const attach of ["shared", "interface"] as const) {
    test(`${attach}: a subscriber sends from its address, prefixes and routes, and from nobody else's`, async () => {
      const site = await host(attach, "site");
      const { subscriber } = site;
      const lan = groups(await prefixOf(site)).replace(/:0000$/, ":0007");
      const solicited = await site.ask(DHCP.solicit, [association(25, 1), RAPID]);
      const [, delegated = ""] = LEASE.exec(solicited.associations[0]?.leases[0] ?? "") ?? [];
      const behind = groups(Buffer.from(`${delegated.slice(0, 14)}770000000000000009`, "hex"));
      await until(() => answers(subscriber, echo6(lan, FAR), 300), "packets pass");
      const good = [
        echo("10.66.3.4", GATEWAY),
        echo6(lan, FAR),
        echo6(behind, FAR),
        echo6("2001:db8:66:1::5", FAR),
      ];
      for (const packet of good) expect(await answers(subscriber, packet)).toBe(true);
      const before = await rxErrors("site");
      const next = groups(
        Buffer.from(
          `${delegated.slice(0, 12)}${((Number.parseInt(delegated.slice(12, 14), 16) + 1) & 255).toString(16).padStart(2, "0")}${"00".repeat(8)}09`,
          "hex",
        ),
      );
      const bad = [
        echo("10.67.0.1", GATEWAY),
        echo("10.65.255.255", GATEWAY),
        echo6(next, FAR),
        echo6("2001:db8:67::5", FAR),
        echo6(FAR, FAR),
        echo6("fe80::8", FAR),
        echo6("::1", FAR),
      ];
      for (const packet of bad) subscriber.say(packet);
      await until(async () => (await rxErrors("site")) >= before + bad.length, "all are counted");
      expect(await answers(subscriber, good[1] as Buffer)).toBe(true);
      expect(await rxErrors("site")).toBe(before + bad.length);
      subscriber.hangUp();
    });
  }

  test("check_source = false: what comes from elsewhere is taken", async () => {
    const one = await host("trusted", "trusted");
    await prefixOf(one);
    const before = await rxErrors("trusted");
    for (let i = 0; i < 5; i++) one.subscriber.say(echo("10.67.0.1", GATEWAY));
    const session = async () => scene.ctl.client.session("trusted");
    const packets = async () => Number((await session()).data?.["rxPackets"]);
    await until(async () => (await packets()) >= 5, "they are counted");
    expect(await rxErrors("trusted")).toBe(before);
    one.subscriber.hangUp();
  });

  for (const attach of ["shared", "interface", "program"] as const) {
    test(`${attach}: a prefix by four messages and by two, renewed, asked of anybody, and given back`, async () => {
      const one = await host(attach);
      const wanted = [association(25, 9), ASK];
      const offer = await one.ask(DHCP.solicit, wanted);
      expect(offer.type).toBe(DHCP.advertise);
      expect(offer.option(1)).toBe(one.duid.toString("hex"));
      const [offered] = offer.associations;
      expect(offered).toMatchObject({ code: 25, iaid: 9, t1: 7_200, t2: 11_520, status: undefined });
      expect(offered?.leases).toEqual([expect.stringMatching(LEASE)]);
      const { server } = one;
      expect(server.length).toBeGreaterThan(2);
      const lease = iaPrefix(`${groups(Buffer.from((offered?.leases[0] ?? "").slice(0, 32), "hex"))}/56`);
      const held = [association(25, 9, lease)];
      for (const [type, way] of [
        [DHCP.request, { server }],
        [DHCP.renew, { server }],
        [DHCP.rebind, {}],
      ] as const) {
        const reply = await one.ask(type, held, way);
        expect(reply.type).toBe(DHCP.reply);
        expect(reply.associations).toEqual([offered]);
      }
      const quick = await one.ask(DHCP.solicit, [...wanted, RAPID]);
      expect([quick.type, quick.option(14)]).toEqual([DHCP.reply, ""]);
      expect(quick.associations).toEqual([offered]);
      const release = await one.ask(DHCP.release, held, { server });
      expect([release.type, release.status, release.associations]).toEqual([DHCP.reply, STATUS.success, []]);
      // It is the session's, and can be had again.
      expect((await one.ask(DHCP.solicit, [...wanted, RAPID])).associations).toEqual([offered]);
      one.subscriber.hangUp();
    });
  }

  test("two associations of a kind, an address that there is not, prefixes of others, and what is given back that was not had", async () => {
    const one = await host("shared");
    const both = await one.ask(DHCP.solicit, [association(25, 1), association(25, 2), association(3, 3)]);
    expect(both.associations.map(({ code, iaid, status }) => [code, iaid, status])).toEqual([
      [25, 1, undefined],
      [25, 2, STATUS.noPrefix],
      [3, 3, STATUS.noAddress],
    ]);
    const { server } = one;
    const foreign = association(25, 1, iaPrefix("2001:db8:aaaa::/56"));
    const renewed = await one.ask(DHCP.renew, [foreign], { server });
    expect(renewed.associations[0]?.leases).toEqual([
      expect.stringMatching(LEASE),
      `${address("2001:db8:aaaa::").toString("hex")}/56 0 0`,
    ]);
    const elsewhere = association(3, 3, iaAddress("2001:db8:aaaa::5"));
    const asked = await one.ask(DHCP.request, [elsewhere, association(25, 1)], { server });
    expect(asked.associations.map(({ status }) => status)).toEqual([STATUS.notOnLink, undefined]);
    expect((await one.ask(DHCP.confirm, [elsewhere])).status).toBe(STATUS.notOnLink);
    for (const type of [DHCP.release, DHCP.decline]) {
      const reply = await one.ask(type, [foreign, elsewhere], { server });
      expect(reply.status).toBe(STATUS.success);
      expect(reply.associations.map(({ iaid, status, leases }) => [iaid, status, leases])).toEqual([
        [1, STATUS.noBinding, []],
        [3, STATUS.noBinding, []],
      ]);
    }
    one.subscriber.hangUp();
  });

  test("what is for others, of nobody, broken or relayed is not answered; to us alone only with the word to write to all", async () => {
    const one = await host("shared");
    await one.ask(DHCP.solicit, [association(25, 1)]);
    const { server, router } = one;
    const other = hex("0003 0001 0200000000ff");
    const wanted = [association(25, 1)];
    const to = router.toString("hex");
    for (const type of [DHCP.request, DHCP.renew, DHCP.release, DHCP.decline]) {
      const reply = await one.ask(type, wanted, { server, to });
      expect([reply.type, reply.status, reply.associations]).toEqual([DHCP.reply, STATUS.useMulticast, []]);
    }
    const before = one.answers;
    for (const type of [DHCP.solicit, DHCP.confirm, DHCP.rebind, DHCP.information])
      one.say(type, wanted, { to });
    for (const type of [DHCP.request, DHCP.renew, DHCP.release, DHCP.decline]) {
      one.say(type, wanted);
      one.say(type, wanted, { server: other });
      one.say(type, wanted, { server, client: "none" });
    }
    for (const type of [DHCP.solicit, DHCP.confirm, DHCP.rebind]) {
      one.say(type, wanted, { server });
      one.say(type, wanted, { client: "none" });
    }
    one.say(DHCP.confirm, wanted);
    // An Information-request has no association (RFC 8415 §16.12), and names no other server.
    one.say(DHCP.information, wanted);
    one.say(DHCP.information, [], { server: other });
    one.say(DHCP.solicit, wanted, { from: "00".repeat(16) });
    one.say(DHCP.solicit, wanted, { client: Buffer.alloc(0) });
    for (const type of [0, DHCP.advertise, DHCP.reply, 10, DHCP.relay, 13, 255])
      one.say(type, wanted, { server });
    // A Relay-forward with a Solicit in it.
    const inner = Buffer.concat([hex("01 000001"), option(1, one.duid), association(25, 1)]);
    one.say(DHCP.relay, [Buffer.concat([Buffer.alloc(30), option(9, inner)])], { client: "none" });
    // Options that run over the end, or are cut.
    for (const broken of ["0019", "0019 0010 00000001", "0019 ffff", "0001"])
      one.say(DHCP.solicit, [hex(broken)]);
    const last = await one.ask(DHCP.solicit, wanted);
    expect(last.type).toBe(DHCP.advertise);
    expect(one.answers).toBe(before + 1);
    // Associations that are cut, or full of leases that are, are as if they were empty or not there.
    const odd = [
      option(25, hex("00000001")),
      option(3),
      option(25, hex("00000005 00000000 00000000 001a 0004 00000000")),
    ];
    expect((await one.ask(DHCP.solicit, odd)).associations.map(({ iaid }) => iaid)).toEqual([5]);
    one.say(DHCP.solicit, [option(25, hex("00000006 00000000 00000000 001a ffff"))]);
    const many = await one.ask(DHCP.solicit, [
      association(25, 7, ...Array.from({ length: 40 }, (_, i) => iaPrefix(`2001:db8:${i}::/56`))),
    ]);
    expect(many.associations.map(({ iaid }) => iaid)).toEqual([7]);
    one.subscriber.hangUp();
  });

  test("an Information-request, with our name, no name of its own or neither, is answered", async () => {
    const one = await host("shared");
    const told = await one.ask(DHCP.information, [ASK]);
    expect([told.type, told.option(1)]).toEqual([DHCP.reply, one.duid.toString("hex")]);
    const { server } = one;
    const nameless = await one.ask(DHCP.information, [ASK], { server, client: "none" });
    expect([nameless.type, nameless.option(1), nameless.option(2)]).toEqual([
      DHCP.reply,
      undefined,
      server.toString("hex"),
    ]);
    one.subscriber.hangUp();
  });

  test("who comes back has a prefix again, whoever it says it is; two at once have two; both are free when they are gone", async () => {
    const duid = hex("0003 0001 02000000beef");
    const lease = async (one: RawHost) =>
      (await one.ask(DHCP.solicit, [association(25, 1), RAPID])).associations[0]?.leases[0] ?? "";
    const [first, second] = [await host("shared", "twin", duid), await host("shared", "twin", duid)];
    const [a, b] = [await lease(first), await lease(second)];
    expect(a).toMatch(LEASE);
    expect(b).toMatch(LEASE);
    expect(a).not.toBe(b);
    const used = async () =>
      JSON.stringify((await scene.ctl.client.session("twin").catch(() => undefined)) ?? "gone");
    for (const one of [first, second]) one.subscriber.hangUp();
    await until(async () => (await used()) === '"gone"', "both are gone");
    const again = await host("shared", "twin", duid);
    expect(await lease(again)).toMatch(LEASE);
    again.subscriber.hangUp();
  });

  test("an advertisement has what RFC 4861 and RFC 8106 ask of it; a solicitation that is wrong has none", async () => {
    const one = await host("shared", "quiet");
    const octets = await one.next(ICMP, (body) => body[0] === 134, "an advertisement");
    expect([octets[7], octets.subarray(8, 10).toString("hex"), groups(octets.subarray(24, 40))]).toEqual([
      255,
      "fe80",
      "ff02:0000:0000:0000:0000:0000:0000:0001",
    ]);
    const found = new Map<number, Buffer>();
    for (let at = 56; at < octets.length; at += 8 * (octets[at + 1] as number))
      found.set(octets[at] as number, octets.subarray(at, at + 8 * (octets[at + 1] as number)));
    const [prefix, mtu] = [found.get(3) as Buffer, found.get(5) as Buffer];
    // No address is on the link; addresses are made of the prefix; times that fit each other.
    expect([prefix[2], prefix[3]]).toEqual([64, 0x40]);
    expect(prefix.readUInt32BE(8)).toBeLessThanOrEqual(prefix.readUInt32BE(4));
    expect(mtu.readUInt32BE(4)).toBeGreaterThanOrEqual(1280);
    expect(octets.readUInt16BE(46)).toBe(1800);
    expect(found.has(1)).toBe(false); // PPP has no link-layer addresses
    // By itself it tells all; who asks soon after that is told alone.
    const alone = () =>
      one.subscriber
        .all(IPV6)
        .filter((frame) => frame.octets[40] === 134 && frame.octets.subarray(24, 40).equals(one.own)).length;
    const asks = "85000000 00000000";
    one.message(asks, { hops: 254 });
    one.message(asks, { hops: 1 });
    one.message("85010000 00000000");
    one.message("85000000 0000");
    one.message(`${asks} 0100000000000000`);
    one.message(`${asks} 0102000000000000`);
    one.message(`${asks} 0101020000000007`, { from: UNSPECIFIED });
    one.subscriber.say(icmpv6Broken(one));
    await one.ask(DHCP.information, []);
    expect(alone()).toBe(0);
    one.message(asks);
    const answer = await one.next(ICMP, (body) => body[0] === 134, "an advertisement for who asks");
    expect(answer[7]).toBe(255);
    one.subscriber.hangUp();
  });

  test("who looks for the LNS's address, or wants it, hears that it is taken; for other addresses nobody speaks", async () => {
    const one = await host("program");
    await prefixOf(one);
    const { router } = one;
    const solicit = (target: Buffer, more = "") =>
      Buffer.concat([hex("87000000 00000000"), target, hex(more)]);
    const group = Buffer.concat([hex("ff020000000000000000000 1ff"), router.subarray(13)]);
    const advertised = (why: string) => one.next(ICMP, (body) => body[0] === 136, why);
    one.message(solicit(router), { to: router });
    const told = await advertised("who looks for it is told");
    expect([
      told[7],
      told.subarray(24, 40).equals(one.own),
      told[44],
      told.subarray(48, 64).equals(router),
    ]).toEqual([255, true, 0x60, true]);
    one.message(solicit(router), { from: UNSPECIFIED, to: group });
    const taken = await advertised("who wants it is told");
    expect([groups(taken.subarray(24, 40)), taken[44]]).toEqual([
      "ff02:0000:0000:0000:0000:0000:0000:0001",
      0x20,
    ]);
    const advertisements = () => one.subscriber.all(IPV6).filter(({ octets }) => octets[40] === 136).length;
    const before = advertisements();
    one.message(solicit(one.own), { from: UNSPECIFIED, to: group });
    one.message(solicit(address("2001:db8::1")), { to: router });
    one.message(solicit(router), { to: router, hops: 64 });
    // RFC 4861 §7.1.1: from no address only to the group, without a link-layer address; and no option of length 0.
    one.message(solicit(router), { from: UNSPECIFIED, to: router });
    one.message(solicit(router, "0101020000000007"), { from: UNSPECIFIED, to: group });
    one.message(solicit(router, "0100000000000000"), { to: router });
    await one.ask(DHCP.information, []);
    expect(advertisements()).toBe(before);
    one.subscriber.hangUp();
  });

  /** A solicitation whose checksum is wrong. */
  function icmpv6Broken(one: RawHost): Buffer {
    return Buffer.concat([
      hex("ff03 0057 60000000 0008 3aff"),
      one.own,
      address("ff02::2"),
      hex("8500 1234 00000000"),
    ]);
  }
});
