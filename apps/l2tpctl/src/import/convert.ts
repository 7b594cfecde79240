/** An xl2tpd configuration as one of ours. Pure but for the files that it names. */

import { isIPv4 } from "node:net";
import { dirname } from "node:path";
import { importLac } from "./lac.ts";
import { importLns } from "./lns.ts";
import { type Note, Notes } from "./notes.ts";
import { from, type Import } from "./parts.ts";
import { applyOptions, type PppSettings } from "./ppp-options.ts";
import { type PppSecret, parseL2tpSecrets, parsePppSecrets, type TunnelSecret } from "./secrets.ts";
import { settle } from "./settle.ts";
import { type SourceFile, Sources } from "./sources.ts";
import { TomlDocument } from "./toml.ts";
import { wordLines } from "./words.ts";
import { entryText, parseXl2tpdConf, type Section, Values } from "./xl2tpd-conf.ts";

/** What is to be converted. */
export interface ConvertOptions {
  readonly keepPppd: boolean;
  /** l2tp-secrets; else what `auth file` names, or the usual one of this machine. */
  readonly secrets?: SourceFile | undefined;
  /** chap-secrets and pap-secrets. */
  readonly pppSecrets: readonly SourceFile[];
  /** /etc/ppp/options. */
  readonly pppOptions?: SourceFile | undefined;
}

/** What came of it. */
export interface Converted {
  readonly toml: string;
  /** In the order of files and lines. */
  readonly notes: readonly Note[];
}

const DEBUG_KEYS = ["debug avp", "debug network", "debug packet", "debug state", "debug tunnel"];

/** The file is something else. */
export class NoSectionsError extends Error {
  override readonly name = "NoSectionsError";
  constructor(file: string) {
    super(`${file} has no section [global], [lac NAME] or [lns NAME]: it is no configuration of xl2tpd`);
  }
}

/** @param file - the xl2tpd.conf. @throws NoSectionsError */
export function convert(file: SourceFile, options: ConvertOptions): Converted {
  const notes = new Notes();
  const sections = parseXl2tpdConf(file.text, file.name, notes);
  if (sections.length === 0) throw new NoSectionsError(file.name);
  const global = new Values(
    {
      kind: "global",
      name: "",
      place: { file: file.name, line: 1 },
      entries: sections.flatMap(({ kind, entries }) => (kind === "global" ? entries : [])),
    },
    undefined,
  );
  const sources = new Sources(dirname(file.path));
  const systemOptions = (settings: PppSettings) => {
    if (options.pppOptions === undefined || options.keepPppd) return;
    applyOptions(
      wordLines(options.pppOptions.text, options.pppOptions.name).flat(),
      settings,
      notes,
      () => undefined,
    );
  };
  const it: Import = {
    notes,
    document: new TomlDocument(),
    sources,
    global,
    tunnelSecrets: tunnelSecretsOf(options, global, sources, notes),
    pppSecrets: pppSecretsOf(options, notes),
    keepPppd: options.keepPppd,
    systemOptions,
  };
  const of = (wanted: Section["kind"]) => sections.filter(({ kind }) => kind === wanted);
  const [lns, lacs] = [of("lns"), of("lac")];
  importGlobal(it, lns.length > 0);
  importLns(it, lns, lns.length + lacs.length === 1);
  importLac(it, lacs);
  const head = [
    `Made of ${file.name} by l2tpctl config import.`,
    "Behind each value stands where it came from. l2tpd --check says whether the whole is as it should be.",
  ];
  const toml = settle(it.document, head, file.name, notes);
  return { toml, notes: sorted(notes.all) };
}

function importGlobal(it: Import, listens: boolean): void {
  const { global, notes, document } = it;
  const address = global.get("listen-addr");
  const port = global.number(notes, 0, "port");
  if (address && !isIPv4(address.value))
    notes.leftOut(address.place, entryText(address), "an IPv4 address is taken, no host name");
  if (listens) {
    const host = address && isIPv4(address.value) ? address.value : "0.0.0.0";
    const remark = [address && from(address), port && from(port.entry)]
      .filter((text) => text !== undefined)
      .join(", ");
    document
      .table(["listen", "default"])
      .set("local", `${host}:${port?.value ?? 1701}`, remark || "where xl2tpd listens");
  }
  const userspace = global.flag(notes, "force userspace");
  if (userspace?.on) document.table(["daemon"]).set("data_plane", "userspace", from(userspace.entry));
  const debug = DEBUG_KEYS.map((key) => global.flag(notes, key)).find((it) => it?.on);
  if (debug) document.table(["daemon"]).set("log_level", "debug", from(debug.entry));
  const source = global.get("rand source");
  if (source) notes.notNeeded(source.place, entryText(source), "random numbers are the kernel's");
  for (const key of ["ipsec saref", "saref refinfo"]) {
    const entry = global.get(key);
    if (entry && !/^(no|n|false)$/i.test(entry.value)) {
      notes.leftOut(
        entry.place,
        entryText(entry),
        "SAref is of Openswan's KLIPS only; callers behind one NAT are told apart by port and tunnel ID",
      );
    }
  }
}

function tunnelSecretsOf(
  options: ConvertOptions,
  global: Values,
  sources: Sources,
  notes: Notes,
): TunnelSecret[] {
  const named = global.get("auth file");
  const file = options.secrets ?? (named ? sources.read(named.value) : sources.read("l2tp-secrets"));
  if (file) return parseL2tpSecrets(file.text, file.name, notes);
  if (named)
    notes.leftOut(named.place, entryText(named), "the file cannot be read, here or beside the configuration");
  return [];
}

function pppSecretsOf(options: ConvertOptions, notes: Notes): PppSecret[] {
  if (options.keepPppd) return []; // pppd reads them itself
  return options.pppSecrets.flatMap((file) => parsePppSecrets(file.text, file.name, notes));
}

/** By file, in the order in which files came up, and line; each once, though a default is read for several sections. */
function sorted(notes: readonly Note[]): Note[] {
  const files = [...new Set(notes.map(({ place }) => place.file))];
  const unique = new Map(notes.map((note) => [JSON.stringify(note), note]));
  return [...unique.values()].sort(
    (a, b) => files.indexOf(a.place.file) - files.indexOf(b.place.file) || a.place.line - b.place.line,
  );
}
