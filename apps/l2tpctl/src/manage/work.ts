/** What every command that speaks to the daemon has: the socket's option, a client, and what errors end with. */
import { ConnectionError, defaultSocketPath, ManagementClient, ManagementError } from "@l2tp/management";
import { Command } from "commander";
import { EXIT, ExitError } from "../errors.ts";
import { type Io, wantsColour } from "../io.ts";
import type { LineOutput } from "../output.ts";
import { type Paint, painter } from "../paint.ts";
import { json, safe } from "../text.ts";

/** Options that every such command has. */
export interface CommonFlags {
  readonly socket?: string;
  readonly json?: true;
}

/** What an action works with. */
export interface Work {
  readonly io: Io;
  readonly output: LineOutput;
  readonly paint: Paint;
  readonly client: ManagementClient;
  /** Of the terminal; undefined where there is none. */
  readonly width: number | undefined;
}

/** What commands need of the program. */
export interface Program {
  readonly io: Io;
  readonly output: LineOutput;
  /** Sets the exit code. */
  readonly end: (code: number) => void;
}

const CODES_HELP =
  "Exit codes: 0 done, 1 no such name, or l2tpd said no, 64 wrong usage, 69 no l2tpd there,\n" +
  "70 a fault of l2tpd, 75 it went away or is silent, 76 another version, 77 not allowed, 78 configuration wrong.";

/** A command with `--socket` and `--json`. */
export function daemonCommand(name: string, summary: string, examples: readonly string[]): Command {
  return new Command(name)
    .summary(summary)
    .description(`${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`)
    .option("--socket <path>", "the daemon's socket, in place of the usual one")
    .option("--json", "print JSON: a list as one object per line, anything else as one object")
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}\n\n${CODES_HELP}`);
}

/** Runs an action with a client, and turns its errors into messages with exit codes. */
export async function work(
  program: Program,
  flags: CommonFlags,
  action: (work: Work) => Promise<void>,
): Promise<void> {
  const { io, output } = program;
  const socketPath = flags.socket ?? io.env["L2TPD_SOCKET"] ?? defaultSocketPath(io.env);
  await using client = new ManagementClient({ socketPath, ...(io.signal && { signal: io.signal }) });
  const paint = painter(!flags.json && wantsColour(io.stdout, io.env));
  const width = io.stdout.isTTY ? (io.stdout.columns ?? 80) : undefined;
  try {
    await action({ io, output, paint, client, width });
    await output.flush();
  } catch (error) {
    await output.flush();
    if (io.signal?.aborted) return; // the person has seen enough
    throw asExit(error);
  }
}

const CONNECTION_EXIT: Readonly<Record<ConnectionError["code"], number>> = {
  "no-daemon": EXIT.unavailable,
  "no-permission": EXIT.noPermission,
  "version-mismatch": EXIT.protocol,
  interrupted: EXIT.temporary,
  timeout: EXIT.temporary,
  system: EXIT.unavailable,
};

function asExit(error: unknown): unknown {
  if (error instanceof ConnectionError) {
    return new ExitError(CONNECTION_EXIT[error.code], `${safe(error.message)}\n  ${error.remedy}`, {
      cause: error,
    });
  }
  if (error instanceof ManagementError) {
    const { code, message, details, remedy } = error;
    const exitCode =
      code === "internal" ? EXIT.software : code === "configuration" ? EXIT.configuration : EXIT.refused;
    const lines = [message, ...details, ...(remedy === undefined ? [] : [remedy])].map(safe);
    return new ExitError(exitCode, lines.join("\n  "), { cause: error });
  }
  return error;
}

/** Prints rows as NDJSON, at the reader's pace. */
export async function printLines<T>(rows: AsyncIterable<T>, output: LineOutput): Promise<void> {
  let count = 0;
  for await (const row of rows) {
    output.line(json(row));
    if (++count % 500 === 0) await output.flush();
    if (output.closed) break;
  }
  await output.flush();
}
