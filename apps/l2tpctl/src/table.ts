/**
 * Tables for people: columns as wide as what is in them, and no line longer than the terminal. What does not fit loses
 * the columns of least interest first, then the ends of its longest texts.
 */
import type { LineOutput } from "./output.ts";
import type { Paint } from "./paint.ts";
import { safe } from "./text.ts";

/** One column of a table of `T`. */
export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | number | undefined;
  /** Numbers stand to the right. */
  readonly right?: true;
  /** 0 stays; of the others the highest goes first where there is no room. */
  readonly rank: number;
  readonly paint?: (row: T, paint: Paint) => ((text: string) => string) | undefined;
}

/** Rows that are looked at before the first is printed, for the widths; a longer list is not held. */
const LOOKED_AT = 1_000;
/** A text is not cut shorter than this. */
const SHORTEST = 8;
const GAP = "  ";

/** How a table is laid out. */
interface Layout<T> {
  readonly columns: readonly Column<T>[];
  readonly widths: readonly number[];
}

/**
 * Prints a table. @param width - of the terminal; undefined: lines may be of any length.
 * @returns how many rows there were.
 */
export async function printTable<T>(
  rows: AsyncIterable<T>,
  columns: readonly Column<T>[],
  {
    output,
    width,
    paint,
    empty,
  }: { output: LineOutput; width: number | undefined; paint: Paint; empty: string },
): Promise<number> {
  let count = 0;
  let first: T[] = [];
  let layout: Layout<T> | undefined;
  const begin = () => {
    layout = lay(first, columns, width);
    output.line(paint.strong(line(layout, (column) => column.title)));
    for (const row of first) output.line(rowLine(layout, row, paint));
    first = [];
  };
  for await (const row of rows) {
    count++;
    if (layout === undefined) {
      first.push(row);
      if (first.length >= LOOKED_AT) begin();
    } else {
      output.line(rowLine(layout, row, paint));
      if (count % LOOKED_AT === 0) await output.flush();
    }
    if (output.closed) break;
  }
  if (count === 0) output.line(empty);
  else if (layout === undefined) begin();
  await output.flush();
  return count;
}

function lay<T>(rows: readonly T[], all: readonly Column<T>[], width: number | undefined): Layout<T> {
  let columns = all.filter(
    (column) => column.rank === 0 || rows.some((row) => column.value(row) !== undefined),
  );
  const widthOf = (column: Column<T>) =>
    rows.reduce((most, row) => Math.max(most, textOf(column, row).length), column.title.length);
  const total = () => columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length);
  if (width === undefined) return { columns, widths: columns.map(widthOf) };
  while (total() > width) {
    const least = columns.reduce((most, column) => Math.max(most, column.rank), 0);
    if (least === 0) break;
    columns = columns.filter(
      (column, at) => column.rank !== least || at !== columns.findLastIndex((it) => it.rank === least),
    );
  }
  const widths = columns.map(widthOf);
  let over = total() - width;
  while (over > 0) {
    const longest = widths.indexOf(Math.max(...widths));
    if ((widths[longest] as number) <= SHORTEST) break;
    widths[longest] = (widths[longest] as number) - 1;
    over--;
  }
  return { columns, widths };
}

function textOf<T>(column: Column<T>, row: T): string {
  const value = column.value(row);
  return value === undefined ? "-" : safe(String(value));
}

function rowLine<T>(layout: Layout<T>, row: T, paint: Paint): string {
  return line(
    layout,
    (column) => textOf(column, row),
    (column) => column.paint?.(row, paint),
  );
}

function line<T>(
  { columns, widths }: Layout<T>,
  textFor: (column: Column<T>) => string,
  paintFor: (column: Column<T>) => ((text: string) => string) | undefined = () => undefined,
): string {
  const cells = columns.map((column, at) => {
    const width = widths[at] as number;
    const text = textFor(column);
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    const painted = paintFor(column)?.(cut) ?? cut;
    const pad = " ".repeat(width - cut.length);
    if (column.right) return pad + painted;
    return at === columns.length - 1 ? painted : painted + pad;
  });
  return cells.join(GAP).trimEnd();
}

/** A name and its value; what is undefined or empty is left out. */
export type Field = readonly [name: string, value: string | number | undefined];

/** `name  value` lines with the values under each other. */
export function fields(rows: readonly Field[], indent = ""): string[] {
  const given = rows.filter(([, value]) => value !== undefined && value !== "");
  const width = given.reduce((most, [name]) => Math.max(most, name.length), 0);
  return given.map(([name, value]) => `${indent}${name.padEnd(width)}  ${safe(String(value))}`);
}

/** Fields of a part of what is shown, under its title. */
export const part = (title: string, rows: readonly Field[]): string[] => [
  `  ${title}`,
  ...fields(rows, "    "),
];
