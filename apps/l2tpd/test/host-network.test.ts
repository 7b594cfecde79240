import { parseConfig } from "@l2tp/config";
import { expect, test } from "vitest";
import { type Host, HostNetwork } from "../src/host-network.ts";
import { maskedPrefixes } from "../src/masked-prefixes.ts";
import { recorder } from "./recorder.ts";
import { lns } from "./scene.ts";

interface HostFacts {
  readonly forwards?: boolean;
  readonly routes?: boolean;
  readonly refuses?: boolean;
}

/** A host that forwards or does not, has a default route or none, and may refuse everything. */
function host({ forwards = true, routes = true, refuses = false }: HostFacts = {}) {
  const done: unknown[] = [];
  let opened = 0;
  const functions: Host = {
    forwardingState: () => ({ ipv4: forwards, ipv6: forwards }),
    enableForwarding(options) {
      if (refuses) throw new Error("forwarding of IPv4 cannot be switched on (EROFS); run: sysctl -w …");
      done.push(options);
    },
    hasDefaultRoute: () => routes,
    async openMasquerade(namespace) {
      if (refuses)
        throw new Error("NFT_MSG_GETTABLE: EINVAL (22): this kernel has no nf_tables: `modprobe nf_tables`");
      opened += 1;
      done.push(`open ${namespace ?? "own"}`);
      return {
        set: async (rules) =>
          void done.push(rules.map((rule) => `${rule.prefix} ${rule.outputInterface ?? "any"}`)),
        close: async () => {
          opened -= 1;
        },
      };
    },
  };
  return { done, load: async () => functions, open: () => opened };
}

const document = (...keys: string[]) =>
  parseConfig(
    lns(1701)
      .replace('attach = "program"\n', "")
      .replace("ipv6 = false\n", `ipv6 = false\n${keys.join("\n")}\n`),
  );
const POOL = ["10.123.0.2/31", "10.123.0.4/30", "10.123.0.8/29", "10.123.0.16/28", "10.123.0.32/27"]
  .concat(["10.123.0.64/26", "10.123.0.128/26", "10.123.0.192/27", "10.123.0.224/28", "10.123.0.240/29"])
  .concat(["10.123.0.248/30", "10.123.0.252/31", "10.123.0.254/32"]);

test("forwarding is switched on where a profile says so, and is nobody's business where none does", async () => {
  for (const [keys, done] of [
    [["forward = true"], [{ ipv4: true, ipv6: true }]],
    [[], []],
  ] as const) {
    const fake = host({ forwards: false });
    const log: string[] = [];
    await using network = new HostNetwork(recorder(log), fake.load);
    await network.apply(document(...keys));
    expect([fake.done, log]).toEqual([done, []]);
  }
});

test("masquerading follows the document: it begins, changes, is left alone, and ends", async () => {
  const fake = host();
  const log: string[] = [];
  const network = new HostNetwork(recorder(log), fake.load);
  await network.apply(document("masquerade = true"));
  expect(fake.done).toEqual(["open own", POOL.map((prefix) => `${prefix} any`)]);
  await network.apply(document("masquerade = true", "idle_timeout = 1000"));
  expect(fake.done).toHaveLength(2);
  await network.apply(document('masquerade = "eth0"'));
  expect(fake.done).toEqual([...fake.done.slice(0, 2), POOL.map((prefix) => `${prefix} eth0`)]);
  await network.apply(document());
  expect([fake.done.length, fake.open()]).toEqual([3, 0]);
  await network.apply(document("masquerade = true"));
  expect(fake.open()).toBe(1);
  await network[Symbol.asyncDispose]();
  expect(fake.open()).toBe(0);
  expect(log.filter((line) => /^info masquerading/.test(line))).toHaveLength(4);
});

test("where the host refuses, that is a warning with what to do, and no reason to stop", async () => {
  const log: string[] = [];
  await using network = new HostNetwork(recorder(log), host({ refuses: true }).load);
  await network.apply(document("forward = true", "masquerade = true"));
  expect(log).toEqual([
    expect.stringMatching(/^warn .*EROFS.*sysctl -w/),
    expect.stringMatching(/^warn masquerading is not switched on: .*modprobe nf_tables/),
  ]);
});

test("masquerading without any address to hide is told", async () => {
  const log: string[] = [];
  await using network = new HostNetwork(recorder(log), host().load);
  await network.apply(
    parseConfig('[listen.l]\nlocal = "127.0.0.1:1"\n[profile.ppp.bare]\nmasquerade = true\n'),
  );
  expect(log).toEqual([
    expect.stringMatching(/^warn masquerade of \[profile\.ppp\.bare\] has nothing to do.*pool = /),
  ]);
});

test("a daemon that takes no callers looks at nothing", async () => {
  await using network = new HostNetwork(recorder([]), () => {
    throw new Error("nothing is to be loaded");
  });
  await network.apply(parseConfig('[tunnel.t]\npeer = "192.0.2.1"\ntid = 1\nptid = 2\n'));
});

/** Who dials, from a namespace of its own. */
const lac = (profile: string, session = "", ipv6 = false) =>
  parseConfig(`
[tunnel.out]
version = "l2tpv2"
peer = "192.0.2.1"
namespace = "inside"
[tunnel.out.session.call]
pseudowire = "ppp"
user = "me"
password = "me"
ppp_profile = "caller"
${session}
[profile.ppp.caller]
ipv6 = ${ipv6}
${profile}
`);

test("who dials forwards where it is told to, and hides others behind the interface of its session while that is up", async () => {
  const fake = host({ forwards: false });
  const log: string[] = [];
  await using network = new HostNetwork(recorder(log), fake.load);
  await network.apply(lac("forward = true"));
  expect(fake.done).toEqual([{ namespace: "/run/netns/inside", ipv4: true, ipv6: true }]);
  await network.dialled("out", "call", "ppp0");
  expect([fake.open(), log]).toEqual([0, []]);
  await network.apply(lac("masquerade = true"));
  expect(fake.done.slice(1)).toEqual(["open /run/netns/inside", ["0.0.0.0/0 ppp0"]]);
  await network.dialled("out", "call", undefined);
  expect(fake.open()).toBe(0);
  await network.dialled("out", "other", "ppp1");
  expect(fake.open()).toBe(0);
  await network.dialled("out", "call", "ppp2");
  expect(fake.done.slice(3)).toEqual(["open /run/netns/inside", ["0.0.0.0/0 ppp2"]]);
  expect(log).toEqual([
    "info masquerading what leaves by ppp0",
    "info masquerading has ended",
    "info masquerading what leaves by ppp2",
    expect.stringMatching(
      /^info nothing but this host's own packets leaves by ppp2.*forward = true in \[profile\.ppp\.caller\]/,
    ),
  ]);
});

test("an interface whose name the document chooses is masqueraded before the session is up; one of another name is not", async () => {
  for (const [masquerade, rules] of [
    ["true", [["0.0.0.0/0 wan9", "fc00::/7 wan9"]]],
    ['"wan9"', [["0.0.0.0/0 wan9", "fc00::/7 wan9"]]],
    ['"eth0"', []],
  ] as const) {
    const fake = host();
    await using network = new HostNetwork(recorder([]), fake.load);
    const config = lac(`masquerade = ${masquerade}`, 'interface_name = "wan9"', true);
    await network.apply(config);
    expect(fake.done.filter((one) => typeof one !== "string")).toEqual(rules);
  }
});

test("each namespace with a listener has its own masquerading, and its end with the listener", async () => {
  const fake = host();
  await using network = new HostNetwork(recorder([]), fake.load);
  const second = (namespace: string) =>
    parseConfig(
      `${lns(1701).replace("ipv6 = false\n", "ipv6 = false\nmasquerade = true\n")}\n[listen.two]\nlocal = "127.0.0.1:1702"\nnamespace = "${namespace}"\n`,
    );
  await network.apply(second("wan"));
  expect(fake.done.filter((one) => typeof one === "string")).toEqual(["open own", "open /run/netns/wan"]);
  await network.apply(document("masquerade = true"));
  expect(fake.open()).toBe(1);
});

test("why packets get nowhere: the first thing that is missing, once for all sessions alike", async () => {
  for (const [facts, keys, line] of [
    [
      { forwards: false },
      [],
      /callers reach this host only over IPv4.*forward = true in \[profile\.ppp\.subscribers\]/,
    ],
    [{ routes: false }, [], /networks beside this host over IPv4.*no default route/],
    [{}, [], /private addresses get answers.*masquerade = true/],
    [{}, ["masquerade = true"], undefined],
  ] as const) {
    const log: string[] = [];
    await using network = new HostNetwork(recorder(log), host(facts).load);
    const config = document(...keys);
    await network.apply(config);
    log.length = 0;
    const profile = config.profiles.ppp.find(({ name }) => name === "subscribers");
    for (const [now, last] of [
      [0, 2],
      [60_000, 3],
    ] as const) {
      await network.tell({ profile, addresses: [`10.123.0.${last}`] }, now);
    }
    const explained = await network.explain({ profile, addresses: ["10.123.0.2"] });
    expect(explained).toEqual(line === undefined ? [] : [expect.stringMatching(line)]);
    expect(log).toEqual(explained.map((text) => `info ${text}`));
  }
});

test("sessions that end in this program, and public addresses, have nothing to be explained", async () => {
  await using network = new HostNetwork(recorder([]), host().load);
  expect(await network.explain({ addresses: ["192.0.2.7", "2001:db8::/64", "fe80::1"] })).toEqual([]);
  expect(await network.explain({ addresses: ["fd00:1::/64"] })).toHaveLength(1);
  const inProcess = parseConfig(lns(1701)).profiles.ppp.find(({ name }) => name === "subscribers");
  expect(await network.explain({ profile: inProcess, addresses: ["10.123.0.2"] })).toEqual([]);
});

test("what is masqueraded is what the profile's peers may have: pools and those behind them, users' own, routes", () => {
  const config = parseConfig(`
[listen.l]
local = "127.0.0.1:1"
[pool.first]
ranges = ["10.0.0.0/25"]
next = "second"
[pool.second]
ranges = ["10.0.0.128/25"]
ipv6 = ["2001:db8::/48", "fd00:7::/48"]
[pool.unused]
ranges = ["10.9.0.0/16"]
[user.fixed]
password = "x"
address = "10.0.1.0"
routes = ["10.0.1.1/32", "192.168.7.0/24"]
ppp_profiles = ["hidden"]
[user.elsewhere]
password = "x"
address = "10.8.0.1"
ppp_profiles = ["open"]
[profile.ppp.hidden]
pool = "first"
masquerade = true
[profile.ppp.open]
pool = "unused"
`);
  // The pools and the fixed address are neighbours; documentation's addresses stand for those of the Internet.
  expect(maskedPrefixes(config).map(({ prefix }) => prefix)).toEqual([
    "10.0.0.0/24",
    "10.0.1.0/31",
    "192.168.7.0/24",
    "fd00:7::/48",
  ]);
});
