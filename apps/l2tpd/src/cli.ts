/** The command line: options and their checks, help with examples, and the code to end with. */

import { PlaneError } from "@l2tp/dataplane";
import { L2tpError, LOG_LEVELS } from "@l2tp/node";
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { check } from "./check.ts";
import { runDaemon } from "./daemon.ts";
import { EXIT, type ExitCode, ExitError } from "./exit-codes.ts";
import { LOG_FORMATS } from "./log-writer.ts";
import type { DaemonOptions } from "./options.ts";
import { PLANE_CHOICES } from "./planes.ts";
import { outputIsOut, watchOutput } from "./standard-output.ts";
import { version } from "./version.ts";

/** Where the configuration is when nothing else is said. */
export const DEFAULT_CONFIG = "/etc/l2tpd/l2tpd.toml";

const HELP = `
Examples:
  l2tpd                                  run with ${DEFAULT_CONFIG}
  l2tpd --config lns.toml                run with another file
  l2tpd --check --config site-a.toml     say what is wrong with a file, or what it would do
  l2tpd --log-level debug                say more: each try, each control message
  l2tpd --trace l2tp.pcapng              write control messages to a file for Wireshark
  l2tpd --data-plane null                bring tunnels and sessions up and carry no data: needs no
                                         privilege, and runs anywhere
  l2tpd --netns /run/netns/blue          run in a network namespace
  l2tpd demo                             show a tunnel at work on this machine alone
  l2tpctl status                         ask a running l2tpd; l2tpctl --help has more

Signals:
  SIGTERM, SIGINT   take everything down and stop; a second one does not wait
  SIGHUP            read the configuration again and change what has changed (l2tpctl reload)
  SIGUSR1           write the state of all to the log

Exit codes:
   0  stopped as asked; with --check: the configuration is correct
  64  wrong usage                    71  the system refused something essential
  66  the file cannot be read        75  the stop was cut short
  69  no data plane works here       77  not allowed
  70  a fault in l2tpd               78  the configuration is wrong

Manual: l2tpd(8)`;

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 3600) || text.trim() === "") {
    throw new InvalidArgumentError("A number of seconds from 0 to 3600 was expected.");
  }
  return value;
}

const inOurWords = (text: string): string =>
  text
    .replace(/^error: /, "")
    .replace(/^too many arguments.*/, "$& The configuration is named with --config FILE.");

/**
 * Runs the program.
 * @param words - the arguments without node and the script.
 * @returns the code to end with, when all is over.
 */
export async function runCli(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = new Command("l2tpd")
    .description("The L2TP daemon: takes callers (LNS), dials (LAC), and keeps the tunnels of a file up.")
    .version(`l2tpd ${version}`, "-V, --version", "print the version and end")
    .helpOption("-h, --help", "print this help and end")
    .addHelpText("after", HELP)
    .showHelpAfterError("(l2tpd --help says what there is)")
    .configureOutput({ outputError: (text, write) => write(`l2tpd: ${inOurWords(text)}`) })
    .exitOverride()
    .enablePositionalOptions()
    .option("-c, --config <file>", "the configuration, in TOML", DEFAULT_CONFIG)
    .option("--check", "validate the configuration, say what would be done, and end", false)
    .addOption(
      new Option("--data-plane <name>", "what carries the traffic (default: the file's, else auto)").choices(
        PLANE_CHOICES,
      ),
    )
    .addOption(
      new Option("--log-level <level>", "how much to say (default: the file's, else info)").choices(
        LOG_LEVELS,
      ),
    )
    .addOption(
      new Option(
        "--log-format <format>",
        "how to say it; auto is text, as journald likes it under systemd",
      ).choices(LOG_FORMATS),
    )
    .option(
      "--stop-timeout <seconds>",
      "how long an orderly stop may take (default: the file's, else 10)",
      seconds,
    )
    .option(
      "--socket <path>",
      "the unix socket that l2tpctl talks to (default: the file's, else /run/l2tpd/l2tpd.sock)",
    )
    .option("--no-socket", "without that socket")
    .option("--trace <file.pcapng>", "write control messages to this file, secrets covered with zeros")
    .option("--trace-secrets", "… with their secrets")
    .option("--pid-file <file>", "write the process ID to this file")
    .option("--netns <path>", "the network namespace to run in, such as /run/netns/NAME")
    .addOption(new Option("--until-stdin-ends").hideHelp())
    .action(async (options: DaemonOptions) => {
      if (options.traceSecrets && options.trace === undefined) {
        throw new ExitError(EXIT.usage, "--trace-secrets says how --trace FILE is written, which is missing");
      }
      exitCode = options.check ? await check(options) : await runDaemon(options);
    });
  program
    .command("demo")
    .description("make two network namespaces, run a daemon in each, and show them at work")
    .addArgument(
      new Argument("[scene]", "an LNS with users and a LAC that dials it, or a bridge between two sites")
        .choices(["ppp", "ethernet"])
        .default("ppp"),
    )
    .option("--once", "end when ping and throughput were shown, with code 0 only if packets flowed", false)
    .option("--seconds <seconds>", "how long the throughput is measured", seconds, 3)
    .action(async (scene: string, options: { once: boolean; seconds: number }) => {
      const { runDemo } = await import("./demo/demo.ts");
      exitCode = await runDemo(scene === "ethernet" ? "ethernet" : "ppp", options);
    });
  program
    .command("demo-probe", { hidden: true })
    .requiredOption("--netns <path>")
    .argument("<task...>")
    .action(async (task: string[], { netns }: { netns: string }) => {
      const { runProbe } = await import("./demo/probe.ts");
      exitCode = await runProbe(netns, task as never);
    });
  watchOutput();
  try {
    await program.parseAsync(words, { from: "user" });
    await outputIsOut();
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return explain(error);
    // A help that cannot be written is no success.
    return await outputIsOut().then(() => explain(error), explain);
  }
}

/** Says what went wrong on standard error, as far as it is not said yet. @returns the code to end with. */
export function explain(error: unknown): ExitCode {
  // commander has written its message, or the help, or the version, already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = exitCodeOf(error);
  if (known !== undefined && error instanceof Error) {
    process.stderr.write(`l2tpd: ${error.message}\n`);
    return known;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`l2tpd: a fault in l2tpd itself; please report it with this text:\n${text}\n`);
  return EXIT.software;
}

/** The code for an error whose message is made for people; undefined for any other. */
function exitCodeOf(error: unknown): ExitCode | undefined {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof PlaneError) {
    if (error.code === "no-privilege") return EXIT.noPermission;
    const unavailable = ["not-available", "module-missing", "unsupported"].includes(error.code);
    return unavailable ? EXIT.unavailable : EXIT.osError;
  }
  if (error instanceof L2tpError) return EXIT.configuration;
  // Those of @l2tp/linux, which is not loaded where it is not needed.
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if (error.name === "UnsupportedError") return EXIT.unavailable;
  if (error.name !== "SyscallError" && error.name !== "NetlinkError") return undefined;
  return error.code === "EPERM" || error.code === "EACCES" ? EXIT.noPermission : EXIT.osError;
}
