/** Debian's l2tpns as LNS, dialled by l2tpd with its own PPP on the userspace data plane. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";
import { ping, tcp } from "../support/traffic.ts";
import { L2tpns } from "./l2tpns.ts";

const LNS = "192.0.2.2";
const GATEWAY = "10.65.0.1";
/** As l2tpns has it: 1500 less IPv4 (20), UDP (8), L2TP (6) and FF 03 with the protocol (4); we ask for 4 less. */
const MTU = 1458;
const MORE = ["s1", "s2", "s3", "s4", "s5"];

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}
retry_initial = 200
retry_max = 1000

[profile.tunnel.default]
redial_timeout = 300
redial_timeout_max = 1000
max_retries = 3
retry_timeout = 300
hello_timeout = 1000

[tunnel.lns]
version = "l2tpv2"
peer = "${LNS}"
secret = "opensesame"

[tunnel.quiet]
version = "l2tpv2"
peer = "${LNS}"
secret = "opensesame"

[tunnel.stranger]
version = "l2tpv2"
peer = "${LNS}"
secret = "open barley"
dial = "manual"

${["pap", "chap", "wrong", ...MORE]
  .map(
    (name) => `[tunnel.lns.session.${name}]
user = "user-${name}"
password = "${name === "wrong" ? "tset" : "test"}"
interface_name = "${name}"
ppp_profile = "${name === "pap" ? "pap" : "chap"}"
`,
  )
  .join("\n")}
[profile.ppp.pap]
own_auth = ["pap"]

[profile.ppp.chap]
own_auth = ["chap-md5"]
`;

const test = needs("linux", "root", "tun", { tool: "l2tpns" }, { tool: "ping" }, { tool: "iperf3" });

describe("l2tpns as LNS", () => {
  let sites: TwoSites;
  let ctl: Ctl;
  let l2tpns: L2tpns;
  let lac: Daemon;

  const begin = () =>
    new L2tpns(sites.b, {
      address: LNS,
      secret: "opensesame",
      authentication: "pap,chap",
      pool: "10.64.0.0/24",
      gateway: GATEWAY,
    });
  const up = (name: string, since = 0) => lac.says(new RegExp(`^session ${name} is up`), { since });

  beforeAll(async () => {
    sites = new TwoSites();
    ctl = new Ctl();
    l2tpns = begin();
    await l2tpns.ready();
    lac = new Daemon(sites.a, document(ctl));
    await lac.says(/^tunnel lns to .* is up/);
  });
  afterAll(async () => {
    await lac[Symbol.asyncDispose]();
    await l2tpns[Symbol.asyncDispose]();
    sites[Symbol.dispose]();
    ctl[Symbol.dispose]();
  });

  for (const way of ["pap", "chap"] as const) {
    test(`${way}: l2tpns believes it, gives an address of its pool, and packets go both ways up to the MTU`, async () => {
      await up(way);
      await until(() => l2tpns.asked.includes(`user-${way} by ${way}: accepted`), "RADIUS was asked");
      const session = await ctl.client.session(way);
      const { output } = await sites.a.execute("ip", "route", "get", GATEWAY);
      const first = / dev (\S+)/.exec(output)?.[1];
      expect(session.ipv4).toEqual({ local: expect.stringMatching(/^10\.64\.0\./), peer: GATEWAY });
      expect(session.mtuOctets).toBe(MTU);
      for (const octets of [28, 576, MTU]) {
        expect(await ping(sites.a, GATEWAY, { by: way, octets }), `${octets} octets out`).toBe(true);
        // All sessions have the same peer, so only the first one has the route for answers.
        if (way === first) expect(await ping(sites.b, session.ipv4?.local as string, { octets })).toBe(true);
      }
    });
  }

  test("TCP both ways", async () => {
    await up("chap");
    const by = [`${GATEWAY}%chap`, "--bind-dev", "chap"] as const;
    expect(await tcp(sites.a, sites.b, ...by)).toBeGreaterThan(1e5);
    expect(await tcp(sites.a, sites.b, ...by, "-R")).toBeGreaterThan(1e5);
  });

  test("several sessions on the tunnel, each with an address of its own", async () => {
    for (const name of MORE) await up(name);
    const addresses = new Set<string | undefined>();
    for (const name of MORE) {
      addresses.add((await ctl.client.session(name)).ipv4?.local);
      expect(await ping(sites.a, GATEWAY, { by: name })).toBe(true);
    }
    expect(addresses.size).toBe(MORE.length);
  });

  test("l2tpns has shown that it knows the secret, and answers our Hellos", async () => {
    expect(await ctl.client.tunnel("lns")).toMatchObject({ authenticated: true, up: true });
    for (let hellos = 0, patience = 100; hellos < 2; patience--) {
      expect(patience).toBeGreaterThan(0);
      await new Promise((wake) => setTimeout(wake, 100));
      hellos = (await ctl.client.tunnel("quiet")).channel?.counters["hellosSent"] ?? 0;
    }
    expect(lac.said(/^tunnel quiet is down/)).toEqual([]);
  });

  test("a wrong password is one line that says so, however often it is tried", async () => {
    await lac.says(/^session wrong cannot come up/);
    await until(() => (l2tpns.asked.match(/user-wrong by chap: rejected/g) ?? []).length > 2, "three tries");
    const lines = lac.said(/session wrong/);
    expect(lines).toHaveLength(1);
    // Its CHAP Failure and its CDN leave together, on ways of their own to us: either may be what ends the session.
    expect(lines[0]?.message).toMatch(/while we had to prove who we are|the peer did not accept who we are/);
    expect(lines[0]?.["remedy"]).toMatch(/user and password/);
    expect(lac.lines.some(({ message }) => message.includes("tset"))).toBe(false);
  });

  test("a wrong secret is one line that says what to do", async () => {
    const { code } = await ctl.run("dial", "stranger");
    expect(code).toBe(0);
    const line = await lac.says(/^tunnel stranger.*cannot come up/);
    expect(line.message).toMatch(/authentication: .*wrong Challenge Response/);
    expect(line["remedy"]).toMatch(/secret/);
    expect(lac.said(/tunnel stranger.*cannot come up/)).toHaveLength(1);
  });

  test("we hang up: l2tpns hears it, and the others stay", async () => {
    const from = l2tpns.log.length;
    const { code } = await ctl.run("session", "hangup", "lns/s1", "--text", "tea time");
    expect(code).toBe(0);
    await until(() => l2tpns.log.includes("Received CDN", from), "l2tpns heard it");
    expect(l2tpns.log.slice(from)).toMatch(/recv TerminateReq/);
    expect(await ping(sites.a, GATEWAY, { by: "s2" })).toBe(true);
  });

  test("l2tpns hangs up: the session is opened again", async () => {
    const since = lac.lines.length;
    await l2tpns.control("drop", "user-s2");
    expect((await lac.says(/^session s2 is down/, { since })).message).toMatch(/CDN|Terminate/);
    await up("s2", since);
    expect(await ping(sites.a, GATEWAY, { by: "s2" })).toBe(true);
  });

  test("l2tpns goes without a word, and comes back: we notice, and dial again", async () => {
    const since = lac.lines.length;
    await l2tpns.end("SIGKILL");
    expect((await lac.says(/^tunnel lns is down/, { since, patienceMs: 30_000 })).message).toMatch(
      /no-response/,
    );
    await l2tpns[Symbol.asyncDispose]();
    l2tpns = begin();
    await l2tpns.ready();
    await up("chap", since);
    expect(await ping(sites.a, GATEWAY, { by: "chap" })).toBe(true);
  });

  test("l2tpns stops in order: its StopCCN ends the tunnel at once", async () => {
    const since = lac.lines.length;
    void l2tpns.end("SIGQUIT");
    expect((await lac.says(/^tunnel lns is down/, { since })).message).toMatch(/StopCCN/);
    expect(await lac.stop()).toEqual({ code: 0, signal: null });
    expect(sites.a.interfaces()).toEqual(["lo", "wan0"]);
  });
});
