/** Two l2tpd on the kernel's data plane: what is behind the LNS, and the way there beside a default route of somebody else's. */

import { Site, until } from "@l2tp/lab";
import { route } from "@l2tp/linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { Daemon } from "../../support/daemon.ts";
import { OUTER } from "../combinations.ts";
import { L2TPD_BUNDLE } from "./daemons.ts";
import { CABLE, KernelSites } from "./sites.ts";

/** Node starts slowly in the virtual machine. */
const PATIENCE = { patienceMs: 90_000 };
/** Behind the LNS; it knows the LNS's address and nothing else. */
const FAR = { lns: "198.51.100.1", host: "198.51.100.2" } as const;
/** Behind the LAC: the LNS knows nothing of it. */
const HOME = { lac: "10.50.0.1", host: "10.50.0.2" } as const;
const THEIRS = new RegExp(`^default via 192\\.0\\.2\\.254 dev ${CABLE}`);

const lns = (...keys: string[]) => `[listen.lns]
local = "${OUTER[4].b}:1701"
[peer.anyone]
secret = "opensesame"
ppp_profile = "subscribers"
[user.test]
password = "test"
[pool.subscribers]
ranges = ["10.123.0.0/24"]
local = "10.123.0.1"
[profile.ppp.subscribers]
auth = ["chap-md5"]
pool = "subscribers"
ipv6 = false
${keys.join("\n")}
`;

const LAC = `[tunnel.out]
version = "l2tpv2"
peer = "${OUTER[4].b}:1701"
secret = "opensesame"
[tunnel.out.session.call]
pseudowire = "ppp"
user = "test"
password = "test"
ppp_profile = "caller"
interface_name = "wan9"
[profile.ppp.caller]
ipv6 = false
default_route = true
forward = true
masquerade = true
`;

export default function suite({ test, beforeAll, afterAll }: SuiteApi): void {
  let sites: KernelSites;
  let far: Site;
  let home: Site;
  let caller: Daemon;
  let called: Daemon;

  const start = (side: "a" | "b", config: string): Daemon => {
    const bundle = process.env[L2TPD_BUNDLE];
    if (bundle === undefined) throw new Error(`${L2TPD_BUNDLE} is not set`);
    return new Daemon(sites[side], config, { program: [bundle], dataPlane: "linux" });
  };
  const run = async (site: Site, command: string): Promise<string> => {
    const [program = "", ...args] = command.split(" ");
    return (await site.execute(program, ...args)).output;
  };
  const ping = (from: Site, to: string) => run(from, `ping -c 1 -W 3 ${to}`);
  /** What was set at one end may take effect a moment later, or at the other end. */
  const answers = (from: Site, to: string) =>
    until(async () => (await ping(from, to)).includes(" 1 received"), `${to} answers`);
  const routes = async () => (await run(sites.a, "ip -4 route show")).split("\n").map((line) => line.trim());

  beforeAll(async () => {
    sites = new KernelSites();
    far = new Site("far");
    sites.b.cable("far0", FAR.lns, far, FAR.host);
    home = new Site("home");
    sites.a.cable("lan0", HOME.lac, home, HOME.host);
    home.netlink(route.add({ destination: "default", gateway: HOME.lac }));
    // Whatever is wanted of the world goes astray there.
    sites.a.netlink(route.add({ destination: "default", gateway: "192.0.2.254" }));
    called = start("b", lns("forward = true"));
    await called.says(/listening/, PATIENCE);
    caller = start("a", LAC);
    await caller.says(/session call is up/, PATIENCE);
  });
  afterAll(async () => {
    await caller?.[Symbol.asyncDispose]();
    await called?.[Symbol.asyncDispose]();
    far?.[Symbol.dispose]();
    home?.[Symbol.dispose]();
    sites?.[Symbol.dispose]();
  });

  test("default_route is two halves beside a default route of somebody else's", async () => {
    const all = await routes();
    expect(all).toContainEqual(expect.stringMatching(THEIRS));
    const ours = all.filter((line) => line.includes("dev wan9")).map((line) => line.split(" ")[0]);
    expect(ours).toEqual(["0.0.0.0/1", "10.123.0.1", "128.0.0.0/1"]);
    await answers(sites.a, "10.123.0.1");
  });

  test("a host with no route back answers where the LNS masquerades, and only there", async () => {
    expect(await ping(sites.a, FAR.host)).toContain(" 0 received");
    // Nothing of ours but what clamps the MSS of a session.
    const before = await run(sites.b, "nft list ruleset");
    expect(before.match(/^table .*(?= \{)/gm)).toEqual(["table inet l2tp-mss"]);
    expect(before).toMatch(/"ppp0" : 14\d\d/);
    called.reload(lns("forward = true", "masquerade = true"));
    await called.says(/masquerading 10\.123\.0\.0\/24/, PATIENCE);
    await answers(sites.a, FAR.host);
    const rules = await run(sites.b, "nft list ruleset");
    expect(rules).toContain("table ip l2tpd {");
    expect(rules).toContain("ip saddr 10.123.0.0/24 masquerade");
  });

  test("a host behind the LAC has the session's address, and reaches what is behind the LNS", async () => {
    expect(await run(sites.a, "nft list ruleset")).toContain('oifname "wan9" masquerade');
    await answers(home, FAR.host);
  });

  test("nothing of it is left behind SIGTERM", async () => {
    expect([(await caller.stop()).code, (await called.stop()).code]).toEqual([0, 0]);
    for (const site of [sites.a, sites.b]) expect(await run(site, "nft list ruleset")).toBe("");
    const left = (await routes()).filter((line) => line !== "").map((line) => line.split(" ")[0]);
    expect(left).toEqual(["default", "10.50.0.0/24", "192.0.2.0/24"]);
  });
}
