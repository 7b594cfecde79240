/** The command line: `run(arguments, io)` is the whole program, `main.ts` calls it with the process's own. */
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { addressText } from "@l2tp/control";
import { Command, CommanderError } from "commander";
import { EXIT, UsageError } from "./errors.ts";
import { Fleet } from "./fleet.ts";
import { addOptions, planOf, type Words } from "./options.ts";
import { ProgressLine } from "./progress.ts";
import { report, reportText } from "./report.ts";
import type { IoMethod } from "./share.ts";
import { isPrivate, resolveTarget } from "./target.ts";

/** What the program sees of the world, so that a test can run it in its own process. */
export interface Io {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Calls back for each SIGINT and SIGTERM, until disposed of. */
  onInterrupt(handler: () => void): { dispose(): void };
  /** Make the load in the calling thread, with Node's sockets. */
  readonly inProcess?: boolean;
}

/** Runs one command line. @returns the exit code; throws only when there is a mistake in the program. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = addOptions(
    new Command("l2tpload")
      .description("A load of L2TPv2 tunnels and sessions for an LNS (RFC 2661): many LACs in one program.")
      .argument("<target>", "address or name of the LNS, with or without a port")
      .version(version(), "-V, --version", "print the version and exit")
      .helpOption("-h, --help", "print this help and exit"),
  )
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(`l2tpload: ${text.replace(/^error: /, "")}`),
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 120),
    })
    .action(async (target: string, words: Words) => {
      exitCode = await load(target, words, io);
    });
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!isForPeople(error)) throw error;
    io.stderr.write(`l2tpload: ${error.message}\n`);
    return EXIT.usage;
  }
}

/** Errors that say what a person did, or the system refused. */
function isForPeople(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    (error instanceof Error &&
      ("errno" in error || String((error as { code?: unknown }).code).startsWith("ERR_L2TP")))
  );
}

async function load(target: string, words: Words, io: Io): Promise<number> {
  const address = await resolveTarget(target);
  if (!isPrivate(address)) {
    if (!words.yesIMay) {
      throw new UsageError(
        `${addressText(address)} is neither loopback nor private: this much traffic may harm whoever it belongs to; ` +
          "if that is you, say --yes-i-may",
      );
    }
    io.stderr.write(
      `l2tpload: ${addressText(address)} is a public address: stop at once if it is not yours\n`,
    );
  }
  const plan = planOf(words, address);
  const fleet = new Fleet(plan, {
    io: method(words, io),
    threads: words.threads,
    inProcess: io.inProcess === true,
  });
  let interrupts = 0;
  const progress = words.quiet ? undefined : new ProgressLine(io.stderr, plan, fleet);
  const interrupt = io.onInterrupt(() => {
    interrupts++;
    fleet.stop();
    if (interrupts === 1) progress?.say("interrupted: ending what is up; once more: at once");
  });
  try {
    const result = report(plan, await fleet.run(), words.threads, interrupts > 0);
    progress?.end();
    io.stdout.write(`${words.json ? JSON.stringify(result, undefined, 2) : reportText(plan, result)}\n`);
    if (interrupts > 0) return EXIT.interrupted;
    return result.complete ? EXIT.ok : EXIT.failed;
  } finally {
    progress?.end();
    interrupt.dispose();
  }
}

function method({ io: wanted }: Words, io: Io): IoMethod {
  if (io.inProcess === true) return "node";
  if (wanted !== "auto") return wanted;
  return process.platform === "linux" ? "batch" : "node";
}

const EXAMPLES = `
{tunnel}, {session} and {n} in patterns are numbers from 1: of the tunnel, of the session on it, of the session in all;
{n:5} has five digits. Times are seconds, or have a unit: 500ms, 2m, 1h.

Examples:
  l2tpload 127.0.0.1                                     ten tunnels with ten sessions each, as fast as they come up
  l2tpload -t 500 -s 100 --secret opensesame 10.0.0.1    50,000 sessions, with tunnel authentication
  l2tpload -t 100 -s 100 --ppp --secret opensesame --hold 5m 127.0.0.1
                                                         10,000 subscribers with PPP on examples/lns.toml, held for 5 minutes
  l2tpload --tunnel-rate 200 -t 6000 -s 0 10.0.0.1       200 tunnels a second for half a minute, whatever the LNS does
  l2tpload --ppp --user 'user{n}' --ping --hold 1m ::1   whole sessions, each pinged, and held for a minute
  l2tpload -t 50 -s 20 --hold 5m --churn 10 127.0.0.1    ten sessions a second come and go
  l2tpload -t 200 --source 127.0.0.2-127.0.0.50 --ports 4 --json 127.0.0.1 > result.json

Exit codes: 0 all came up and stayed, 1 something failed or was lost, 2 wrong usage, 130 interrupted.
The manual page is l2tpload(1).`;

/** The package's own version: its package.json is one folder above both `src` and `dist`. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return String((manifest as { version: string }).version);
}
