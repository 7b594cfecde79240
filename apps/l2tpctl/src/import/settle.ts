/**
 * The last step: what l2tpd would not take is taken out again and said, so that the document is always a correct one.
 * Values such as an MTU of 100000 pass through pppd's and xl2tpd's parsers, and would not pass ours.
 */
import { type ConfigProblem, checkConfig } from "@l2tp/config";
import type { Notes, Place } from "./notes.ts";
import type { TomlDocument } from "./toml.ts";

/** Without these a rule or a user would let in more than it did: the whole of it goes. */
const GUARDS: Readonly<Record<string, readonly string[]>> = {
  peer: ["from", "host_name", "secret", "deny"],
  user: ["password", "password_file"],
  listen: ["local"],
  tunnel: ["peer", "version"],
};

/** More rounds than a document of any size needs, as each takes out all that is wrong. */
const MOST_ROUNDS = 100;

/** @returns the document's text. @throws Error where it does not become correct, which is a fault of this program. */
export function settle(
  document: TomlDocument,
  head: readonly string[],
  source: string,
  notes: Notes,
): string {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const toml = document.render(head);
    const checked = checkConfig(toml, { file: "the document made" });
    if (checked.ok) return toml;
    const before = notes.all.length;
    for (const problem of checked.error.problems) takeOut(document, problem, source, notes);
    if (notes.all.length === before) throw checked.error;
  }
  throw new Error("the document made did not become correct");
}

function takeOut(document: TomlDocument, problem: ConfigProblem, source: string, notes: Notes): void {
  const found = document.find(problem.path);
  if (found === undefined) return;
  const { table, key } = found;
  const remark = table.remarks[0] ?? "";
  const from = key === undefined ? undefined : table.drop(key);
  const why = [problem.reason, problem.expected && `expected ${problem.expected}`].filter(Boolean).join("; ");
  const name = table.path.join(".");
  const guarded =
    key !== undefined && GUARDS[table.path[0] ?? ""]?.includes(key) === true && table.path.length < 3;
  if (from !== undefined && !guarded) {
    notes.leftOut(placeOf(from, remark, source), `${key} of [${name}]`, `l2tpd would not take it: ${why}`);
    return;
  }
  document.remove(table);
  notes.leftOut(
    placeOf(from ?? "", remark, source),
    `[${name}]`,
    `l2tpd would not take its ${key ?? "keys"}: ${why}`,
  );
}

/** Where a value came from, by its remark. */
function placeOf(from: string, remark: string, source: string): Place {
  const [, file, line] = /^(\S+?):(\d+)\b/.exec(from) ?? /(?:^|, )(\S+?):(\d+)$/.exec(remark) ?? [];
  return file === undefined ? { file: source, line: 1 } : { file, line: Number(line) };
}
