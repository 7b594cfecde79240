/** docs/rfc2661-conformance.md leaves nothing out and names tests that exist. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const page = readFileSync(`${root}docs/rfc2661-conformance.md`, "utf8");
const rows = page
  .split("\n")
  .filter((line) => /^\| \d/.test(line))
  .map((line) =>
    line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|").replaceAll("&lt;", "<")),
  );

test("every row has a section, a sentence, what is done, and tests or a reason for none", () => {
  expect(rows.length).toBeGreaterThan(195);
  for (const row of rows) expect(row.slice(1, 5).every((cell) => cell.length > 0)).toBe(true);
  expect(rows.filter((row) => row[4] === "–").length).toBeLessThan(12);
});

test("every test that is named exists", () => {
  const sources = new Map<string, string>();
  const named = rows.flatMap((row) => (row[4] === "–" ? [] : (row[4] as string).split(/; (?=`\w+\/)/)));
  expect(named.length).toBeGreaterThan(200);
  for (const name of named) {
    const [, where, title] = /^`([\w-]+\/[\w-]+)`: (.*)$/.exec(name) ?? [];
    if (where === undefined || title === undefined) throw new Error(`no test is named by "${name}"`);
    const file = `${root}packages/${where.replace("/", "/test/")}.test.ts`;
    const source = sources.get(file) ?? readFileSync(file, "utf8");
    sources.set(file, source);
    const usage = readFileSync(new URL("./vectors/result-code-usage.json", import.meta.url), "utf8");
    expect([name, source.includes(title) || (where === "control/codes" && usage.includes(title))]).toEqual([
      name,
      true,
    ]);
  }
});

test("every sentence of the RFC with MUST, SHOULD or SHALL is there, where the RFC's text is at hand", () => {
  const file = `${root}../shared/spec/rfc/rfc2661.txt`;
  if (!existsSync(file)) return;
  const text = readFileSync(file, "latin1");
  const said = rows.map((row) => row[2]).join(" ");
  const counts = (where: string) => where.match(/\b(MUST|SHOULD|SHALL)\b/g)?.length ?? 0;
  // The definitions of the words themselves are one row; all else is said once.
  expect(counts(said)).toBe(counts(text));
});
