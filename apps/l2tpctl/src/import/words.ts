/**
 * Words of pppd's files (options, chap-secrets, pap-secrets) and of l2tp-secrets: separated by white space, quoted with
 * `"` or `'`, a backslash takes the next character as it is, `#` begins a comment (pppd(8), "OPTIONS FILES").
 */
import type { Place } from "./notes.ts";

/** One word. */
export interface Word {
  readonly text: string;
  readonly place: Place;
}

/** @returns the words of each line; lines without any are left out. */
export function wordLines(text: string, file: string): Word[][] {
  const lines: Word[][] = [];
  let line = 1;
  let words: Word[] = [];
  let word: string | undefined;
  let begun = 1;
  let quote: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push({ text: word, place: { file, line: begun } });
    word = undefined;
  };
  const endLine = () => {
    endWord();
    if (words.length > 0) lines.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (word === undefined) begun = line;
    if (character === "\\" && at + 1 < text.length) {
      const next = text[++at] as string;
      if (next === "\n")
        line++; // a line that goes on
      else word = (word ?? "") + next;
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? "") + character;
      if (character === "\n") line++;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (character === "\n") {
      endLine();
      line++;
    } else if (/\s/.test(character)) endWord();
    else if (character === "#" && word === undefined) {
      while (at + 1 < text.length && text[at + 1] !== "\n") at++;
    } else word = (word ?? "") + character;
  }
  endLine();
  return lines;
}
