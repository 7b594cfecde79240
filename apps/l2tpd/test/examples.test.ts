/**
 * Every document of examples/ is run by the real daemon, beside what it talks to: on loopback without privileges, where
 * only addresses and ports are moved, and in network namespaces where packets are to flow.
 */
import { readdirSync, readFileSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import { readEnds } from "../src/demo/ends.ts";
import type { ProbeReport } from "../src/demo/probe.ts";
import { buildScene, type Scene } from "../src/demo/scene.ts";
import { Folder, freePort } from "./scene.ts";
import { l2tpd, type Running } from "./under-test.ts";

const examples = new URL("../../../examples/", import.meta.url);

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

/** An example with some of its text changed. @throws Error where it does not have that text */
function example(name: string, changes: Readonly<Record<string, string>> = {}): string {
  return Object.entries(changes).reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${name} does not say ${from}`);
      return text.replaceAll(from, to);
    },
    readFileSync(new URL(name, examples), "utf8"),
  );
}

const OTHERS: Readonly<Record<string, string>> = {
  local: "peer",
  peer: "local",
  tid: "ptid",
  ptid: "tid",
  sid: "psid",
  psid: "sid",
  cookie: "peer_cookie",
  peer_cookie: "cookie",
};
/** The other end of configured tunnels. Interfaces and addresses are not the peer's business. */
const mirror = (document: string): string =>
  document
    .replace(/^(\w+)(?= *=)/gm, (key) => OTHERS[key] ?? key)
    .replace(/^(addresses|interface_name|bridge) *=.*$/gm, "");

let count = 0;
/** A daemon of its own; without privileges and with no data to carry, unless told otherwise. */
function daemon(document: string, ...more: string[]): Running {
  const file = folder.write(`${count++}.toml`, document);
  return l2tpd.start(["--config", file, "--no-socket", ...more]);
}
const onNull = ["--data-plane", "null"];

/** Addresses of 127.0.0.0/8 with free ports, one for each name. */
async function places<Name extends string>(...names: Name[]): Promise<Record<Name, string>> {
  const found = await Promise.all(names.map(async (name) => [name, `127.0.0.1:${await freePort()}`]));
  return Object.fromEntries(found) as Record<Name, string>;
}

/** An end that is moved to other places, beside its mirror image. */
async function withMirror(name: string, ours: string, peers: readonly string[], up: readonly RegExp[]) {
  const at = await places(ours, ...peers);
  const document = example(name, at);
  await using here = daemon(document, ...onNull);
  await using there = daemon(mirror(document), ...onNull);
  for (const line of up) await Promise.all([here.line(line), there.line(line)]);
  expect([await here.stop(), await there.stop()]).toEqual([0, 0]);
}

test.each([
  ["go-l2tp-ql2tpd.toml", "192.0.2.10:5000", ["192.0.2.20:5001"], ["branch"], ["office"]],
  ["l2tpv2-ppp.toml", "192.0.2.1:1701", ["192.0.2.2:1701"], ["line"], ["ppp"]],
  ["l2tpv3-bridge.toml", "192.0.2.1:1701", ["198.51.100.1:1701", "203.0.113.1:1701"], ["north", "south"], []],
  ["l2tpv3-static.toml", "192.0.2.1:5000", ["192.0.2.2:5000"], ["static"], ["lan"]],
])("%s and its mirror image come up", async (name, ours, peers, tunnels, sessions) => {
  await withMirror(name, ours, peers, [
    ...tunnels.map((tunnel) => new RegExp(`info +tunnel ${tunnel} .*is up`)),
    ...sessions.map((session) => new RegExp(`info +session ${session} is up`)),
  ]);
});

test("l2tpv3-ethernet-a.toml and -b.toml come up with each other", async () => {
  const at = await places("192.0.2.1:1701", "192.0.2.2:1701");
  await using a = daemon(example("l2tpv3-ethernet-a.toml", at), ...onNull);
  await using b = daemon(example("l2tpv3-ethernet-b.toml", at), ...onNull);
  await Promise.all([a.line(/session lan is up/), b.line(/session lan is up/)]);
  expect([await a.stop(), await b.stop()]).toEqual([0, 0]);
});

test("lac.toml dials lns.toml", async () => {
  const at = await places("127.0.0.1:1701");
  await using lns = daemon(example("lns.toml", at), ...onNull);
  await lns.line(/listening/);
  await using lac = daemon(example("lac.toml", at), ...onNull);
  expect(await lac.line(/tunnel lns .*is up/)).toContain("authenticated=true");
  await Promise.all([lac.line(/session internet is up/), lns.line(/session .* is up/)]);
  expect([await lac.stop(), await lns.stop()]).toEqual([0, 0]);
});

test("kl2tpd.toml, as go-l2tp has it, dials an LNS without a secret", async () => {
  const at = await places("127.0.0.1:1701");
  await using lns = daemon(example("lns.toml", { ...at, 'secret = "opensesame"': "" }), ...onNull);
  await lns.line(/listening/);
  const document = example("kl2tpd.toml", { "lns.isp.example:1701": at["127.0.0.1:1701"] });
  await using kl2tpd = daemon(document, ...onNull);
  await kl2tpd.line(/tunnel isp .*is up/);
  expect(await lns.line(/tunnel .* is up/)).toContain("branch-7.example");
  await kl2tpd.line(/session internet is up/);
  expect([await kl2tpd.stop(), await lns.stop()]).toEqual([0, 0]);
});

test("lac-failover.toml goes to another LNS when the one that it has goes", async () => {
  const at = await places("one", "two", "three");
  const [lns1, lns2] = (["one", "two"] as const).map((name) =>
    daemon(example("lns.toml", { "127.0.0.1:1701": at[name] }), ...onNull),
  ) as [Running, Running];
  await using _one = lns1;
  await using _two = lns2;
  await Promise.all([lns1.line(/listening/), lns2.line(/listening/)]);
  await using lac = daemon(
    example("lac-failover.toml", {
      "lns1.isp.example": at.one,
      "lns2.isp.example": at.two,
      "192.0.2.30:1701": at.three,
    }),
    ...onNull,
  );
  const up = await lac.line(/session internet is up/).then(() => lac.line(/tunnel isp .*is up/));
  const isFirst = up.includes(`port=${at.one.split(":")[1]}`);
  const from = lac.lines.length;
  expect(await (isFirst ? lns1 : lns2).stop()).toBe(0);
  const other = (isFirst ? at.two : at.one).split(":")[1];
  await lac.line(new RegExp(`tunnel isp .*is up.* port=${other}`), { from });
  await lac.line(/session internet is up/, { from });
  expect(await lac.stop()).toBe(0);
});

test("lns-full.toml takes those whom it names, by the rules that it has for them", async () => {
  const at = await places("192.0.2.1:1701", "[2001:db8::1]:1701");
  await using lns = daemon(example("lns-full.toml", { ...at, "198.51.100.0/24": "127.0.0.0/8" }), ...onNull);
  await Promise.all([lns.line(/listener=wholesale/), lns.line(/listener=phones/)]);
  const wholesale = at["192.0.2.1:1701"];
  const callers = `
[tunnel.bras]
version = "l2tpv2"
peer = "${wholesale}"
host_name = "bras7.carrier.example"
secret = "the carrier's new one"
[tunnel.bras.session.anna]
user = "anna@isp.example"
password = "for anna"
[tunnel.bras.session.premium]
called_number = "09001234"

[tunnel.stranger]
version = "l2tpv2"
peer = "${wholesale}"
host_name = "stranger.example"

[tunnel.phone]
version = "l2tpv2"
peer = "${at["[2001:db8::1]:1701"]}"
`;
  await using lacs = daemon(callers, ...onNull);
  expect(await lacs.line(/tunnel bras .*is up/)).toContain("authenticated=true");
  expect(await lacs.line(/tunnel phone .*is up/)).toContain("authenticated=false");
  await lacs.line(/session anna is up/);
  await lacs.line(/session premium cannot come up/);
  await lacs.line(/tunnel stranger cannot come up/);
  expect(await lns.line(/stranger\.example at 127\.0\.0\.1 gets no tunnel/)).toContain(
    "dsl-wholesale: another host name",
  );
  await lns.line(/no premium numbers/);
  await lns.line(/tunnel dsl-wholesale-\d+ to bras7\.carrier\.example .*is up/);
  await lns.line(/tunnel phone-\d+ .*is up/);
  expect([await lacs.stop(), await lns.stop()]).toEqual([0, 0]);
});

needs("linux")("tunnel-switch.toml passes a subscriber's PPP on to the ISP that it called", async () => {
  const at = await places("access", "isp-one", "isp-two");
  const inProcess = '[profile.ppp.default]\nattach = "program"\nipv6 = false\n';
  const userspace = ["--data-plane", "userspace"];
  const isp = example("lns.toml", {
    "127.0.0.1:1701": at["isp-one"],
    opensesame: "the one between us and ISP one",
    "[profile.ppp.default]\n": inProcess,
  });
  await using lns = daemon(isp, ...userspace);
  await using relay = daemon(
    example("tunnel-switch.toml", {
      "192.0.2.1:1701": at.access,
      "198.51.100.0/24": "127.0.0.0/8",
      '"192.0.2.10", "192.0.2.11"': `"${at["isp-one"]}"`,
      "lns.isp-two.example": at["isp-two"],
    }),
    ...userspace,
  );
  await Promise.all([lns.line(/listening/), relay.line(/listening/)]);
  await using lac = daemon(
    `
[tunnel.access]
version = "l2tpv2"
peer = "${at.access}"
secret = "the access network's"
[tunnel.access.session.subscriber]
called_number = "555123"
user = "test"
password = "test"
[tunnel.access.session.lost]
called_number = "110"
${inProcess}`,
    ...userspace,
  );
  // What the ISP's LNS says of its user is what the subscriber's end has: PPP is between these two.
  await lns.line(/session .* is up.* for test/);
  await lac.line(/session subscriber is up/);
  await lac.line(/session lost cannot come up/);
  await relay.line(/no ISP has this number/);
  await relay.line(/tunnel isp-one .*is up/);
  expect([await lac.stop(), await relay.stop(), await lns.stop()]).toEqual([0, 0, 0]);
});

/** A daemon in one of the scene's namespaces, on the data plane that carries packets itself. */
function inside(scene: Scene, at: 0 | 1, document: string): Running {
  const file = folder.write(`${count++}.toml`, document);
  const args = ["--config", file, "--no-socket", "--data-plane", "userspace", "--netns", "/proc/self/fd/3"];
  return l2tpd.start(args, { stdio: ["ignore", "ignore", "pipe", scene.namespaces[at].fd] });
}

/** Resolves with the first reply of an address, as seen from the first namespace. */
async function reply(scene: Scene, from: 0 | 1, to: string): Promise<void> {
  await using probe = l2tpd.start(["demo-probe", "--netns", "/proc/self/fd/4", "ping", to], {
    stdio: ["ignore", "ignore", "inherit", "ipc", scene.namespaces[from].fd],
  });
  await new Promise<void>((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`${to} does not answer`)), 20_000);
    probe.process.on("message", (report: ProbeReport) => {
      if (report.type === "failed") reject(new Error(report.text));
      if (report.type !== "ping" || report.rttMs === undefined) return;
      clearTimeout(giveUp);
      resolve();
    });
  });
}

const wire = (a: string, b: string, family: 4 | 6): Parameters<typeof buildScene>[0] => [
  { outer: { family, address: a } },
  { outer: { family, address: b } },
];

needs(
  "linux",
  "root",
  "tun",
)("lac.toml and lns.toml carry pings, in two namespaces", async () => {
  using scene = buildScene(wire("192.0.2.1", "192.0.2.2", 4));
  const moved = { "127.0.0.1": "192.0.2.2" };
  await using lns = inside(scene, 1, example("lns.toml", { "127.0.0.1:1701": "192.0.2.2:1701" }));
  await lns.line(/listening/);
  await using lac = inside(scene, 0, example("lac.toml", moved));
  await lns.line(/session .* is up on \w+ for test/);
  const has = await lac.line(/session internet: \S+ has 100\.\d+\.\d+\.\d+ \(peer 100\.64\.0\.1\)/);
  await reply(scene, 0, "100.64.0.1");
  await reply(scene, 1, / has (\S+)/.exec(has)?.[1] ?? "");
  expect([await lac.stop(), await lns.stop()]).toEqual([0, 0]);
});

needs(
  "linux",
  "root",
  "tun",
)("l2tpv3-ip.toml carries pings directly in IPv6, as it is", async () => {
  using scene = buildScene(wire("2001:db8::1", "2001:db8::2", 6));
  const document = example("l2tpv3-ip.toml");
  await using a = inside(scene, 0, document);
  const other = mirror(document).replace(
    /^pseudowire.*$/m,
    '$&\naddresses = ["10.99.2.2/24"]\nmac_address = "02:00:00:00:00:01"',
  );
  await using b = inside(scene, 1, other);
  await Promise.all([a.line(/session lan is up/), b.line(/session lan is up/)]);
  await reply(scene, 0, "10.99.2.2");
  expect([await a.stop(), await b.stop()]).toEqual([0, 0]);
});

needs(
  "linux",
  "root",
  "tun",
)("l2tpv3-ethernet-a.toml and -b.toml carry pings, as they are", async () => {
  const [a, b] = readEnds();
  using scene = buildScene([a, b]);
  await using atA = inside(scene, 0, example("l2tpv3-ethernet-a.toml"));
  await using atB = inside(scene, 1, example("l2tpv3-ethernet-b.toml"));
  await Promise.all([atA.line(/session lan is up/), atB.line(/session lan is up/)]);
  await reply(scene, 0, b.inner.address);
  expect([await atA.stop(), await atB.stop()]).toEqual([0, 0]);
});

test("no example was forgotten", () => {
  const here = readFileSync(new URL(import.meta.url), "utf8");
  const all = readdirSync(examples).filter((name) => name.endsWith(".toml"));
  expect(all.filter((name) => !here.includes(`"${name}"`))).toEqual([]);
});
