/** `l2tpctl config import`. */
import { closeSync, fchmodSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError, parseConfig } from "@l2tp/config";
import { Command } from "commander";
import { EXIT, ExitError, whyUnreadable } from "../errors.ts";
import { type Io, resolveInput } from "../io.ts";
import type { Program } from "../manage/work.ts";
import { safe } from "../text.ts";
import { type Converted, convert, NoSectionsError } from "./convert.ts";
import { renderNote } from "./notes.ts";
import type { SourceFile } from "./sources.ts";

interface Flags {
  readonly secrets?: string;
  readonly chapSecrets?: string;
  readonly papSecrets?: string;
  readonly pppOptions?: string;
  readonly output?: string;
  readonly force?: true;
  readonly keepPppd?: true;
}

const HELP = `
Examples:
  l2tpctl config import /etc/xl2tpd/xl2tpd.conf                       print it
  l2tpctl config import /etc/xl2tpd/xl2tpd.conf -o /etc/l2tpd/l2tpd.toml
  l2tpctl config import backup/xl2tpd.conf --chap-secrets backup/chap-secrets
  l2tpctl config import /etc/xl2tpd/xl2tpd.conf --keep-pppd           let pppd go on running PPP

Files that the configuration names (l2tp-secrets, the pppoptfile of each section) are read where it says, else beside
it; for a configuration outside of /etc, which is a copy, beside it first. chap-secrets and pap-secrets are read
beside it, else in /etc/ppp for a configuration in /etc.

Standard error tells, by file and line, what was left out and why, what a person should look at, and what is not
needed. Then: l2tpd --check --config FILE.

Exit codes: 0 a document was made, 64 wrong usage, 66 unreadable input, 70 a fault of l2tpctl, 73 cannot write.
The guide is docs/migrating-from-xl2tpd.md.`;

export function configCommand(program: Program): Command {
  const importing = new Command("import")
    .summary("turn an xl2tpd configuration into one of l2tpd")
    .description(
      "Reads xl2tpd.conf, its secrets and the option files of pppd, and writes a document of l2tpd.",
    )
    .argument("<file>", "the xl2tpd.conf")
    .option("--secrets <file>", "l2tp-secrets, in place of what the configuration names")
    .option("--chap-secrets <file>", "pppd's chap-secrets")
    .option("--pap-secrets <file>", "pppd's pap-secrets")
    .option("--ppp-options <file>", "pppd's own options (/etc/ppp/options), which hold for every session")
    .option("-o, --output <file>", "write it there, readable by its owner alone, and not to standard output")
    .option("--force", "overwrite that file")
    .option("--keep-pppd", "PPP sessions are run by pppd with their option files, not by l2tpd")
    .addHelpText("after", HELP)
    .action((file: string, flags: Flags) => importConfig(program, file, flags));
  return new Command("config")
    .summary("bring a configuration along from another program")
    .description("What concerns configurations, and needs no daemon.")
    .helpCommand(false)
    .addCommand(importing);
}

async function importConfig({ io, output }: Program, name: string, flags: Flags): Promise<void> {
  const file = mustRead(name, io);
  const beside = (what: string): SourceFile | undefined =>
    mayRead(join(dirname(file.path), what)) ??
    (file.path.startsWith("/etc/") ? mayRead(join("/etc/ppp", what)) : undefined);
  const given = (flag: string | undefined, what: string): SourceFile | undefined =>
    flag === undefined ? beside(what) : mustRead(flag, io);
  const secrets = flags.secrets === undefined ? undefined : mustRead(flags.secrets, io);
  const chap = given(flags.chapSecrets, "chap-secrets");
  const pap = given(flags.papSecrets, "pap-secrets");
  const { toml, notes } = converted(file, {
    keepPppd: flags.keepPppd === true,
    secrets,
    pppSecrets: [chap, pap].filter((it) => it !== undefined),
    pppOptions: flags.pppOptions === undefined ? undefined : mustRead(flags.pppOptions, io),
  });
  for (const note of notes) io.stderr.write(`${safe(renderNote(note))}\n`);
  check(toml, io);
  if (flags.output === undefined) {
    output.text(toml);
    return await output.flush();
  }
  const path = resolve(io.cwd, flags.output);
  write(path, toml, flags.force === true);
  const count = notes.filter(({ kind }) => kind !== "not needed").length;
  const remarks = count === 1 ? "; one remark wants a look" : `; ${count} remarks want a look`;
  output.line(safe(`${flags.output} is made${count === 0 ? "" : remarks}`));
}

function converted(...words: Parameters<typeof convert>): Converted {
  try {
    return convert(...words);
  } catch (error) {
    if (error instanceof NoSectionsError) throw new ExitError(EXIT.noInput, safe(error.message));
    throw error;
  }
}

/** What was made must be a document that l2tpd takes. */
function check(toml: string, io: Io): void {
  try {
    for (const warning of parseConfig(toml, { file: "the document made" }).warnings) {
      io.stderr.write(`l2tpctl: line ${warning.line} of the document made: ${safe(warning.reason)}\n`);
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ExitError(
      EXIT.software,
      `the document made is not correct, which is a fault of l2tpctl:\n${safe(error.message)}`,
      { cause: error },
    );
  }
}

function write(path: string, text: string, force: boolean): void {
  try {
    // It holds secrets: nobody else may read it, not even for a moment.
    const file = openSync(path, force ? "w" : "wx", 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    const why = exists ? "it is there already; --force overwrites it" : (error as Error).message;
    throw new ExitError(EXIT.cannotCreate, `cannot write ${path}: ${why}`, { cause: error });
  }
}

function mustRead(name: string, io: Io): SourceFile {
  const path = resolveInput(name, io);
  try {
    return { name: basename(path), path, text: readFileSync(path, "utf8") };
  } catch (error) {
    throw new ExitError(EXIT.noInput, `cannot read ${safe(name)}: ${whyUnreadable(error as Error)}`, {
      cause: error,
    });
  }
}

function mayRead(path: string): SourceFile | undefined {
  try {
    return { name: basename(path), path, text: readFileSync(path, "utf8") };
  } catch {
    return undefined;
  }
}
