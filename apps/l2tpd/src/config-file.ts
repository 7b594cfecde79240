/** The configuration from its file, with errors that say what to do and end with the right code. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Config, ConfigError, parseConfig, renderProblem } from "@l2tp/config";
import { EXIT, ExitError } from "./exit-codes.ts";

/** @throws ExitError 66 when the file cannot be read, 77 when that is not allowed, 78 with every problem in it. */
export function readConfig(file: string): Config {
  const text = readText(file);
  try {
    return parseConfig(text, { file });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = [...error.problems, ...error.warnings].map(renderProblem);
    const count = error.problems.length === 1 ? "1 error" : `${error.problems.length} errors`;
    throw new ExitError(EXIT.configuration, [`the configuration has ${count}`, ...problems].join("\n"), {
      cause: error,
    });
  }
}

/** Under `npm run` the working directory is the package's, and `INIT_CWD` says where the person is. */
function locate(file: string, environment: NodeJS.ProcessEnv = process.env): string {
  const from = environment["INIT_CWD"];
  return from !== undefined && !existsSync(file) ? resolve(from, file) : file;
}

function readText(file: string): string {
  try {
    return readFileSync(locate(file), "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") {
      throw new ExitError(
        EXIT.noInput,
        `${file}: there is no such file; name the configuration with --config FILE`,
      );
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new ExitError(EXIT.noPermission, `${file}: not allowed to read it`);
    }
    if (code === "EISDIR")
      throw new ExitError(EXIT.noInput, `${file}: this is a directory, and a file was expected`);
    throw new ExitError(EXIT.noInput, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
