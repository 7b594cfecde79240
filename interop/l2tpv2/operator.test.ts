/** What an operator does, by the programs that there are: one daemon, LNS and LAC at once, that dials itself. */
import { writeFileSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { A } from "../../packages/control/test/wire.ts";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { here } from "../support/here.ts";
import { Peers } from "./peer.ts";

const AT = { address: "127.0.0.1", port: 17_014 } as const;

const document = (ctl: Ctl, { sessions = ["a", "b"], secret = "opensesame", more = "" } = {}) => `
[daemon]
${ctl.key}
host_name = "both.example"

[listen.main]
local = "127.0.0.1:${AT.port}"

[peer.all]
secret = "${secret}"

[profile.tunnel.default]
redial_timeout = 100
redial_timeout_max = 200

[tunnel.self]
version = "l2tpv2"
peer = "127.0.0.1:${AT.port}"
secret = "${secret}"
${sessions.map((name) => `[tunnel.self.session.${name}]\npseudowire = "ppp"`).join("\n")}

[tunnel.later]
version = "l2tpv2"
peer = "127.0.0.1:${AT.port}"
secret = "opensesame"
dial = "manual"
${more}
`;

const test = needs("linux");

describe("an operator", () => {
  const peers = new Peers();
  let ctl: Ctl;
  let daemon: Daemon;
  let file: string;

  beforeAll(async () => {
    ctl = new Ctl();
    daemon = new Daemon(here, document(ctl), { dataPlane: "null" });
    for (const name of ["a", "b"]) await daemon.says(new RegExp(`^session ${name} is up`));
    file = (await ctl.client.status()).configFile as string;
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    await peers[Symbol.asyncDispose]();
    ctl[Symbol.dispose]();
  });

  const good = async (...args: string[]): Promise<string> => {
    const { code, output } = await ctl.run(...args);
    expect([code, output]).toEqual([0, output]);
    return output;
  };

  test("sees both ends of what the daemon has with itself", async () => {
    expect(await good("status")).toMatch(/tunnels +2 up of 3; opened by us 2, by peers 1/);
    expect(await good("tunnel", "list")).toMatch(/^self .* up /m);
    expect(await good("session", "list", "--tunnel", "self")).toMatch(/^self\/a .*\n^self\/b /m);
    const rows = await ctl.json<{ name: string; kind: string }>("session", "list");
    expect(rows.map(({ kind }) => kind).sort()).toEqual([
      "lac-incoming",
      "lac-incoming",
      "lns-incoming",
      "lns-incoming",
    ]);
    expect((await ctl.run("tunnel", "show", "nobody")).code).toBe(1);
  });

  test("dials by hand, and hangs up", async () => {
    await good("dial", "later");
    await daemon.says(/^tunnel later to .* is up/);
    await good("hangup", "later");
    await daemon.says(/^tunnel later is down/);
    expect(await good("targets")).toMatch(/^later +\S+ +manual/m);
  });

  test("hangs up a session: both ends know why, and it stays down", async () => {
    const since = daemon.lines.length;
    await good("session", "hangup", "self/a", "--text", "tea time");
    expect((await daemon.says(/^session a is down/, { since })).message).toMatch(/tea time/);
    expect((await daemon.says(/^session call-.* is down/, { since })).message).toMatch(/tea time/);
    expect(await good("session", "list", "--closed")).toMatch(/tea time/);
    expect(await good("session", "list", "--state", "down")).toMatch(/^self\/a .* idle /m);
  });

  test("takes down a tunnel: it is dialled again", async () => {
    const since = daemon.lines.length;
    await good("tunnel", "down", "self", "--text", "maintenance");
    await daemon.says(/^tunnel self is down: .*maintenance/, { since });
    await daemon.says(/^tunnel self to .* is up/, { since });
    await daemon.says(/^session b is up/, { since });
  });

  test("looks what a reload would do, and does it: what is the same stays", async () => {
    writeFileSync(file, document(ctl, { sessions: ["b", "c"] }));
    const { upForMs } = await ctl.client.session("self/b");
    const since = daemon.lines.length;
    const plan = await good("reload", "--dry-run");
    expect(plan).toMatch(/add-session self\/c/);
    expect(plan).toMatch(/remove-session self\/a/);
    expect(daemon.said(/^session [ac] is/, since)).toEqual([]);
    await good("reload");
    await daemon.says(/^session c is up/, { since });
    expect(daemon.said(/^session b is down|^tunnel self is down/, since)).toEqual([]);
    expect((await ctl.client.session("self/b")).upForMs).toBeGreaterThan(upForMs ?? 0);
    expect(await good("session", "list")).not.toMatch(/self\/a/);
    // What it was is still known, as of all that have ended.
    expect(await good("session", "show", "self/a")).toMatch(/tea time/);
  });

  test("is told what is wrong with a document, and nothing changes", async () => {
    writeFileSync(file, `${document(ctl, { sessions: ["b", "c"] })}\n[tunel.x]\n`);
    const { code, output } = await ctl.run("reload");
    expect(code).toBe(78);
    expect(output).toMatch(/did you mean "tunnel"/);
    expect((await ctl.client.session("self/b")).up).toBe(true);
  });

  test("sends SIGHUP: a new secret is good for new callers, and nobody loses a tunnel", async () => {
    const old = await (await peers.caller("old", AT)).establish("opensesame");
    await old.call(1);
    const since = daemon.lines.length;
    writeFileSync(file, document(ctl, { sessions: ["b", "c"], secret: "open barley" }));
    daemon.signal("SIGHUP");
    await daemon.says(/was read again/, { since });
    const fresh = await peers.caller("fresh", AT);
    await fresh.establish("open barley");
    expect(await fresh.call(1)).toBeGreaterThan(0);
    expect(await old.call(2)).toBeGreaterThan(0);
  });

  test("drains: no new tunnel and no new call, what is there stays until it ends", async () => {
    const lac = await (await peers.caller("draining", AT)).establish("open barley");
    const id = await lac.call(1);
    await good("drain");
    lac.icrq(2);
    await lac.hears("CDN");
    const late = await peers.caller("late", AT);
    late.sccrq();
    await late.hears("StopCCN");
    expect(lac.all("CDN")).toHaveLength(1);
    expect((await ctl.client.status()).drain).toBeDefined();
    await good("resume");
    const again = await (await peers.caller("again", AT)).establish("open barley");
    expect(await again.call(1)).toBeGreaterThan(0);
    lac.sayTo(id, "CDN", A.result(3), A.sessionId(1));
  });

  test("drains at a rate with a deadline: all end, and the daemon stops in order", async () => {
    await good("drain", "--rate", "100", "--deadline", "2");
    await daemon.says(/drained|no call is left/);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect((await ctl.run("status")).code).toBe(69);
  });
});
