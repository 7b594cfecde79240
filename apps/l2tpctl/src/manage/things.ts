/** What tunnels and sessions have alike: `list`, `show`, also of those that have ended, and a command that ends one. */
import {
  formatDuration,
  type LoggedMessageValue,
  type ManagementClient,
  ManagementError,
} from "@l2tp/management";
import { Command, type Option } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, type Field, fields, printTable } from "../table.ts";
import { json, safe } from "../text.ts";
import { repeat, watchOption } from "./watch.ts";
import { type CommonFlags, daemonCommand, type Program, printLines, type Work, work } from "./work.ts";

/** How a list is printed. */
export interface Listed<Row> {
  readonly columns: readonly Column<Row>[];
  /** In place of a table without rows. */
  readonly empty: string;
}

/** What all live ones have. */
interface Live {
  readonly up: boolean;
  readonly state: string;
  readonly upForMs?: number | undefined;
  readonly retryInMs?: number | undefined;
  readonly reason?: { readonly text: string; readonly remedy?: string | undefined } | undefined;
}

/** What all that have ended have. */
interface Ended {
  readonly wasUp: boolean;
  readonly upForMs?: number | undefined;
  readonly endedAgoMs: number;
  readonly ending: { readonly line: string };
}

/** One sort of them. */
export interface Thing<Filters, Row extends Live, Detail, Closed extends Ended> {
  readonly noun: "tunnel" | "session";
  readonly summary: string;
  readonly description: string;
  /** How a person calls one. */
  readonly argument: string;
  readonly examples: Readonly<Record<"list" | "show" | "end", readonly string[]>>;
  readonly filters: readonly Option[];
  readonly rows: (client: ManagementClient, filters: Filters) => AsyncIterable<Row>;
  readonly live: Listed<Row>;
  readonly closedRows: (client: ManagementClient, filters: Filters) => AsyncIterable<Closed>;
  readonly closed: Listed<Closed>;
  readonly one: (client: ManagementClient, reference: string) => Promise<Detail>;
  readonly lines: (detail: Detail, paint: Paint) => string[];
  /** Whether a person who says `reference` may mean this one. */
  readonly isMeant: (row: Closed, reference: string) => boolean;
  readonly closedLines: (row: Closed, paint: Paint) => string[];
  readonly end: {
    readonly name: string;
    readonly summary: string;
    readonly description?: string;
    readonly run: (client: ManagementClient, reference: string, text: string | undefined) => Promise<void>;
    readonly done: (reference: string) => string;
  };
}

/** Prints rows: JSON, a line for each, or a table. */
export async function printRows<Row>(
  it: Work,
  { json }: CommonFlags,
  rows: AsyncIterable<Row>,
  { columns, empty }: Listed<Row>,
): Promise<void> {
  if (json) await printLines(rows, it.output);
  else await printTable(rows, columns, { ...it, empty });
}

/** `tunnel`, `session`, with their commands. */
export function thingCommand<Filters extends object, Row extends Live, Detail, Closed extends Ended>(
  program: Program,
  thing: Thing<Filters, Row, Detail, Closed>,
): Command {
  return new Command(thing.noun)
    .summary(thing.summary)
    .description(thing.description)
    .helpCommand(false)
    .addCommand(listCommand(program, thing))
    .addCommand(showCommand(program, thing))
    .addCommand(endCommand(program, thing));
}

function listCommand<Filters extends object, Row extends Live, Detail, Closed extends Ended>(
  program: Program,
  thing: Thing<Filters, Row, Detail, Closed>,
): Command {
  const command = daemonCommand("list", `a line for each ${thing.noun}`, thing.examples.list);
  for (const filter of thing.filters) command.addOption(filter);
  return command
    .option("--closed", "those that have ended and are still remembered")
    .addOption(watchOption())
    .action((flags: CommonFlags & Filters & { readonly closed?: true; readonly watch?: number }) =>
      work(program, flags, (it) =>
        repeat(it, flags, () =>
          flags.closed
            ? printRows(it, flags, thing.closedRows(it.client, flags), thing.closed)
            : printRows(it, flags, thing.rows(it.client, flags), thing.live),
        ),
      ),
    );
}

function showCommand<Filters extends object, Row extends Live, Detail, Closed extends Ended>(
  program: Program,
  thing: Thing<Filters, Row, Detail, Closed>,
): Command {
  return daemonCommand("show", `everything about one ${thing.noun}`, thing.examples.show)
    .description(
      `Everything about one ${thing.noun}. Of one that has ended and is still remembered: how, and why.`,
    )
    .argument(`<${thing.noun}>`, thing.argument)
    .addOption(watchOption())
    .action((reference: string, flags: CommonFlags & { readonly watch?: number }) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const { value, lines } = await liveOrClosed(it, thing, reference);
          if (flags.json) it.output.line(json(value));
          else for (const line of lines) it.output.line(line);
        }),
      ),
    );
}

/** One that is there; failing that, the one of that name that ended last. */
async function liveOrClosed<Filters extends object, Row extends Live, Detail, Closed extends Ended>(
  { client, paint }: Work,
  thing: Thing<Filters, Row, Detail, Closed>,
  reference: string,
): Promise<{ readonly value: Detail | Closed; readonly lines: readonly string[] }> {
  try {
    const value = await thing.one(client, reference);
    return { value, lines: thing.lines(value, paint) };
  } catch (error) {
    if (!(error instanceof ManagementError && error.code === "not-found")) throw error;
    let last: Closed | undefined;
    for await (const row of thing.closedRows(client, {} as Filters)) {
      const isLater = last === undefined || row.endedAgoMs <= last.endedAgoMs;
      if (isLater && thing.isMeant(row, reference)) last = row;
    }
    if (last === undefined) throw error;
    return { value: last, lines: thing.closedLines(last, paint) };
  }
}

function endCommand<Filters extends object, Row extends Live, Detail, Closed extends Ended>(
  program: Program,
  { end, examples, noun, argument }: Thing<Filters, Row, Detail, Closed>,
): Command {
  const command = daemonCommand(end.name, end.summary, examples.end);
  if (end.description !== undefined) command.description(end.description);
  return command
    .argument(`<${noun}>`, argument)
    .option("--text <text>", "for the log, and for the peer to read")
    .action((reference: string, flags: CommonFlags & { readonly text?: string }) =>
      work(program, flags, async ({ client, output }) => {
        await end.run(client, reference, flags.text);
        output.line(flags.json ? json({}) : safe(end.done(reference)));
      }),
    );
}

/** The state, and of one that is not up how far the protocol is. */
const stateText = ({ up, state }: Live, protocol: string | undefined): string =>
  up || protocol === undefined ? state : `${state} (${protocol})`;

/** @param protocol - the state of its state machine. */
export const stateColumn = <Row extends Live>(protocol: (row: Row) => string | undefined): Column<Row> => ({
  title: "STATE",
  value: (row) => stateText(row, protocol(row)),
  rank: 0,
  paint: (row, paint) => (row.up ? paint.good : paint.bad),
});

export const upForColumn = (rank: number): Column<Live> => ({
  title: "UP FOR",
  value: (row) => row.upForMs && formatDuration(row.upForMs),
  right: true,
  rank,
});

export const WHY_NOT_UP: Column<Live> = {
  title: "WHY NOT UP",
  value: (row) => row.reason?.text,
  rank: 2,
};

const wasUp = (row: Ended): string => (row.wasUp ? formatDuration(row.upForMs ?? 0) : "never");
const ended = (row: Ended): string => `${formatDuration(row.endedAgoMs)} ago`;

/** The last columns of what has ended. */
export const ENDING_COLUMNS: readonly Column<Ended>[] = [
  { title: "WAS UP", value: wasUp, right: true, rank: 2 },
  { title: "ENDED", value: ended, right: true, rank: 1 },
  { title: "WHY", value: (row) => row.ending.line, rank: 0 },
];

/** `tunnel office: up for 3 min`, why it is not, and what else there is. */
export function detailHead(
  title: string,
  row: Live,
  protocol: string | undefined,
  rows: readonly Field[],
  paint: Paint,
): string[] {
  const up = row.upForMs === undefined ? "" : ` for ${formatDuration(row.upForMs)}`;
  return [
    `${paint.strong(safe(title))}: ${(row.up ? paint.good : paint.bad)(safe(stateText(row, protocol)) + up)}`,
    ...fields(
      [
        ["why", row.reason?.text],
        ["what to do", row.reason?.remedy],
        ["next try in", row.retryInMs && formatDuration(row.retryInMs)],
        ...rows,
      ],
      "  ",
    ),
  ];
}

/** `tunnel office: ended 5 s ago`, why, and what else is remembered. */
export function endedHead(title: string, row: Ended, rows: readonly Field[], paint: Paint): string[] {
  return [
    `${paint.strong(safe(title))}: ${paint.bad(`ended ${ended(row)}`)}`,
    ...fields([["why", row.ending.line], ["was up", wasUp(row)], ...rows], "  "),
  ];
}

/** The last control messages, as far as they are remembered. */
export function messageLines(messages: readonly LoggedMessageValue[]): string[] {
  if (messages.length === 0) return [];
  return [
    "  last messages",
    ...messages.map(
      ({ agoMs, direction, message, sessionId }) =>
        `    ${`${formatDuration(agoMs)} ago`.padStart(14)}  ${direction.padEnd(8)}  ${safe(message)}${sessionId === 0 ? "" : `, session ${sessionId}`}`,
    ),
  ];
}
