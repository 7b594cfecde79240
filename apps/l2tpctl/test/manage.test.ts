/** The commands that speak to a daemon, run as a user runs them, against a daemon that has no tunnels but says so. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManagementError, type ManagementServer, serve } from "@l2tp/management";
import { needs } from "@l2tp/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeDaemon, sessionRow, tunnelRow } from "../../../packages/management/test/fake.ts";
import { CONTROL_CHARACTER, jsonLines, l2tpctl, Sink } from "./harness.ts";

let directory = "";
let socket = "";
let daemon: FakeDaemon;
let server: ManagementServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-"));
  socket = join(directory, "l2tpd.sock");
  daemon = new FakeDaemon();
  server = await serve(daemon, { socketPath: socket, version: "1.2.3" });
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const ctl = (line: string, options: Parameters<typeof l2tpctl>[1] = {}) =>
  l2tpctl([...line.split(" "), "--socket", socket], options);

describe("tables", () => {
  test("tunnels and sessions, a line each under their titles", async () => {
    const tunnels = await ctl("tunnel list");
    expect(tunnels).toMatchObject({ code: 0, stderr: "" });
    const [titles, north, south, ...rest] = tunnels.stdout.trimEnd().split("\n");
    expect(titles).toMatch(/^NAME +ID +PEER ID +STATE +PEER +HOST NAME/);
    expect(north).toMatch(/^north +7 +8 +up +192\.0\.2\.7:1701 +north\.example/);
    expect(south).toMatch(/^south/);
    expect(rest).toEqual([]);
    const sessions = (await ctl("session list")).stdout.trimEnd().split("\n");
    expect(sessions).toHaveLength(4);
    expect(sessions[1]).toMatch(/^north\/call-1 +7\/100 +lns-incoming +up +user-100 +10\.0\.0\.2 +ppp100/);
  });

  test("the address of a session is the subscriber's: at a LNS the peer's, at a LAC our own", async () => {
    daemon.sessionRows.push({ ...sessionRow("north", 7, "line", 101), kind: "lac-incoming" });
    const { stdout } = await ctl("session list --tunnel north");
    expect(stdout).toMatch(/^north\/call-1 .* 10\.0\.0\.2 +ppp100/m);
    expect(stdout).toMatch(/^north\/line .* 10\.0\.0\.1 +ppp101/m);
  });

  test("the status says which listener cannot listen, why, and what to do", async () => {
    const status = await daemon.status();
    const reason = { code: "address-in-use", text: "bind EADDRINUSE", remedy: "stop the other program" };
    const wires = [
      ...status.wires,
      {
        listener: "two",
        local: { address: "192.0.2.1", port: 1701 },
        encapsulation: "udp" as const,
        counters: {},
        reason,
      },
    ];
    daemon.status = () => Promise.resolve({ ...status, wires });
    const { stdout } = await ctl("status");
    expect(stdout).toMatch(/^listens +0\.0\.0\.0:1701 udp \(main\)$/m);
    expect(stdout).toMatch(
      /^cannot listen +192\.0\.2\.1:1701 udp \(two\): bind EADDRINUSE; stop the other program$/m,
    );
  });

  test("filters reach the daemon", async () => {
    expect((await ctl("session list --user user-20*")).stdout.trimEnd().split("\n")).toHaveLength(3);
    expect((await ctl("session list --tunnel south --state down")).stdout).toBe("no sessions\n");
    expect((await ctl("tunnel list --peer north.example")).stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  test.each([60, 80, 100, 200])("no line is longer than a terminal of %i columns", async (columns) => {
    daemon.tunnelRows.push(tunnelRow("a-tunnel-with-a-rather-long-name-as-people-give", 4711));
    daemon.sessionRows.push(
      sessionRow("a-tunnel-with-a-rather-long-name-as-people-give", 4711, "call-of-somebody", 815),
    );
    for (const line of ["tunnel list", "session list", "tunnel list --closed", "peers", "pools", "targets"]) {
      const stdout = Object.assign(new Sink({ isTTY: true }), { columns });
      await ctl(line, { stdout, env: { NO_COLOR: "1" } });
      const lines = stdout.text.trimEnd().split("\n");
      expect(lines.length).toBeGreaterThan(1);
      for (const text of lines) expect(text.length).toBeLessThanOrEqual(columns);
    }
  });

  test("into a pipe nothing is cut", async () => {
    const name = "n".repeat(300);
    daemon.tunnelRows.push(tunnelRow(name, 99));
    expect((await ctl("tunnel list")).stdout).toContain(name);
  });

  test("what a peer calls itself moves no cursor", async () => {
    const evil = {
      ...tunnelRow("evil\u001b[2J\u009b\n", 66),
      peerHostName: "\u202ehost\u0007",
      peerVendorName: "\u001b]0;x",
    };
    daemon.tunnelRows.push(evil);
    daemon.sessionRows.push({ ...sessionRow(evil.name, 66, "s\u001b", 1), user: "\u001b[31mroot" });
    for (const line of [
      "tunnel list",
      "tunnel show 66",
      "session list",
      "session show 66/1",
      "tunnel show 67",
    ]) {
      const { stdout, stderr } = await ctl(line);
      expect(stdout + stderr).not.toMatch(CONTROL_CHARACTER);
      expect(stdout + stderr).not.toContain("\u202e");
      const asJson = await ctl(`${line} --json`);
      expect(asJson.stdout).not.toMatch(CONTROL_CHARACTER);
    }
    expect(jsonLines((await ctl("tunnel list --json")).stdout)[2]).toMatchObject({ name: evil.name });
  });

  test("colours on a terminal, unless NO_COLOR", async () => {
    const print = async (env: Record<string, string>) => {
      const stdout = Object.assign(new Sink({ isTTY: true }), { columns: 100 });
      await ctl("tunnel list", { stdout, env });
      return stdout.text;
    };
    expect(await print({})).toContain("\u001b[32mup\u001b[39m");
    expect(await print({ NO_COLOR: "1" })).not.toContain("\u001b");
  });
});

describe("--json", () => {
  test("a list is a line for each, anything else one object", async () => {
    expect(jsonLines((await ctl("tunnel list --json")).stdout).map((row) => row["name"])).toEqual([
      "north",
      "south",
    ]);
    expect(jsonLines((await ctl("session list --json")).stdout)).toHaveLength(3);
    for (const line of ["peers", "pools", "targets", "tunnel list --closed", "session list --closed"]) {
      expect(jsonLines((await ctl(`${line} --json`)).stdout)).toHaveLength(1);
    }
    expect(jsonLines((await ctl("status --json")).stdout)).toEqual([await daemon.status()]);
    expect(jsonLines((await ctl("tunnel show 7 --json")).stdout)).toEqual([daemon.tunnelRows[0]]);
    expect(jsonLines((await ctl("session show ppp201 --json")).stdout)).toEqual([daemon.sessionRows[2]]);
    expect(jsonLines((await ctl("drain --json")).stdout)).toEqual([daemon.drainStatus]);
    expect(jsonLines((await ctl("reload --json")).stdout)[0]).toMatchObject({ dryRun: false });
    for (const line of [
      "tunnel down 7",
      "session hangup ppp100",
      "resume",
      "trace off",
      "log-level warn",
      "dial office",
      "hangup office",
    ]) {
      expect(jsonLines((await ctl(`${line} --json`)).stdout)).toHaveLength(1);
    }
  });

  test("20,000 sessions come through as they are", async () => {
    daemon.sessions = function* () {
      for (let id = 1; id <= 20_000; id++) yield sessionRow("north", 7, `call-${id}`, id);
    };
    expect(jsonLines((await ctl("session list --json")).stdout).map((row) => row["sessionId"])).toEqual(
      Array.from({ length: 20_000 }, (_, at) => at + 1),
    );
    expect((await ctl("session list")).stdout.trimEnd().split("\n")).toHaveLength(20_001);
  });
});

test.each(["session list --json", "session list"])(
  "%s: when the reader has gone, the daemon's list ends",
  async (line) => {
    let made = 0;
    let ended = false;
    daemon.sessions = function* () {
      try {
        for (let id = 1; id <= 100_000; id++, made++) yield sessionRow("north", 7, `call-${id}`, id);
      } finally {
        ended = true;
      }
    };
    expect(await ctl(line, { stdout: new Sink({ limit: 1 }) })).toMatchObject({ code: 0, stderr: "" });
    await expect.poll(() => ended).toBe(true);
    expect(made).toBeLessThan(50_000);
  },
);

describe("show", () => {
  test("a tunnel, with why it is not up and what was said last", async () => {
    daemon.tunnelRows.push({
      ...tunnelRow("broken", 9),
      up: false,
      state: "retrying",
      controlState: "wait-ctl-reply",
      upForMs: undefined,
      retryInMs: 4_000,
      reason: { code: "no-response", text: "the peer does not answer", remedy: "see whether it runs" },
      quirks: [{ name: "windows", text: "one session for each tunnel" }],
      channel: {
        state: "open",
        ns: 3,
        nr: 2,
        peerNr: 3,
        cwnd: 2,
        ssthresh: 4,
        window: 4,
        queued: 1,
        inFlight: 1,
        held: 0,
        retries: 2,
        rttMs: 12.4,
        rttVariationMs: 1,
        retransmissionMs: 4000,
        lastHeardAgoMs: 9000,
        counters: { retransmits: 5, duplicates: 0 },
      },
    });
    const { stdout } = await ctl("tunnel show broken");
    expect(stdout).toMatch(/^tunnel broken: retrying \(wait-ctl-reply\)\n/);
    expect(stdout).toMatch(
      /why +the peer does not answer\n +what to do +see whether it runs\n +next try in +4 s/,
    );
    expect(stdout).toContain("windows (one session for each tunnel)");
    expect(stdout).toMatch(/round trip +12 ms ± 1\.0 ms/);
    expect(stdout).toMatch(/retransmits +5/);
    expect(stdout).not.toContain("duplicates");
    expect(stdout).toMatch(/5 ms ago {2}received {2}SCCRQ/);
  });

  test("one that has ended and is still remembered: how, why, and what was said last", async () => {
    const tunnel = await ctl("tunnel show old");
    expect(tunnel).toMatchObject({ code: 0, stderr: "" });
    expect(tunnel.stdout).toMatch(/^tunnel old: ended .* ago\n {2}why +.*StopCCN 6.*ask the peer's operator/);
    for (const reference of ["old/gone", "gone", "anna"]) {
      const session = await ctl(`session show ${reference}`);
      expect(session.stdout).toMatch(/^session old\/gone: ended .*was up +never.*user +anna\n/s);
    }
    const [row] = jsonLines((await ctl("tunnel list --closed --json")).stdout);
    expect(JSON.parse((await ctl("tunnel show old --json")).stdout)).toEqual(row);
    expect(await ctl("tunnel show older")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining('no tunnel "older"; there are north, south'),
    });
    expect(await ctl("session hangup gone")).toMatchObject({ code: 1 });
  });

  test("closed ones with cause and remedy", async () => {
    expect((await ctl("tunnel list --closed")).stdout).toMatch(/old .*StopCCN 6.*ask the peer's operator/);
    expect((await ctl("session list --closed")).stdout).toMatch(/old\/gone .*anna .*never/);
  });
});

test("commands do what they say, and say what they did", async () => {
  const says: [string, RegExp][] = [
    ["tunnel down 8", /tunnel 8 is being taken down/],
    ["session hangup user-100", /session user-100 is being hung up/],
    ["dial office", /office \(lns\.example\) is dialling/],
    ["hangup office", /stays down/],
    ["reload --dry-run", /1 step, not taken\n {2}add-tunnel t1 \(new\)/],
    ["drain --rate 5 --deadline 60", /draining.*5 of them end each second.*1 min/],
    ["resume", /calls are taken/],
    ["trace on --file t.pcapng --peer 192.0.2.7", /trace is on/],
    ["log-level debug", /debug/],
  ];
  for (const [line, pattern] of says) {
    const outcome = await ctl(line, { cwd: "/var/tmp" });
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(pattern) });
  }
  expect(daemon.asked).toEqual([
    ["closeTunnel", "south", {}],
    ["hangUp", "north", "call-1", {}],
    ["dial", "office"],
    ["hangUpTarget", "office"],
    ["reload", { dryRun: true }],
    ["drain", { perSecond: 5, deadlineMs: 60_000 }],
    ["resume"],
    ["trace", { on: true, file: "/var/tmp/t.pcapng", peer: "192.0.2.7" }],
    ["setLogLevel", "debug"],
  ]);
});

test("--text goes to the peer", async () => {
  await l2tpctl(["tunnel", "down", "north", "--text", "back at noon", "--socket", socket]);
  expect(daemon.asked).toEqual([["closeTunnel", "north", { text: "back at noon" }]]);
});

describe("--watch", () => {
  test("prints again and again; on a terminal over what was there", async () => {
    const stop = new AbortController();
    const stdout = Object.assign(new Sink({ isTTY: true }), { columns: 100 });
    const running = ctl("tunnel list --watch 0.1", { stdout, signal: stop.signal });
    await expect.poll(() => stdout.text.match(/north/g)?.length).toBeGreaterThanOrEqual(6);
    stop.abort();
    expect(await running).toMatchObject({ code: 0, stderr: "" });
    expect(stdout.text.startsWith("\u001b[2J\u001b[H")).toBe(true);
    expect(stdout.text.split("\u001b[H\u001b[J").length - 1).toBeGreaterThanOrEqual(2);
  });

  test("without a number it takes two seconds, and an option may follow", async () => {
    const stop = new AbortController();
    const stdout = new Sink();
    const running = ctl("status --watch --json", { stdout, signal: stop.signal });
    await expect.poll(() => stdout.text, { interval: 10 }).not.toBe("");
    stop.abort();
    expect((await running).code).toBe(0);
    expect(jsonLines(stdout.text)).toHaveLength(1);
  });

  test("ends when the daemon does", async () => {
    let asked = 0;
    const tunnels = daemon.tunnels.bind(daemon);
    daemon.tunnels = () => {
      if (++asked === 2) setTimeout(() => void server.close(), 20);
      return tunnels();
    };
    expect((await ctl("tunnel list --watch 0.1")).code).toBeOneOf([69, 75]);
  });
});

describe("exit codes and messages", () => {
  test.each([
    ["tunnel show x", 1, 'l2tpctl: no tunnel "x"; there are north, south\n'],
    ["tunnel down x", 1, 'l2tpctl: no tunnel "x"; there are north, south\n'],
    [
      "session hangup call-1",
      1,
      /more than one session answers to "call-1": north\/call-1, south\/call-1\n {2}name the session as/,
    ],
    ["dial x", 1, /no tunnel to dial "x"; there is office/],
    ["tunnel show", 64, /missing required argument/],
    ["tunnel lst", 64, /unknown command 'lst'[\s\S]*list/],
    ["tunnel list --stat up", 64, /unknown option '--stat'[\s\S]*--state/],
    ["drain --rate 0", 64, /above 0/],
    ["drain --rate many", 64, /above 0/],
    ["log-level loud", 64, /error, warn, info, debug/],
    ["trace maybe", 64, /on, off/],
    ["tunnel list --watch 0", 64, /0\.1 to 3600/],
  ])("%s: %i", async (line, code, says) => {
    const outcome = await ctl(line);
    expect(outcome).toMatchObject({ code, stdout: "" });
    if (typeof says === "string") expect(outcome.stderr).toBe(says);
    else expect(outcome.stderr).toMatch(says);
    expect(daemon.asked).toEqual([]);
  });

  test("tunnel and session alone: their help, as wrong usage", async () => {
    for (const name of ["tunnel", "session"]) {
      const outcome = await l2tpctl([name]);
      expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining(`Usage: l2tpctl ${name}`) });
    }
  });

  test("no daemon: 69, and what to do", async () => {
    expect(await l2tpctl(["status", "--socket", join(directory, "nowhere")])).toEqual({
      code: 69,
      stdout: "",
      stderr: `l2tpctl: no l2tpd at ${directory}/nowhere: there is no such socket\n  start l2tpd, or name its socket with --socket\n`,
    });
  });

  test("an errors of the configuration: 78, each on a line", async () => {
    daemon.reload = () =>
      Promise.reject(
        new ManagementError("configuration", "the document has errors", {
          details: ["a.toml:1:1: no", "a.toml:2:1: no"],
        }),
      );
    expect(await ctl("reload")).toMatchObject({
      code: 78,
      stderr: "l2tpctl: the document has errors\n  a.toml:1:1: no\n  a.toml:2:1: no\n",
    });
  });

  test("a fault of the daemon: 70", async () => {
    daemon.status = () => Promise.reject(new Error("boom"));
    expect(await ctl("status")).toMatchObject({ code: 70, stderr: expect.stringContaining("boom") });
  });

  test("a step that failed: 1, and which", async () => {
    daemon.reload = () =>
      Promise.resolve({
        file: "f",
        dryRun: false,
        steps: [{ do: "add-tunnel", tunnel: "t1", failure: "address in use" }],
        warnings: [],
      });
    expect(await ctl("reload")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("add-tunnel t1 FAILED: address in use"),
    });
  });
});

describe("completion", () => {
  const complete = async (...words: string[]) =>
    (await l2tpctl(["__complete", "--", ...words], { env: { L2TPD_SOCKET: socket } })).stdout
      .split("\n")
      .slice(0, -1);

  test.each([
    [["ses"], ["session"]],
    [
      ["tunnel", ""],
      ["list", "show", "down"],
    ],
    [["tunnel", "list", "--st"], ["--state"]],
    [
      ["tunnel", "show", ""],
      ["north", "south"],
    ],
    [["tunnel", "down", "--text", "bye", "s"], ["south"]],
    [["tunnel", "show", "north", ""], []],
    [
      ["session", "show", "south/"],
      ["south/call-1", "south/call-2"],
    ],
    [
      ["session", "list", "--tunnel", ""],
      ["north", "south"],
    ],
    [["dial", ""], ["office"]],
    [
      ["trace", ""],
      ["on", "off"],
    ],
    [["log-level", "d"], ["debug"]],
    [
      ["decode", "--encap", ""],
      ["udp", "ip"],
    ],
    [["tunnel", "show", "--socket", "/nowhere", ""], []],
  ])("%j", async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });

  test("what is for the scripts alone is not offered", async () => {
    expect(await complete("")).not.toContain("__complete");
    expect((await l2tpctl(["--help"])).stdout).not.toContain("__complete");
  });

  needs({ tool: "bash" })("bash asks for names as it is told to", async () => {
    const { stdout: script } = await l2tpctl(["completion", "bash"]);
    const program = `l2tpctl() { printf '%s\\n' "$@" >"${directory}/asked"; printf 'north\\nsouth\\n'; }
${script}
COMP_WORDS=(l2tpctl tunnel show s) COMP_CWORD=3
_l2tpctl
printf '%s' "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
    expect({ stdout, stderr }).toEqual({ stdout: "south", stderr: "" });
    expect(readFileSync(join(directory, "asked"), "utf8").split("\n")).toEqual([
      "__complete",
      "--",
      "tunnel",
      "show",
      "s",
      "",
    ]);
  });
});

needs({ tool: "bash" })("no name is run by bash, whatever stands in it", async () => {
  const { stdout: script } = await l2tpctl(["completion", "bash"]);
  const name = "$(touch\tran)`touch\tran`;touch\tran";
  const program = `l2tpctl() { printf '%s\\n' "$name"; }
${script}
COMP_WORDS=(l2tpctl tunnel show "") COMP_CWORD=3
_l2tpctl
eval "printf '%s' \${COMPREPLY[0]}"`;
  const env = { ...process.env, name };
  const { stdout } = spawnSync("bash", ["-c", program], { encoding: "utf8", cwd: directory, env });
  expect(stdout).toBe(name);
  expect(readdirSync(directory)).not.toContain("ran");
});

test("the socket may be said before the command, after it, or in the environment", async () => {
  expect((await l2tpctl(["--socket", socket, "status"])).stdout).toContain("l2tpd 1.2.3");
  expect((await l2tpctl([`--socket=${socket}`, "--json", "tunnel", "show", "north"])).stdout).toMatch(/^\{/);
  expect((await l2tpctl(["status"], { env: { L2TPD_SOCKET: socket } })).stdout).toContain("l2tpd 1.2.3");
});
test("the manual page documents every command and option", async () => {
  const page = readFileSync(new URL("../../../docs/man/l2tpctl.8.md", import.meta.url), "utf8");
  const program = (await l2tpctl(["--help"])).stdout;
  const commands = [...program.matchAll(/^ {2}([a-z-]+) .*?\S {2,}/gm)].map(([, name]) => name as string);
  expect(commands.length).toBeGreaterThan(12);
  for (const name of commands.filter((it) => it !== "help" && it !== "l2tpctl")) {
    expect(page).toContain(`**${name}**`);
    const help = (await l2tpctl([name, "--help"])).stdout;
    const children = ["tunnel", "session", "config"].includes(name)
      ? [...help.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, child]) => child as string)
      : [];
    const helps = [
      help,
      ...(await Promise.all(children.map(async (child) => (await l2tpctl([name, child, "--help"])).stdout))),
    ];
    for (const option of new Set(helps.join("\n").match(/--[a-z][a-z-]+/g)))
      expect(page).toContain(`**${option}**`);
  }
});
