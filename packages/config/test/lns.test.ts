/** Listeners, peers, calls, users, pools and profiles: what they come to, and what is said when they are wrong. */
import { describe, expect, test } from "vitest";
import {
  checkConfig,
  type DynamicTunnelConfig,
  type PppProfileConfig,
  parseConfig,
  secretsOf,
} from "../src/index.ts";

const said = (text: string): string[] => {
  const checked = checkConfig(text, { file: "l2tpd.toml" });
  return [...(checked.ok ? [] : checked.error.problems), ...checked.warnings].map(
    ({ severity, line, column, key, reason, nearest, remedy }) =>
      [
        `${severity === "warning" ? "warning " : ""}${line}:${column} ${key}: ${reason}`,
        nearest === undefined ? "" : ` (${nearest}?)`,
        remedy === undefined ? "" : `. ${remedy}`,
      ].join(""),
  );
};
/** Beside what is tested, so that nothing else is amiss. */
const LNS = '[listen.here]\nlocal = "127.0.0.1:1701"\n[peer.anybody]\nsecret = "opensesame"\n';

describe("an LNS", () => {
  const config = parseConfig(`
[limits]
tunnels = 100
source_tunnel_rate = 7
[hooks]
session_up = ["/bin/logger", "up"]
timeout = 500
[listen.six]
local = "[2001:0DB8::1]"
[listen.any]
local = ":1702"
namespace = "wan"
[peer.b]
from = ["192.0.2.0/24"]
deny = true
[peer.a]
host_name = ["lac*"]
listen = ["six"]
secret = "new secret"
old_secret_file = "/etc/l2tpd/old"
tunnel_profile = "slow"
[call.one]
called_number = ["555*"]
deny = "closed"
[user."x@y"]
password = "for x"
address = "10.0.0.9"
wins = ["192.0.2.1"]
exclusive = "replace"
[names]
strip_realm = true
[pool.p]
ranges = ["10.0.0.0/24"]
local = "10.0.0.1"
ipv6 = ["2001:db8:1::/48"]
[profile.tunnel.slow]
inherits = "base"
hello_timeout = 1000
[profile.tunnel.base]
hello_timeout = 2000
max_retries = 9
quirks = ["apple"]
[profile.tunnel.default]
max_retries = 3
window_size = 8
[profile.ppp.default]
auth = []
pool = "p"
`);

  test("has its tables in the document's order, in the words of those who use them", () => {
    expect(config.listeners).toMatchObject([
      { name: "six", local: { family: 6, address: "2001:db8::1", port: 1701 }, udpChecksum: true },
      { name: "any", local: { family: 4, address: "0.0.0.0", port: 1702 }, namespace: "/run/netns/wan" },
    ]);
    expect(config.peers).toMatchObject([
      { name: "b", from: ["192.0.2.0/24"], deny: "", secrets: [] },
      {
        name: "a",
        hostName: ["lac*"],
        listen: ["six"],
        tunnelProfile: "slow",
        secrets: [
          { from: "text", text: "new secret" },
          { from: "file", path: "/etc/l2tpd/old", key: ["peer", "a", "old_secret_file"] },
        ],
      },
    ]);
    expect(config.calls).toMatchObject([{ name: "one", calledNumber: ["555*"], deny: "closed" }]);
    expect(config.users).toMatchObject([
      { name: "x@y", address: "10.0.0.9", nbns: ["192.0.2.1"], exclusive: "replace" },
    ]);
    expect(config.pools).toMatchObject([
      { name: "p", ranges: ["10.0.0.0/24"], ipv6Length: 64, delegatedLength: 56 },
    ]);
    expect(config.names).toEqual({ stripNtDomain: true, stripRealm: true, ignoreCase: false });
    expect(config.limits).toMatchObject({ tunnels: 100, sourceSccrq: [7, 200] });
    expect(config.hooks).toMatchObject({
      sessionUp: { program: "/bin/logger", args: ["up"] },
      timeoutMs: 500,
    });
  });

  test("has profiles that inherit from one another, and from default in the end", () => {
    const slow = config.profiles.tunnel.find(({ name }) => name === "slow");
    expect(slow?.settings).toMatchObject({
      quirks: ["apple"],
      transport: { helloTimeoutMs: 1000, maxRetries: 9, windowSize: 8, sendWindowLimit: 8 },
    });
    expect(slow?.origins).toMatchObject({
      hello_timeout: "given",
      max_retries: "inherited",
      idle_timeout: "default",
    });
    expect(config.profiles.session.map(({ name }) => name)).toEqual(["default"]);
    expect(config.profiles.ppp[0]?.options).not.toHaveProperty("authenticatePeer");
  });
});

describe("profiles", () => {
  test("that inherit in a circle are told with the way", () => {
    const circle = ["a", "b", "c"].map(
      (name, at, all) => `[profile.ppp.${name}]\ninherits = "${all[(at + 1) % 3]}"\n`,
    );
    expect(said(circle.join("") + LNS)).toContain(
      "2:12 profile.ppp.a.inherits: the profile inherits from itself: a → b → c → a. Let one of them inherit from another.",
    );
    expect(said(circle.join("") + LNS).filter((line) => line.includes("itself"))).toHaveLength(1);
    expect(
      said(`[profile.ppp.d]\ninherits = "a"\n${circle.join("")}${LNS}`).filter((line) =>
        line.includes("itself"),
      ),
    ).toHaveLength(1);
    expect(said(`[profile.tunnel.me]\ninherits = "me"\n${LNS}`)).toContain(
      "2:12 profile.tunnel.me.inherits: the profile inherits from itself: me → me. Let one of them inherit from another.",
    );
  });

  test.each([
    [
      '[profile.ppp.slow]\n[profile.ppp.x]\ninherits = "slwo"',
      "3:12 profile.ppp.x.inherits: there is no [profile.ppp.slwo] (slow?)",
    ],
    [
      '[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.1"\nprofile = "gold"',
      "4:11 tunnel.t.profile: there is no [profile.tunnel.gold]. There is default.",
    ],
    [
      '[call.c]\nppp_profile = "gold"',
      "2:15 call.c.ppp_profile: there is no [profile.ppp.gold]. There is default.",
    ],
    [
      '[user.u]\npassword = "x"\nppp_profiles = ["gold"]',
      "3:17 user.u.ppp_profiles[0]: there is no [profile.ppp.gold]. There is default.",
    ],
    ["[profile.pp.x]\nmru = 1", "1:2 profile.pp: there are no such profiles"],
    [
      "[profile.ppp.gold]",
      "warning 1:2 profile.ppp.gold: no session, call, tunnel or peer uses this profile",
    ],
    [
      '[profile.session.default]\ninterface_name = "ppp0"',
      "warning 2:18 profile.session.default.interface_name: the second session of this profile could not have this name too. Let the system number them: ppp%d.",
    ],
  ])("%j: %s", (text, problem) => {
    expect(said(`${text}\n${LNS}`)).toContain(problem);
  });
});

describe("names that there are not", () => {
  test.each([
    [
      '[user.u]\npassword = "x"\npool = "pol"\n[pool.pool]\nranges = ["10.0.0.1"]',
      "3:8 user.u.pool: there is no [pool.pol] (pool?)",
    ],
    [
      '[pool.p]\nranges = ["10.0.0.1"]\nnext = "q w"',
      '3:8 pool.p.next: there is no [pool."q w"]. There are: p.',
    ],
    [
      '[profile.ppp.default]\npool = "x"',
      "2:8 profile.ppp.default.pool: there is no [pool.x]. There is none of any name.",
    ],
    ['[peer.p]\nlisten = ["her"]', "2:11 peer.p.listen[0]: there is no [listen.her] (here?)"],
    [
      '[call.c]\nswitch_to = "here"',
      "2:13 call.c.switch_to: there is no [tunnel.here] that is dynamic. There is none of any name.",
    ],
    [
      '[call.c]\nswitch_ppp = "end"',
      'warning 2:1 call.c.switch_ppp: the call is not passed on: there is no switch_to. Name a tunnel that is dialled, switch_to = "NAME", or leave switch_ppp out.',
    ],
    [
      '[call.c]\nkind = "outgoing"\nswitch_to = "t"\nswitch_ppp = "end"\n[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.1"',
      '4:14 call.c.switch_ppp: an outgoing call\'s PPP is between the LNS that asks for it and whoever is called. Leave it out, or take kind = "incoming".',
    ],
    [
      '[call.c]\npeer = ["anibody"]',
      "2:9 call.c.peer[0]: there is no [peer.anibody] or [tunnel.anibody] (anybody?)",
    ],
  ])("%j: %s", (text, problem) => {
    expect(said(`${text}\n${LNS}`)).toContain(problem);
  });
});

describe("what must agree", () => {
  test.each([
    ['[listen.other]\nlocal = "127.0.0.1"', "8"],
    ['[listen.a]\nlocal = ":1701"\n[listen.b]\nlocal = "0.0.0.0:1701"', "x"],
  ])("two listeners with one address and port are an error: %j", (text) => {
    expect(
      said(`${LNS}${text}`).filter((line) => line.includes("has this address and port already")),
    ).toHaveLength(1);
  });

  test("one port on two addresses, and on all of one family and of the other, is well", () => {
    expect(
      said(
        `${LNS}[listen.b]\nlocal = "127.0.0.2"\n[listen.c]\nlocal = "[::]:1701"\n[listen.d]\nlocal = ":1701"`,
      ),
    ).toEqual([]);
  });

  test.each([
    [
      '[pool.p]\nranges = ["10.0.0.0/24"]\n[pool.q]\nranges = ["10.1.0.1", "10.0.0.200-10.0.1.9"]',
      "4:23 pool.q.ranges[1]: 10.0.0.200-10.0.1.9 overlaps 10.0.0.0/24 of pool.p.ranges[0]",
    ],
    [
      '[pool.p]\nipv6 = ["2001:db8::/32"]\ndelegated = ["2001:db8:1::/48"]',
      "3:14 pool.p.delegated[0]: 2001:db8:1::/48 overlaps 2001:db8::/32 of pool.p.ipv6[0]",
    ],
    [
      '[pool.p]\nranges = ["10.0.0.1/24"]',
      '2:11 pool.p.ranges[0]: "10.0.0.1/24" has bits beyond its prefix length. Write 10.0.0.0/24.',
    ],
    [
      '[pool.p]\nranges = ["2001:db8::/64"]',
      '2:11 pool.p.ranges[0]: "2001:db8::/64" is not IPv4. Write it as ipv6 or delegated.',
    ],
    ['[pool.p]\nipv6 = ["2001:db8::/72"]', '2:9 pool.p.ipv6[0]: "2001:db8::/72" holds no prefixes of /64'],
    ['[pool.p]\nlocal = "::1"\nranges = ["10.0.0.1"]', '2:9 pool.p.local: "::1" is no IPv4 address'],
    ["[pool.p]", "warning 1:2 pool.p: the pool has nothing to give"],
    [
      '[user.a]\npassword = "x"\naddress = "10.0.0.1"\n[user.b]\npassword = "x"\naddress = "10.0.0.1"',
      "6:11 user.b.address: 10.0.0.1 is also user.a.address",
    ],
    [
      '[user."*"]\npassword = "x"\naddress = "10.0.0.1"',
      '3:11 user."*".address: all users that "*" fits would have the same. Give them a pool.',
    ],
    [
      '[user.a]\npassword = "x"\ninterface_id = "2001:db8::1"',
      '3:16 user.a.interface_id: "2001:db8::1" is no interface identifier. Write the lower half of an address: ::1, ::a:b:c:d.',
    ],
    [
      '[user.a]\npassword = "x"\nroutes = ["10.0.0.1-10.0.0.9"]',
      '3:11 user.a.routes[0]: "10.0.0.1-10.0.0.9" is no prefix. Write 10.20.0.0/16.',
    ],
    ['[peer.b]\nfrom = ["192.0.2.300"]', '2:9 peer.b.from[0]: "192.0.2.300" is no IPv4 address'],
    [
      '[profile.ppp.default]\nauth = ["mschap-v2", "pap"]\nmppe = "require"',
      '3:8 profile.ppp.default.mppe: "require" needs the keys that MS-CHAP gives, and auth takes pap too. Take auth = ["mschap-v2"], or mppe = "allow".',
    ],
    [
      '[profile.ppp.default]\nattach = "shared"\ncheck_source = false',
      '3:16 profile.ppp.default.check_source: attach = "shared" finds sessions by their addresses, and cannot do without the check. Leave it out, or take attach = "interface".',
    ],
    [
      '[profile.ppp.default]\ndns = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]',
      '2:34 profile.ppp.default.dns[2]: "192.0.2.3" is one too many: PPP can tell two servers (RFC 1877)',
    ],
    [
      "[profile.tunnel.default]\nredial_timeout = 5000\nredial_timeout_max = 1000",
      "3:22 profile.tunnel.default.redial_timeout_max: 1000 ms is shorter than the first, redial_timeout = 5000",
    ],
    [
      '[profile.tunnel.default]\nhiding = "send"\n[peer.open]\nfrom = ["192.0.2.1"]',
      '3:2 peer.open.secret: missing: hiding = "send" of profile.tunnel.default needs one. Write secret or secret_file.',
    ],
    [
      '[peer.weak]\nfrom = ["192.0.2.1"]\nsecret = "short"',
      "warning 3:1 peer.weak.secret: shorter than 8 octets: who hears the set-up of a tunnel finds it by trying",
    ],
    [
      '[peer.two]\nfrom = ["192.0.2.1"]\nsecret = "opensesame"\nsecret_file = "/s"',
      "4:1 peer.two.secret_file: secret is there too. Take one of them.",
    ],
    [
      '[peer.old]\nfrom = ["192.0.2.1"]\nold_secret = "opensesame"',
      "1:2 peer.old.secret: missing: there is an old secret, and no new one that it is the old one of. Write the secret as secret.",
    ],
    [
      '[hooks]\nsession_up = "logger"',
      '2:14 hooks.session_up: "logger" is no absolute path: what it meant would depend on where l2tpd runs',
    ],
  ])("%j: %s", (text, problem) => {
    expect(said(`${text}\n${LNS}`)).toContain(problem);
  });

  test("a peer, and a call, that one before it hides is never asked", () => {
    const narrow = '[peer.narrow]\nfrom = ["192.0.2.7"]\nhost_name = ["lac1"]\n';
    const wide = '[peer.wide]\nfrom = ["192.0.2.0/24"]\nhost_name = ["LAC*"]\n';
    const listener = '[listen.here]\nlocal = ":1701"\n';
    expect(said(wide + narrow + listener)).toEqual([
      "warning 4:2 peer.narrow: never asked: peer.wide stands before it and takes all that it would. Put the narrower one first.",
    ]);
    expect(said(narrow + wide + listener)).toEqual([]);
    expect(said(`[call.all]\ndeny = true\n[call.one]\ncalled_number = ["5*"]\n${LNS}`)).toEqual([
      "warning 3:2 call.one: never asked: call.all stands before it and takes all that it would. Put the narrower one first.",
    ]);
    expect(said(`[call.one]\nprivate_group = ["x"]\n[call.two]\ncalled_number = ["5*"]\n${LNS}`)).toEqual([]);
  });

  test("listeners without peers, and peers without listeners, are hardly meant", () => {
    expect(said('[listen.here]\nlocal = ":1701"')).toEqual([
      "warning 1:2 listen.here: nobody may call: there is no [peer.NAME]. Write [peer.any] with a secret to let in everybody who knows it.",
    ]);
    expect(
      said('[peer.any]\nsecret = "opensesame"\n[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.1"'),
    ).toEqual([
      'warning 1:2 peer.any: nobody can call: there is no [listen.NAME]. Write [listen.any] with local = "0.0.0.0:1701".',
    ]);
  });
});

describe("a tunnel that we dial", () => {
  const tunnelOf = (more: string, sessions = ""): DynamicTunnelConfig =>
    parseConfig(`[tunnel.t]\nversion = "l2tpv2"\n${more}\n${sessions}`).tunnels[0] as DynamicTunnelConfig;

  test("may have several peers, by address and by name, with ports, priorities and weights", () => {
    const { peers, peer } = tunnelOf(
      'peer = ["lns1.example:1702", "192.0.2.1", { address = "[2001:DB8::1]", port = 9, priority = 2, weight = 5 }]',
    );
    expect(peers).toEqual([
      { host: "lns1.example", port: 1702, priority: 0, weight: 1 },
      { host: "192.0.2.1", family: 4, port: 1701, priority: 0, weight: 1 },
      { host: "2001:db8::1", family: 6, port: 9, priority: 2, weight: 5 },
    ]);
    expect(peer).toBeUndefined();
    expect(tunnelOf('peer = "192.0.2.1"').peer).toEqual({ family: 4, address: "192.0.2.1", port: 1701 });
  });

  test.each([
    ['peer = "a..b"', '3:8 tunnel.t.peer: "a..b" is no IP address and no name of a host'],
    [
      'peer = ["192.0.2.1", "192.0.2.1:1701"]',
      '3:22 tunnel.t.peer[1]: "192.0.2.1:1701" is there twice. Give it a weight instead.',
    ],
    [
      'peer = [{ address = "a.example:1", port = 2 }]',
      "3:43 tunnel.t.peer[0].port: 2, and the address says 1",
    ],
    [
      'peer = "lns.example:70000"',
      '3:8 tunnel.t.peer: "lns.example:70000" has the port "70000". A UDP port is 1 to 65535.',
    ],
    [
      'peer = "192.0.2.1"\nmode = "quiescent"\ntid = 1\nptid = 2\nsecret = "opensesame"\ndial = "demand"',
      "warning 7:1 tunnel.t.secret: ignored: it is for dynamic tunnels, and this one is quiescent",
    ],
    [
      'peer = ["192.0.2.1", "192.0.2.2"]\nmode = "static"\ntid = 1\nptid = 2',
      "3:8 tunnel.t.peer: a static tunnel has one peer",
    ],
    [
      'peer = "192.0.2.1"\nchallenge = true',
      "1:2 tunnel.t.secret: missing: challenge = true needs a secret to check the answer with. Write secret or secret_file.",
    ],
    [
      'peer = "192.0.2.1"\nretry_timeout_max = 2000',
      "warning 4:21 tunnel.t.retry_timeout_max: 2000 ms is shorter than the RFC allows, and 8000 is taken (RFC 2661 §5.8)",
    ],
    [
      'peer = "192.0.2.1"\n[tunnel.t.session.s]\npassword = "hush"',
      "4:2 tunnel.t.session.s.user: missing: there is a password, and no name that it belongs to",
    ],
    [
      'peer = "192.0.2.1"\n[tunnel.t.session.s]\nuser = "me"',
      '4:2 tunnel.t.session.s.password: missing: without it "me" cannot prove anything. Write password or password_file.',
    ],
    [
      'peer = "192.0.2.1"\n[tunnel.t.session.s]\nuser = "me"\npassword = "hush"\npppd_args = "/x"',
      "warning 5:1 tunnel.t.session.s.user: ignored: pppd runs this session. Give pppd its options user and password.",
    ],
    [
      'peer = "192.0.2.1"\n[tunnel.t.session.s]\ncall = "outgoing"\nminimum_bps = 9\nmaximum_bps = 1\ncalling_number = "1"',
      "4:2 tunnel.t.session.s.called_number: missing: an outgoing call needs the number that the peer is to call",
    ],
    [
      'peer = "192.0.2.1"\n[tunnel.t.session.s]\nframing_type = "any"',
      '5:16 tunnel.t.session.s.framing_type: "any" is for outgoing calls: one that has come in has a framing (RFC 2661 §4.4.4)',
    ],
  ])("%j: %s", (text, problem) => {
    expect(said(`[tunnel.t]\nversion = "l2tpv2"\n${text}`)).toContain(problem);
  });

  test("dials as its keys say, and as the daemon's where they are silent", () => {
    expect(tunnelOf('peer = "192.0.2.1"').dial).toMatchObject({
      mode: "at-start",
      redial: true,
      initialMs: 1000,
      maxMs: 60_000,
      maxRedials: 0,
    });
    expect(tunnelOf('peer = "192.0.2.1"\ndial = "manual"\naddress_family = "ipv6"').dial).toMatchObject({
      mode: "manual",
      redial: false,
      family: { prefer: 6, only: true },
    });
    const own = parseConfig(
      '[daemon]\nretry_initial = 7\nretry_max = 70\n[tunnel.t]\nversion = "l2tpv2"\npeer = "a"\nlockout = 900000',
    );
    expect((own.tunnels[0] as DynamicTunnelConfig).dial).toMatchObject({
      initialMs: 7,
      maxMs: 70,
      lockOutMs: 900_000,
      maxLockOutMs: 900_000,
    });
  });

  test("has calls with what they say of themselves, and PPP by the profile with the session's user", () => {
    const { sessions } = tunnelOf(
      'peer = "192.0.2.1"\nppp_profile = "wan"',
      `[tunnel.t.session.in]
user = "me"
password = "hush"
called_number = "1"
private_group = "corp"
seqnum = true
[tunnel.t.session.out]
call = "outgoing"
called_number = "2"
bearer_type = "digital"
maximum_bps = 64000
[tunnel.t.session.pppd]
pppd_options = ["noauth"]
[profile.ppp.wan]
default_route = true`,
    );
    expect(sessions[0]).toMatchObject({
      user: { name: "me", password: { from: "text", text: "hush" } },
      call: {
        kind: "incoming",
        request: { calledNumber: "1" },
        connected: {
          txConnectSpeedBps: 1_000_000_000,
          framingType: 1,
          sequencingRequired: true,
          privateGroupId: new TextEncoder().encode("corp"),
        },
      },
      ppp: { name: "wan", defaultRoute: true, user: { name: "me" } },
    });
    expect(sessions[0]?.ppp?.options).not.toHaveProperty("authenticatePeer");
    expect(sessions[1]?.call).toEqual({
      kind: "outgoing",
      request: { calledNumber: "2", bearerType: 1, framingType: 3, minimumBps: 0, maximumBps: 64_000 },
    });
    expect(sessions[1]?.ppp?.options.authenticatePeer).toBeDefined();
    expect(sessions[2]).not.toHaveProperty("ppp");
  });

  describe("what the PPP profile default says of proof and pool", () => {
    const document = (listen: string, profile: string) => `${listen}
[profile.ppp.default]
auth = ["pap"]
pool = "p"
mru = 1300
${profile}
[pool.p]
ranges = ["10.0.0.0/24"]
[tunnel.t]
version = "l2tpv2"
peer = "192.0.2.1"
[tunnel.t.session.s]
user = "me"
password = "hush"
`;
    const listen = '[listen.l]\nlocal = ":1701"\n[peer.p]\nsecret = "opensesame"';
    const pppOf = (text: string) => parseConfig(text).tunnels[0]?.sessions[0] as { ppp: PppProfileConfig };

    test("is for callers, where there are any, and not for who we dial", () => {
      const { ppp } = pppOf(document(listen, ""));
      expect(ppp.options).not.toHaveProperty("authenticatePeer");
      expect(ppp).not.toHaveProperty("pool");
      expect(ppp.options.mru).toBe(1300);
      expect(parseConfig(document(listen, "")).profiles.ppp[0]).toMatchObject({
        pool: "p",
        options: { authenticatePeer: { methods: ["pap"] } },
      });
    });

    test("is for who we dial, where there are no callers, or another profile says it", () => {
      const other =
        '[profile.ppp.up]\nauth = ["pap"]\npool = "p"\n[profile.tunnel.default]\nppp_profile = "up"';
      for (const text of [document("", ""), document(listen, other)]) {
        const { ppp } = pppOf(text);
        expect(ppp.options.authenticatePeer?.methods).toEqual(["pap"]);
        expect(ppp.pool).toBe("p");
      }
    });
  });
});

test("a shared interface has our address, and routes to all that pools may give", () => {
  const { profiles } = parseConfig(
    `[pool.p]\nranges = ["10.0.0.8-10.0.0.15", "10.1.0.0/16"]\nlocal = "10.1.0.1"\nipv6 = ["2001:db8:1::/48"]\n` +
      `[pool.q]\nranges = ["10.0.0.0/29"]\n[profile.ppp.default]\nattach = "shared"\npool = "p"\nshared_routes = ["10.9.0.0/16"]\n${LNS}`,
  );
  expect(profiles.ppp[0]?.attach).toEqual({
    to: "shared",
    name: "l2tpppp0",
    addresses: ["10.1.0.1/32"],
    routes: ["10.9.0.0/16", "10.0.0.8/29", "10.1.0.0/16", "2001:db8:1::/48", "10.0.0.0/29"],
  });
});

test("no message has a secret or a password in it", () => {
  const text = `[peer.p]
secret = 12345
old_secret = ["hush-hush"]
[user.u]
password = 4711
[tunnel.t]
version = "l2tpv2"
peer = "192.0.2.1"
secret = ""
[tunnel.t.session.s]
user = ""
password = { hush = "hush" }
`;
  const all = said(text);
  expect(all.length).toBeGreaterThan(5);
  for (const line of all) expect(line).not.toMatch(/hush|12345|4711/);
});

test("a PPP profile says who we are for callers that ask; a session's own user comes first", () => {
  const document = `
[profile.ppp.default]
user = "lns1"
password_file = "/etc/l2tpd/lns1"
[profile.ppp.other]
[tunnel.out]
version = "l2tpv2"
peer = "192.0.2.1"
[tunnel.out.session.as-profile]
[tunnel.out.session.own]
user = "alice"
password = "wonderland"
`;
  const config = parseConfig(document);
  const file = { from: "file", path: "/etc/l2tpd/lns1" };
  expect(config.profiles.ppp).toMatchObject([
    { name: "default", user: { name: "lns1", password: file } },
    { name: "other", user: { name: "lns1", password: file } },
  ]);
  const [out] = config.tunnels;
  expect(out?.sessions).toMatchObject([
    { name: "as-profile", ppp: { user: { name: "lns1" } } },
    { name: "own", ppp: { user: { name: "alice", password: { from: "text", text: "wonderland" } } } },
  ]);
  expect([...secretsOf(config)]).toEqual(expect.arrayContaining([expect.objectContaining(file)]));
  expect(() => parseConfig(`[profile.ppp.default]\nuser = "lns1"\n`)).toThrow(
    /profile\.ppp\.default\.password: missing: without it "lns1" cannot prove anything/,
  );
});
