/**
 * `npm run bench [-- SUITE…] [--rounds N] [--json] [--write]`: runs the benchmarks, prints tables and figures
 * with their gates and goals. `--write` keeps the result in docs/performance.md. Exit code 1 when a gate is
 * missed.
 */
import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { formatFigures, formatTable, writeReport } from "./report.ts";
import type { Suite, SuiteResult } from "./suite.ts";

const folder = new URL("suites/", import.meta.url);

async function load(): Promise<Suite[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  return Promise.all(
    files
      .sort()
      .map(async (file) => ((await import(new URL(file, folder).href)) as { default: Suite }).default),
  );
}

function usage(suites: readonly Suite[]): string {
  const width = Math.max(...suites.map((suite) => suite.name.length));
  const list = suites.map((suite) => `  ${suite.name.padEnd(width)}  ${suite.description}`);
  return `usage: npm run bench -- [SUITE…] [--rounds N] [--json] [--write]

Runs the benchmarks (all of them when none is named) and prints ratios to named references.

${list.join("\n")}

  --rounds N  interleaved rounds, of which medians are taken (default 5)
  --json      print the results as one JSON object
  --write     keep the results, with the date, in docs/performance.md

examples:
  npm run bench -- codec
  npm run bench -- dataplane --rounds 7 --write`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const suites = await load();
const rounds = Number(values.rounds);
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
if (values.help) {
  console.log(usage(suites));
  process.exit(0);
}
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(
    unknown.length > 0
      ? `bench: no suite ${unknown.join(", ")}\n`
      : "bench: --rounds wants a number of 1 or more\n",
  );
  console.error(usage(suites));
  process.exit(64);
}

const results = new Map<string, SuiteResult>();
let missed = 0;
for (const suite of suites) {
  if (positionals.length > 0 && !positionals.includes(suite.name)) continue;
  const log = (line: string) => process.stderr.write(`${suite.name}: ${line}\n`);
  log(suite.description);
  const result = await suite.run({ rounds, log });
  results.set(suite.name, result);
  missed += result.figures.filter(({ measured, gate, better }) =>
    gate === undefined ? false : better === "lower" ? measured > gate : measured < gate,
  ).length;
  if (values.json) continue;
  for (const table of result.tables) console.log(`\n${formatTable(table)}`);
  if (result.figures.length > 0) console.log(`\n${formatFigures(result.figures)}`);
  for (const line of result.missing ?? []) console.log(`not measured: ${line}`);
}
if (values.json) console.log(JSON.stringify(Object.fromEntries(results), undefined, 2));
if (values.write) writeReport(results, rounds);
if (missed > 0) console.error(`bench: ${missed} gate${missed === 1 ? "" : "s"} missed`);
process.exit(missed > 0 ? 1 : 0);
