/**
 * Where in the text a key stands. smol-toml is fast and gives values without places, toml-eslint-parser gives
 * places and is slow: so the text is read a second time, and only when there is something to say about it.
 */
import { type AST, parseTOML } from "toml-eslint-parser";
import type { KeyPath } from "./problem.ts";

/** Which part of an entry a problem is about. */
export type Part = "key" | "value";

/** A place in the text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Looks up the place of a path, or of the nearest table above it that is written down. */
export type Locate = (path: KeyPath, part: Part) => Position;

const START: Position = { line: 1, column: 1 };

const id = (path: KeyPath): string => JSON.stringify(path);

/** Places by path: of keys and table headers, of values, and of tables that only the header of a deeper one names. */
interface Places {
  readonly keys: Map<string, Position>;
  readonly values: Map<string, Position>;
  readonly implied: Map<string, Position>;
}

/**
 * Problems are at most some levels below a session's key; what lies deeper is found at this level. Without a limit
 * a key of n parts would cost n² in time and memory.
 */
const DEEPEST = 16;

/** Indexes the places of all keys of `text`, which must be TOML. */
export function locator(text: string): Locate {
  const places: Places = { keys: new Map(), values: new Map(), implied: new Map() };
  try {
    index(parseTOML(text, { tomlVersion: "latest" }).body[0].body, [], places);
  } catch {
    // The two parsers differ on the text, or it nests deeper than this one can follow: no place but the file.
  }
  const { keys, values, implied } = places;
  return (path, part) => {
    for (let length = path.length; length > 0; length--) {
      const at = id(path.slice(0, length));
      // A missing key is reported at its table's header; so is what lies below a value.
      const asValue = part === "value" && length === path.length ? values.get(at) : undefined;
      const found = asValue ?? keys.get(at) ?? values.get(at) ?? implied.get(at);
      if (found) return found;
    }
    return START;
  };
}

function index(entries: readonly (AST.TOMLKeyValue | AST.TOMLTable)[], base: KeyPath, places: Places): void {
  for (const entry of entries) {
    const table = entry.type === "TOMLTable";
    const path = table ? entry.resolvedKey : [...base, ...entry.key.keys.map(nameOf)];
    for (let depth = base.length + 1; depth < Math.min(path.length, DEEPEST); depth++) {
      remember(places.implied, path.slice(0, depth), entry.key);
    }
    if (table) {
      remember(places.keys, path, entry.key);
      index(entry.body, path, places);
    } else {
      remember(places.keys, path, entry.key.keys.at(-1) ?? entry.key);
      indexValue(entry.value, path, places);
    }
  }
}

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string =>
  key.type === "TOMLBare" ? key.name : key.value;

function indexValue(value: AST.TOMLContentNode, path: KeyPath, places: Places): void {
  if (path.length > DEEPEST) return;
  remember(places.values, path, value);
  if (value.type === "TOMLInlineTable") index(value.body, path, places);
  else if (value.type === "TOMLArray") {
    for (const [at, element] of value.elements.entries()) indexValue(element, [...path, at], places);
  }
}

function remember(map: Map<string, Position>, path: KeyPath, node: AST.TOMLNode): void {
  if (path.length > DEEPEST) return;
  const at = id(path);
  if (!map.has(at)) map.set(at, { line: node.loc.start.line, column: node.loc.start.column + 1 });
}
