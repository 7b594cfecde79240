/** From two xl2tpd configurations to two l2tpd that speak to each other, looked at and steered as a user does. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { built } from "@l2tp/testing/built";
import { freePort } from "@l2tp/testing/free-port";
import { afterEach, beforeEach, expect } from "vitest";
import { jsonLines, l2tpctl } from "./harness.ts";

let directory = "";
const daemons: ChildProcess[] = [];
const said = new Map<string, string>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-daemon-"));
});
afterEach(async () => {
  await Promise.all(daemons.splice(0).map(stop));
  rmSync(directory, { recursive: true });
});

/** Imports `NAME.conf` with its secrets, and starts l2tpd with what came of it. */
async function start(name: string, conf: string, secrets: string, chap: string): Promise<ChildProcess> {
  const at = (file: string) => join(directory, `${name}.${file}`);
  writeFileSync(at("conf"), conf);
  writeFileSync(at("l2tp-secrets"), secrets);
  writeFileSync(at("chap-secrets"), chap);
  const files = ["--secrets", at("l2tp-secrets"), "--chap-secrets", at("chap-secrets")];
  expect(await l2tpctl(["config", "import", at("conf"), ...files, "-o", at("toml")])).toMatchObject({
    code: 0,
  });
  const daemon = spawn(
    process.execPath,
    [built("l2tpd"), "--config", at("toml"), "--data-plane", "null", "--socket", at("sock")],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  for (const stream of [daemon.stdout, daemon.stderr]) {
    stream?.on("data", (piece: Buffer) => said.set(name, (said.get(name) ?? "") + piece.toString()));
  }
  daemons.push(daemon);
  await expect.poll(async () => (await ctl(name, "status")).code, { interval: 100 }).toBe(0);
  return daemon;
}

const ctl = (name: string, ...words: string[]) =>
  l2tpctl([...words, "--socket", join(directory, `${name}.sock`)]);

const rows = async (name: string, ...words: string[]) =>
  jsonLines((await ctl(name, ...words, "--json")).stdout);

async function stop(daemon: ChildProcess): Promise<number | null> {
  if (daemon.exitCode !== null) return daemon.exitCode;
  const ended = new Promise<number | null>((done) => daemon.once("exit", done));
  daemon.kill("SIGTERM");
  return await ended;
}

needs("linux")(
  "a LAC and an LNS of xl2tpd's, imported, find each other",
  async () => {
    const port = await freePort();
    const lns = await start(
      "lns",
      `[global]\nlisten-addr = 127.0.0.1\nport = ${port}\n[lns default]\nchallenge = yes\nip range = 10.9.0.2-10.9.0.99\n` +
        "local ip = 10.9.0.1\nrequire chap = yes\n",
      "* * 'a secret of both'\n",
      "anna * pass *\n",
    );
    const lac = await start(
      "lac",
      `[global]\nport = 0\n[lac office]\nlns = 127.0.0.1:${port}\nautodial = yes\nredial = yes\nredial timeout = 1\n` +
        "challenge = yes\nhostname = the-lac\nname = anna\n",
      "the-lac * 'a secret of both'\n",
      "anna * pass *\n",
    );
    const up = async (name: string) => (await rows(name, "session", "list", "--state", "up")).length;
    await expect.poll(() => up("lac"), { interval: 100 }).toBe(1);
    await expect.poll(() => up("lns"), { interval: 50 }).toBe(1);

    const [tunnel] = await rows("lns", "tunnel", "list", "--peer", "the-lac");
    expect(tunnel).toMatchObject({ up: true, openedBy: "peer", peerHostName: "the-lac", sessionsUp: 1 });
    const [detail] = await rows("lns", "tunnel", "show", String(tunnel?.["tunnelId"]));
    expect(detail).toMatchObject({ authenticated: true });
    expect((await ctl("lac", "tunnel", "show", "office")).stdout).toMatch(/^tunnel office: up/);

    // What one end hangs up, the other knows the reason of.
    const [session] = await rows("lns", "session", "list");
    const hungUp = await ctl(
      "lns",
      "session",
      "hangup",
      `${session?.["tunnel"]}/${session?.["name"]}`,
      "--text",
      "line test",
    );
    expect(hungUp).toMatchObject({ code: 0 });
    await expect
      .poll(async () => (await ctl("lac", "session", "list", "--closed")).stdout, {
        interval: 50,
      })
      .toMatch(/office\/call.*CDN 3.*line test/);

    // A drain takes no new callers, and its end does.
    expect((await ctl("lns", "drain")).stdout).toMatch(/^draining/);
    expect((await rows("lns", "status"))[0]).toMatchObject({ drain: { draining: true } });
    expect((await ctl("lns", "resume")).stdout).toMatch(/^calls are taken/);

    // Kept down, and dialled by hand.
    expect(await ctl("lac", "hangup", "office")).toMatchObject({ code: 0 });
    await expect.poll(() => up("lns"), { interval: 50 }).toBe(0);
    expect(await ctl("lac", "dial", "office")).toMatchObject({ code: 0 });
    await expect.poll(() => up("lns"), { interval: 100 }).toBe(1);

    // A reload says what it would do, and does it.
    const toml = join(directory, "lac.toml");
    appendFileSync(
      toml,
      readFileSync(toml, "utf8")
        .replace(/^[\s\S]*?(?=\[tunnel\.office\])/, "")
        .replaceAll("office", "branch")
        .replace(/\n# PPP[\s\S]*$/, "\n")
        .replace(/ppp_profile = .*\n/, ""),
    );
    expect((await ctl("lac", "reload", "--dry-run")).stdout).toMatch(/add-tunnel branch/);
    expect(await ctl("lac", "tunnel", "show", "branch")).toMatchObject({ code: 1 });
    expect(await ctl("lac", "reload")).toMatchObject({ code: 0 });
    await expect.poll(() => up("lns"), { interval: 100 }).toBe(2);

    expect([await stop(lac), await stop(lns)]).toEqual([0, 0]);
    expect(await ctl("lns", "status")).toMatchObject({ code: 69 });
  },
  300_000,
);

const LAC = (port: number, lns: number) =>
  `[global]\nlisten-addr = 127.0.0.1\nport = ${port}\n[lac office]\nlns = 127.0.0.1:${lns}\nautodial = yes\n` +
  "redial = yes\nredial timeout = 1\nchallenge = yes\nhostname = the-lac\nname = anna\n";
const LNS = (port: number) =>
  `[global]\nlisten-addr = 127.0.0.1\nport = ${port}\n[lns default]\nchallenge = yes\nhostname = the-lns\n` +
  "ip range = 10.9.0.2-10.9.0.99\nlocal ip = 10.9.0.1\nrequire chap = yes\n";
const SECRETS = "* the-lac secret-of-both\n* the-lns secret-of-both\n";

/** xl2tpd itself, with the same words. Its sessions fail where there is no PPP, its tunnels stand. */
function xl2tpd(conf: string): void {
  const at = (file: string) => join(directory, `xl2tpd.${file}`);
  writeFileSync(at("conf"), conf);
  writeFileSync(at("secrets"), SECRETS);
  const words = ["-D", "-c", at("conf"), "-s", at("secrets"), "-p", at("pid"), "-C", at("control")];
  daemons.push(spawn("xl2tpd", words, { cwd: directory, stdio: "ignore" }));
}

needs("root", { tool: "xl2tpd" })("xl2tpd dials an LNS whose configuration was imported", async () => {
  const [lac, lns] = [await freePort(), await freePort()];
  await start("lns", LNS(lns), SECRETS, "anna * pass *\n");
  xl2tpd(LAC(lac, lns));
  const up = async () => (await rows("lns", "tunnel", "list", "--state", "up"))[0];
  await expect.poll(up, { interval: 100 }).toMatchObject({ peerVendorName: "xelerance.com" });
  const [tunnel] = await rows("lns", "tunnel", "show", String((await up())?.["name"]));
  expect(tunnel).toMatchObject({ authenticated: true, peerHostName: "the-lac", peerName: "default-the-lac" });
});

needs("root", { tool: "xl2tpd" })("a LAC whose configuration was imported dials xl2tpd", async () => {
  const [lac, lns] = [await freePort(), await freePort()];
  xl2tpd(LNS(lns));
  await start("lac", LAC(lac, lns), SECRETS, "anna * pass *\n");
  const up = async () => (await rows("lac", "tunnel", "list", "--state", "up"))[0];
  await expect.poll(up, { interval: 100 }).toMatchObject({ name: "office", peerHostName: "the-lns" });
  expect((await rows("lac", "tunnel", "show", "office"))[0]).toMatchObject({ authenticated: true });
});
