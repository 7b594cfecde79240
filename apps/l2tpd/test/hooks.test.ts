import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import { environmentOf } from "../src/hooks/facts.ts";
import { type HookSettings, Hooks } from "../src/hooks/hooks.ts";
import { recorder } from "./recorder.ts";

const folder = mkdtempSync(join(tmpdir(), "l2tpd-hooks-"));
afterAll(() => rmSync(folder, { recursive: true }));

const DEFAULTS = { timeoutMs: 10_000, concurrency: 4 };
const path = (name: string): string => join(folder, name);

function script(name: string, ...lines: string[]): string {
  writeFileSync(path(name), `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(path(name), 0o755);
  return path(name);
}

function hooks(settings: Partial<HookSettings>, queueLimit?: number): { hooks: Hooks; log: string[] } {
  const log: string[] = [];
  return { hooks: new Hooks({ ...DEFAULTS, ...settings }, recorder(log), queueLimit), log };
}

const read = (name: string): string => readFileSync(path(name), "utf8");

needs({ tool: "sh" })(
  "a hook gets the facts in its environment and as JSON, and nothing else of ours",
  async () => {
    process.env["L2TPD_TEST_SECRET"] = "opensesame";
    const program = script(
      "facts",
      `env | sort > '${path("env")}'`,
      `cat > '${path("json")}'`,
      `echo "$1 $2"`,
    );
    const { hooks: all, log } = hooks({ sessionUp: { program, args: ["one", "two words; $(touch x)"] } });
    all.fire("session-up", "lns/call", "session call of tunnel lns", {
      tunnel: "lns",
      peerTunnelId: 7,
      user: "someone\n$(reboot)",
      routes: ["10.0.0.0/8", "192.0.2.0/24"],
      ipv4Address: "10.0.0.2",
      interface: undefined,
    });
    await all.whenIdle();
    delete process.env["L2TPD_TEST_SECRET"];
    const ours = read("env")
      .split("\n")
      .filter((line) => line.startsWith("L2TP"));
    expect(ours).toEqual([
      "L2TP_EVENT=session-up",
      "L2TP_IPV4_ADDRESS=10.0.0.2",
      "L2TP_PEER_TUNNEL_ID=7",
      "L2TP_ROUTES=10.0.0.0/8 192.0.2.0/24",
      "L2TP_TUNNEL=lns",
      "L2TP_USER=someone?$(reboot)",
    ]);
    expect(JSON.parse(read("json"))).toEqual({
      event: "session-up",
      tunnel: "lns",
      peerTunnelId: 7,
      user: "someone\n$(reboot)",
      routes: ["10.0.0.0/8", "192.0.2.0/24"],
      ipv4Address: "10.0.0.2",
    });
    // Arguments are words, not a command line.
    expect(log).toEqual([
      "info hook session-up of session call of tunnel lns says: one two words; $(touch x)",
      "debug hook session-up of session call of tunnel lns ended with 0",
    ]);
  },
);

test("what is long is cut, and no variable has a control character", () => {
  const { L2TP_TEXT: text } = environmentOf("session-up", { text: `\0${"x".repeat(5000)}` }, {});
  expect(text).toBe(`?${"x".repeat(1023)}`);
});

needs({ tool: "sh" })(
  "an exit code, a program that is not there, and one that may not run are each one line",
  async () => {
    writeFileSync(path("plain"), "not executable");
    const { hooks: all, log } = hooks({
      tunnelUp: { program: script("three", "exit 3"), args: [] },
      tunnelDown: { program: path("missing"), args: [] },
      sessionUp: { program: path("plain"), args: [] },
      sessionDown: { program: script("killed", "kill -9 $$"), args: [] },
    });
    for (const event of ["tunnel-up", "tunnel-down", "session-up", "session-down"] as const) {
      all.fire(event, event, event, {});
      await all.whenIdle();
    }
    expect(log).toEqual([
      "warn hook tunnel-up of tunnel-up ended with 3",
      expect.stringMatching(
        /^error hook tunnel-down .*could not be started: .*ENOENT; look at its path in \[hooks\]/,
      ),
      expect.stringMatching(/^error hook session-up .*could not be started: .*EACCES; make it executable/),
      "warn hook session-down of session-down ended with SIGKILL",
    ]);
  },
);

needs({ tool: "sh" })(
  "one that outlives its time limit is ended, with the programs that it started",
  async () => {
    // Time enough for a busy machine to start it. It ignores SIGTERM, as does the child that holds its output open.
    const program = script(
      "hangs",
      "trap '' TERM",
      `(trap '' TERM; echo $$ > '${path("pid")}'; sleep 300) &`,
      "wait",
    );
    const { hooks: all, log } = hooks({ tunnelUp: { program, args: [] }, timeoutMs: 2_000 });
    const begun = performance.now();
    all.fire("tunnel-up", "t", "tunnel t", {});
    await all.whenIdle();
    expect(performance.now() - begun).toBeLessThan(40_000);
    expect(log).toEqual([
      expect.stringMatching(/^warn hook tunnel-up of tunnel t was ended after 2000 ms, its time limit/),
    ]);
    const pid = Number(read("pid"));
    await expect.poll(() => existsSync(`/proc/${pid}/exe`)).toBe(false);
  },
);

needs({ tool: "sh" })(
  "a daemon that a hook leaves behind with its output open holds nothing up",
  async () => {
    const program = script("leaves", "sleep 300 &", `echo $! > '${path("left")}'`);
    const { hooks: all } = hooks({ tunnelUp: { program, args: [] } });
    const begun = performance.now();
    all.fire("tunnel-up", "t", "tunnel t", {});
    await all.whenIdle();
    expect(performance.now() - begun).toBeLessThan(40_000);
    process.kill(Number(read("left")));
  },
);

needs({ tool: "sh" })(
  "the down of a session runs after its up has ended; others run meanwhile, never more than allowed",
  async () => {
    const note = (word: string) => `echo "${word} $L2TP_SESSION" >> '${path("order")}'`;
    const up = script("up", note("begin"), "sleep 0.2", note("up"));
    const down = script("down", note("down"));
    const { hooks: all } = hooks({
      sessionUp: { program: up, args: [] },
      sessionDown: { program: down, args: [] },
      concurrency: 2,
    });
    for (const session of ["a", "b", "c"]) {
      all.fire("session-up", `t/${session}`, session, { session });
      all.fire("session-down", `t/${session}`, session, { session });
    }
    await all.whenIdle();
    const order = read("order").trim().split("\n");
    expect([...order].sort()).toEqual(
      ["begin", "down", "up"].flatMap((word) => ["a", "b", "c"].map((session) => `${word} ${session}`)),
    );
    for (const session of ["a", "b", "c"]) {
      expect(order.filter((line) => line.endsWith(session))).toEqual([
        `begin ${session}`,
        `up ${session}`,
        `down ${session}`,
      ]);
    }
    let running = 0;
    for (const line of order) {
      if (line.startsWith("begin")) running += 1;
      if (line.startsWith("up")) running -= 1;
      expect(running).toBeLessThanOrEqual(2);
    }
  },
);

needs({ tool: "sh" })(
  "when too many wait, the newest is left out, with one line, and its down with it",
  async () => {
    const program = script("slow", "sleep 0.1", `echo "$L2TP_EVENT $L2TP_SESSION" >> '${path("bounded")}'`);
    const hook = { program, args: [] };
    const { hooks: all, log } = hooks({ sessionUp: hook, sessionDown: hook, concurrency: 1 }, 2);
    for (const session of ["a", "b", "c", "d", "e"]) all.fire("session-up", session, session, { session });
    expect(all.pending).toBe(3);
    await all.whenIdle();
    for (const session of ["a", "e"]) all.fire("session-down", session, session, { session });
    await all.whenIdle();
    expect(read("bounded").trim().split("\n")).toEqual([
      "session-up a",
      "session-up b",
      "session-up c",
      "session-down a",
    ]);
    expect(log.filter((line) => line.startsWith("error"))).toEqual([
      "error hook session-up of d is left out: 2 wait already; make the hook faster, or raise [hooks] concurrency",
    ]);
  },
);

needs({ tool: "sh" })(
  "what a hook says is logged, up to a limit, and a hook that reads nothing is no error",
  async () => {
    const program = script(
      "talks",
      "exec <&-",
      "i=0",
      "while [ $i -lt 200 ]; do i=$((i+1)); echo line $i >&2; done",
    );
    const { hooks: all, log } = hooks({ tunnelUp: { program, args: [] } });
    all.fire("tunnel-up", "t", "tunnel t", { text: "x".repeat(1000) });
    await all.whenIdle();
    const said = log.filter((line) => line.includes(" says"));
    expect(said.length).toBe(51);
    expect(said.at(0)).toBe("info hook tunnel-up of tunnel t says: line 1");
    expect(said.at(-1)).toBe("info hook tunnel-up of tunnel t says more, which is left out");
    expect(log.at(-1)).toBe("debug hook tunnel-up of tunnel t ended with 0");
  },
);
