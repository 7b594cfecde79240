/** Two daemons whose wishes for PPP differ: what is agreed on, and what is refused with a reason. */

import { address } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { ping } from "../support/traffic.ts";
import { GATEWAY, type Line, Scene } from "./scene.ts";

interface Agreed extends Line {
  readonly what: string;
  readonly networks?: readonly string[];
  readonly mtu?: number;
}

const AGREED: readonly Agreed[] = [
  {
    name: "plain",
    what: "no compression, no magic numbers",
    lns: "pfc = false\nacfc = false\nmagic = false",
    lac: "pfc = false\nacfc = false\nmagic = false",
  },
  {
    name: "accm",
    what: "all control characters escaped, headers compressed",
    lns: "accm = 0xffffffff",
    lac: "send_compressed = true",
  },
  {
    name: "second",
    what: "the second way of proof",
    lns: 'auth = ["mschap-v2", "eap-md5", "chap-md5"]',
    lac: 'own_auth = ["chap-md5"]',
  },
  { name: "nomppe", what: "encryption offered in vain", lns: 'auth = ["mschap-v2"]\nmppe = "request"' },
  { name: "small", what: "an MRU too small for IPv6", lns: "mru = 576", networks: ["ipv4"], mtu: 576 },
  { name: "v4only", what: "IPv6 refused", lns: "ipv6 = false", networks: ["ipv4"] },
  { name: "v6only", what: "IPv4 refused", lns: "ipv4 = false", networks: ["ipv6"] },
  {
    name: "pliant",
    what: "another address than we wanted",
    lac: 'local_address = "100.64.9.9"\naccept_local_address = true',
  },
  {
    name: "dns",
    what: "name servers, of which there are",
    lns: 'dns = ["192.0.2.53"]',
    lac: "request_dns = true\nrequest_wins = true",
  },
  {
    name: "home",
    what: "IPv6 by advertisement and delegation",
    lac: "request_prefix = true\ndefault_route = true",
  },
];

interface Refused extends Line {
  readonly what: string;
  /** What the LAC's log says. */
  readonly lacSays: RegExp;
  /** What the LNS's log says. */
  readonly lnsSays: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    name: "nopap",
    what: "a LAC that does not show its password in the clear",
    lns: 'auth = ["pap"]',
    lacSays: /PPP 15 \(Authentication protocol unacceptable/,
    lnsSays: /the peer takes none of our authentication protocols/,
  },
  {
    name: "mppe",
    what: "a LAC without the encryption that is required",
    lns: 'auth = ["mschap-v2"]\nmppe = "require"',
    lacSays: /PPP 4 \(Compulsory encryption|[Ee]ncryption|MPPE/,
    lnsSays: /MPPE is required and was not agreed on/,
  },
  {
    name: "wrong",
    what: "a wrong password",
    session: 'password = "tset"',
    lacSays: /did not accept who we are|prove who we are/,
    lnsSays: /user user-wrong: its proof was wrong/,
  },
  {
    name: "nobody",
    what: "a user who is denied",
    session: 'user = "nobody"',
    lacSays: /did not accept who we are|prove who we are/,
    lnsSays: /user nobody: .*left us in May/,
  },
];

const test = needs("linux", "root", "tun", { tool: "ping" });

describe("two daemons with different wishes", () => {
  let scene: Scene;
  beforeAll(() => {
    const lns = '[user.nobody]\ndeny = "left us in May"\n';
    scene = new Scene([...AGREED, ...REFUSED], { lns });
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  for (const { name, what, networks = ["ipv4", "ipv6"], mtu } of AGREED) {
    test(`${what}: it comes up all the same`, async () => {
      await scene.up(name);
      const session = await scene.lacCtl.client.session(name);
      expect(session.ppp?.networks).toEqual(networks);
      if (mtu !== undefined) expect(session.mtuOctets).toBe(mtu);
      if (networks.includes("ipv4")) {
        expect(await ping(scene.sites.a, GATEWAY, { by: name, octets: session.mtuOctets ?? 0 })).toBe(true);
      } else {
        const { message } = await scene.lac.says(/^session v6only: .*peer fe80/);
        const linkLocal = /peer (fe80::[0-9a-f:]+)/.exec(message)?.[1];
        expect(await ping(scene.sites.a, `${linkLocal}%${name}`)).toBe(true);
      }
    });
  }

  test("IPv6: the delegated prefix and the advertised one reach through, by the default route", async () => {
    const { a, b } = scene.sites;
    const on = (site: typeof a, ip: string) =>
      site.netlink(address.add({ index: 1, address: ip, prefixLength: 128, noDuplicateDetection: true }));
    await scene.up("home");
    const line = await scene.lac.says(/^session home: .*2001:db8:1:/);
    const own = /(2001:db8:1:[0-9a-f:]+)/.exec(line.message)?.[1] as string;
    on(b, "2001:db8:ffff::1");
    expect(await ping(b, own)).toBe(true);
    // The delegation comes by DHCPv6, after the advertisement that gave the address.
    const delegation = async () => (await scene.lacCtl.client.session("home")).ipv6?.peer;
    await expect.poll(delegation).toMatch(/::\/56$/);
    const delegated = (await delegation()) as string;
    const routes = async () => (await b.execute("ip", "-6", "route")).output;
    await expect.poll(routes).toContain(delegated);
    const inside = delegated.replace("::/56", "::1");
    on(a, inside);
    expect(await ping(a, "2001:db8:ffff::1", { by: inside })).toBe(true);
    expect(await ping(b, inside)).toBe(true);
  });

  for (const { name, what, lacSays, lnsSays } of REFUSED) {
    test(`${what}: refused, and both logs say why`, async () => {
      const line = await scene.lac.says(new RegExp(`^session ${name} cannot come up`));
      expect(line.message).toMatch(lacSays);
      await scene.lns.says(lnsSays);
      // However often it is tried.
      const said = scene.lac.said(new RegExp(`^session ${name} `)).map(({ message }) => message);
      expect(said.length, said.join("\n")).toBeLessThanOrEqual(2);
      for (const daemon of [scene.lac, scene.lns]) expect(daemon.said(/tset/)).toEqual([]);
    });
  }
});
