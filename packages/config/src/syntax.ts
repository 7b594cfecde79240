/** What is wrong with text that is no TOML, in words for the person who wrote it, and what to do. */
import type { TomlError } from "smol-toml";
import type { ConfigProblem } from "./problem.ts";

/** Words for one mistake. */
interface Words {
  /** In place of what the parser says. */
  readonly reason?: string;
  readonly remedy: string;
}

/** Where the parser stopped. No word that is made of it may repeat a value: it may be a secret. */
interface Spot {
  readonly lines: readonly string[];
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

const QUOTE = 'Close it with the quotation mark that it begins with; """ begins a text of several lines.';
const WORDS_IN_QUOTES = 'Addresses, names and other texts stand in quotation marks: "192.0.2.1".';

/** By what the parser says. */
const MISTAKES: readonly (readonly [said: RegExp, words: (spot: Spot) => Words])[] = [
  [/already defined/, twice],
  [/control characters/, controlCharacter],
  [/unfinished string/, () => ({ reason: "a string is not closed", remedy: QUOTE })],
  [/invalid value/, invalidValue],
  [/numeric|leading zero/, () => ({ remedy: WORDS_IN_QUOTES })],
  [/incomplete key-value/, incomplete],
  [/illegal character in key/, illegalKey],
  [
    /comma or end of structure/,
    () => ({ remedy: "See to the commas, and to the ] or } that closes what begins before." }),
  ],
  [/followed by an end-of-line/, () => ({ remedy: "Begin a new line after each value." })],
  [
    /escape/,
    () => ({
      remedy: 'A backslash in "…" begins an escape: write \\\\, or put the text in single quotation marks.',
    }),
  ],
];

/** The problem that a parser's error is. Of the text only names of keys and tables are repeated. */
export function syntaxProblem(error: TomlError, text: string, file: string): ConfigProblem {
  // Only its first line: the excerpt of the text below it may hold a secret.
  const said = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
  const { line, column } = error;
  const words = MISTAKES.find(([pattern]) => pattern.test(said))?.[1]({
    lines: text.split(/\r?\n/),
    line,
    column,
  });
  return {
    severity: "error",
    code: "syntax",
    file,
    line,
    column,
    path: [],
    key: "",
    reason: `not TOML: ${words?.reason ?? said}`,
    ...(words !== undefined && { remedy: words.remedy }),
  };
}

const lineAt = ({ lines, line }: Spot): string => lines[line - 1] ?? "";

/** `[ user."a b" ] # …` → `[user."a b"]` */
const headerOf = (line: string): string | undefined =>
  /^\s*(\[\[?)\s*(.*?)\s*(\]\]?)\s*(?:#.*)?$/.exec(line)?.slice(1).join("");

/** `mtu = 5` → `mtu` */
const keyOf = (line: string): string | undefined => /^\s*((?:"[^"]*"|'[^']*'|[\w.-])+)\s*=/.exec(line)?.[1];

function twice(spot: Spot): Words {
  const header = headerOf(lineAt(spot));
  if (header !== undefined) {
    const at = spot.lines.findIndex((line) => headerOf(line) === header);
    if (at < 0 || at >= spot.line - 1)
      return { reason: `${header} is there already, as a key or by another table`, remedy: RENAME };
    return {
      reason: `${header} is there already, in line ${at + 1}`,
      remedy: "Put the keys of both together, or give one of them another name.",
    };
  }
  const key = keyOf(lineAt(spot));
  if (key === undefined) return { remedy: RENAME };
  for (let at = spot.line - 2; at >= 0; at--) {
    const line = spot.lines[at] ?? "";
    if (headerOf(line) !== undefined) break;
    if (keyOf(line) === key)
      return { reason: `${key} is there already, in line ${at + 1}`, remedy: "Leave one of the two." };
  }
  return { reason: `${key} is there already`, remedy: RENAME };
}

const RENAME = "Leave one of the two, or give it another name.";

function controlCharacter(spot: Spot): Words {
  return spot.column > lineAt(spot).length
    ? { reason: "a string is not closed on its line", remedy: QUOTE }
    : { reason: "a control character stands in a string", remedy: "Take it out, or write it as \\u0007." };
}

function invalidValue(spot: Spot): Words {
  const value = lineAt(spot)
    .slice(spot.column - 1)
    .trim();
  if (value === "" || value.startsWith("#"))
    return { reason: "a key has no value", remedy: "Give it one, or take the line out." };
  if (/^[\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019`]/.test(value))
    return { reason: "the quotation marks are not straight ones", remedy: 'Write them as in "text".' };
  if (/^(true|yes|on|false|no|off)\b/i.test(value))
    return { reason: "a value that is none", remedy: "Write true or false." };
  return { reason: "a value that is none", remedy: WORDS_IN_QUOTES };
}

function incomplete(spot: Spot): Words {
  return lineAt(spot).trimStart().startsWith("[")
    ? { reason: "the ] of a table's name is missing", remedy: "Write [tunnel.NAME], say." }
    : { reason: "a key without = and a value", remedy: "Write key = value; a remark begins with #." };
}

function illegalKey(spot: Spot): Words {
  return lineAt(spot).trimStart().startsWith("[")
    ? {
        reason: "a table's name has a character that only names in quotation marks may have",
        remedy: 'Write [listen.wan] with a dot, and [user."anna@isp.example"] in quotation marks.',
      }
    : { remedy: "Write key = value, with an = and no colon; a remark begins with #." };
}
