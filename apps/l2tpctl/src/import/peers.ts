/** Who may dial in: `lac`, `no lac`, `challenge` and l2tp-secrets as rules. */
import { rangeOf } from "./addresses.ts";
import { placeText } from "./notes.ts";
import { from, type Import, secretsFor } from "./parts.ts";
import type { TomlTable } from "./toml.ts";
import { type Entry, entryText, type Section, type Values } from "./xl2tpd-conf.ts";

/**
 * Writes `[peer.NAME]`s, in the order in which they are to be asked: those to refuse, then one for each secret that is
 * for one peer, and one for all others.
 * @returns whether there is any; the section is of no use else.
 */
export function writePeers(
  it: Import,
  section: Section,
  values: Values,
  name: string,
  profile: string,
): boolean {
  const { document, notes } = it;
  const remark = `[lns ${section.name}], ${placeText(section.place)}`;
  const lacs = values.all("lac");
  const allowed = rangesOf(it, lacs);
  const [first] = lacs;
  if (!mayHaveRule(it, section, lacs, allowed)) return false;
  const denied = rangesOf(it, values.all("no lac"));
  const [firstDenied] = values.all("no lac");
  if (denied.length > 0 && firstDenied) {
    document
      .table(["peer", `${name}-refused`], remark)
      .set("from", denied, from(firstDenied))
      .set("deny", "no lac of the xl2tpd configuration", "");
  }
  const rule = (ruleName: string): TomlTable => {
    const table = document.table(["peer", ruleName], remark);
    if (first) table.set("from", allowed, from(first));
    return table;
  };
  const profiles = (table: TomlTable): void => {
    table.set("tunnel_profile", profile, "").set("ppp_profile", profile, "");
    if (it.keepPppd) table.set("session_profile", profile, "");
  };
  const secrets = secretsFor(it, values);
  for (const { them, secret, place } of secrets) {
    const table = rule(them === "*" ? name : unused(it, `${name}-${them}`));
    if (them !== "*") table.set("host_name", [them], placeText(place));
    profiles(table.set("secret", secret, placeText(place)));
  }
  if (secrets.some(({ them }) => them === "*")) return true;
  const challenge = values.flag(notes, "challenge");
  const entry = challenge?.entry;
  if (!challenge?.on || entry === undefined) profiles(rule(name));
  else if (secrets.length > 0) {
    notes.look(entry.place, entryText(entry), "peers without a secret are refused, as by xl2tpd");
  } else {
    notes.look(entry.place, entryText(entry), "no secret was found for it: give secret to the peer");
    profiles(
      rule(name).set("deny", "a secret is missing: put secret in the place of this line", from(entry)),
    );
  }
  return true;
}

/** Not where nobody could be meant: a rule without `from` would take everybody. */
function mayHaveRule(
  it: Import,
  section: Section,
  lacs: readonly Entry[],
  allowed: readonly string[],
): boolean {
  const what = `[lns ${section.name}]`;
  if (lacs.length > 0 && allowed.length === 0) {
    const why = "none of its lac lines could be carried over: it is left out, and such callers are refused";
    it.notes.leftOut(section.place, what, why);
    return false;
  }
  if (lacs.length > 0) return true;
  const control = it.global.flag(it.notes, "access control");
  if (control?.on) {
    const why = `${what} names no lac, so it takes nobody and is left out`;
    it.notes.look(control.entry.place, entryText(control.entry), why);
    return false;
  }
  if (section.name !== "default") {
    const why = "it names no lac, so xl2tpd never takes it; here it takes every caller";
    it.notes.look(section.place, what, why);
  }
  return true;
}

function unused(it: Import, wanted: string): string {
  let name = wanted;
  for (let n = 2; it.document.has(["peer", name]); n++) name = `${wanted}-${n}`;
  return name;
}

/** The ranges of some lines; those that are none are remarked on. */
export function rangesOf(it: Import, entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    const ranges = entry.value.split(",").map(rangeOf);
    if (ranges.every((range) => range !== undefined)) return ranges;
    const refused = entry.key === "no lac" ? "; callers from there are not refused" : "";
    it.notes.leftOut(
      entry.place,
      entryText(entry),
      `an IPv4 address or range is taken, no host name${refused}`,
    );
    return [];
  });
}
