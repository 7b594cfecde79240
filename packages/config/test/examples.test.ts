import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Config, checkConfig, parseConfig, type TunnelConfig } from "../src/index.ts";

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
