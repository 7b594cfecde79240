/** l2tpd as it is built, from the sources of this moment: tests need no build before, and run the real program. */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import config from "../tsup.config.ts";

const app = fileURLToPath(new URL("..", import.meta.url));

/** A program of its own in a folder of its own, under node_modules so that git does not see it and koffi is found. */
export interface Built extends Disposable {
  readonly script: string;
  /** Runs it to its end. */
  run(...args: string[]): { status: number | null; stdout: string; stderr: string };
  /** The same, with a folder of its own for what is temporary. */
  runIn(temporary: string, ...args: string[]): { status: number | null; stdout: string; stderr: string };
  /** Starts it. */
  start(args: string[], options?: { stdio?: StdioOptions; env?: NodeJS.ProcessEnv }): Running;
}

export async function buildL2tpd(): Promise<Built> {
  const parent = `${app}node_modules/.l2tpd-under-test`;
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(`${parent}/`);
  cpSync(`${app}package.json`, `${folder}/package.json`);
  if (typeof config !== "object" || Array.isArray(config))
    throw new Error("tsup.config.ts: one object was expected");
  await build({
    absWorkingDir: app,
    entryPoints: config.entry as Record<string, string>,
    outdir: `${folder}/dist`,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    conditions: ["@l2tp/source", "import", "module", "default"],
    banner: config.banner as Record<string, string>,
    logLevel: "error",
  });
  const script = `${folder}/dist/main.js`;
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...process.env,
    NO_COLOR: "1",
    ...more,
  });
  return {
    script,
    run: (...args) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: env() }),
    runIn: (TMPDIR, ...args) =>
      spawnSync(process.execPath, [script, ...args], { encoding: "utf8", env: env({ TMPDIR }) }),
    start: (args, { stdio = ["ignore", "pipe", "pipe"] as StdioOptions, env: more } = {}) =>
      new Running(spawn(process.execPath, [script, ...args], { stdio, env: env(more ?? {}) })),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A running program, with the lines that it has written. */
export class Running implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly ended: Promise<number | NodeJS.Signals>;
  /** It has ended, and all that it wrote is in {@link lines}. */
  #isOver = false;

  constructor(child: ChildProcess) {
    this.process = child;
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.#isOver = true;
        resolve(code ?? signal ?? "SIGKILL");
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface(stream).on("line", (line) => this.lines.push(line));
    }
  }

  /** Waits for a line, from the `from`-th on. @throws Error with all lines when the program ends, or after `limitMs`. */
  async line(pattern: RegExp, { from = 0, limitMs = 60_000 } = {}): Promise<string> {
    const until = performance.now() + limitMs;
    for (;;) {
      const found = this.lines.slice(from).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const { exitCode, signalCode } = this.process;
      if (this.#isOver || performance.now() > until) {
        const state = exitCode ?? signalCode ?? "still running";
        throw new Error(`no line ${pattern} (${state}); there are:\n${this.lines.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | NodeJS.Signals> {
    this.process.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop("SIGKILL");
  }
}
