/** What LACs and LNSs have in common when they become ours. */
import type { Notes } from "./notes.ts";
import { placeText } from "./notes.ts";
import { emptySettings, type PppSettings } from "./ppp-options.ts";
import { sectionSettings } from "./ppp-profile.ts";
import type { PppSecret, TunnelSecret } from "./secrets.ts";
import type { Sources } from "./sources.ts";
import type { TomlDocument, TomlTable } from "./toml.ts";
import { type Entry, entryText, type Section, type Values } from "./xl2tpd-conf.ts";

/** What all parts of an import work with. */
export interface Import {
  readonly notes: Notes;
  readonly document: TomlDocument;
  readonly sources: Sources;
  readonly global: Values;
  readonly tunnelSecrets: readonly TunnelSecret[];
  readonly pppSecrets: readonly PppSecret[];
  /** Let pppd run PPP, with the option files as they are. */
  readonly keepPppd: boolean;
  /** Options of /etc/ppp/options, which pppd reads before all others. */
  readonly systemOptions: (settings: PppSettings) => void;
}

/** `[lac NAME]` of a document; a section without a name gets one. */
export function nameOf(section: Section, document: TomlDocument, top: string): string {
  const wanted = section.name === "" ? `${section.kind}-${section.place.line}` : section.name;
  let name = wanted;
  for (let n = 2; document.has([top, name]); n++) name = `${wanted}-${n}`;
  return name;
}

/** A name for the profiles of a section, which no other section's have. */
export function profileNameOf({ document }: Import, wanted: string): string {
  let name = wanted;
  for (let n = 2; document.has(["profile", "ppp", name]); n++) name = `${wanted}-${n}`;
  return name;
}

/** Settings of PPP, from the system's file, the section, and its option file, in the order in which pppd reads them. */
export function pppSettingsOf(it: Import, values: Values): PppSettings {
  const settings = emptySettings();
  it.systemOptions(settings);
  sectionSettings(values, settings, it.notes);
  const file = values.get("pppoptfile");
  if (file && !it.keepPppd) it.sources.options(file.value, file.place, it.notes, settings);
  return settings;
}

/**
 * Keys of reliable delivery and of our role that both kinds of sections have.
 * @param secret - whether the tunnel has a secret, whoever the peer is: AVPs are hidden with it.
 */
export function writeTunnelSettings(it: Import, table: TomlTable, values: Values, secret: boolean): void {
  const { notes, global } = it;
  const hostName = values.get("hostname");
  if (hostName) table.set("host_name", hostName.value, from(hostName));
  const rws = values.number(notes, 1, "tunnel rws");
  if (rws) table.set("window_size", rws.value, from(rws.entry));
  const retries = global.number(notes, 1, "max retries");
  if (retries) table.set("max_retries", retries.value, from(retries.entry));
  const cap = global.number(notes, 0, "cap backoff");
  if (cap) table.set("retry_timeout_max", cap.value * 1000, from(cap.entry));
  const hidden = values.flag(notes, "hidden bit");
  if (hidden?.on && secret) table.set("hiding", "send", from(hidden.entry));
  else if (hidden?.on) {
    const why =
      "without a secret nothing can be hidden, by xl2tpd neither; with one it is hiding of the tunnel";
    notes.leftOut(hidden.entry.place, entryText(hidden.entry), why);
  }
}

/** Secrets that hold for us, in the order in which xl2tpd looks: none behind one for any peer is ever reached. */
export function secretsFor(it: Import, values: Values): readonly TunnelSecret[] {
  const hostName = values.get("hostname")?.value;
  const ours = it.tunnelSecrets.filter(
    ({ us }) => us === "*" || hostName === undefined || us.toLowerCase() === hostName.toLowerCase(),
  );
  const any = ours.findIndex(({ them }) => them === "*");
  return any < 0 ? ours : ours.slice(0, any + 1);
}

/** What a section says that has no counterpart, or needs none. */
export function remarkOnOthers(it: Import, values: Values, section: Section): void {
  const { notes } = it;
  const remarks: readonly (readonly [keys: readonly string[], kind: "leftOut" | "notNeeded", why: string])[] =
    [
      [["call rws"], "notNeeded", "RFC 2661 knows no window for calls; xl2tpd takes no notice either"],
      [
        ["length bit"],
        "notNeeded",
        "whether data messages have a Length is the data plane's choice; both are read",
      ],
      [
        ["flow bit", "flow bits"],
        "leftOut",
        "xl2tpd's does not work; sequence numbers are seqnum of the session",
      ],
      [["pass peer"], "notNeeded", "hooks are told the peer's address, always"],
      [["ppp debug"], "notNeeded", "PPP tells in the daemon's log: log_level of [daemon], l2tpctl trace"],
      [
        ["exclusive"],
        "leftOut",
        "tunnels are not limited to one for each peer; max_sessions, and exclusive of a PPP profile or user, limit what one may have",
      ],
      [
        ["unix authentication", "unix auth"],
        "leftOut",
        "users of the system are not asked; [user.NAME] has names and passwords",
      ],
      [["local ip range"], "leftOut", "our end has the same address on all sessions: local of the pool"],
    ];
  for (const [keys, kind, why] of remarks) {
    const entry = values.get(...keys);
    const own = entry && section.entries.includes(entry);
    const off = entry && /^(no|n|false)$/i.test(entry.value);
    if (entry && own && !off) notes[kind](entry.place, entryText(entry), why);
  }
}

/** `xl2tpd.conf:7 redial = yes` */
export const from = (entry: Entry): string => `${placeText(entry.place)} ${entryText(entry)}`;
