/** The built program, as it is installed: with its threads, batched system calls and signals. */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, expect } from "vitest";
import type { Report } from "../src/report.ts";
import { TestLns } from "./lns.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
// Within the package, as koffi is found from there.
const place = join(folder, `.test-${process.pid}`);
const program = join(place, "dist", "main.js");

beforeAll(() => {
  mkdirSync(place);
  copyFileSync(join(folder, "package.json"), join(place, "package.json"));
  const tsup = createRequire(join(folder, "../../package.json")).resolve("tsup/package.json");
  const cli = join(dirname(tsup), "dist/cli-default.js");
  const built = spawnSync(process.execPath, [cli, "--silent", "--out-dir", dirname(program)], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(built).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** @param interrupt - SIGINT comes as soon as this holds. */
async function start(args: readonly string[], interrupt?: () => boolean) {
  const child = spawn(process.execPath, [program, ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = setInterval(() => {
    if (interrupt?.() !== true) return;
    clearInterval(timer);
    child.kill("SIGINT");
  }, 10);
  const code = await new Promise<number | null>((done) => child.once("close", done));
  clearInterval(timer);
  return { code, stdout, stderr };
}

needs("linux")("two threads with batched system calls share a load from many addresses", async () => {
  await using lns = await TestLns.listen();
  const { code, stdout, stderr } = await start([
    lns.target,
    "-t",
    "100",
    "-s",
    "20",
    "--threads",
    "2",
    "--source",
    "127.0.0.2-127.0.0.9",
    "--quiet",
    "--json",
  ]);
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({
    complete: true,
    tunnels: { up: 100 },
    sessions: { up: 2_000 },
    datagrams: { sendFailures: 0, stopsUnanswered: 0 },
    generator: { threads: 2 },
  });
  expect(report.latencyMs.call?.count).toBe(2_000);
  // Names count through both shares.
  expect(new Set(lns.hostNames).size).toBe(100);
  expect(lns.endpoint.statistics()).toMatchObject({ tunnelsUp: 0, sessionsEstablished: 2_000 });
  expect(code).toBe(0);
});

needs("linux")("PPP and pings by batched system calls", async () => {
  await using lns = await TestLns.listen({ ppp: true });
  const { code, stdout } = await start([lns.target, "-t", "5", "-s", "10", "--ppp", "--ping", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ complete: true, sessions: { up: 50 }, pings: { answered: 50 } });
  expect(code).toBe(0);
});

needs("linux")("SIGINT reaches a thread that waits in a system call: StopCCN, result, 130", async () => {
  await using lns = await TestLns.listen();
  const isUp = () => lns.endpoint.statistics().sessionsUp === 20;
  const { code, stdout, stderr } = await start([lns.target, "-t", "10", "-s", "2", "--hold", "1m"], isUp);
  expect(code).toBe(130);
  expect(stderr).toMatch(/^l2tpload: interrupted: ending what is up; once more: at once$/m);
  expect(stdout).toMatch(/sessions\s+20\s+20\s+20/);
  expect(lns.endpoint.statistics()).toMatchObject({ tunnelsUp: 0, messages: { StopCCN: { received: 10 } } });
});

needs("linux")("an address that is not ours is told, and no thread is left waiting", async () => {
  const { code, stderr } = await start(["127.0.0.1", "--source", "192.0.2.77,127.0.0.1", "--threads", "2"]);
  expect(stderr).toMatch(/l2tpload: bind UDP 192\.0\.2\.77:0: EADDRNOTAVAIL/);
  expect(code).toBe(2);
});
