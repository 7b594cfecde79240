import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { l2tpd } from "./under-test.ts";

const folder = mkdtempSync(join(tmpdir(), "l2tpd-cli-"));
const example = fileURLToPath(new URL("../../../examples/l2tpv3-ethernet-a.toml", import.meta.url));

afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

test("--help shows the options, examples, signals and every exit code", () => {
  const { status, stdout } = l2tpd.run("--help");
  expect(status).toBe(0);
  for (const word of [
    "--config",
    "--check",
    "--data-plane",
    "--log-level",
    "--log-format",
    "--version",
    "demo",
  ]) {
    expect(stdout).toContain(word);
  }
  expect(stdout).toContain("l2tpd --check --config site-a.toml");
  expect(stdout).not.toContain("demo-probe");
  for (const code of [0, 64, 66, 69, 70, 71, 75, 77, 78]) expect(stdout).toMatch(new RegExp(` ${code}  `));
});

test("--version prints the version of the package", () => {
  expect(l2tpd.run("--version")).toMatchObject({ status: 0, stdout: `l2tpd ${packageJson.version}\n` });
});

needs("linux")(
  "output that cannot be written ends with 71 and is told in one line; a reader that goes away is not",
  () => {
    for (const words of [["--help"], ["--version"], ["--check", "--config", example]]) {
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [l2tpd.script, ...words], {
        encoding: "utf8",
        stdio: ["ignore", full, "pipe"],
      });
      closeSync(full);
      expect({ words, status, stderr }).toEqual({
        words,
        status: 71,
        stderr: "l2tpd: standard output: ENOSPC: no space left on device, write\n",
      });
    }
    const words = [process.execPath, l2tpd.script, "--check", "--config", example];
    const piped = spawnSync("bash", ["-o", "pipefail", "-c", '"$@" | true', "bash", ...words], {
      encoding: "utf8",
    });
    expect(piped).toMatchObject({ status: 0, stderr: "" });
  },
);

test.each([
  [["--nonsense"], /unknown option '--nonsense'/],
  [["--data-plane", "carrier-pigeon"], /Allowed choices are auto, linux, userspace, null, mock/],
  [["--log-level", "loud"], /error, warn, info, debug/],
  [["--stop-timeout", "soon"], /number of seconds from 0 to 3600/],
  [["--config"], /argument missing/],
  [["surplus"], /^l2tpd: too many arguments.* The configuration is named with --config FILE\.\n/],
])("wrong usage %j ends with 64 and says what would be right", (args, message) => {
  const { status, stderr } = l2tpd.run(...args);
  expect(status).toBe(64);
  expect(stderr).toMatch(message);
});

test("a file that is not there, and a folder in the place of one, end with 66 and are named", () => {
  expect(l2tpd.run("--config", "/nonexistent.toml")).toMatchObject({
    status: 66,
    stderr: "l2tpd: /nonexistent.toml: there is no such file; name the configuration with --config FILE\n",
  });
  expect(l2tpd.run("--check", "--config", folder)).toMatchObject({
    status: 66,
    stderr: expect.stringContaining("directory"),
  });
});

test("a wrong file ends with 78, with and without --check, and every error has its file, line and column", () => {
  const path = file(
    "wrong.toml",
    "[tunnel.t]",
    'peer = "192.0.2.2:1701"',
    "tid = 0",
    'mode = "static"',
    'pear = "x"',
    "ptid = 2",
  );
  for (const args of [
    ["--check", "--config", path],
    ["--config", path],
  ]) {
    const { status, stdout, stderr } = l2tpd.run(...args);
    expect(status).toBe(78);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/the configuration has \d errors/);
    expect(stderr).toContain(`${path}:3:7: tunnel.t.tid: `);
    expect(stderr).toMatch(new RegExp(`${path}:5:1: tunnel.t.pear: .*did you mean "peer"`));
  }
});

test("a file that is not UTF-8 ends with 78, and the place of its first wrong octet", () => {
  const path = file("latin1.toml");
  writeFileSync(path, Buffer.from('[tunnel.t]\nhost_name = "caf\u00e9"\n', "latin1"));
  const { status, stderr } = l2tpd.run("--check", "--config", path);
  expect(status).toBe(78);
  expect(stderr).toContain(`${path}:2:17: octet e9 is not UTF-8. Save it as UTF-8`);
});

test("--check says what would be done, with each default marked, and shows no cookie", () => {
  const { status, stdout, stderr } = l2tpd.run("--check", "--config", example);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain(`${example}: correct`);
  expect(stdout).toMatch(/^data plane: /m);
  expect(stdout).toMatch(/max_retries +10 +\(default\)/);
  expect(stdout).toMatch(/hello_timeout +5000 ms$/m);
  expect(stdout).toMatch(
    /l2tpd would keep up tunnel site-b with 1 session; a peer that is gone is noticed within 1 min/,
  );
  expect(stdout).not.toMatch(/6f1d2c3b|8899aabb/i);
});

test("--check names what this version leaves out, and l2tpd ends with 69 when nothing is left", () => {
  const path = file(
    "dynamic.toml",
    "[tunnel.t]",
    'peer = "192.0.2.2"',
    'version = "l2tpv3"',
    'mode = "dynamic"',
  );
  expect(l2tpd.run("--check", "--config", path)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("l2tpd would leave out tunnel t: L2TPv3 tunnels cannot be dialled yet"),
  });
  const { status, stderr } = l2tpd.run("--data-plane", "mock", "--no-socket", "--config", path);
  expect(status).toBe(69);
  expect(stderr).toContain("tunnel t is left out");
});

test("--check says which data plane would be taken; where the kernel's is not to be had, what to do about it", () => {
  const path = file(
    "linux.toml",
    "[daemon]",
    'data_plane = "linux"',
    "[tunnel.t]",
    'peer = "192.0.2.2"',
    "tid = 1",
    "ptid = 2",
  );
  const { status, stdout } = l2tpd.run("--check", "--config", path);
  expect(status).toBe(0);
  const line = stdout.split("\n").find((text) => text.startsWith("data plane: ")) ?? "";
  // This machine's kernel has L2TP, or it has not; or we may not use it.
  expect(line).toMatch(/^data plane: linux(, and .*(modprobe l2tp_netlink|CAP_NET_ADMIN)| \(asked for\): )/);
});

const two = (): string =>
  file(
    "two.toml",
    "[tunnel.bad]",
    'mode = "static"',
    'local = "192.0.2.1:1701"',
    'peer = "192.0.2.9:1701"',
    "tid = 7",
    "ptid = 8",
    "[tunnel.bad.session.s]",
    "sid = 77",
    "psid = 88",
    'pseudowire = "pppac"',
    'interface_name = "eth0"',
    "pppoe_session_id = 1",
    'pppoe_peer_mac = "02:42:94:d1:4e:9a"',
    "[tunnel.good]",
    'mode = "static"',
    'local = "192.0.2.1:1701"',
    'peer = "192.0.2.2:1701"',
    "tid = 1",
    "ptid = 2",
    "[tunnel.good.session.lan]",
    "sid = 11",
    "psid = 22",
    'cookie = "deadbeef"',
  );

const posix = test.skipIf(process.platform === "win32");

posix(
  "it runs on the mock anywhere: what cannot come up stops nothing, SIGUSR1 tells all, SIGTERM ends it with 0",
  async () => {
    await using daemon = l2tpd.start(["--no-socket", "--data-plane", "mock", "--config", two()]);
    await daemon.line(/session lan is up/);
    await daemon.line(/warn .*session s cannot come up: .*pppac.*; trying again/);
    daemon.process.kill("SIGUSR1");
    await daemon.line(/^l2tpd .*, running for/);
    await daemon.line(/^data plane mock/);
    await daemon.line(/^tunnel good \(static, 192\.0\.2\.1:1701 → 192\.0\.2\.2:1701, IDs 1 → 2\): up for/);
    await daemon.line(/^ {2}session lan \(IDs 11 → 22\).*: up for/);
    await daemon.line(/^ {2}session s \(IDs 77 → 88\): retrying: .*pppac/);
    expect(await daemon.stop("SIGTERM")).toBe(0);
    expect(daemon.lines.at(-1)).toMatch(/ info {2}stopped$/);
    expect(daemon.lines.join("\n")).not.toContain("deadbeef");
  },
);

posix("--log-format json writes one object a line, the state, too; SIGINT ends it as well", async () => {
  await using daemon = l2tpd.start([
    "--no-socket",
    "--data-plane",
    "mock",
    "--log-format",
    "json",
    "--config",
    two(),
  ]);
  await daemon.line(/"session lan is up/);
  daemon.process.kill("SIGUSR1");
  const line = await daemon.line(/"message":"state"/);
  expect(JSON.parse(line)).toMatchObject({
    level: "info",
    state: {
      status: { dataPlane: { name: "mock" }, tunnels: { total: 2, configured: 2 } },
      tunnels: [{ name: "bad" }, { name: "good", state: "up", sessions: [{ state: "up" }] }],
    },
  });
  expect(await daemon.stop("SIGINT")).toBe(0);
  for (const each of daemon.lines) expect(() => JSON.parse(each), each).not.toThrow();
});

posix("--log-level error says nothing of what goes well", async () => {
  const pid = `${two()}.pid`;
  await using daemon = l2tpd.start([
    "--no-socket",
    "--data-plane",
    "mock",
    "--log-level",
    "error",
    "--pid-file",
    pid,
    "--config",
    two(),
  ]);
  // From then on it can be told to stop.
  await expect.poll(() => existsSync(pid)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await daemon.stop()).toBe(0);
  expect(daemon.lines).toEqual([]);
});

posix(
  "a daemon whose tunnels are all up, with nothing left to wait for, runs until it is told to stop",
  async () => {
    const path = file(
      "calm.toml",
      "[tunnel.calm]",
      'mode = "static"',
      'local = "192.0.2.1:1701"',
      'peer = "192.0.2.2:1701"',
      "tid = 1",
      "ptid = 2",
    );
    await using daemon = l2tpd.start(["--no-socket", "--data-plane", "mock", "--config", path]);
    await daemon.line(/tunnel calm .* is up/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(daemon.process.exitCode).toBeNull();
    expect(await daemon.stop()).toBe(0);
  },
);
