/**
 * What the commands see of the world, so that a test can run them in its own process.
 */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";

/** Streams, environment and working directory of one run. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Ends what would go on for ever, such as `--watch`. */
  readonly signal?: AbortSignal;
}

/** The process's own. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout, stderr, env, cwd: process.cwd() };
}

/** Whether to write colours to `stream`: it is a terminal, and the user has not said no (https://no-color.org). */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: Io["env"]): boolean {
  return stream.isTTY === true && !env["NO_COLOR"];
}

/**
 * The file that a person means by `name`. `npm run` moves to the root of the repository and leaves the
 * folder it was called in as INIT_CWD: a relative name that does not exist here is looked for there.
 */
export function resolveInput(name: string, io: Pick<Io, "env" | "cwd">): string {
  const here = resolve(io.cwd, name);
  const from = io.env["INIT_CWD"];
  if (from === undefined || isAbsolute(name) || existsSync(here)) return here;
  const there = resolve(from, name);
  return existsSync(there) ? there : here;
}
