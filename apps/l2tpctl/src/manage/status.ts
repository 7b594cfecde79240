/** `l2tpctl status`: the daemon as a whole. */
import {
  type DrainStatus,
  formatAddress,
  formatDuration,
  type Status,
  type WireStatus,
} from "@l2tp/management";
import type { Command } from "commander";
import type { Paint } from "../paint.ts";
import { type Field, fields, part } from "../table.ts";
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
  const { version, pid, uptimeMs, drain, dataPlane, discards } = status;
  return [
    `${paint.strong(`l2tpd ${safe(version)}`)}, process ${pid}, up ${formatDuration(uptimeMs)}`,
    ...fields([...whatRuns(status), ...howMuch(status), ...whatIsWritten(status)]),
    ...(drain.draining ? [paint.bad(drainLine(drain))] : []),
    ...titled("of the data plane", featureFields(dataPlane, all)),
    ...titled("dropped", notZero(discards)),
    ...(all ? ["counters", ...fields(notZero(status.counters), "  ")] : []),
    ...(all ? ["messages", ...messageLines(status.messages)] : []),
  ];
}

const whatRuns = (status: Status): readonly Field[] => [
  ["configuration", configuration(status)],
  ["data plane", `${status.dataPlane.name} (${status.dataPlane.why})`],
  ...status.wires.map(wireField),
];

function wireField({ local, encapsulation, listener, reason }: WireStatus): Field {
  const where = `${formatAddress(local)} ${encapsulation}`;
  if (listener === undefined) return ["socket", where + because(reason)];
  return [reason === undefined ? "listens" : "cannot listen", `${where} (${listener})${because(reason)}`];
}

const because = (reason: WireStatus["reason"]): string =>
  reason === undefined ? "" : `: ${reason.text}${reason.remedy === undefined ? "" : `; ${reason.remedy}`}`;

function howMuch({ tunnels, sessions, limits, memory }: Status): readonly Field[] {
  const tunnelsSettingUp = some({ "setting up": tunnels.settingUp, "to be tried again": tunnels.retrying });
  const sessionsSettingUp = some({ "setting up": sessions.settingUp });
  const used = limits.map(
    ({ name, limit, used }) =>
      `${words(name.replaceAll("_", " "))} ${used}${limit === undefined ? "" : ` of ${limit}`}`,
  );
  return [
    [
      "tunnels",
      `${tunnels.up} up of ${tunnels.total}${tunnelsSettingUp}; opened by us ${tunnels.openedByUs}, by peers ${tunnels.openedByPeers}, configured ${tunnels.configured}`,
    ],
    [
      "sessions",
      `${sessions.up} up of ${sessions.total}${sessionsSettingUp}; as LAC ${sessions.asLac}, as LNS ${sessions.asLns}, configured ${sessions.configured}`,
    ],
    ["limits", used.join(", ")],
    ["memory", `${amount(memory.rssOctets)}B, of these heap ${amount(memory.heapOctets)}B`],
  ];
}

function whatIsWritten({ logLevel, trace }: Status): readonly Field[] {
  const peer = trace.peer === undefined ? "" : `, of ${trace.peer}`;
  const secrets = trace.secrets ? ", secrets included" : "";
  return [
    ["log level", logLevel],
    ["trace", trace.on ? `on, to ${trace.file ?? "the log"}${peer}${secrets}` : undefined],
  ];
}

function drainLine({ sessions, perSecond, deadlineInMs }: DrainStatus): string {
  const rate = perSecond === undefined ? "" : `, ${perSecond} ended each second`;
  const deadline = deadlineInMs === undefined ? "" : `, the rest in ${formatDuration(deadlineInMs)}`;
  return `draining: no new calls; ${sessions} sessions left${rate}${deadline}`;
}

/** @param all - or those only that are not what they could be. */
const featureFields = ({ features }: Status["dataPlane"], all: boolean): readonly Field[] =>
  features
    .filter(({ why }) => why !== undefined || all)
    .map(({ feature, using, why }) => [feature, why === undefined ? using : `${using} (${why})`]);

const messageLines = (messages: Status["messages"]): string[] =>
  Object.entries(messages)
    .filter(([, { received, sent, receiveErrors }]) => received + sent + receiveErrors > 0)
    .map(([name, { received, sent, receiveErrors }]) =>
      safe(`  ${name.padEnd(8)} ${received} received, ${sent} sent, ${receiveErrors} with errors`),
    );

/** Fields under a title; nothing where there are none. */
const titled = (title: string, rows: readonly Field[]): string[] =>
  rows.length === 0 ? [] : [title, ...fields(rows, "  ")];

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
  const rows = notZero(counters ?? {});
  return rows.length === 0 ? [] : part(title, rows);
}

function configuration({ configFile, reloadedAgoMs }: Status): string | undefined {
  if (configFile === undefined) return undefined;
  return reloadedAgoMs === undefined
    ? configFile
    : `${configFile}, reloaded ${formatDuration(reloadedAgoMs)} ago`;
}
