import { Rules } from "@l2tp/access";
import { parseConfig, rulesOf } from "@l2tp/config";
import { Endpoint } from "@l2tp/control";
import type { DataPlaneCapabilities } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import { ConfiguredAuthority } from "../src/compose/authority.ts";
import { dialledSessionInit, dialledTunnelInit } from "../src/compose/dialled.ts";
import { endpointChanges } from "../src/compose/endpoint.ts";
import { ConfiguredProfiles, type Surroundings } from "../src/compose/profiles.ts";
import { shortfalls } from "../src/needs.ts";
import { lac, lns } from "./scene.ts";

const capabilities: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp"],
  families: [4],
  pseudowires: ["eth", "ppp"],
  interfaces: true,
  pppLink: ["interface", "shared", "program"],
};
const surroundings = (change: Partial<DataPlaneCapabilities> = {}): Surroundings => ({
  capabilities: { ...capabilities, ...change },
  secret: (source) => (source.from === "text" ? source.text : "from a file"),
});
const caller = {
  from: { family: 4, address: "192.0.2.1", port: 1701 },
  local: { family: 4, address: "192.0.2.2", port: 1701 },
  listener: "lns",
  hostName: "lac.example",
  vendorName: "",
} as const;

const PROFILES = `
[profile.tunnel.fast]
session_profile = "of-tunnel"
ppp_profile = "ppp-of-tunnel"
[profile.session.of-tunnel]
[profile.session.own]
ppp_profile = "ppp-of-session"
[profile.ppp.ppp-of-tunnel]
[profile.ppp.ppp-of-session]
[profile.ppp.ppp-of-peer]
`;

test.each([
  ["", "default", "default", "default"],
  ['tunnel_profile = "fast"', "fast", "of-tunnel", "ppp-of-tunnel"],
  ['tunnel_profile = "fast"\nsession_profile = "own"', "fast", "own", "ppp-of-session"],
  ['session_profile = "own"\nppp_profile = "ppp-of-peer"', "default", "own", "ppp-of-peer"],
])("a peer with %j gets tunnel profile %s, session profile %s and PPP profile %s", (keys, ...expected) => {
  const config = parseConfig(
    `[listen.lns]\nlocal = ":1701"\n[peer.p]\nsecret = "opensesame"\n${keys}\n${PROFILES}`,
  );
  const authority = new ConfiguredAuthority(new Rules(rulesOf(config)), config.profiles);
  const grant = authority.peer(caller);
  expect(grant).toMatchObject({ accept: true, secrets: ["opensesame"] });
  if (!grant.accept) return;
  expect([grant.tunnelProfile, grant.sessionProfile, grant.pppProfile]).toEqual(expected);
});

test("callers send only from their addresses, on any attachment, where the document says nothing else; who dials is not asked", () => {
  for (const attach of ["interface", "shared", "program"]) {
    const of = (more: string) => {
      const config = parseConfig(
        `[listen.lns]\nlocal = ":1701"\n[user.u]\npassword = "test"\n[profile.ppp.p]\nattach = "${attach}"\n${more}`,
      );
      const profiles = new ConfiguredProfiles();
      profiles.configure(config, surroundings());
      return profiles.ppp("p")?.link.checkSource;
    };
    expect(of("")).toBe("if-possible");
    expect(of("check_source = true")).toBe(true);
    if (attach !== "shared") expect(of("check_source = false")).toBe(false);
  }
  const dialled = (more: string) => {
    const [tunnel] = parseConfig(lac(1701).replace('attach = "program"\n', more)).tunnels.filter(
      ({ mode }) => mode === "dynamic",
    );
    const [session] = tunnel?.mode === "dynamic" ? tunnel.sessions : [];
    return session?.ppp;
  };
  expect(dialled("")?.checkSource).toBeUndefined();
  expect(dialled("check_source = true\n")?.checkSource).toBe(true);
});

test("callers share an interface with the routes of all pools; who dials has one of its own; else the program has the packets", () => {
  const config = parseConfig(
    lns(1701).replace('attach = "program"\n', "") + lac(1701).replace('attach = "program"\n', ""),
  );
  const profiles = new ConfiguredProfiles();
  profiles.configure(config, surroundings());
  expect(profiles.ppp("subscribers")?.link.attach).toMatchObject({
    to: "shared",
    name: "l2tpppp0",
    addresses: ["10.123.0.1/32"],
    routes: expect.arrayContaining(["10.123.0.2/31"]),
  });
  const [tunnel] = config.tunnels;
  if (tunnel?.mode !== "dynamic" || !tunnel.sessions[0]) throw new Error("a dialled tunnel was expected");
  const [session] = tunnel.sessions;
  const pppOf = (change: Partial<DataPlaneCapabilities>) =>
    dialledSessionInit(session, config, surroundings(change)).ppp;
  expect(pppOf({})).toMatchObject({ by: "own", profile: { link: { attach: { to: "interface" } } } });
  expect(pppOf({ pppLink: ["program"] })).toMatchObject({ profile: { link: { attach: { to: "program" } } } });
  // The null data plane has no links: the call is up without PPP.
  expect(pppOf({ pppLink: [] })).toBeUndefined();
});

test("the interface that callers share has the local_address of every profile that is not for dialling", () => {
  const config = parseConfig(`
[listen.lns]
local = ":1701"
[profile.ppp.subscribers]
local_address = "10.1.0.1"
[profile.ppp.others]
local_address = "10.2.0.1"
[profile.ppp.dialled]
local_address = "10.3.0.1"
[pool.one]
ranges = ["10.1.0.2-10.1.0.9"]
local = "10.4.0.1"
[tunnel.out]
version = "l2tpv2"
local = "192.0.2.1:1701"
peer = "192.0.2.2:1701"
[tunnel.out.session.call]
pseudowire = "ppp"
ppp_profile = "dialled"
`);
  const profiles = new ConfiguredProfiles();
  profiles.configure(config, surroundings());
  for (const name of ["subscribers", "others"]) {
    const attach = profiles.ppp(name)?.link.attach;
    expect(attach).toMatchObject({ to: "shared" });
    expect(attach?.to === "shared" && [...(attach.addresses ?? [])].sort()).toEqual([
      "10.1.0.1/32",
      "10.2.0.1/32",
      "10.4.0.1/32",
    ]);
  }
});

test("a dialled tunnel has its secret, its peers and its way of dialling; limits and secrets go to the endpoint", () => {
  const config = parseConfig(`${lac(1701)}${lns(1701)}[limits]\ntunnels = 7\n`);
  const [tunnel] = config.tunnels;
  if (tunnel?.mode !== "dynamic") throw new Error("a dialled tunnel was expected");
  expect(dialledTunnelInit(tunnel, config, surroundings())).toMatchObject({
    name: "out",
    secrets: ["opensesame"],
    peers: [{ host: "127.0.0.1", port: 1701 }],
    dial: { mode: "at-start", initialMs: 200 },
  });
  expect(endpointChanges(config, surroundings())).toMatchObject({
    limits: { tunnels: 7 },
    callerSecrets: ["opensesame"],
  });
});

test("what a data plane lacks for callers and for what is dialled is named", () => {
  const config = parseConfig(`${lns(1701)}${lac(1701)}`);
  const abilities = { clampsMss: true, limitsRates: true, setsDontFragment: true };
  const lacking = (change: Partial<DataPlaneCapabilities>, more = {}) =>
    shortfalls(config, { ...abilities, ...more, capabilities: { ...capabilities, ...change } }).map(
      ({ what }) => what,
    );
  expect(lacking({})).toEqual([]);
  expect(lacking({ pppLink: [] })).toEqual([
    "sessions of profile default on listener lns: PPP without pppd",
    "session call of tunnel out: PPP without pppd",
  ]);
  expect(lacking({ pppLink: [] }, { carriesNothing: true })).toEqual([]);
  expect(lacking({ versions: [3] })).toEqual(["listener lns: L2TPv2", "tunnel out: L2TPv2"]);
  expect(lacking({ families: [6] })).toEqual(["listener lns: IPv4", "tunnel out: IPv4"]);
  const withPppd = parseConfig(
    lac(1701)
      .replace('user = "test"\npassword = "test"\n', 'pppd_options = ["noauth"]\n')
      .replace('ppp_profile = "caller"\n', ""),
  );
  const of = (change: Partial<DataPlaneCapabilities>) =>
    shortfalls(withPppd, { ...abilities, capabilities: { ...capabilities, ...change } }).map(
      ({ what }) => what,
    );
  expect(of({})).toEqual(["session call of tunnel out: pppd"]);
  expect(of({ pppd: "plugin" })).toEqual([]);
  expect(of({ pppd: "pty" })).toEqual([]);
});

test.each(['hiding = "send"', 'hiding = "require"', "challenge = true"])(
  "with %s in the profile of all tunnels, who has no secret yet is refused like before, and peers get it",
  (key) => {
    const config = parseConfig(
      `[listen.lns]\nlocal = ":1701"\n[peer.p]\nsecret = "opensesame"\n[profile.tunnel.default]\n${key}`,
    );
    const [word = "", value = ""] = key.split(" = ");
    const expected: unknown = JSON.parse(value);
    expect(
      () => new Endpoint({ random: () => {}, ...endpointChanges(config, surroundings()) }),
    ).not.toThrow();
    const profiles = new ConfiguredProfiles();
    profiles.configure(config, surroundings());
    expect(profiles.tunnel("default")).toMatchObject({ [word]: expected });
  },
);
