/**
 * Secrets in the document, and in files of their own. The configuration only names the files: {@link readSecrets} has
 * them read by its caller, so that this package touches nothing, and judges what it gets.
 */
import { locator } from "./position.ts";
import { type ConfigProblem, type KeyPath, type ProblemCode, renderPath } from "./problem.ts";
import type { Report } from "./report.ts";
import type { Config, SecretSource } from "./types.ts";

/** Octets below which a tunnel's secret can be found by trying: its challenge and response are there for all to hear. */
const SHORT = 8;

/** Keys that {@link secretsAt} reads. */
export const SECRET_KEYS = ["secret", "secret_file", "old_secret", "old_secret_file"] as const;

/** Takes keys of secrets. */
export interface SecretLedger {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the book's table is, it has these keys
  take(name: any, fallback: undefined): unknown;
}

/** The secret of the key `name`, or of `name_file`, of the table at `path`. */
export function secretAt(
  report: Report,
  path: KeyPath,
  ledger: SecretLedger,
  name: "secret" | "old_secret" | "password",
): SecretSource | undefined {
  const text = ledger.take(name, undefined);
  const file = ledger.take(`${name}_file`, undefined);
  if (typeof text === "string" && typeof file === "string") {
    report.error({
      code: "conflict",
      path: [...path, `${name}_file`],
      part: "key",
      reason: `${name} is there too`,
      remedy: "Take one of them.",
    });
  }
  if (typeof text === "string") {
    if (name !== "password" && new TextEncoder().encode(text).length < SHORT) {
      report.warn({
        code: "weak-secret",
        path: [...path, name],
        part: "key",
        reason: `shorter than ${SHORT} octets: who hears the set-up of a tunnel finds it by trying`,
      });
    }
    return { from: "text", text };
  }
  return typeof file === "string" ? { from: "file", path: file, key: [...path, `${name}_file`] } : undefined;
}

/** `secret` and `old_secret`, in this order. */
export function secretsAt(report: Report, path: KeyPath, ledger: SecretLedger): SecretSource[] {
  const secret = secretAt(report, path, ledger, "secret");
  const old = secretAt(report, path, ledger, "old_secret");
  if (old !== undefined && secret === undefined) {
    report.error({
      code: "missing-key",
      path: [...path, "secret"],
      reason: "missing: there is an old secret, and no new one that it is the old one of",
      remedy: "Write the secret as secret.",
    });
  }
  return [secret, old].filter((one) => one !== undefined);
}

/** A file of a secret as the caller found it. */
export interface SecretFile {
  readonly text: string;
  /** Permission bits, as of `fs.Stats.mode`; absent where there are none. */
  readonly mode?: number;
  /** Owner; absent where that is not known. */
  readonly uid?: number;
}

/** How {@link readSecrets} gets at files. */
export interface SecretReading {
  /** Reads a file by its path as it stands in the document; throws an `Error` when it cannot. */
  readonly read: (path: string) => SecretFile;
  /** User IDs that may own such a file besides root: that of the process. Absent: owners are not looked at. */
  readonly uid?: number;
  /** Text of the document, for the places of problems; absent: they are at its beginning. */
  readonly document?: string;
}

/** Texts of secret files, by their paths. */
export interface Secrets {
  readonly texts: ReadonlyMap<string, string>;
  /** What is wrong with a file. Never holds a secret. */
  readonly problems: readonly ConfigProblem[];
}

/** Reads the files of all secrets of a configuration, each once. What is wrong comes back as problems. */
export function readSecrets(config: Config, { read, uid, document }: SecretReading): Secrets {
  const texts = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  const place = document === undefined ? undefined : locator(document.replace(/^\ufeff/, ""));
  const seen = new Set<string>();
  for (const source of secretsOf(config)) {
    if (source.from === "text" || seen.has(source.path)) continue;
    seen.add(source.path);
    const { path, key } = source;
    const problem = (code: ProblemCode, reason: string, remedy?: string): void => {
      problems.push({
        severity: "error",
        code,
        file: config.file,
        ...(place?.(key, "value") ?? { line: 1, column: 1 }),
        path: key,
        key: renderPath(key),
        reason: `${path}: ${reason}`,
        ...(remedy !== undefined && { remedy }),
      });
    };
    let file: SecretFile;
    try {
      file = read(path);
    } catch (error) {
      problem("unreadable", `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const bad = judge(path, file, uid);
    if (bad !== undefined) {
      problem("weak-secret", bad.reason, bad.remedy);
      continue;
    }
    const [line = ""] = file.text.replace(/^\ufeff/, "").split(/\r?\n/, 1);
    if (line === "") problem("invalid-value", "its first line is empty, and should be the secret");
    else texts.set(path, line);
  }
  return { texts, problems };
}

/** What others can do to a file that only its owner is to read. */
function judge(
  path: string,
  { mode, uid: owner }: SecretFile,
  uid: number | undefined,
): { reason: string; remedy: string } | undefined {
  if (mode !== undefined && (mode & 0o077) !== 0) {
    const may = (mode & 0o007) !== 0 ? "everybody" : "its group";
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    return { reason: `${may} can get at it (mode ${octal})`, remedy: `Run: chmod 600 ${path}` };
  }
  if (uid !== undefined && owner !== undefined && owner !== 0 && owner !== uid) {
    return {
      reason: `it belongs to user ${owner}, and the daemon runs as ${uid}`,
      remedy: `Run: chown ${uid} ${path}`,
    };
  }
  return undefined;
}

/** Every secret that a configuration has. */
export function* secretsOf(config: Config): Iterable<SecretSource> {
  for (const { secrets } of config.peers) yield* secrets;
  for (const { password } of config.users) if (password !== undefined) yield password;
  for (const { user } of config.profiles.ppp) if (user?.password !== undefined) yield user.password;
  for (const tunnel of config.tunnels) {
    if (tunnel.mode !== "dynamic") continue;
    yield* tunnel.secrets;
    for (const { user } of tunnel.sessions) if (user?.password !== undefined) yield user.password;
  }
}

/**
 * The text of a secret.
 * @throws RangeError when its file was not read, which is a fault of the program: `readSecrets` had a problem with it.
 */
export function secretText(source: SecretSource, secrets?: Secrets): string {
  if (source.from === "text") return source.text;
  const text = secrets?.texts.get(source.path);
  if (text === undefined) throw new RangeError(`${renderPath(source.key)}: ${source.path} has not been read`);
  return text;
}
