/** What is wrong with a document, in words for the person who wrote it and in fields for programs. */

/** Sorts of problems; part of the API. */
export type ProblemCode =
  /** The text is no TOML. */
  | "syntax"
  /** No such key here; see `nearest`. */
  | "unknown-key"
  /** A table where a value belongs, or the reverse; a tunnel or session without a name. */
  | "structure"
  /** Wrong type, out of range, or not of the form that the key takes. */
  | "invalid-value"
  /** Needed here, and not there. */
  | "missing-key"
  /** An ID or an interface name that another has too. */
  | "duplicate"
  /** Each key is well, but not both together. */
  | "conflict"
  /** Names a profile, pool, listener, peer or tunnel that there is not; see `nearest`. */
  | "unknown-name"
  /** There, and nothing uses it, or nothing can ever come to it. */
  | "unused"
  /** A secret that is easily guessed, or a file of one that others can read. */
  | "weak-secret"
  /** A file that cannot be read. */
  | "unreadable"
  /** Taken, and of no effect. */
  | "ignored";

/** A key path; numbers are places in an array, counted from 0. */
export type KeyPath = readonly (string | number)[];

/** One problem. */
export interface ConfigProblem {
  /** An error keeps the document from being used, a warning does not. */
  readonly severity: "error" | "warning";
  readonly code: ProblemCode;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units, as editors do. */
  readonly column: number;
  readonly path: KeyPath;
  /** The path as TOML writes it: `tunnel.t1.session.s1.sid`; empty for the whole document. */
  readonly key: string;
  /** What is wrong, without a full stop. Never holds a secret. */
  readonly reason: string;
  /** What belongs there: "an integer from 1 to 65535". */
  readonly expected?: string;
  /** For an unknown key, the valid one that was probably meant. */
  readonly nearest?: string;
  /** What to do, as a sentence. */
  readonly remedy?: string;
}

/** `tunnel."site one".peer`, as TOML would write it. */
export function renderPath(path: KeyPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else {
      const bare = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
      text += text === "" ? bare : `.${bare}`;
    }
  }
  return text;
}

/** One line: `l2tpd.toml:4:7: tunnel.t1.tid: 0 is no tunnel ID; expected an integer from 1 to 4294967295`. */
export function renderProblem(problem: ConfigProblem): string {
  const { file, line, column, key, reason, expected, nearest, remedy, severity } = problem;
  let text = `${file}:${line}:${column}: `;
  if (severity === "warning") text += "warning: ";
  if (key !== "") text += `${key}: `;
  text += reason;
  if (expected !== undefined) text += `; expected ${expected}`;
  if (nearest !== undefined) text += `; did you mean ${JSON.stringify(nearest)}?`;
  if (remedy !== undefined) text += `${nearest === undefined ? "." : ""} ${remedy}`;
  return text;
}

/** Thrown for a document that cannot be used; holds everything that is wrong with it, in its order. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Stable, for programs. */
  readonly code = "config-invalid";
  /** All errors, by line. */
  readonly problems: readonly ConfigProblem[];
  /** What is not wrong but hardly meant, found on the way. */
  readonly warnings: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], warnings: readonly ConfigProblem[] = []) {
    super(problems.map(renderProblem).join("\n"));
    this.problems = problems;
    this.warnings = warnings;
  }
}
