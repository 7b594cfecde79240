/** Gathers problems while a document is read, and gives them places at the end, if there are any. */
import { locator, type Part } from "./position.ts";
import { type ConfigProblem, type KeyPath, type ProblemCode, renderPath } from "./problem.ts";

/** A problem without its place. */
export interface Finding {
  readonly code: ProblemCode;
  readonly path: KeyPath;
  /** Point at the key or at its value (default). */
  readonly part?: Part;
  readonly reason: string;
  readonly expected?: string;
  readonly nearest?: string;
  readonly remedy?: string;
}

/** The problems of one document. */
export class Report {
  readonly #found: { severity: ConfigProblem["severity"]; finding: Finding }[] = [];
  #errors = 0;

  error(finding: Finding): void {
    this.#errors += 1;
    this.#found.push({ severity: "error", finding });
  }

  warn(finding: Finding): void {
    this.#found.push({ severity: "warning", finding });
  }

  get failed(): boolean {
    return this.#errors > 0;
  }

  /** All problems in the order of the text. */
  place(file: string, text: string): { errors: ConfigProblem[]; warnings: ConfigProblem[] } {
    if (this.#found.length === 0) return { errors: [], warnings: [] };
    const locate = locator(text);
    const all = this.#found.map(({ severity, finding }): ConfigProblem => {
      const { code, path, part = "value", reason, expected, nearest, remedy } = finding;
      return {
        severity,
        code,
        file,
        ...locate(path, part),
        path,
        key: renderPath(path),
        reason,
        ...(expected !== undefined && { expected }),
        ...(nearest !== undefined && { nearest }),
        ...(remedy !== undefined && { remedy }),
      };
    });
    all.sort((a, b) => a.line - b.line || a.column - b.column);
    return {
      errors: all.filter((problem) => problem.severity === "error"),
      warnings: all.filter((problem) => problem.severity === "warning"),
    };
  }
}
