/** An LNS with one interface for all subscribers: twenty sessions, who may send as whom, how fast, and how far. */

import { Site } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { ping, tcp } from "../support/traffic.ts";
import { GATEWAY, type Line, Scene } from "./scene.ts";

const NAMES = Array.from({ length: 20 }, (_, n) => `s${n}`);
const LINES: readonly Line[] = [
  ...NAMES.map((name) => ({ name, lns: 'attach = "shared"\nshared_name = "subs0"' })),
  {
    name: "slow",
    lns: 'attach = "shared"\nshared_name = "subs0"\nto_peer_rate = 4000000\nfrom_peer_rate = 2000000',
  },
  {
    name: "far",
    lns: 'attach = "shared"\nshared_name = "subs0"\nforward = true',
    lac: "default_route = true",
  },
];

const test = needs("linux", "root", "tun", { tool: "ping" }, { tool: "iperf3" });

describe("an LNS with one interface for all", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = new Scene(LINES);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test("twenty sessions come up on it, and each has its packets", async () => {
    await scene.up(...NAMES);
    expect(scene.sites.b.interfaces()).toEqual(["lo", "subs0", "wan0"]);
    const addresses = new Map<string, string>();
    for (const name of NAMES) {
      addresses.set(name, (await scene.lacCtl.client.session(name)).ipv4?.local as string);
      expect(await ping(scene.sites.a, GATEWAY, { by: name, octets: 1400 }), name).toBe(true);
    }
    expect(new Set(addresses.values()).size).toBe(NAMES.length);
  });

  test("a subscriber that sends as another is not heard, and that is counted", async () => {
    const [one, other] = NAMES as [string, string];
    const theirs = (await scene.lacCtl.client.session(other)).ipv4?.local as string;
    const { a } = scene.sites;
    const errors = async () => (await scene.lnsCtl.client.session(`user-${one}`)).data?.["rxErrors"];
    const before = (await errors()) as number;
    await a.execute("ip", "route", "replace", `${GATEWAY}/32`, "dev", one, "src", theirs);
    expect(await ping(a, GATEWAY, { by: theirs })).toBe(false);
    await a.execute("ip", "route", "replace", `${GATEWAY}/32`, "dev", one);
    expect(await errors()).toBeGreaterThan(before);
    expect(await ping(a, GATEWAY, { by: one })).toBe(true);
  });

  test("rates are kept to in each direction", async () => {
    await scene.up("slow");
    const { a, b } = scene.sites;
    const up = await tcp(a, b, `${GATEWAY}%slow`, "--bind-dev", "slow", "-n", "1M");
    const down = await tcp(a, b, `${GATEWAY}%slow`, "--bind-dev", "slow", "-n", "2M", "-R");
    for (const [octets, limit] of [
      [up, 2e6 / 8],
      [down, 4e6 / 8],
    ] as const) {
      expect(octets / limit).toBeGreaterThan(0.4);
      // A burst is let through at once.
      expect(octets / limit).toBeLessThan(1.4);
    }
  });

  test("forward = true: packets go on to what lies behind the LNS", async () => {
    using far = new Site("far");
    scene.sites.b.cable("lan0", "203.0.113.1", far, "203.0.113.2");
    await far.execute("ip", "route", "add", "100.64.0.0/16", "via", "203.0.113.1");
    await scene.up("far");
    expect(await ping(scene.sites.a, "203.0.113.2", { by: "far" })).toBe(true);
  });
});
