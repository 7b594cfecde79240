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
      why: "changed: helloTimeoutMs",
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
      why: "changed: sendSequence, receiveSequence, reorderMs, mtuOctets",
    },
  ]);
});

test("anything else makes the session anew, and its tunnel stays", () => {
  const was = tunnelA("", session("s", 1, "mtu = 1400") + session("t", 2));
  expect(
    steps(was, tunnelA("", session("s", 1, 'mtu = 1400\ncookie = "00112233"') + session("t", 2))),
  ).toEqual(["remove-session a/s changed: peerCookie", "add-session a/s changed: peerCookie"]);
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
    expect.stringMatching(/^remove-session a\/s changed: l2SpecificSublayer/),
    expect.stringMatching(/^change-transport a changed: .*windowSize.*helloTimeoutMs/),
    expect.stringMatching(/^add-session a\/s/),
  ]);
});

test("the daemon's own settings are named, and those that need a restart apart", () => {
  expect(steps(tunnelA(), `[daemon]\nlog_level = "debug"\ndata_plane = "mock"\n${tunnelA()}`)).toEqual([
    "change-settings  logLevel",
    "restart-daemon  dataPlane",
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
