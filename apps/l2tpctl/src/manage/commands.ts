/** What changes something: dialling, reloading, draining, tracing, the log's level. */
import {
  type DialTarget,
  type DrainStatus,
  formatDuration,
  type LogLevelName,
  type ReloadReport,
} from "@l2tp/management";
import { Argument, type Command, InvalidArgumentError } from "commander";
import { EXIT } from "../errors.ts";
import { json, safe } from "../text.ts";
import { type CommonFlags, daemonCommand, type Program, work } from "./work.ts";

const positive =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!(value > 0 && value <= most))
      throw new InvalidArgumentError(`a number above 0, at most ${most}, is expected.`);
    return value;
  };

export function dialCommand(program: Program): Command {
  return daemonCommand("dial", "open a configured tunnel now", ["l2tpctl dial office", "l2tpctl targets"])
    .description(
      "Dials [tunnel.NAME] of the configuration now, whatever its waits say. l2tpctl targets lists what there is.",
    )
    .argument("<name>", "NAME of [tunnel.NAME]")
    .action((name: string, flags: CommonFlags) =>
      work(program, flags, async ({ client, output }) => {
        const target = await client.dial(name);
        output.line(flags.json ? json(target) : safe(targetLine(target)));
      }),
    );
}

export function hangUpTargetCommand(program: Program): Command {
  return daemonCommand("hangup", "end a dialled tunnel, and keep it down", [
    "l2tpctl hangup office",
    "l2tpctl dial office",
  ])
    .description(
      "Takes down [tunnel.NAME] of the configuration, and does not dial it again until l2tpctl dial NAME.",
    )
    .argument("<name>", "NAME of [tunnel.NAME]")
    .action((name: string, flags: CommonFlags) =>
      work(program, flags, async ({ client, output }) => {
        const target = await client.hangUpTarget(name);
        output.line(
          flags.json
            ? json(target)
            : safe(`${name} is taken down and stays down; l2tpctl dial ${name} brings it back`),
        );
      }),
    );
}

const targetLine = ({ name, state, peers, retryInMs, reason }: DialTarget): string => {
  const to = peers.map((peer) => peer.name).join(", ");
  const why = reason === undefined ? "" : `: ${reason.text}`;
  const next = retryInMs === undefined ? "" : `, next try in ${formatDuration(retryInMs)}`;
  return state === "up" ? `${name} is up` : `${name} (${to}) is ${state}${next}${why}`;
};

export function reloadCommand(program: Program): Command {
  return daemonCommand("reload", "read the configuration again", [
    "l2tpctl reload --dry-run     say what would change",
    "l2tpctl reload               change it; what is the same is not touched",
  ])
    .option("--dry-run", "only say what would be done")
    .action((flags: CommonFlags & { dryRun?: true }) =>
      work(program, flags, async ({ client, output }) => {
        const report = await client.reload({ dryRun: flags.dryRun === true });
        if (flags.json) output.line(json(report));
        else for (const line of reloadLines(report)) output.line(safe(line));
        if (report.steps.some(({ failure }) => failure !== undefined)) program.end(EXIT.refused);
      }),
    );
}

function reloadLines({ file, dryRun, steps, warnings }: ReloadReport): string[] {
  if (steps.length === 0) return [...warnings, `${file}: nothing has changed`];
  return [
    ...warnings,
    `${file}: ${steps.length} ${steps.length === 1 ? "step" : "steps"}${dryRun ? ", not taken" : ""}`,
    ...steps.map((step) => {
      const subject =
        [step.tunnel, step.session].filter((name) => name !== undefined).join("/") || step.of || "";
      const keys = step.keys === undefined || step.keys.length === 0 ? "" : ` ${step.keys.join(", ")}`;
      const why = step.why === undefined ? "" : ` (${step.why})`;
      return `  ${step.do} ${subject}${keys}${why}${step.failure === undefined ? "" : ` FAILED: ${step.failure}`}`;
    }),
  ];
}

export function drainCommand(program: Program): Command {
  return daemonCommand("drain", "take no new calls, let the old ones end", [
    "l2tpctl drain                          wait until all have ended by themselves",
    "l2tpctl drain --rate 50                end 50 sessions each second",
    "l2tpctl drain --deadline 600           end what is left after ten minutes",
    "l2tpctl status --watch                 how far it is",
    "l2tpctl resume                         take calls again",
  ])
    .option("--rate <n>", "sessions to end each second", positive(1_000_000))
    .option("--deadline <seconds>", "when to end what is left", positive(7 * 86_400))
    .action((flags: CommonFlags & { rate?: number; deadline?: number }) =>
      work(program, flags, async ({ client, output }) => {
        const status = await client.drain({
          perSecond: flags.rate,
          deadlineMs: flags.deadline === undefined ? undefined : flags.deadline * 1000,
        });
        output.line(flags.json ? json(status) : drainLine(status));
      }),
    );
}

export function resumeCommand(program: Program): Command {
  return daemonCommand("resume", "take calls again after a drain", ["l2tpctl resume"]).action(
    (flags: CommonFlags) =>
      work(program, flags, async ({ client, output }) => {
        const status = await client.resume();
        output.line(flags.json ? json(status) : drainLine(status));
      }),
  );
}

function drainLine({ draining, sessions, perSecond, deadlineInMs }: DrainStatus): string {
  if (!draining) return `calls are taken; ${sessions} sessions`;
  const rate =
    perSecond === undefined ? "they are let end by themselves" : `${perSecond} of them end each second`;
  const deadline = deadlineInMs === undefined ? "" : `, what is left in ${formatDuration(deadlineInMs)}`;
  return `draining: no new calls; ${sessions} sessions left, ${rate}${deadline}`;
}

interface TraceFlags extends CommonFlags {
  readonly file?: string;
  readonly peer?: string;
  readonly secrets?: true;
}

export function traceCommand(program: Program): Command {
  return daemonCommand("trace", "write control messages down, or stop doing so", [
    "l2tpctl trace on --peer 192.0.2.7                 to the log, in readable form",
    "l2tpctl trace on --file /var/tmp/l2tp.pcapng      for Wireshark, or l2tpctl decode",
    "l2tpctl trace off",
  ])
    .addArgument(new Argument("<on|off>", "whether to").choices(["on", "off"]))
    .option("--file <file>", "a pcapng file on the daemon's machine, in place of the log")
    .option("--peer <address>", "only of this peer")
    .option("--secrets", "secrets as they are, in place of zeros")
    .action((how: string, flags: TraceFlags) =>
      work(program, flags, async ({ client, output, io }) => {
        const { peer, secrets } = flags;
        const { resolve } = await import("node:path");
        const file = flags.file === undefined ? undefined : resolve(io.cwd, flags.file);
        const status = await client.trace({ on: how === "on", file, peer, secrets });
        if (flags.json) output.line(json(status));
        else output.line(safe(status.on ? `trace is on, to ${status.file ?? "the log"}` : "trace is off"));
      }),
    );
}

export function logLevelCommand(program: Program): Command {
  return daemonCommand("log-level", "how much is told in the log, until the next reload", [
    "l2tpctl log-level debug",
  ])
    .addArgument(new Argument("<level>", "how much").choices(["error", "warn", "info", "debug"]))
    .action((level: LogLevelName, flags: CommonFlags) =>
      work(program, flags, async ({ client, output }) => {
        await client.setLogLevel(level);
        output.line(flags.json ? json({ level }) : `the log's level is ${level}`);
      }),
    );
}
