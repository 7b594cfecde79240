/** The configuration from its file, with its secrets, and errors that say what to do and end with the right code. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Config,
  ConfigError,
  documentText,
  parseConfig,
  readSecrets,
  renderProblem,
  type Secrets,
  secretsOf,
} from "@l2tp/config";
import { EXIT, ExitError } from "./exit-codes.ts";
import { exposure, readSecretFile } from "./secret-files.ts";

/** A configuration that is correct. */
export interface LoadedConfig {
  readonly config: Config;
  readonly secrets: Secrets;
  /** What is not wrong, but hardly meant; one line each. */
  readonly warnings: readonly string[];
}

/** Every problem of a document. */
export class ConfigurationError extends ExitError {
  /** One line each, with file, line and column. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], errors: number, cause?: unknown) {
    const count = errors === 1 ? "1 error" : `${errors} errors`;
    super(EXIT.configuration, [`the configuration has ${count}`, ...problems].join("\n"), { cause });
    this.problems = problems;
  }
}

/**
 * Reads a configuration and the files of its secrets.
 * @throws ExitError 66 when the file cannot be read, 77 when that is not allowed; ConfigurationError (78) with every
 * problem in it
 */
export function readConfig(file: string): LoadedConfig {
  const path = locate(file);
  const text = inProblems(() => documentText(readOctets(path, file), file));
  const config = parse(text, file);
  const uid = process.getuid?.();
  const secrets = readSecrets(config, {
    read: readSecretFile,
    document: text,
    ...(uid !== undefined && { uid }),
  });
  if (secrets.problems.length > 0) {
    throw new ConfigurationError(secrets.problems.map(renderProblem), secrets.problems.length);
  }
  const hasSecrets = [...secretsOf(config)].some(({ from }) => from === "text");
  const exposed = hasSecrets ? exposure(path) : undefined;
  return {
    config,
    secrets,
    warnings: [...config.warnings.map(renderProblem), ...(exposed === undefined ? [] : [exposed])],
  };
}

/** A document that is no file, and has no secrets in files. @throws ConfigurationError */
export function loadDocument(text: string, name: string): LoadedConfig {
  const config = parse(text, name);
  return {
    config,
    secrets: { texts: new Map(), problems: [] },
    warnings: config.warnings.map(renderProblem),
  };
}

const parse = (text: string, file: string): Config => inProblems(() => parseConfig(text, { file }));

/** @throws ConfigurationError in place of a ConfigError */
function inProblems<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = [...error.problems, ...error.warnings].map(renderProblem);
    throw new ConfigurationError(problems, error.problems.length, error);
  }
}

/** Under `npm run` the working directory is the package's, and `INIT_CWD` says where the person is. */
function locate(file: string, environment: NodeJS.ProcessEnv = process.env): string {
  const from = environment["INIT_CWD"];
  return from !== undefined && !existsSync(file) ? resolve(from, file) : file;
}

/** @param file - as the person wrote it. */
function readOctets(path: string, file: string): Uint8Array {
  try {
    return readFileSync(path);
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
