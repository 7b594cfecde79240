/** TOML text to a configuration, or to everything that is wrong with it. */
import { parse, TomlError } from "smol-toml";
import { readCalls, readListeners, readNames, readPeers, readPools, readUsers } from "./access-tables.ts";
import { Uniqueness } from "./crosscheck.ts";
import { readDaemon, readHooks, readLimits } from "./daemon.ts";
import { chooseProfile } from "./defaults.ts";
import {
  checkExtensions,
  type ExtensionOf,
  type Extensions,
  type NoExtension,
  type Shape,
} from "./extensions.ts";
import { ROOT_KEYS, ROOT_TABLES } from "./keys/daemon.ts";
import { withPools } from "./pool-routes.ts";
import { ConfigError, type ConfigProblem } from "./problem.ts";
import { type ProfileBooks, readProfileBooks, readProfiles } from "./profile-tables.ts";
import { checkReferences } from "./references.ts";
import { Report } from "./report.ts";
import { readSession } from "./session.ts";
import { syntaxProblem } from "./syntax.ts";
import { namedTables, type RawTable, readTable } from "./table.ts";
import { readTunnel } from "./tunnel.ts";
import type { Config, TunnelConfig } from "./types.ts";

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
    return { error: new ConfigError([syntaxProblem(cause, text, file)]) };
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
    children: ROOT_TABLES,
    title: "the document",
  });
  const daemon = readDaemon(report, document["daemon"]);
  const books = readProfileBooks(report, document["profile"]);
  const tunnels = readTunnels(report, document["tunnel"], {
    defaults,
    daemon,
    books,
    extensions,
    listens: document["listen"] !== undefined,
  });
  const pools = readPools(report, document["pool"]);
  const profiles = readProfiles(report, books, defaults.profile, daemon);
  const draft = {
    file,
    defaults,
    daemon,
    limits: readLimits(report, document["limits"]),
    hooks: readHooks(report, document["hooks"]),
    listeners: readListeners(report, document["listen"]),
    peers: readPeers(report, document["peer"]),
    calls: readCalls(report, document["call"]),
    users: readUsers(report, document["user"]),
    pools,
    names: readNames(report, document["names"]),
    profiles: { ...profiles, ppp: profiles.ppp.map((one) => withPools(one, pools)) },
    tunnels,
    extensions: root.extensions,
  };
  checkReferences(report, draft, books);
  if (document["tunnel"] === undefined && document["listen"] === undefined) {
    const reason = "there are no tunnels and no listeners, and so nothing to do";
    report.warn({ code: "missing-key", path: [], reason });
  }
  return draft;
}

function readTunnels(
  report: Report,
  value: unknown,
  {
    defaults: { profile },
    daemon,
    books,
    extensions,
    listens,
  }: Pick<Config, "defaults" | "daemon"> & {
    readonly books: ProfileBooks;
    readonly extensions: Extensions;
    readonly listens: boolean;
  },
): TunnelConfig[] {
  const unique = new Uniqueness(report);
  const context = { report, profile, daemon, profiles: books.tunnel };
  const sessionContext = { report, sessionProfiles: books.session, pppProfiles: books.ppp, listens };
  return namedTables(report, ["tunnel"], value, "[tunnel.NAME]", "tunnel", true).map(([name, raw]) => {
    const { head, facts } = readTunnel(context, name, raw, extensions.tunnel);
    unique.tunnel(facts);
    const sessions = namedTables(
      report,
      [...facts.path, "session"],
      raw["session"],
      "[tunnel.NAME.session.NAME]",
      "session",
    ).map(([sessionName, sessionRaw]) => {
      const session = readSession(sessionContext, sessionName, sessionRaw, facts, extensions.session);
      unique.session(facts, session);
      return session;
    });
    return { ...head, sessions } as TunnelConfig;
  });
}
