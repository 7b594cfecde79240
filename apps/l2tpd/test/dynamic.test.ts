/** Daemons that dial each other, and themselves: real processes, real UDP on loopback, no privileges. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import { Folder, freePort, lac, lns } from "./scene.ts";
import { l2tpd, type Running } from "./under-test.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

let count = 0;
function daemon(document: string, ...more: string[]): Running {
  const file = folder.write(`${count++}.toml`, document);
  return l2tpd.start(["--config", file, "--no-socket", ...more]);
}
const onNull = ["--data-plane", "null"];

test("LNS and LAC in one daemon: it dials itself, tunnel and session come up, and it stops in order", async () => {
  const port = await freePort();
  await using both = daemon(`${lns(port)}${lac(port)}`, ...onNull);
  await both.line(/listening for tunnels on 127\.0\.0\.1 port/);
  await both.line(/info +tunnel out to .* is up tunnel=out/);
  await both.line(/info +session call is up/);
  both.process.kill("SIGUSR1");
  await both.line(/^listener lns on 127\.0\.0\.1:\d+: up$/);
  await both.line(/^tunnel out \(dynamic, dialled, .*\): up for/);
  await both.line(/^tunnel .* \(dynamic, accepted, .*\): up for/);
  await both.line(/^ {2}session call .*: up for/);
  await both.line(/^2 tunnels of 2 up \(1 dialled, 1 accepted, 0 configured\), 2 sessions of 2 up$/);
  await both.line(/^pool subscribers \(10\.123\.0\.2-10\.123\.0\.254\): 0 of 253 in use$/);
  expect(await both.stop()).toBe(0);
});

needs("linux")(
  "two daemons: PPP proves who calls, gives an address, and ends with its LNS; the LAC dials again",
  async () => {
    const port = await freePort();
    const own = ["--data-plane", "userspace"];
    await using caller = daemon(lac(port), ...own);
    for (let life = 1; life <= 2; life++) {
      const from = life === 1 ? 0 : caller.lines.length;
      await using called = daemon(lns(port), ...own);
      await called.line(/session .* is up.* test/);
      await caller.line(/session call is up/, { from });
      called.process.kill("SIGUSR1");
      await called.line(/^ {2}session .*, user test, 10\.123\.0\.1 ↔ 10\.123\.0\.2: up for/);
      await called.line(/^pool subscribers .*: 1 of 253 in use$/);
      expect(await called.stop()).toBe(0);
      // PPP said good-bye before its tunnel went.
      await caller.line(/session call is down: .*(peer|terminat)/, { from });
      await caller.line(/tunnel out is down: .*peer/, { from });
    }
    expect(await caller.stop()).toBe(0);
  },
);

test("a wrong secret is one line at each end that says so, and what to do", async () => {
  const port = await freePort();
  await using called = daemon(lns(port), ...onNull);
  await called.line(/listening/);
  await using caller = daemon(lac(port, { secret: "open barley" }), ...onNull);
  const atCaller = await caller.line(/(warn|error) .*tunnel out/);
  expect(atCaller).toMatch(/secret/);
  expect(atCaller).toMatch(/remedy=/);
  expect(await called.line(/(warn|info|error) .*secret/)).toMatch(/127\.0\.0\.1/);
  // It is tried again, and said once.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(caller.lines.filter((line) => /cannot come up/.test(line)).length).toBe(1);
  for (const line of [...caller.lines, ...called.lines]) expect(line).not.toMatch(/open(sesame| barley)/);
  await Promise.all([called.stop(), caller.stop()]);
});

needs("linux")("a user's wrong password is one line at each end, without the password", async () => {
  const port = await freePort();
  const own = ["--data-plane", "userspace"];
  await using called = daemon(lns(port), ...own);
  await called.line(/listening/);
  await using caller = daemon(lac(port, { password: "barley" }), ...own);
  expect(await caller.line(/session call (cannot come up|is down)/)).toMatch(
    /the peer did not accept who we are/,
  );
  await called.line(/session .* cannot come up: PPP ended: .*user test: its proof was wrong/);
  for (const line of [...caller.lines, ...called.lines]) expect(line).not.toMatch(/barley/);
  await Promise.all([called.stop(), caller.stop()]);
});

test("secrets in files: read with their modes checked, and again at a reload", async () => {
  const port = await freePort();
  const secret = folder.write("secret", "opensesame\n");
  const document = lac(port).replace('secret = "opensesame"', `secret_file = "${secret}"`);
  await using called = daemon(lns(port), ...onNull);
  await using caller = daemon(document, ...onNull);
  await caller.line(/tunnel out to .* is up/);
  folder.write("secret", "open barley\n");
  const from = caller.lines.length;
  caller.process.kill("SIGHUP");
  await caller.line(/reload: change-tunnel out \(changed: a secret in a file/, { from });
  // What is up stays so; the next connection has the new secret.
  expect(caller.lines.slice(from).filter((line) => /tunnel out is down/.test(line))).toEqual([]);
  await called.stop();
  await using other = daemon(lns(port, { secret: "open barley" }), ...onNull);
  await other.line(/listening/);
  await caller.line(/tunnel out to .* is up/, { from });
  await other.stop();
  folder.write("secret", "opensesame\n", 0o644);
  caller.process.kill("SIGHUP");
  await caller.line(/was not put into force, and nothing was changed/, { from });
  expect(await caller.line(/secret_file/, { from })).toContain(`chmod 600 ${secret}`);
  await caller.stop();
  const { status, stderr } = l2tpd.run("--check", "--config", folder.write("checked.toml", document));
  expect(status).toBe(78);
  expect(stderr).toContain(`chmod 600 ${secret}`);
});

test("limits change by a reload, for callers from then on", async () => {
  const port = await freePort();
  const document = folder.write("limits.toml", lns(port));
  await using called = l2tpd.start(["--config", document, "--no-socket", ...onNull]);
  await using caller = daemon(lac(port), ...onNull);
  await caller.line(/tunnel out to .* is up/);
  const from = called.lines.length;
  folder.write("limits.toml", `${lns(port)}[limits]\ntunnels = 1\n`);
  called.process.kill("SIGHUP");
  await called.line(/reload: change-settings limits: tunnels/, { from });
  await called.line(/was read again: 1 change/, { from });
  await using other = daemon(lac(port), ...onNull);
  expect(await other.line(/tunnel out cannot come up/)).toContain("limits.tunnels: there are 1");
  expect(caller.lines.filter((line) => /tunnel out is down/.test(line))).toEqual([]);
});

test("a document with secrets that others may read is warned of", async () => {
  const file = folder.write("exposed.toml", lns(await freePort()), 0o644);
  expect(l2tpd.run("--check", "--config", file).stdout).toContain(`chmod 600 ${file}`);
  const closed = folder.write("closed.toml", lns(await freePort()));
  expect(l2tpd.run("--check", "--config", closed).stdout).not.toContain("chmod");
});

test("--check says who may call, and what would be dialled", async () => {
  const port = await freePort();
  const file = folder.write("both.toml", `${lns(port)}${lac(port)}`);
  const { status, stdout } = l2tpd.run("--check", ...onNull, "--config", file);
  expect(status).toBe(0);
  expect(stdout).toContain(
    `l2tpd would listen on 127.0.0.1:${port} (listener lns); peer anyone may call; 2 users, 1 pool`,
  );
  expect(stdout).toContain(
    `l2tpd would dial tunnel out to 127.0.0.1:${port}, with a secret, at its start, and again whenever it ends; with 1 session (call with PPP as user test)`,
  );
  expect(stdout).not.toMatch(/opensesame/);
});

test("hooks are told of tunnels and sessions, up and down, also at the end of the daemon", async () => {
  const port = await freePort();
  const log = folder.of("hooks.log");
  const hook = folder.write(
    "hook",
    `#!/bin/sh\necho "$L2TP_EVENT $L2TP_TUNNEL \${L2TP_SESSION:--} \${L2TP_CAUSE:--} $L2TP_PEER_ADDRESS" >> '${log}'\n`,
    0o700,
  );
  const events = ["tunnel_up", "tunnel_down", "session_up", "session_down"];
  const hooks = `\n[hooks]\n${events.map((event) => `${event} = ["${hook}"]`).join("\n")}\n`;
  await using called = daemon(lns(port), ...onNull);
  await using caller = daemon(`${lac(port)}${hooks}`, ...onNull);
  await caller.line(/session call is up/);
  expect(await caller.stop()).toBe(0);
  const lines = readFileSync(log, "utf8").trim().split("\n");
  expect(lines[0]).toBe("tunnel-up out - - 127.0.0.1");
  expect(lines.map((line) => line.split(" ").slice(0, 4).join(" ")).sort()).toEqual([
    expect.stringMatching(/^session-down out call (closed|shut-down|tunnel-down)$/),
    "session-up out call -",
    expect.stringMatching(/^tunnel-down out - (closed|shut-down)$/),
    "tunnel-up out - -",
  ]);
  await called.stop();
});

needs({ tool: "tshark" })("--trace writes what tshark reads, without the secret's proof", async () => {
  const port = await freePort();
  const file = folder.of("trace.pcapng");
  await using called = daemon(lns(port), ...onNull);
  await using caller = daemon(lac(port), ...onNull, "--trace", file);
  await caller.line(/session call is up/);
  expect(await caller.stop()).toBe(0);
  await called.stop();
  const args = ["-r", file, "-d", `udp.port==${port},l2tp`, "-T", "fields", "-e", "l2tp.avp.message_type"];
  const run = spawnSync("tshark", [...args, "-e", "l2tp.avp.chap_challenge_response"], { encoding: "utf8" });
  const rows = run.stdout.split("\n").map((line) => line.split("\t"));
  const types = rows.flatMap(([type]) => (type ? [Number(type)] : []));
  for (const wanted of [1, 2, 3, 10, 11, 12, 4]) expect(types).toContain(wanted);
});

test("--trace FILE that cannot be written ends the start with 71; --trace-secrets alone is wrong usage", async () => {
  const file = folder.write("t.toml", lns(await freePort()));
  const run = l2tpd.run("--config", file, "--no-socket", ...onNull, "--trace", folder.of("no/such/x.pcapng"));
  expect(run.status).toBe(71);
  expect(run.stderr).toContain("make its folder first");
  expect(l2tpd.run("--config", file, "--trace-secrets").status).toBe(64);
});

test("a second signal does not wait for peers that are gone", async () => {
  const port = await freePort();
  await using called = daemon(lns(port), ...onNull);
  await using caller = daemon(lac(port), ...onNull, "--stop-timeout", "600");
  await caller.line(/session call is up/);
  await called.stop("SIGKILL");
  caller.process.kill("SIGTERM");
  await caller.line(/stopping: SIGTERM/);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await caller.stop("SIGTERM")).toBe(75);
});

test("a Ctrl-C that is told twice, as under npm, is one request for an orderly stop", async () => {
  const port = await freePort();
  await using called = daemon(lns(port), ...onNull);
  await using caller = daemon(lac(port), ...onNull);
  await caller.line(/session call is up/);
  caller.process.kill("SIGINT");
  expect(await caller.stop("SIGINT")).toBe(0);
  await called.line(/tunnel .* is down: .*the peer ended it: StopCCN 6/);
});

test("the process ID is in its file while it runs", async () => {
  const file = folder.of("pid");
  await using called = daemon(lns(await freePort()), ...onNull, "--pid-file", file);
  await called.line(/listening/);
  expect(readFileSync(file, "utf8")).toBe(`${called.process.pid}\n`);
  await called.stop();
  expect(() => readFileSync(file)).toThrow("ENOENT");
});
