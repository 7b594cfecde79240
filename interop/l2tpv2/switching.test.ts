/** Tunnel switching: a call of a LAC goes on through an LNS to another LNS, chosen by its number. */

import { Site } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";
import { ping, tcp } from "../support/traffic.ts";

const SWITCH = "192.0.2.2";
const LNS = "198.51.100.1";

const lacDocument = (ctl: Ctl) => `
[daemon]
${ctl.key}
[tunnel.access]
version = "l2tpv2"
peer = "${SWITCH}"
secret = "the access network's"
[tunnel.access.session.one]
user = "anna"
password = "test"
called_number = "5551"
calling_number = "0815"
interface_name = "one"
[tunnel.access.session.nowhere]
user = "anna"
password = "test"
called_number = "9"
[profile.ppp.default]
own_auth = ["pap", "chap-md5", "mschap-v2"]
`;

/** What is said of PPP, in the call's rule and behind it. */
interface SwitchedPpp {
  readonly rule?: string;
  readonly tables?: string;
}

const switchDocument = (ctl: Ctl, ppp: SwitchedPpp) => `
[daemon]
${ctl.key}
[listen.access]
local = "${SWITCH}:1701"
[peer.access]
secret = "the access network's"
[call.one]
called_number = ["5551*"]
switch_to = "isp"
${ppp.rule ?? ""}
[call.others]
deny = "no ISP has this number"
[tunnel.isp]
version = "l2tpv2"
peer = "${LNS}"
secret = "between us and the ISP"
dial = "demand"
${ppp.tables ?? ""}
`;

/** LCP and authentication end in between. */
const endingPpp = (method: string) => ({
  rule: 'switch_ppp = "end"',
  tables: `
[user.anna]
password = "test"
[profile.ppp.default]
auth = ["${method}"]
`,
});

const lnsDocument = (ctl: Ctl, auth = "mschap-v2") => `
[daemon]
${ctl.key}
[listen.main]
local = "${LNS}:1701"
[peer.carrier]
secret = "between us and the ISP"
[user.anna]
password = "test"
[profile.ppp.default]
auth = ["${auth}"]
pool = "subscribers"
attach = "interface"
[pool.subscribers]
ranges = ["100.64.0.0/16"]
local = "100.64.0.1"
`;

/** The access network's LAC, the switch, and the ISP's LNS, each on a host of its own. */
class ThreeHosts implements AsyncDisposable {
  readonly sites = new TwoSites();
  readonly isp = new Site("ISP");
  readonly ctl = { lac: new Ctl(), between: new Ctl(), lns: new Ctl() };
  readonly #daemons: Daemon[] = [];

  constructor() {
    this.sites.b.cable("wan1", "198.51.100.2", this.isp, LNS);
  }

  /** Those that listen first. @param auth - how the LNS asks who somebody is. */
  async start(ppp: SwitchedPpp, auth?: string): Promise<Record<"lac" | "between" | "lns", Daemon>> {
    const lns = this.#run(this.isp, lnsDocument(this.ctl.lns, auth));
    const between = this.#run(this.sites.b, switchDocument(this.ctl.between, ppp));
    await Promise.all([lns.says(/listening/), between.says(/listening/)]);
    const lac = this.#run(this.sites.a, lacDocument(this.ctl.lac));
    return { lac, between, lns };
  }

  #run(site: Site, document: string): Daemon {
    const daemon = new Daemon(site, document);
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Each ends in order, and none has met an error. */
  async end(): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      expect(await daemon.stop()).toEqual({ code: 0, signal: null });
      expect(daemon.lines.filter(({ level }) => level === "error")).toEqual([]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) await daemon[Symbol.asyncDispose]();
    for (const ctl of Object.values(this.ctl)) ctl[Symbol.dispose]();
    this.isp[Symbol.dispose]();
    this.sites[Symbol.dispose]();
  }
}

/** Nothing of PPP ends in between: no interface was made there. */
const AT_SWITCH = ["lo", "wan0", "wan1"];

needs(
  "linux",
  "root",
  "tun",
  { tool: "ping" },
  { tool: "iperf3" },
)(
  "a call goes through to the ISP's LNS: PPP, pings, TCP, numbers, and its end",
  async () => {
    await using hosts = new ThreeHosts();
    const { sites, isp, ctl } = hosts;
    const { lac, between, lns } = await hosts.start({});
    // Each end is up when it has seen IPCP through; which is first, nobody knows.
    await Promise.all([lac.says(/^session one is up/), lns.says(/^session .* is up/)]);
    const atLns = await ctl.lns.client.session("anna");
    expect(atLns).toMatchObject({ calledNumber: "5551", callingNumber: "0815", up: true });
    const { mtuOctets = 0 } = await ctl.lac.client.session("one");
    for (const octets of [28, 576, mtuOctets]) {
      expect(await ping(sites.a, "100.64.0.1", { by: "one", octets }), `${octets} octets`).toBe(true);
    }
    expect(await tcp(sites.a, isp, "100.64.0.1")).toBeGreaterThan(1e5);
    expect(sites.b.interfaces()).toEqual(AT_SWITCH);
    await lac.says(/^session nowhere cannot come up/);
    await between.says(/no ISP has this number/);

    const since = lac.lines.length;
    await ctl.lns.client.hangUp("anna", { text: "unpaid" });
    expect((await lac.says(/^session one is down/, { since })).message).toMatch(/PPP|CDN/);
    await lac.says(/^session one is up/, { since });
    expect(await ping(sites.a, "100.64.0.1", { by: "one" })).toBe(true);
    await hosts.end();
  },
  300_000,
);

needs("linux", "root", "tun", { tool: "ping" })(
  "LCP and authentication end in between: the ISP's LNS takes over what was agreed on and proved, by each method",
  async () => {
    for (const method of ["pap", "chap-md5", "mschap-v2"]) {
      await using hosts = new ThreeHosts();
      const { sites, ctl } = hosts;
      const { lac, lns } = await hosts.start(endingPpp(method), method);
      await Promise.all([lac.says(/^session one is up/), lns.says(/^session .* is up/)]);
      expect(await ping(sites.a, "100.64.0.1", { by: "one" }), method).toBe(true);
      expect(await ctl.lns.client.session("anna")).toMatchObject({ up: true, user: "anna" });
      const passing: string[] = [];
      for await (const { kind, up } of ctl.between.client.sessions()) if (up) passing.push(kind);
      expect(passing.sort()).toEqual(["lac-incoming", "lns-incoming"]);
      expect(sites.b.interfaces()).toEqual(AT_SWITCH);
      await hosts.end();
    }
  },
  300_000,
);

needs("linux", "root", "tun")(
  "a subscriber with a wrong password does not get past the switch",
  async () => {
    await using hosts = new ThreeHosts();
    const { rule, tables } = endingPpp("mschap-v2");
    const wrong = { rule, tables: tables.replace('"test"', '"another"') };
    const { lac, between, lns } = await hosts.start(wrong);
    await lac.says(/^session one cannot come up/);
    await between.says(/user anna.*its proof was wrong/);
    expect(lns.said(/^tunnel .* is up/)).toEqual([]);
  },
  120_000,
);
