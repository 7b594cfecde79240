/** Runs the command line in this process and gives what it printed. */
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "../src/run.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Collects what is written; after `limit` octets it fails as a pipe without a reader does. */
export class Sink extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly #limit: number;

  constructor({ isTTY = false, limit = Number.POSITIVE_INFINITY } = {}) {
    super({ decodeStrings: true });
    this.isTTY = isTTY;
    this.#limit = limit;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.text.length >= this.#limit) {
      done(Object.assign(new Error("write EPIPE"), { code: "EPIPE", errno: -32, syscall: "write" }));
      return;
    }
    this.text += chunk.toString("utf8");
    done();
  }
}

export const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

export async function l2tpctl(
  args: readonly string[],
  options: {
    stdin?: string | Uint8Array | readonly Uint8Array[];
    env?: Record<string, string>;
    cwd?: string;
    stdout?: Sink;
    stdinIsTTY?: boolean;
    signal?: AbortSignal;
  } = {},
): Promise<Outcome> {
  const { stdin = "", env = {}, cwd = REPOSITORY, stdout = new Sink(), stdinIsTTY = false, signal } = options;
  const pieces = typeof stdin === "string" || stdin instanceof Uint8Array ? [Buffer.from(stdin)] : stdin;
  const stderr = new Sink();
  const code = await run(args, {
    stdin: Object.assign(Readable.from(pieces, { objectMode: false }), { isTTY: stdinIsTTY }),
    stdout,
    stderr,
    env,
    cwd,
    ...(signal && { signal }),
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The JSON objects of an output, one per line. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A control character other than a line feed: none may reach a terminal. */
export const CONTROL_CHARACTER = /[^\P{Cc}\n]/u;
