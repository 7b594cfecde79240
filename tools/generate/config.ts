/**
 * What follows from the declarations of the configuration's keys: the tables of docs/configuration.md, the man
 * page l2tpd.toml(5), and the JSON Schema for editors. The prose of the two pages stands in them; only what is
 * between `<!-- keys: TABLE -->` and `<!-- end of keys -->` is replaced.
 */
import { readFile } from "node:fs/promises";
import { configJsonSchema, declarationOf, expectation, KEY_TABLES, type KeyTable } from "@l2tp/config";

const repository = new URL("../../", import.meta.url);

/** Files by their path from the root of the repository. */
export default async function generateConfig(): Promise<Record<string, string>> {
  const pages = { "docs/configuration.md": guideTable, "docs/man/l2tpd.toml.5.md": manEntries };
  const files: Record<string, string> = {
    "docs/schema/l2tpd.schema.json": `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
  };
  for (const [path, render] of Object.entries(pages)) {
    files[path] = fillIn(path, await readFile(new URL(path, repository), "utf8"), render);
  }
  return files;
}

const BLOCK = /(<!-- keys: (.+) -->\n)[\s\S]*?(<!-- end of keys -->)/g;

function fillIn(path: string, page: string, render: (table: KeyTable) => string): string {
  const missing = new Set(KEY_TABLES.map(titleOf));
  const filled = page.replace(BLOCK, (_block, begin: string, title: string, end: string) => {
    const table = KEY_TABLES.find((one) => titleOf(one) === title);
    if (!table) throw new Error(`${path}: there is no table of keys "${title}"`);
    missing.delete(title);
    return `${begin}\n${render(table)}\n${end}`;
  });
  if (missing.size > 0) throw new Error(`${path}: no place for the keys of ${[...missing].join(", ")}`);
  return filled;
}

const titleOf = ({ table }: KeyTable): string => (table === "" ? "top" : table);

interface Entry {
  readonly name: string;
  readonly takes: string;
  readonly fallback: string;
  readonly description: string;
  readonly example: string;
  readonly standard: string;
  readonly origin: string;
  readonly since: string;
}

function entries({ keys }: KeyTable): Entry[] {
  return Object.entries(keys).map(([name, schema]) => {
    const declaration = declarationOf(schema);
    const { default: either, unit, description, example, standard = "", origin, since } = declaration;
    const fallback =
      typeof either === "string" ? either : `${either.field}; with go-l2tp's defaults ${either.goL2tp}`;
    const takes = expectation(schema) + (unit === undefined ? "" : ` (${unit})`);
    return { name, takes, fallback, description, example, standard, origin, since };
  });
}

/** A row for each key. */
function guideTable(table: KeyTable): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const rows = entries(table).map(
    ({ name, takes, fallback, description, standard, origin }) =>
      `| \`${name}\`${origin === "go-l2tp" ? " °" : ""} | ${cell(takes)} | ${cell(fallback)} | ${cell(description)}${standard === "" ? "" : ` (${standard})`} |`,
  );
  return `${["| key | takes | default | meaning |", "|---|---|---|---|", ...rows].join("\n")}\n`;
}

/** A paragraph for each key, as man pages have it. */
function manEntries(table: KeyTable): string {
  return entries(table)
    .map(
      ({ name, takes, fallback, description, example, standard, origin, since }) =>
        `**${name}**\n:   ${description} Takes ${takes}. Default: ${fallback}. ` +
        `${standard === "" ? "" : `${standard}. `}${origin === "go-l2tp" ? "A key of go-l2tp too. " : ""}` +
        `Since ${since}.\n\n        ${example}\n`,
    )
    .join("\n");
}
