/** The built program, as it is installed: one file, started by itself. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { capture } from "./corpus.ts";
import { l2tpctl, REPOSITORY } from "./harness.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const basic = capture("xl2tpd-basic");
let directory = "";
let program = "";

beforeAll(() => {
  // As in the package: main.js in dist, package.json above it.
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-program-"));
  program = join(directory, "dist", "main.js");
  copyFileSync(join(folder, "package.json"), join(directory, "package.json"));
  const tsup = createRequire(join(REPOSITORY, "package.json")).resolve("tsup/package.json");
  const cli = join(dirname(tsup), "dist/cli-default.js");
  const built = spawnSync(process.execPath, [cli, "--silent", "--out-dir", dirname(program)], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(built).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(directory, { recursive: true }));

test("it decodes a file, with the exit code", async () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "decode", "--json", basic.file], {
    encoding: "utf8",
    cwd: tmpdir(),
  });
  expect({ code: status, stdout, stderr }).toEqual(await l2tpctl(["decode", "--json", basic.file]));
  expect(stdout.length).toBeGreaterThan(10_000);
});

test("it prints packets of a live capture as they come, and ends with its input", async () => {
  const whole = readFileSync(basic.file);
  const child = spawn(process.execPath, [program, "decode", "-"], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8");
  child.stdin.write(whole.subarray(0, whole.length >> 1));
  await new Promise<void>((done) => {
    child.on("close", done); // too early, and the next line says so
    child.stdout.on("data", (piece: string) => {
      text += piece;
      done();
    });
  });
  expect(text.split("\n").length).toBeGreaterThan(10); // while the input is still open
  child.stdin.end(whole.subarray(whole.length >> 1));
  const code = await new Promise((done) => child.on("close", done));
  expect({ code, text }).toEqual({ code: 0, text: (await l2tpctl(["decode", basic.file])).stdout });
});

test("when its reader goes away it ends without a word", async () => {
  const child = spawn(process.execPath, [program, "decode", "-"], { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (piece: Buffer) => {
    complaint += piece.toString();
  });
  child.stdin.on("error", () => {}); // it may be gone before all is written
  const ended = new Promise((done) => child.on("close", done));
  const whole = readFileSync(basic.file);
  child.stdin.write(whole.subarray(0, 24));
  child.stdout.once("data", () => child.stdout.destroy());
  const feed = setInterval(() => child.stdin.write(whole.subarray(24)), 1);
  expect(await ended).toBe(0);
  clearInterval(feed);
  expect(complaint).toBe("");
});

needs("linux")("a full disk is told in one line, with the command's code", () => {
  const conf = join(folder, "test/xl2tpd/ipsec-lns/xl2tpd.conf");
  for (const [words, code] of [
    [["decode", basic.file], 2],
    [["config", "import", conf], 73],
    [["--help"], 2],
  ] as const) {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], {
      encoding: "utf8",
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect({ status, last: stderr.trimEnd().split("\n").at(-1) }).toEqual({
      status: code,
      last: expect.stringMatching(/^l2tpctl: ENOSPC: no space left on device/) as string,
    });
    expect(stderr).not.toMatch(/^ {4}at /m);
  }
});
