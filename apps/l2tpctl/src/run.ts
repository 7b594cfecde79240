/**
 * The command line: `run(arguments, io)` is the whole program, `main.ts` calls it with the process's own.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { decodeCommand } from "./decode/command.ts";
import { EXIT, UsageError } from "./errors.ts";
import { type Io, wantsColour } from "./io.ts";
import { LineOutput } from "./output.ts";

/** Runs one command line. @returns the exit code; throws only when there is a mistake in the program. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const output = new LineOutput(io.stdout);
  let exitCode: number = EXIT.ok;
  const program = new Command("l2tpctl")
    .description("Looks into L2TP (RFC 2661, RFC 3931), from the command line.")
    .version(version(), "-V, --version", "print the version and exit")
    .helpOption("-h, --help", "print this help and exit")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", PROGRAM_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.line(text.replace(/\n$/, "")),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(`l2tpctl: ${text.replace(/^error: /, "")}`),
      getOutHelpWidth: () => helpWidth(io.stdout),
      getErrHelpWidth: () => helpWidth(io.stderr),
      getOutHasColors: () => wantsColour(io.stdout, io.env),
      getErrHasColors: () => wantsColour(io.stderr, io.env),
    })
    .configureHelp({ styleTitle: (title) => `\u001b[1m${title}\u001b[22m` });
  program.addCommand(
    decodeCommand(io, output, (code) => {
      exitCode = code;
    }).copyInheritedSettings(program),
  );
  try {
    await program.parseAsync(argv, { from: "user" });
    await output.flush();
    return exitCode;
  } catch (error) {
    await output.flush();
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof UsageError) && !isSystemError(error)) throw error;
    io.stderr.write(`l2tpctl: ${error.message}\n`);
    return EXIT.usage;
  }
}

const PROGRAM_HELP = `
Examples:
  l2tpctl decode tunnel.pcap                what was said, one line per packet
  l2tpctl decode --help                     all that decode can do

Exit codes: 0 all is well, 1 something was malformed, 2 wrong usage or unreadable input.
The manual page is l2tpctl(8).`;

function helpWidth(stream: { readonly columns?: number }): number {
  return Math.min(stream.columns ?? 100, 120);
}

/** Such as a disk that is full: the world's failure, not ours. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "errno" in error && "syscall" in error;
}

/** The package's own version: its package.json is one folder above both `src` and `dist`. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return String((manifest as { version: string }).version);
}
