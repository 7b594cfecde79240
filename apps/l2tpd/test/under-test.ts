/** l2tpd as it is built, run and watched: the real program. */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { built } from "@l2tp/testing/built";

const environment = (more?: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...process.env,
  NO_COLOR: "1",
  ...more,
});

/** The program; built when it is first used. */
export const l2tpd = {
  get script(): string {
    return built("l2tpd");
  },

  /** Runs it to its end. */
  run(...args: string[]) {
    return spawnSync(process.execPath, [this.script, ...args], { encoding: "utf8", env: environment() });
  },

  /** The same, with a folder of its own for what is temporary. */
  runIn(TMPDIR: string, ...args: string[]) {
    const env = environment({ TMPDIR });
    return spawnSync(process.execPath, [this.script, ...args], { encoding: "utf8", env });
  },

  /** Starts it. */
  start(args: string[], options: { stdio?: StdioOptions; env?: NodeJS.ProcessEnv } = {}): Running {
    const { stdio = ["ignore", "pipe", "pipe"], env } = options;
    return new Running(spawn(process.execPath, [this.script, ...args], { stdio, env: environment(env) }));
  },
};

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
