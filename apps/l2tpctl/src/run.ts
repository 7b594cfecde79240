/**
 * The command line: `run(arguments, io)` is the whole program, `main.ts` calls it with the process's own.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { completeCommand, completionCommand } from "./completion.ts";
import { decodeCommand } from "./decode/command.ts";
import { EXIT, ExitError, UsageError } from "./errors.ts";
import { configCommand } from "./import/command.ts";
import { type Io, wantsColour } from "./io.ts";
import {
  dialCommand,
  drainCommand,
  hangUpTargetCommand,
  logLevelCommand,
  reloadCommand,
  resumeCommand,
  traceCommand,
} from "./manage/commands.ts";
import { peersCommand, poolsCommand, targetsCommand } from "./manage/lists.ts";
import { sessionCommand } from "./manage/session.ts";
import { statusCommand } from "./manage/status.ts";
import { tunnelCommand } from "./manage/tunnel.ts";
import type { Program } from "./manage/work.ts";
import { LineOutput } from "./output.ts";

/** Runs one command line. @returns the exit code; throws only when there is a mistake in the program. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  const argv = commandFirst(words);
  const output = new LineOutput(io.stdout);
  let exitCode: number = EXIT.ok;
  const program = new Command("l2tpctl")
    .description("Shows and steers a running l2tpd, and looks into L2TP (RFC 2661, RFC 3931).")
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
  const end = (code: number) => {
    exitCode = code;
  };
  const parts: Program = { io, output, end };
  const decode = decodeCommand(io, output, end);
  for (const [group, commands] of [
    [
      "A daemon and what it carries:",
      [statusCommand, tunnelCommand, sessionCommand, peersCommand, poolsCommand],
    ],
    ["Dialling:", [targetsCommand, dialCommand, hangUpTargetCommand]],
    ["Operating:", [reloadCommand, drainCommand, resumeCommand, traceCommand, logLevelCommand]],
  ] as const) {
    program.commandsGroup(group);
    for (const make of commands) program.addCommand(inherit(make(parts), program));
  }
  program
    .commandsGroup("Without a daemon:")
    .addCommand(inherit(decode, program))
    .addCommand(inherit(configCommand(parts), program))
    .addCommand(inherit(completionCommand(parts), program))
    .addCommand(
      inherit(
        completeCommand(parts, () => program),
        program,
      ),
      { hidden: true },
    );
  const usage = usageCodeOf(argv, program);
  try {
    checkHelpTopic(argv, program);
    await program.parseAsync(argv, { from: "user" });
    await output.flush();
    return exitCode;
  } catch (thrown) {
    // A help that cannot be written is no success.
    const error = await output.flush().then(
      () => thrown,
      (lost: unknown) => (thrown instanceof CommanderError ? lost : thrown),
    );
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : usage;
    if (error instanceof ExitError) {
      io.stderr.write(`l2tpctl: ${error.message}\n`);
      return error.exitCode;
    }
    if (!(error instanceof UsageError) && !isSystemError(error)) throw error;
    io.stderr.write(`l2tpctl: ${error.message}\n`);
    const isOutput = usage === EXIT.commandUsage && isSystemError(error) && error.syscall === "write";
    return isOutput ? EXIT.cannotCreate : usage;
  }
}

/** Settings such as the streams go down to a command and its own commands. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** `l2tpctl --socket PATH status` is `l2tpctl status --socket PATH`: many programs take common options first. */
function commandFirst(words: readonly string[]): readonly string[] {
  let at = 0;
  for (let word = words[at]; word !== undefined; word = words[at]) {
    if (word === "--socket") at += 2;
    else if (word === "--json" || word.startsWith("--socket=")) at += 1;
    else break;
  }
  return at < words.length ? [...words.slice(at), ...words.slice(0, at)] : words;
}

/** What wrong usage ends with: 2 for `decode` and where there is no command, else 64. */
function usageCodeOf(argv: readonly string[], program: Command): number {
  const first = argv.find((word) => !word.startsWith("-"));
  const known = program.commands.some((command) => command.name() === first);
  return known && first !== "decode" ? EXIT.commandUsage : EXIT.usage;
}

/** Commander's own answer to `help nope` is all of its help, and not a word about what is wrong. @throws UsageError */
function checkHelpTopic(argv: readonly string[], program: Command): void {
  const [word, topic] = argv.filter((one) => !one.startsWith("-"));
  if (word !== "help" || topic === undefined) return;
  const commands = program.createHelp().visibleCommands(program);
  const names = commands.map((command) => command.name()).filter((name) => name !== "help");
  if (names.includes(topic)) return;
  throw new UsageError(`there is no command '${topic}' to help with; there are ${names.join(", ")}`);
}

const PROGRAM_HELP = `
Examples:
  l2tpctl status                            how the daemon is
  l2tpctl session list --user anna          a user's sessions
  l2tpctl tunnel show office                all about one tunnel
  l2tpctl reload --dry-run                  what a reload would change
  l2tpctl decode tunnel.pcap                what was said, one line per packet

The daemon's socket is /run/l2tpd/l2tpd.sock, or $XDG_RUNTIME_DIR/l2tpd.sock of a user's own daemon; --socket, or
L2TPD_SOCKET in the environment, say another.

Exit codes: 0 all is well. decode: 1 something was malformed, 2 wrong usage or unreadable input.
Others: 1 no such name, or l2tpd said no, 64 wrong usage, 66 unreadable input, 69 no l2tpd there, 70 a fault of l2tpd,
73 cannot write, 75 l2tpd went away or is silent, 76 another version, 77 not allowed, 78 configuration wrong.
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
