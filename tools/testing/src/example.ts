/** The example of a package: what its README shows of it, and what it prints when it is run. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** What became of a run. */
export interface ExampleRun {
  readonly status: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

export class Example {
  /** The file. */
  readonly code: string;
  /** The first program of the README. */
  readonly shown: string | undefined;
  /** What the README says that it prints: its first block of text. */
  readonly printed: string | undefined;
  readonly #path: string;

  /**
   * @param test - `import.meta.url` of a test in the package's `test/`.
   * @param file - below the package: `examples/dial.ts`.
   */
  constructor(test: string, file: string) {
    const read = (path: string) => readFileSync(new URL(`../${path}`, test), "utf8");
    const readme = read("README.md");
    this.#path = fileURLToPath(new URL(`../${file}`, test));
    this.code = read(file);
    this.shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    this.printed = /```text\n([\s\S]*?)```/.exec(readme)?.[1];
  }

  /** Runs it as a program, with the packages from their sources. */
  run(...args: string[]): ExampleRun {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["--conditions=@l2tp/source", "--import", "tsx", this.#path, ...args],
      { encoding: "utf8", cwd: repository },
    );
    return { status, stderr, stdout };
  }
}
