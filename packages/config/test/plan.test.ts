import { expect, test } from "vitest";
import * as z from "zod";
import { parseConfig, plan } from "../src/index.ts";

const session = (name: string, id: number, more = ""): string =>
  `[tunnel.a.session.${name}]\nsid = ${id}\npsid = ${id}\n${more}\n`;
const tunnelA = (more = "", sessions = session("s", 1)): string =>
  `[tunnel.a]\nlocal = "192.0.2.1:1701"\npeer = "192.0.2.2:1701"\nmode = "quiescent"\ntid = 1\nptid = 2\n${more}\n${sessions}`;
const tunnelB =
  '[tunnel.b]\npeer = "192.0.2.3:1701"\nmode = "static"\nlocal = ":1702"\ntid = 3\nptid = 4\n[tunnel.b.session.s]\nsid = 5\npsid = 6\n';

/** Each step in a line: what, and of what. */
const steps = (old: string, next: string): string[] =>
  plan(parseConfig(old), parseConfig(next)).map((step) => {
    const { do: verb, ...rest } = step;
    const what = "session" in rest ? `${rest.tunnel}/${rest.session}` : "tunnel" in rest ? rest.tunnel : "";
    return `${verb} ${what} ${"why" in rest ? rest.why : rest.keys.join()}`;
  });

test("from a configuration to itself there is nothing to do", () => {
  expect(steps(tunnelA() + tunnelB, tunnelA() + tunnelB)).toEqual([]);
});

test("writing a default out changes nothing", () => {
  expect(
    steps(tunnelA(), tunnelA("hello_timeout = 60000\nudp_checksum = true", session("s", 1, 'cookie = ""'))),
  ).toEqual([]);
});

test("new tunnels come with their sessions, old ones go with theirs, and going is first", () => {
  expect(steps(tunnelA(), tunnelB)).toEqual([
    "remove-tunnel a no longer configured",
    "add-tunnel b new",
    "add-session b/s new",
  ]);
});

test("an address or an ID makes the tunnel anew, with all of its sessions, and touches no other", () => {
  expect(steps(tunnelA() + tunnelB, tunnelA().replace("192.0.2.2", "192.0.2.9") + tunnelB)).toEqual([
    "remove-tunnel a changed: peer",
    "add-tunnel a changed: peer",
    "add-session a/s changed: peer",
  ]);
});

test("a new hello or retry setting starts the control channel again and leaves the sessions alone", () => {
  const found = plan(parseConfig(tunnelA()), parseConfig(tunnelA("hello_timeout = 5000")));
  expect(found).toEqual([
    {
      do: "change-transport",
      tunnel: "a",
      transport: expect.objectContaining({ helloTimeoutMs: 5000 }),
      why: "changed: hello_timeout",
    },
  ]);
});

test("sequencing, reordering and MTU change in a session that stays up", () => {
  const next = tunnelA("", session("s", 1, "seqnum = true\nreorder_timeout = 20\nmtu = 1400"));
  expect(plan(parseConfig(tunnelA()), parseConfig(next))).toEqual([
    {
      do: "change-session",
      tunnel: "a",
      session: "s",
      change: { sendSequence: true, receiveSequence: true, reorderMs: 20, mtuOctets: 1400 },
      why: "changed: seqnum, reorder_timeout, mtu",
    },
  ]);
});

test("anything else makes the session anew, and its tunnel stays", () => {
  const was = tunnelA("", session("s", 1, "mtu = 1400") + session("t", 2));
  expect(
    steps(was, tunnelA("", session("s", 1, 'mtu = 1400\ncookie = "00112233"') + session("t", 2))),
  ).toEqual(["remove-session a/s changed: cookie", "add-session a/s changed: cookie"]);
  expect(steps(was, tunnelA("", session("s", 1) + session("t", 2)))).toEqual([
    "remove-session a/s changed: mtu",
    "add-session a/s changed: mtu",
  ]);
});

test("two sessions that swap their IDs both go before one comes", () => {
  const was = tunnelA("", session("s", 1) + session("t", 2));
  const next = tunnelA("", session("s", 2) + session("t", 1));
  expect(steps(was, next).map((step) => step.split(" ").slice(0, 2).join(" "))).toEqual([
    "remove-session a/s",
    "remove-session a/t",
    "add-session a/s",
    "add-session a/t",
  ]);
});

test("a change of defaults is a change of what they made", () => {
  const plain = tunnelA().replace('mode = "quiescent"\n', "");
  expect(steps(`defaults = "field"\n${plain}`, plain)).toEqual([
    expect.stringMatching(/^remove-session a\/s changed: l2spec_type/),
    expect.stringMatching(/^change-transport a changed: .*window_size.*hello_timeout/),
    expect.stringMatching(/^add-session a\/s/),
  ]);
});

test("the daemon's own settings are named, and those that need a restart apart", () => {
  expect(steps(tunnelA(), `[daemon]\nlog_level = "debug"\ndata_plane = "mock"\n${tunnelA()}`)).toEqual([
    "change-settings  log_level",
    "restart-daemon  data_plane",
  ]);
});

test("an application's keys are named, never their values", () => {
  const extensions = { root: { token: z.string().optional() }, session: { owner: z.string().optional() } };
  const read = (text: string) => parseConfig(text, { extensions });
  const next = read(`token = "hush"\n${tunnelA("", session("s", 1, 'owner = "me"'))}`);
  const found = plan(read(tunnelA()), next);
  expect(found).toEqual([
    { do: "change-settings", of: "session s of tunnel a", keys: ["owner"] },
    { do: "change-settings", of: "the document", keys: ["token"] },
  ]);
});

const LNS = `[listen.a]
local = ":1701"
[peer.p]
secret = "opensesame"
[user.u]
password = "hush"
[pool.p]
ranges = ["10.0.0.0/24"]
`;
const LAC = `[tunnel.d]
version = "l2tpv2"
peer = "192.0.2.9"
secret = "opensesame"
[tunnel.d.session.s]
user = "me"
password = "hush"
`;

/** As steps(), with the names that rules have. */
const all = (old: string, next: string): unknown[] =>
  plan(parseConfig(old), parseConfig(next)).map((step) => {
    const { config: _, ...rest } = step as { config?: unknown };
    return rest;
  });

test("an LNS to itself is nothing to do, however it is written", () => {
  expect(
    all(
      LNS + LAC,
      LNS + LAC.replace('peer = "192.0.2.9"', 'peer = ["192.0.2.9:1701"]\nhello_timeout = 60000'),
    ),
  ).toEqual([]);
});

test("new, changed and removed peers, users and pools are named, and no tunnel is touched", () => {
  const next = LNS.replace("opensesame", "sesame open")
    .replace("[user.u]", "[user.v]")
    .replace("10.0.0.0/24", "10.0.0.0/23");
  expect(all(LNS + LAC, `${next}[peer.q]\nfrom = ["192.0.2.1"]\n${LAC}`)).toEqual([
    {
      do: "change-rules",
      of: "pools",
      added: [],
      removed: [],
      changed: ["p"],
      reordered: false,
      why: "changed: p",
    },
    {
      do: "change-rules",
      of: "users",
      added: ["v"],
      removed: ["u"],
      changed: [],
      reordered: false,
      why: "new: v; gone: u",
    },
    {
      do: "change-rules",
      of: "peers",
      added: ["q"],
      removed: [],
      changed: ["p"],
      reordered: false,
      why: "new: q; changed: p",
    },
  ]);
});

test("peers that are asked in another order are other rules", () => {
  const two = (first: string, second: string): string =>
    `[listen.a]\nlocal = ":1701"\n[peer.${first}]\nhost_name = ["${first}"]\n[peer.${second}]\nhost_name = ["${second}"]\n`;
  expect(all(two("x", "y"), two("y", "x"))).toEqual([
    {
      do: "change-rules",
      of: "peers",
      added: [],
      removed: [],
      changed: [],
      reordered: true,
      why: "another order",
    },
  ]);
});

test("a listener that moves is closed before it is opened again; others stay", () => {
  const two = `${LNS}[listen.b]\nlocal = ":1702"\n`;
  expect(all(two, two.replace(":1701", ":1703"))).toEqual([
    { do: "remove-listener", listener: "a", why: "changed: local" },
    { do: "add-listener", listener: "a", why: "changed: local" },
  ]);
  expect(all(two, LNS)).toEqual([{ do: "remove-listener", listener: "b", why: "no longer configured" }]);
});

test("a dynamic tunnel stays up when its settings, secrets or ways of dialling change", () => {
  expect(
    all(
      LAC,
      LAC.replace("opensesame", "sesame open").replace(
        "secret",
        "max_redials = 5\nhello_timeout = 5000\nsecret",
      ),
    ),
  ).toEqual([
    {
      do: "change-tunnel",
      tunnel: "d",
      why: "changed: hello_timeout, secret, max_redials (from its next connection)",
    },
  ]);
});

test("a dynamic tunnel is made anew for other peers, its session alone for another password", () => {
  expect(all(LAC, LAC.replace("192.0.2.9", "192.0.2.8"))).toEqual([
    { do: "remove-tunnel", tunnel: "d", why: "changed: peer" },
    { do: "add-tunnel", tunnel: "d", why: "changed: peer" },
    { do: "add-session", tunnel: "d", session: "s", why: "changed: peer" },
  ]);
  expect(all(LAC, LAC.replace("hush", "hush hush"))).toEqual([
    { do: "remove-session", tunnel: "d", session: "s", why: "changed: password" },
    { do: "add-session", tunnel: "d", session: "s", why: "changed: password" },
  ]);
});

test("a profile is changed once, and the sessions that have it are named", () => {
  const profile = "[profile.ppp.default]\nmru = 1400\n";
  expect(all(LNS, profile + LNS)).toEqual([
    {
      do: "change-rules",
      of: "ppp profiles",
      added: [],
      removed: [],
      changed: ["default"],
      reordered: false,
      why: "changed: default",
    },
  ]);
});

test("keys that a running daemon cannot change ask for a restart; limits, times and hooks do not", () => {
  const next = `[limits]\ntunnels = 5\n[daemon]\npid_file = "/p"\ndrain_rate = 5\nquestion_timeout = 5000\n[hooks]\nsession_up = "/bin/true"\n${LNS}`;
  expect(all(LNS, next)).toEqual([
    { do: "change-settings", of: "daemon", keys: ["drain_rate", "question_timeout"] },
    { do: "change-settings", of: "limits", keys: ["tunnels"] },
    { do: "change-settings", of: "hooks", keys: ["session_up"] },
    { do: "restart-daemon", keys: ["pid_file"] },
  ]);
});

test("no step says a secret beside its configuration", () => {
  const steps = all(
    LNS + LAC,
    (LNS + LAC).replaceAll("opensesame", "sesame open").replaceAll("hush", "quiet now"),
  );
  expect(steps.length).toBeGreaterThan(3);
  expect(JSON.stringify(steps)).not.toMatch(/sesame|hush|quiet/);
});
