/** TOML text to a configuration, or to everything that is wrong with it. */
import { parse, TomlError } from "smol-toml";
import { Uniqueness } from "./crosscheck.ts";
import { chooseProfile } from "./defaults.ts";
import {
  checkExtensions,
  type ExtensionOf,
  type Extensions,
  type NoExtension,
  type Shape,
} from "./extensions.ts";
import { DAEMON_KEYS, ROOT_KEYS } from "./keys/daemon.ts";
import { Ledger } from "./origins.ts";
import { ConfigError, type ConfigProblem, type KeyPath } from "./problem.ts";
import { Report } from "./report.ts";
import { readSession } from "./session.ts";
import { isTable, type RawTable, readTable } from "./table.ts";
import { readTunnel } from "./tunnel.ts";
import type { Config, DaemonConfig, TunnelConfig } from "./types.ts";

/** How a document is read. */
export interface ParseOptions<
  Root extends Shape = NoExtension,
  Tunnel extends Shape = NoExtension,
  Session extends Shape = NoExtension,
> {
  /** Name of the file for messages; default `config.toml`. The file is not read. */
  readonly file?: string;
  /** The application's own keys. */
  readonly extensions?: Extensions<Root, Tunnel, Session>;
}

/** A configuration, with its extensions typed by their shapes. */
export type ConfigOf<Root extends Shape, Tunnel extends Shape, Session extends Shape> = Config<
  ExtensionOf<Root>,
  ExtensionOf<Tunnel>,
  ExtensionOf<Session>
>;

/** The answer of {@link checkConfig}. */
export type Checked<C> =
  | { readonly ok: true; readonly config: C; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly error: ConfigError; readonly warnings: readonly ConfigProblem[] };

/**
 * Reads a document.
 * @param text - the TOML document.
 * @returns the configuration; `warnings` holds what is hardly meant.
 * @throws ConfigError with all problems, not only the first.
 * @throws TypeError when an extension has a key of ours, which is a fault of the program.
 */
export function parseConfig<
  Root extends Shape = NoExtension,
  Tunnel extends Shape = NoExtension,
  Session extends Shape = NoExtension,
>(text: string, options: ParseOptions<Root, Tunnel, Session> = {}): ConfigOf<Root, Tunnel, Session> {
  const checked = checkConfig(text, options);
  if (!checked.ok) throw checked.error;
  return checked.config;
}

/**
 * As {@link parseConfig}, without throwing at a document.
 * @throws TypeError when an extension has a key of ours, which is a fault of the program.
 */
export function checkConfig<
  Root extends Shape = NoExtension,
  Tunnel extends Shape = NoExtension,
  Session extends Shape = NoExtension,
>(
  text: string,
  { file = "config.toml", extensions = {} }: ParseOptions<Root, Tunnel, Session> = {},
): Checked<ConfigOf<Root, Tunnel, Session>> {
  checkExtensions(extensions);
  const toml = text.startsWith("\ufeff") ? text.slice(1) : text;
  const read = readToml(toml, file);
  if ("error" in read) return { ok: false, error: read.error, warnings: [] };
  const report = new Report();
  const draft = readDocument(report, read.document, file, extensions);
  const { errors, warnings } = report.place(file, toml);
  if (errors.length > 0) return { ok: false, error: new ConfigError(errors, warnings), warnings };
  // The report is clean: every ID that a mode needs is there, and each extension went through its schema.
  const config = { ...draft, warnings } as ConfigOf<Root, Tunnel, Session>;
  return { ok: true, config, warnings };
}

function readToml(text: string, file: string): { document: RawTable } | { error: ConfigError } {
  try {
    // An integer beyond 2^53 is out of every range here; as a bigint it gets the same words as others.
    return { document: parse(text, { integersAsBigInt: "asNeeded" }) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // Only its first line: the excerpt of the text below it may hold a secret.
    const said = (cause.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    const problem: ConfigProblem = {
      severity: "error",
      code: "syntax",
      file,
      line: cause.line,
      column: cause.column,
      path: [],
      key: "",
      reason: `not TOML: ${said}`,
    };
    return { error: new ConfigError([problem]) };
  }
}

function readDocument(
  report: Report,
  document: RawTable,
  file: string,
  extensions: Extensions,
): Omit<Config, "warnings"> {
  const defaults = chooseProfile(document);
  const root = readTable(report, [], document, {
    keys: ROOT_KEYS,
    extension: extensions.root,
    children: ["daemon", "tunnel"],
    title: "the document",
  });
  const daemon = readDaemon(report, document["daemon"]);
  const unique = new Uniqueness(report);
  const tunnels: TunnelConfig[] = [];
  for (const [name, raw] of namedTables(report, ["tunnel"], document["tunnel"], "[tunnel.NAME]", true)) {
    const { head, facts } = readTunnel(report, name, raw, defaults.profile, extensions.tunnel);
    unique.tunnel(facts);
    const sessions = namedTables(
      report,
      [...facts.path, "session"],
      raw["session"],
      "[tunnel.NAME.session.NAME]",
    ).map(([sessionName, sessionRaw]) => {
      const session = readSession(report, sessionName, sessionRaw, facts, extensions.session);
      unique.session(facts, session);
      return session;
    });
    tunnels.push({ ...head, sessions } as TunnelConfig);
  }
  if (document["tunnel"] === undefined) {
    report.warn({ code: "missing-key", path: [], reason: "there are no tunnels, and so nothing to do" });
  }
  return { file, defaults, daemon, tunnels, extensions: root.extensions } as unknown as Omit<
    Config,
    "warnings"
  >;
}

/** The tables of `tunnel` or `session`, each under a name; what has none is reported. */
function namedTables(
  report: Report,
  path: KeyPath,
  value: unknown,
  form: string,
  required = false,
): [string, RawTable][] {
  if (value === undefined) return [];
  const kind = required ? "tunnels" : "sessions";
  const nameless = (at: KeyPath): void => {
    report.error({
      code: "structure",
      path: at,
      part: "key",
      reason: `${kind} must be tables with names`,
      expected: form,
      remedy: `Write ${form.replace(/NAME(?=\])/, `my-${kind.slice(0, -1)}`)} above the keys.`,
    });
  };
  if (!isTable(value)) {
    nameless(path);
    return [];
  }
  const entries = Object.entries(value);
  if (required && entries.length === 0) nameless(path);
  const tables: [string, RawTable][] = [];
  for (const [name, table] of entries) {
    if (isTable(table)) tables.push([name, table]);
    else nameless([...path, name]);
  }
  return tables;
}

function readDaemon(report: Report, value: unknown): DaemonConfig {
  const path = ["daemon"];
  if (value !== undefined && !isTable(value)) {
    report.error({ code: "structure", path, part: "key", reason: "this is a table", expected: "[daemon]" });
  }
  const { values } = readTable(report, path, isTable(value) ? value : {}, {
    keys: DAEMON_KEYS,
    extension: undefined,
    children: [],
    title: "[daemon]",
  });
  const ledger = new Ledger(values);
  const stateDirectory = ledger.take("state_directory", undefined);
  const retryInitialMs = ledger.take("retry_initial", 1_000);
  const retryMaxMs = ledger.take("retry_max", Math.max(60_000, retryInitialMs));
  if (retryMaxMs < retryInitialMs) {
    report.error({
      code: "conflict",
      path: [...path, "retry_max"],
      reason: `${retryMaxMs} ms is shorter than the first wait, retry_initial = ${retryInitialMs}`,
    });
  }
  return {
    dataPlane: ledger.take("data_plane", "auto"),
    logLevel: ledger.take("log_level", "info"),
    logFormat: ledger.take("log_format", "auto"),
    ...(stateDirectory !== undefined && { stateDirectory }),
    retryInitialMs,
    retryMaxMs,
    stopTimeoutMs: ledger.take("stop_timeout", 10_000),
    origins: ledger.origins,
  } as unknown as DaemonConfig;
}
