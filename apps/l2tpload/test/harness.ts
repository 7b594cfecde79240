/** Runs the command line in this process and gives what it printed. */
import { Writable } from "node:stream";
import type { Report } from "../src/report.ts";
import { run } from "../src/run.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}

/** @param interrupts - SIGINT comes as soon as the first of these holds, again when then the second does, and so on. */
export async function l2tpload(
  args: readonly string[],
  interrupts: readonly (() => boolean)[] = [],
): Promise<Outcome> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const waiting = [...interrupts];
  const code = await run(args, {
    stdout,
    stderr,
    inProcess: true,
    onInterrupt(handler) {
      const timer = setInterval(() => {
        if (waiting[0]?.() !== true) return;
        waiting.shift();
        handler();
      }, 10);
      return { dispose: () => clearInterval(timer) };
    },
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The same with `--json`, its object read. */
export async function report(args: readonly string[], interrupts: readonly (() => boolean)[] = []) {
  const { code, stderr, stdout } = await l2tpload([...args, "--json"], interrupts);
  return { code, stderr, report: JSON.parse(stdout) as Report };
}
