/** The life of PPP sessions between two daemons: a cable that is cut, hang-ups, restarts, another LNS. */

import { until } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";
import { ping } from "../support/traffic.ts";
import { GATEWAY, type Line, lacDocument, lnsDocument, Scene } from "./scene.ts";

const LINES: readonly Line[] = [
  // LCP's echo finds it out before the tunnel's Hello does.
  { name: "echo", lac: "echo_interval = 1000\necho_failures = 3" },
  { name: "other" },
];

const test = needs("linux", "root", "tun", { tool: "ping" });

describe("two daemons", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = new Scene(LINES);
    await scene.up("echo", "other");
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test("the cable is cut: the echo is missed, the session ends, and comes up again with its address", async () => {
    const { a } = scene.sites;
    const before = (await scene.lacCtl.client.session("echo")).ipv4;
    const since = scene.lac.lines.length;
    a.netlink(link.set({ name: "wan0" }, { up: false }));
    const line = await scene.lac.says(/^session echo is down/, { since });
    expect(line.message).toMatch(/does not answer Echo-Requests/);
    a.netlink(link.set({ name: "wan0" }, { up: true }));
    await scene.lac.says(/^session echo is up/, { since });
    expect((await scene.lacCtl.client.session("echo")).ipv4).toEqual(before);
    expect(await ping(a, GATEWAY, { by: "echo" })).toBe(true);
  });

  test("the LNS hangs up on a user: the LAC knows why, and calls again", async () => {
    const since = scene.lac.lines.length;
    await scene.lnsCtl.client.hangUp("user-other", { text: "unpaid" });
    expect((await scene.lac.says(/^session other is down/, { since })).message).toMatch(/unpaid|terminated/);
    await scene.lac.says(/^session other is up/, { since });
    expect(await ping(scene.sites.a, GATEWAY, { by: "other" })).toBe(true);
  });

  test("the LAC hangs up: the LNS has its address back, and the interface is gone at both ends", async () => {
    const { lnsCtl, lacCtl, sites } = scene;
    const used = (count: number) =>
      until(async () => {
        for await (const pool of lnsCtl.client.pools()) if (pool.used === count) return true;
        return false;
      }, `${count} addresses are in use`);
    // What the cut cable has ended may still be there for the LNS.
    await used(2);
    await lacCtl.client.hangUp("lns/other");
    await used(1);
    await until(() => !sites.a.interfaces().includes("other"), "its interface is gone");
    await until(() => sites.b.interfaces().length === 3, "and that of the LNS");
    expect(await ping(scene.sites.a, GATEWAY, { by: "echo" })).toBe(true);
  });

  test("the LNS is restarted: the LAC calls the new one", async () => {
    const since = scene.lac.lines.length;
    expect(await scene.lns.stop()).toEqual({ code: 0, signal: null });
    expect((await scene.lac.says(/^tunnel lns is down/, { since })).message).toMatch(/StopCCN/);
    using ctl = new Ctl();
    await using second = new Daemon(scene.sites.b, lnsDocument(LINES, ctl));
    await second.says(/listening/);
    await scene.lac.says(/^session echo is up/, { since });
    expect(await ping(scene.sites.a, GATEWAY, { by: "echo" })).toBe(true);
    expect(await scene.lac.stop()).toEqual({ code: 0, signal: null });
  });
});

test("two LNSs: the second serves while the first is dead, and packets go on; the first has it back when it returns", async () => {
  using sites = new TwoSites();
  using firstCtl = new Ctl();
  using secondCtl = new Ctl();
  using lacCtl = new Ctl();
  const line: Line[] = [{ name: "line" }];
  await sites.b.execute("ip", "address", "add", "192.0.2.3/24", "dev", "wan0");
  const secondary = lnsDocument(line, secondCtl).replace("192.0.2.2:1701", "192.0.2.3:1701");
  await using second = new Daemon(sites.b, secondary);
  await second.says(/listening/);
  const document = lacDocument(line, lacCtl).replace(
    'peer = "192.0.2.2"',
    'peer = ["192.0.2.2", { address = "192.0.2.3", priority = 10 }]\nfailback = "move"\nfailback_time = 1000\nlockout = 500\nretry_timeout = 200',
  );
  await using lac = new Daemon(sites.a, document);
  await lac.says(/^session line is up/);
  expect((await lacCtl.client.tunnel("lns")).peer.address).toBe("192.0.2.3");
  expect(await ping(sites.a, GATEWAY, { by: "line" })).toBe(true);
  const since = lac.lines.length;
  await using first = new Daemon(sites.b, lnsDocument(line, firstCtl).replaceAll("100.64.", "100.65."));
  await lac.says(/^session line is up/, { since });
  expect((await lacCtl.client.tunnel("lns")).peer.address).toBe("192.0.2.2");
  expect(await ping(sites.a, "100.65.0.1", { by: "line" })).toBe(true);
  for (const daemon of [lac, first, second]) expect((await daemon.stop()).code).toBe(0);
}, 300_000);
