/**
 * xl2tpd.conf(5) as xl2tpd reads it: sections, `key = value`, a semicolon begins a comment anywhere, keys and kinds of
 * sections in any case.
 */
import type { Notes, Place } from "./notes.ts";

/** One `key = value`. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly place: Place;
}

/** One section. */
export interface Section {
  readonly kind: "global" | "lac" | "lns";
  /** "" where it has none. `default` holds values for all others of its kind. */
  readonly name: string;
  readonly place: Place;
  readonly entries: Entry[];
}

const BOTH = ["lac", "lns"] as const;
type Kind = Section["kind"];

/** Every key, and the sections it may stand in. */
const KEYS: Readonly<Record<string, readonly Kind[]>> = {
  "access control": ["global"],
  "assign ip": ["lns"],
  "auth file": ["global"],
  autodial: ["lac"],
  bps: BOTH,
  "call rws": BOTH,
  "cap backoff": ["global"],
  challenge: BOTH,
  "debug avp": ["global"],
  "debug network": ["global"],
  "debug packet": ["global"],
  "debug state": ["global"],
  "debug tunnel": ["global"],
  defaultroute: ["lac"],
  exclusive: ["lns"],
  "flow bit": BOTH,
  "flow bits": BOTH,
  "force userspace": ["global"],
  "hidden bit": BOTH,
  hostname: BOTH,
  "ip range": ["lns"],
  "ipsec saref": ["global"],
  lac: ["lns"],
  "length bit": BOTH,
  "listen-addr": ["global"],
  lns: ["lac"],
  "local ip": BOTH,
  "local ip range": ["lns"],
  "max redials": ["lac"],
  "max retries": ["global"],
  name: BOTH,
  "no ip range": ["lns"],
  "no lac": ["lns"],
  "pass peer": BOTH,
  port: ["global"],
  "ppp debug": BOTH,
  pppoptfile: BOTH,
  "rand source": ["global"],
  redial: ["lac"],
  "redial timeout": ["lac"],
  "refuse auth": BOTH,
  "refuse authentication": BOTH,
  "refuse chap": BOTH,
  "refuse pap": BOTH,
  "remote ip": ["lac"],
  "require auth": BOTH,
  "require authentication": BOTH,
  "require chap": BOTH,
  "require pap": BOTH,
  "rx bps": BOTH,
  "saref refinfo": ["global"],
  "tunnel rws": BOTH,
  "tx bps": BOTH,
  "unix auth": ["lns"],
  "unix authentication": ["lns"],
};

/** @returns the sections in the order of the file; what xl2tpd would refuse is remarked on and left out. */
export function parseXl2tpdConf(text: string, file: string, notes: Notes): Section[] {
  const sections: Section[] = [];
  let section: Section | undefined;
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.replace(/;.*$/s, "").trim();
    const place = { file, line: at + 1 };
    if (line === "") continue;
    if (line.startsWith("[")) section = enter(sections, sectionOf(line, place, notes));
    else {
      const entry = entryOf(line, place, section, notes);
      if (entry) section?.entries.push(entry);
    }
  }
  return sections;
}

/** A second section of the same name goes on with the first. */
function enter(sections: Section[], section: Section | undefined): Section | undefined {
  const known = sections.find(
    (it) => it.kind === section?.kind && it.name !== "" && same(it.name, section.name),
  );
  if (known) return known;
  if (section) sections.push(section);
  return section;
}

function entryOf(line: string, place: Place, section: Section | undefined, notes: Notes): Entry | undefined {
  const equals = line.indexOf("=");
  const key = line.slice(0, Math.max(0, equals)).trim().replace(/\s+/g, " ").toLowerCase();
  const value = line.slice(equals + 1).trim();
  const allowed = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (line.startsWith("#"))
    notes.notNeeded(place, "a remark", "xl2tpd's begin with ;, and it stops at this one");
  else if (equals < 0) notes.leftOut(place, line, "there is no = in it, so xl2tpd does not take it either");
  else if (section === undefined) notes.leftOut(place, line, "it stands in no section that is known");
  else if (allowed === undefined) notes.leftOut(place, line, "xl2tpd has no such key");
  else if (!allowed.includes(section.kind)) {
    const where = allowed.join("] and [");
    notes.leftOut(place, line, `this key is not for [${section.kind}], but for [${where}]`);
  } else return { key, value, place };
  return undefined;
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function sectionOf(line: string, place: Place, notes: Notes): Section | undefined {
  const [, kind = "", name = ""] = /^\[\s*([^\]\s]+)\s*([^\]]*?)\s*\]/.exec(line) ?? [];
  const known = (["global", "lac", "lns"] as const).find((it) => it === kind.toLowerCase());
  if (known === undefined) {
    notes.leftOut(place, line, "sections are [global], [lac NAME] and [lns NAME]");
    return undefined;
  }
  return { kind: known, name: same(name, "default") ? "default" : name, place, entries: [] };
}

/** Who calls and which addresses there are is each LNS's own, whatever `default` says. */
const OWN_OF_LNS = new Set([
  "lac",
  "no lac",
  "ip range",
  "no ip range",
  "local ip",
  "local ip range",
  "assign ip",
]);

/** The keys of a section, the last of each; those of the section `default` where it is silent, as xl2tpd.conf(5) says. */
export class Values {
  readonly #own: readonly Entry[];
  readonly #inherited: readonly Entry[];

  constructor(section: Section, defaults: Section | undefined) {
    this.#own = section.entries;
    const others = defaults === undefined || defaults === section ? [] : defaults.entries;
    this.#inherited = section.kind === "lns" ? others.filter(({ key }) => !OWN_OF_LNS.has(key)) : others;
  }

  get(...keys: readonly string[]): Entry | undefined {
    const isIt = ({ key }: Entry) => keys.includes(key);
    return this.#own.findLast(isIt) ?? this.#inherited.findLast(isIt);
  }

  /** All of some keys, in the order of the file. */
  all(...keys: readonly string[]): readonly Entry[] {
    const isIt = ({ key }: Entry) => keys.includes(key);
    const own = this.#own.filter(isIt);
    return own.length > 0 ? own : this.#inherited.filter(isIt);
  }

  /** `yes` and `no` as xl2tpd knows them; what is neither is remarked on. */
  flag(
    notes: Notes,
    ...keys: readonly string[]
  ): { readonly on: boolean; readonly entry: Entry } | undefined {
    const entry = this.get(...keys);
    if (entry === undefined) return undefined;
    if (/^(yes|y|true)$/i.test(entry.value)) return { on: true, entry };
    if (/^(no|n|false)$/i.test(entry.value)) return { on: false, entry };
    notes.leftOut(entry.place, entryText(entry), "neither yes nor no");
    return undefined;
  }

  /** A whole number of at least `least`; what is none is remarked on. */
  number(
    notes: Notes,
    least: number,
    key: string,
  ): { readonly value: number; readonly entry: Entry } | undefined {
    const entry = this.get(key);
    if (entry === undefined) return undefined;
    const value = Number.parseInt(entry.value, 10);
    if (value >= least) return { value, entry };
    notes.leftOut(entry.place, entryText(entry), `not a number from ${least} up`);
    return undefined;
  }
}

/** `challenge = yes` */
export const entryText = ({ key, value }: Entry): string => `${key} = ${value}`;
