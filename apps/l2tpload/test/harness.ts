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

/** @param interruptAfterMs - when SIGINT comes: once for each number. */
export async function l2tpload(
  args: readonly string[],
  interruptAfterMs: readonly number[] = [],
): Promise<Outcome> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  let timers: NodeJS.Timeout[] = [];
  const code = await run(args, {
    stdout,
    stderr,
    inProcess: true,
    onInterrupt(handler) {
      timers = interruptAfterMs.map((ms) => setTimeout(handler, ms));
      return {
        dispose: () => {
          for (const timer of timers) clearTimeout(timer);
        },
      };
    },
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The same with `--json`, its object read. */
export async function report(args: readonly string[], interruptAfterMs: readonly number[] = []) {
  const { code, stdout } = await l2tpload([...args, "--json"], interruptAfterMs);
  return { code, report: JSON.parse(stdout) as Report };
}
