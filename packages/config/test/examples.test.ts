import { readdirSync, readFileSync } from "node:fs";
import { Rules } from "@l2tp/access";
import { describe, expect, test } from "vitest";
import {
  type Config,
  checkConfig,
  type DynamicTunnelConfig,
  parseConfig,
  rulesOf,
  type TunnelConfig,
} from "../src/index.ts";

const folder = new URL("../../../examples/", import.meta.url);
const load = (file: string): Config => parseConfig(readFileSync(new URL(file, folder), "utf8"), { file });
const only = (config: Config): TunnelConfig => {
  expect(config.tunnels).toHaveLength(1);
  return config.tunnels[0] as TunnelConfig;
};
const files = readdirSync(folder).filter((file) => file.endsWith(".toml"));

test("there are examples of each sort", () => {
  expect(files).toEqual(
    expect.arrayContaining([
      "go-l2tp-ql2tpd.toml",
      "l2tpv2-ppp.toml",
      "l2tpv3-bridge.toml",
      "l2tpv3-ethernet-a.toml",
      "l2tpv3-ethernet-b.toml",
      "l2tpv3-ip.toml",
      "l2tpv3-static.toml",
      "kl2tpd.toml",
      "lac-failover.toml",
      "lac.toml",
      "lns-full.toml",
      "lns.toml",
      "tunnel-switch.toml",
    ]),
  );
});

test.each(files)("%s loads without an error or a warning", (file) => {
  const checked = checkConfig(readFileSync(new URL(file, folder), "utf8"), { file });
  expect(checked.ok ? checked.warnings : checked.error.message).toEqual([]);
});

test.each(files)("%s is explained in docs/configuration.md", (file) => {
  const guide = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  expect(guide).toContain(`../examples/${file})`);
});

describe("the two ends of the Ethernet pseudowire", () => {
  const a = only(load("l2tpv3-ethernet-a.toml"));
  const b = only(load("l2tpv3-ethernet-b.toml"));

  test("are each other's mirror image", () => {
    if (a.mode === "dynamic" || b.mode === "dynamic") throw new Error("they are to be quiescent");
    expect([a.mode, a.local, a.peer, a.tunnelId, a.peerTunnelId]).toEqual([
      b.mode,
      b.peer,
      b.local,
      b.peerTunnelId,
      b.tunnelId,
    ]);
    const [s] = a.sessions;
    const [t] = b.sessions;
    expect([s?.sessionId, s?.peerSessionId, s?.cookie, s?.peerCookie]).toEqual([
      t?.peerSessionId,
      t?.sessionId,
      t?.peerCookie,
      t?.cookie,
    ]);
    expect(s?.cookie).toHaveLength(8);
    expect(s?.l2SpecificSublayer).toBe(t?.l2SpecificSublayer);
  });

  test("send hellos, and have inner addresses of one network", () => {
    expect([a.transport.helloTimeoutMs, b.transport.helloTimeoutMs]).toEqual([5000, 5000]);
    expect([a, b].map((end) => end.sessions[0]?.interface.addresses?.[0])).toEqual([
      { address: "10.99.0.1", prefixLength: 24 },
      { address: "10.99.0.2", prefixLength: 24 },
    ]);
  });
});

test("the others show what they are for", () => {
  expect(only(load("l2tpv3-static.toml")).mode).toBe("static");
  expect(only(load("l2tpv3-ip.toml"))).toMatchObject({ encapsulation: "ip", peer: { port: 0, family: 6 } });
  expect(load("l2tpv3-bridge.toml").tunnels.map(({ sessions }) => sessions[0]?.interface.bridge)).toEqual([
    "br0",
    "br0",
  ]);
  expect(load("go-l2tp-ql2tpd.toml").defaults.profile).toBe("go-l2tp");
});

describe("lns.toml and lac.toml", () => {
  const lns = load("lns.toml");
  const [tunnel] = load("lac.toml").tunnels as [DynamicTunnelConfig];

  test("are an LNS on 127.0.0.1:1701, and who dials it with its secret and one of its users", () => {
    const [listener] = lns.listeners;
    expect(listener?.local).toEqual({ family: 4, address: "127.0.0.1", port: 1701 });
    expect(tunnel.peers).toEqual([{ host: "127.0.0.1", family: 4, port: 1701, priority: 0, weight: 1 }]);
    expect(tunnel.secrets).toEqual(lns.peers[0]?.secrets);
    expect(lns.peers).toMatchObject([{ secrets: [{ from: "text", text: "opensesame" }] }]);
    const password = { from: "text", text: "test" };
    expect(lns.users).toMatchObject([
      { name: "test", password },
      { name: "test2", password },
    ]);
    expect(tunnel.sessions[0]?.user).toEqual({ name: "test", password });
  });

  test("let anybody in from anywhere, and challenge always", () => {
    const [peer] = lns.peers;
    expect([peer?.from, peer?.hostName, peer?.listen, peer?.tunnelProfile]).toEqual(Array(4).fill(undefined));
    // No word about it: the control plane challenges when there is a secret.
    expect(lns.profiles.tunnel[0]?.settings.challenge).toBeUndefined();
  });

  test("take PAP, CHAP and MS-CHAPv2", () => {
    const { authenticatePeer } = lns.profiles.ppp[0]?.options ?? {};
    expect([...(authenticatePeer?.methods ?? [])].sort()).toEqual(["chap-md5", "mschap-v2", "pap"]);
  });

  test("have no limit below 2,000 tunnels or 200 sessions on each, all from one address and at once", () => {
    const { limits } = lns;
    expect(
      Math.min(limits.tunnels, limits.halfOpen, limits.halfOpenPerSource, ...limits.sourceSccrq),
    ).toBeGreaterThanOrEqual(2_000);
    expect(Math.min(limits.sessions, limits.sourceCalls[1])).toBeGreaterThanOrEqual(400_000);
    expect(lns.profiles.tunnel[0]?.settings.maximumSessions).toBeGreaterThanOrEqual(200);
    const { pools } = new Rules(rulesOf(lns)).status();
    expect(pools[0]?.ipv4?.size).toBeGreaterThanOrEqual(400_000);
  });
});

test("kl2tpd.toml is go-l2tp's: a dynamic tunnel to a name, its defaults, and pppd", () => {
  const config = load("kl2tpd.toml");
  expect(config.defaults.profile).toBe("go-l2tp");
  expect(only(config)).toMatchObject({
    mode: "dynamic",
    version: 2,
    peers: [{ host: "lns.isp.example", port: 1701 }],
    transport: { windowSize: 10, retryTimeoutMs: 1500, maxRetries: 5 },
    sessions: [{ pseudowire: "ppp", pppdArgs: "/etc/ppp/isp-options" }],
  });
});

test("tunnel-switch.toml passes calls on by their number, and refuses others", () => {
  const rules = new Rules(rulesOf(load("tunnel-switch.toml")));
  const call = (calledNumber: string) =>
    rules.call({ kind: "incoming", tunnel: "t", peer: "access", calledNumber });
  expect(call("55510")).toEqual({ accept: true, switchTo: "isp-one" });
  expect(call("55529")).toEqual({ accept: true, switchTo: "isp-two" });
  const checked = { accept: true, switchTo: "isp-one", switchPpp: "end", pppProfile: "door" };
  expect(call("55530")).toEqual(checked);
  expect(call("110")).toMatchObject({ accept: false });
});
