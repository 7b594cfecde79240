/** Results as text for a terminal and as Markdown for docs/performance.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Figure, ResultTable, SuiteResult } from "./suite.ts";

const page = new URL("../docs/performance.md", import.meta.url);

const text = (value: string | number): string =>
  typeof value === "string" ? value : Number.isInteger(value) ? String(value) : value.toPrecision(3);

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
}

/** A table with its title and notes, for a terminal. */
export function formatTable(table: ResultTable): string {
  const lines = columns([table.columns, ...table.rows.map((row) => row.map(text))]);
  const rule = "─".repeat(lines[0]?.length ?? 0);
  return [
    table.title,
    rule,
    lines[0],
    rule,
    ...lines.slice(1),
    ...(table.notes ?? []).map((note) => `  ${note}`),
  ].join("\n");
}

function verdict({ measured, better, gate, goal }: Figure): string {
  const within = (limit: number) => (better === "lower" ? measured <= limit : measured >= limit);
  if (gate !== undefined && !within(gate)) return "GATE MISSED";
  if (goal !== undefined)
    return within(goal) ? "goal met" : gate === undefined ? "goal missed" : "gate met, goal missed";
  return gate === undefined ? "" : "gate met";
}

const figureRows = (figures: readonly Figure[]): string[][] => [
  ["figure", "measured", "gate", "goal", ""],
  ...figures.map((figure) => [
    figure.name,
    `${text(figure.measured)} ${figure.unit}`.trim(),
    figure.gate === undefined ? "" : `${figure.better === "lower" ? "≤" : "≥"} ${figure.gate}`,
    figure.goal === undefined ? "" : `${figure.better === "lower" ? "≤" : "≥"} ${figure.goal}`,
    verdict(figure),
  ]),
];

/** Figures with gates and goals, for a terminal. */
export function formatFigures(figures: readonly Figure[]): string {
  return columns(figureRows(figures)).join("\n");
}

const markdown = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...body.map(line)].join("\n");
};

function section(name: string, result: SuiteResult, rounds: number): string {
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "CPU"}, Node ${process.version}`;
  return [
    `<!-- ${name}: begin -->`,
    `Measured on ${date} (${machine}); median of ${rounds} interleaved rounds: \`npm run bench -- ${name}\`.`,
    ...result.tables.flatMap((table) => [
      `**${table.title}**`,
      markdown([table.columns, ...table.rows.map((row) => row.map(text))]),
      ...(table.notes ?? []),
    ]),
    ...(result.figures.length > 0 ? [markdown(figureRows(result.figures))] : []),
    ...(result.missing ?? []).map((line) => `Not measured: ${line}`),
    `<!-- ${name}: end -->`,
  ].join("\n\n");
}

/** Puts each suite's result between its markers in docs/performance.md. */
export function writeReport(results: ReadonlyMap<string, SuiteResult>, rounds: number): void {
  let document = readFileSync(page, "utf8");
  for (const [name, result] of results) {
    const begin = document.indexOf(`<!-- ${name}: begin -->`);
    const endMarker = `<!-- ${name}: end -->`;
    const end = document.indexOf(endMarker);
    if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no markers for ${name}`);
    document =
      document.slice(0, begin) + section(name, result, rounds) + document.slice(end + endMarker.length);
  }
  writeFileSync(page, document);
}
