/** `l2tpctl status`: the daemon as a whole. */
import { formatAddress, formatDuration, type Status } from "@l2tp/management";
import type { Command } from "commander";
import type { Paint } from "../paint.ts";
import { fields } from "../table.ts";
import { amount, json, safe, words } from "../text.ts";
import { repeat, watchOption } from "./watch.ts";
import { type CommonFlags, daemonCommand, type Program, work } from "./work.ts";

interface Flags extends CommonFlags {
  readonly watch?: number;
  readonly counters?: true;
}

export function statusCommand(program: Program): Command {
  return daemonCommand("status", "what the daemon is doing, its limits and counters", [
    "l2tpctl status                  in short",
    "l2tpctl status --counters       with every counter that is not 0",
    "l2tpctl status --watch 1        again every second",
    "l2tpctl status --json | jq .sessions.up",
  ])
    .option("--counters", "every counter that is not 0")
    .addOption(watchOption())
    .action((flags: Flags) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const status = await it.client.status();
          if (flags.json) it.output.line(json(status));
          else
            for (const line of statusLines(status, it.paint, flags.counters === true)) it.output.line(line);
        }),
      ),
    );
}

function statusLines(status: Status, paint: Paint, all: boolean): string[] {
  const { tunnels, sessions, drain, trace, dataPlane } = status;
  const used = status.limits.map(
    ({ name, limit, used }) =>
      `${words(name.replaceAll("_", " "))} ${used}${limit === undefined ? "" : ` of ${limit}`}`,
  );
  const lines = [
    paint.strong(`l2tpd ${safe(status.version)}`) +
      `, process ${status.pid}, up ${formatDuration(status.uptimeMs)}`,
    ...fields([
      ["configuration", configuration(status)],
      ["data plane", `${dataPlane.name} (${dataPlane.why})`],
      ...status.wires.map(({ local, encapsulation, listener, reason }): [string, string] => [
        listener === undefined ? "socket" : reason === undefined ? "listens" : "cannot listen",
        `${formatAddress(local)} ${encapsulation}${listener === undefined ? "" : ` (${listener})`}${reason === undefined ? "" : `: ${reason.text}${reason.remedy === undefined ? "" : `; ${reason.remedy}`}`}`,
      ]),
      [
        "tunnels",
        `${tunnels.up} up of ${tunnels.total}${some({ "setting up": tunnels.settingUp, "to be tried again": tunnels.retrying })}; opened by us ${tunnels.openedByUs}, by peers ${tunnels.openedByPeers}, configured ${tunnels.configured}`,
      ],
      [
        "sessions",
        `${sessions.up} up of ${sessions.total}${some({ "setting up": sessions.settingUp })}; as LAC ${sessions.asLac}, as LNS ${sessions.asLns}, configured ${sessions.configured}`,
      ],
      ["limits", used.join(", ")],
      ["memory", `${amount(status.memory.rssOctets)}B, of these heap ${amount(status.memory.heapOctets)}B`],
      ["log level", status.logLevel],
      [
        "trace",
        trace.on
          ? `on, to ${trace.file ?? "the log"}${trace.peer === undefined ? "" : `, of ${trace.peer}`}${trace.secrets ? ", secrets included" : ""}`
          : undefined,
      ],
    ]),
  ];
  if (drain.draining) {
    const rate = drain.perSecond === undefined ? "" : `, ${drain.perSecond} ended each second`;
    const deadline =
      drain.deadlineInMs === undefined ? "" : `, the rest in ${formatDuration(drain.deadlineInMs)}`;
    lines.push(paint.bad(`draining: no new calls; ${drain.sessions} sessions left${rate}${deadline}`));
  }
  const features = dataPlane.features.filter(({ why }) => why !== undefined || all);
  if (features.length > 0) {
    const rows = features.map(({ feature, using, why }): [string, string] => [
      feature,
      why === undefined ? using : `${using} (${why})`,
    ]);
    lines.push("of the data plane", ...fields(rows, "  "));
  }
  const dropped = fields(notZero(status.discards), "  ");
  if (dropped.length > 0) lines.push("dropped", ...dropped);
  if (all) {
    lines.push("counters", ...fields(notZero(status.counters), "  "), "messages");
    for (const [name, { received, sent, receiveErrors }] of Object.entries(status.messages)) {
      if (received + sent + receiveErrors > 0) {
        lines.push(
          safe(`  ${name.padEnd(8)} ${received} received, ${sent} sent, ${receiveErrors} with errors`),
        );
      }
    }
  }
  return lines;
}

const some = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `, ${count} ${name}`)
    .join("");

/** The counters that say something, in words. */
export const notZero = (counters: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(counters)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => [words(name), count]);

/** Counters under a title; nothing where all are 0. */
export function section(title: string, counters: Readonly<Record<string, number>> | undefined): string[] {
  const lines = fields(notZero(counters ?? {}), "    ");
  return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}

function configuration({ configFile, reloadedAgoMs }: Status): string | undefined {
  if (configFile === undefined) return undefined;
  return reloadedAgoMs === undefined
    ? configFile
    : `${configFile}, reloaded ${formatDuration(reloadedAgoMs)} ago`;
}
