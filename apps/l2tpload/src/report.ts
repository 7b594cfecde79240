/** What a run gave, for people and for programs. */
import { addressText } from "@l2tp/control";
import type { Stage } from "./engine.ts";
import type { RunResult } from "./fleet.ts";
import type { Summary } from "./histogram.ts";
import type { Plan } from "./plan.ts";
import { MORE_TIME, TIMED, type Timed } from "./tally.ts";

/** Tunnels, or sessions. */
interface Outcome {
  readonly wanted: number;
  readonly begun: number;
  readonly up: number;
  readonly failed: number;
  /** Came up, and ended before we ended it. */
  readonly lost: number;
  readonly seconds: number;
  readonly perSecond: number;
}

/** What `--json` prints. Times are milliseconds, unless they say otherwise. */
export interface Report {
  readonly target: string;
  readonly complete: boolean;
  /** Ended by SIGINT or SIGTERM, before its time. */
  readonly interrupted: boolean;
  readonly tunnels: Outcome;
  /** With PPP: fully up, IPCP included. */
  readonly sessions: Outcome;
  readonly churned: number;
  readonly pings: { readonly answered: number; readonly failed: number };
  readonly latencyMs: Readonly<Partial<Record<Timed, Summary>>>;
  readonly failures: readonly {
    readonly count: number;
    readonly what: string;
    readonly reason: string;
    readonly remedy: string;
  }[];
  readonly datagrams: {
    readonly sent: number;
    readonly received: number;
    readonly dataSent: number;
    readonly dataReceived: number;
    readonly retransmissions: number;
    readonly sendFailures: number;
    readonly strayData: number;
    /** StopCCNs that nobody acknowledged. */
    readonly stopsUnanswered: number;
  };
  readonly stageSeconds: Readonly<Partial<Record<Stage, number>>>;
  readonly generator: {
    readonly wallSeconds: number;
    readonly cpuSeconds: number;
    readonly memoryOctets: number;
    readonly threads: number;
  };
}

const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** Puts a result together. */
export function report(plan: Plan, result: RunResult, threads: number, interrupted: boolean): Report {
  const { reasons, counts, times } = result.tally;
  const silent = counts.datagramsReceived > 0 ? undefined : addressText(plan.target);
  const seconds = (stage: Stage) => (result.stages[stage] ?? 0) / 1_000;
  const sessionSeconds = seconds("sessions") + (plan.mixed ? seconds("tunnels") : 0);
  const up = plan.ppp === undefined ? counts.callsUp : counts.pppUp;
  const wanted = plan.tunnels * plan.sessionsPerTunnel;
  // Those made anew while all is held are no part of the set-up's rate.
  const first = Math.max(0, up - counts.churned);
  const tunnels: Outcome = {
    wanted: plan.tunnels,
    begun: counts.tunnelsStarted,
    up: counts.tunnelsUp,
    failed: counts.tunnelsFailed,
    lost: counts.tunnelsLost,
    seconds: rounded(seconds("tunnels")),
    perSecond: perSecond(counts.tunnelsUp, seconds("tunnels")),
  };
  const sessions: Outcome = {
    wanted,
    begun: counts.callsStarted,
    up,
    failed: counts.callsFailed + counts.pppFailed,
    lost: counts.sessionsLost,
    seconds: rounded(sessionSeconds),
    perSecond: perSecond(first, sessionSeconds),
  };
  return {
    target: addressText(plan.target),
    complete: isComplete(tunnels) && isComplete(sessions) && counts.pingsFailed === 0,
    interrupted,
    tunnels,
    sessions,
    churned: counts.churned,
    pings: { answered: counts.pingsAnswered, failed: counts.pingsFailed },
    latencyMs: Object.fromEntries(
      Object.entries(times)
        .map(([name, histogram]) => [name, histogram.summary()] as const)
        .filter((entry): entry is [string, Summary] => entry[1] !== undefined)
        .map(([name, summary]) => [name, roundedSummary(summary)]),
    ),
    failures: [
      ...reasons.map(({ count, what, text, remedy }) => ({
        count,
        what,
        reason: text,
        remedy: silent !== undefined && remedy === MORE_TIME ? SILENT : remedy,
      })),
      ...unfinished("tunnel", tunnels, interrupted, silent),
      ...unfinished("call", sessions, interrupted, undefined),
    ],
    datagrams: {
      sent: counts.datagramsSent,
      received: counts.datagramsReceived,
      dataSent: counts.dataDatagramsSent,
      dataReceived: counts.dataDatagramsReceived,
      retransmissions: counts.retransmissions,
      sendFailures: counts.sendFailures,
      strayData: counts.strayData,
      stopsUnanswered: counts.stopsUnanswered,
    },
    stageSeconds: Object.fromEntries(
      Object.entries(result.stages).map(([stage, ms]) => [stage, rounded(ms / 1_000)]),
    ),
    generator: {
      wallSeconds: rounded(result.wallMs / 1_000),
      cpuSeconds: rounded(result.cpuSeconds),
      memoryOctets: result.memory,
      threads,
    },
  };
}

const perSecond = (count: number, seconds: number): number =>
  seconds > 0 ? rounded(count / seconds, count / seconds < 100 ? 1 : 0) : 0;

/** What may help when nothing was heard at all. */
const SILENT =
  "nothing was heard: check address, port and firewalls on the way, and that an LNS listens there";

/** What was begun, and neither came up nor failed before the run ended. @param silent - of whom nothing was heard at all. */
function unfinished(
  what: string,
  { begun, up, failed }: Outcome,
  interrupted: boolean,
  silent: string | undefined,
): Report["failures"] {
  const count = begun - up - failed;
  if (count <= 0) return [];
  if (silent !== undefined) return [{ count, what, reason: `no answer from ${silent}`, remedy: SILENT }];
  if (interrupted) return [{ count, what, reason: "not up when the run was interrupted", remedy: "" }];
  return [{ count, what, reason: "not up when the run ended", remedy: "allow more time: --duration" }];
}

const isComplete = ({ wanted, up, failed, lost }: Outcome): boolean =>
  up >= wanted && failed === 0 && lost === 0;

const roundedSummary = (summary: Summary): Summary =>
  Object.fromEntries(
    Object.entries(summary).map(([name, value]) => [name, rounded(value)]),
  ) as unknown as Summary;

/** A table with its columns aligned: words to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  "),
  );
}

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : value < 1_000 ? 1 : 0);

/** The report as a page. */
export function reportText(plan: Plan, result: Report): string {
  const outcome = (name: string, one: Outcome) => [
    name,
    ...[one.wanted, one.begun, one.up, one.failed, one.lost].map(String),
    one.seconds.toFixed(2),
    String(one.perSecond),
  ];
  const lines = table([
    ["", "wanted", "begun", "up", "failed", "lost", "seconds", "per second"],
    outcome("tunnels", result.tunnels),
    ...(plan.sessionsPerTunnel > 0
      ? [outcome(plan.ppp === undefined ? "sessions" : "sessions, with PPP", result.sessions)]
      : []),
  ]);
  const timed = Object.entries(result.latencyMs);
  if (timed.length > 0) {
    lines.push(
      "",
      ...table([
        ["latency in ms", "count", "p50", "p90", "p99", "max"],
        ...timed.map(([name, { count, p50, p90, p99, max }]) => [
          TIMED[name as Timed],
          String(count),
          ...[p50, p90, p99, max].map(ms),
        ]),
      ]),
    );
  }
  if (result.interrupted) lines.push("", "interrupted: this is what there was until then");
  if (result.failures.length > 0) {
    lines.push("", "what went wrong");
    for (const { count, what, reason, remedy } of result.failures) {
      lines.push(`${String(count).padStart(7)}  ${what}: ${reason}`);
      if (remedy !== "") lines.push(`         ${remedy}`);
    }
  }
  const { datagrams, generator } = result;
  const { cpuSeconds, wallSeconds } = generator;
  const { answered, failed } = result.pings;
  if (answered + failed > 0) lines.push("", `pings: ${answered} answered, ${failed} not`);
  if (result.churned > 0) lines.push("", `${result.churned} sessions were ended and made anew`);
  lines.push(
    "",
    `datagrams: ${datagrams.sent} sent (${datagrams.dataSent} data), ${datagrams.received} received ` +
      `(${datagrams.dataReceived} data), ${datagrams.retransmissions} retransmissions` +
      (datagrams.sendFailures > 0 ? `, ${datagrams.sendFailures} refused by the system` : "") +
      (datagrams.stopsUnanswered > 0 ? `; ${datagrams.stopsUnanswered} StopCCNs not acknowledged` : ""),
    `l2tpload: ${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of processor time ` +
      `(${Math.round((cpuSeconds / wallSeconds) * 100)} % of a core), ${Math.round(generator.memoryOctets / 2 ** 20)} MiB`,
  );
  return lines.join("\n");
}
