/**
 * pppd's options: read from a file, checked, and written as pppd reads them. They never pass through a shell, and
 * never stand on pppd's command line, which everybody on the machine can read: they may hold a password.
 */
import { PppdError } from "./error.ts";

/** pppd's MAXWORDLEN: it keeps 1023 octets of a word and cuts the rest. */
const LONGEST_WORD = 1023;
/** What a pipe takes without a reader; pppd reads them from one. */
const LONGEST_TEXT = 60_000;

const invalid = (message: string): PppdError => new PppdError("ERR_PPPD_OPTIONS", message);

/** What stands after a backslash for something else than itself (pppd(8), "OPTIONS FILES"). */
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  s: " ",
  t: "\t",
};

/**
 * The words of a file with options: parted by white space, `#` begins a comment, quotes hold a word together and a
 * backslash takes the next character as it is, as in pppd's own files. A file of go-l2tp's `pppd_args` reads the same.
 *
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS` for a quote that is not closed
 */
export function parsePppdOptions(text: string, file: string): string[] {
  const words: string[] = [];
  let line = 1;
  let word: string | undefined;
  let quote: { readonly mark: string; readonly line: number } | undefined;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === "\n") line++;
    if (c === "\\" && i + 1 < text.length) {
      const octal = /^[0-7]{1,3}/.exec(text.slice(i + 1, i + 4))?.[0];
      const next = text[++i] as string;
      if (next === "\n") line++;
      else if (octal !== undefined) {
        word = (word ?? "") + String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
        i += octal.length - 1;
      } else word = (word ?? "") + (ESCAPES[next] ?? next);
    } else if (quote !== undefined) {
      if (c === quote.mark) quote = undefined;
      else word = (word ?? "") + c;
    } else if (c === '"' || c === "'") {
      quote = { mark: c, line };
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === "#" && word === undefined) {
      const end = text.indexOf("\n", i);
      i = end < 0 ? text.length : end - 1;
    } else word = (word ?? "") + c;
  }
  if (quote !== undefined)
    throw invalid(`${file}, line ${quote.line}: a quote (${quote.mark}) is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

/**
 * Checks words that are to be options.
 * @param from - where they come from, for the message: words are not repeated in it, as they may be secret.
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS`
 */
export function checkPppdOptions(words: readonly string[], from: string): void {
  for (const [index, word] of words.entries()) {
    const which = `${from}, word ${index + 1}`;
    const control = /[\p{Cc}\u2028\u2029]/u.exec(word)?.[0];
    if (control !== undefined) {
      const code = (control.codePointAt(0) as number).toString(16).padStart(4, "0").toUpperCase();
      throw invalid(
        `${which} has the control character U+${code}: one word is one option or one argument of it`,
      );
    }
    const octets = new TextEncoder().encode(word).length;
    if (octets > LONGEST_WORD) {
      throw invalid(`${which} has ${octets} octets: pppd takes at most ${LONGEST_WORD}`);
    }
  }
}

/**
 * The text of an options file with these words, each in quotes, so that nothing in them is more than itself.
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS` when they are too many
 */
export function formatPppdOptions(words: readonly string[]): Uint8Array {
  const text = new TextEncoder().encode(
    words.map((word) => `"${word.replace(/["\\]/g, "\\$&")}"\n`).join(""),
  );
  if (text.length > LONGEST_TEXT) {
    throw invalid(`pppd's options have ${text.length} octets: at most ${LONGEST_TEXT} are passed on`);
  }
  return text;
}
