/** From what a section and its option file say to a `[profile.ppp.NAME]`. */
import { type Notes, type Place, placeText } from "./notes.ts";
import { AUTH, type AuthWord, type PppSettings } from "./ppp-options.ts";
import type { TomlTable } from "./toml.ts";
import { entryText, type Values } from "./xl2tpd-conf.ts";

/** What the section itself says of PPP goes first: pppd reads its option file last, and there the last word counts. */
export function sectionSettings(values: Values, settings: PppSettings, notes: Notes): void {
  const methods: readonly (readonly [string, AuthWord])[] = [
    ["pap", "pap"],
    ["chap", "chap-md5"],
  ];
  for (const [word, method] of methods) {
    const required = values.flag(notes, `require ${word}`);
    if (required?.on) {
      settings.required.set(method, required.entry.place);
      settings.auth ??= { on: true, place: required.entry.place };
    }
    const refused = values.flag(notes, `refuse ${word}`);
    if (refused?.on) settings.refused.set(method, refused.entry.place);
  }
  const peer = values.flag(notes, "require authentication", "require auth");
  if (peer) settings.auth = { on: peer.on, place: peer.entry.place };
  const self = values.flag(notes, "refuse authentication", "refuse auth");
  if (self?.on)
    notes.leftOut(
      self.entry.place,
      entryText(self.entry),
      "give the session no user and no password instead",
    );
  const name = values.get("name");
  if (name) settings.name = { text: name.value, place: name.place };
}

/** Writes the profile. @param calls - "us": others call us (LNS); "them": we dial (LAC). */
export function writePppProfile(
  table: TomlTable,
  settings: PppSettings,
  calls: "us" | "them",
  notes: Notes,
): void {
  writePeerAuth(table, settings, calls, notes);
  writeOwnAuth(table, settings, calls);
  if (calls === "us" && settings.name)
    table.set("auth_name", settings.name.text, placeText(settings.name.place));
  for (const [name, { value, from }] of settings.keys) table.set(name, value, from);
  for (const which of ["dns", "wins"] as const) {
    const given = settings[which];
    const [first] = given;
    if (first)
      table.set(
        which,
        given.map(({ text }) => text),
        `${placeText(first.place)} ms-${which}`,
      );
  }
  const { mppe } = settings;
  if (mppe?.policy === "require") {
    table.set("mppe", "require", placeText(mppe.place));
    table.set("mppe_bits", mppe.bits, placeText(mppe.place));
    if (settings.mppeStateful) table.set("mppe_mode", "either", placeText(settings.mppeStateful));
    onlyMschap(table, settings, calls, mppe.place, notes);
  }
}

/** What we ask of the peer. */
function writePeerAuth(table: TomlTable, settings: PppSettings, calls: "us" | "them", notes: Notes): void {
  const { auth, required, refused } = settings;
  if (auth?.on === false) {
    if (calls === "us")
      table.set("auth", [], `${placeText(auth.place)}: anybody may come in, as user without password`);
    if (required.size > 0)
      notes.look(auth.place, "noauth", "other lines require a way of proof; noauth came last and holds");
    return;
  }
  if (required.size > 0) {
    const methods = AUTH.filter((method) => required.has(method));
    table.set(
      "auth",
      methods,
      methods.map((method) => placeText(required.get(method) ?? { file: "", line: 0 })).join(", "),
    );
  } else if (auth?.on) {
    // pppd asks for whatever it has secrets for; what the section refuses it hardly means to accept.
    const methods = (["mschap-v2", "chap-md5", "pap"] as const).filter((method) => !refused.has(method));
    table.set(
      "auth",
      methods.length > 0 ? methods : ["mschap-v2"],
      `${placeText(auth.place)}: no way of proof is named`,
    );
  }
}

/** What we are willing to prove ourselves with; of interest only where somebody may ask. */
function writeOwnAuth(table: TomlTable, { refused }: PppSettings, calls: "us" | "them"): void {
  const [first] = refused.values();
  if (calls === "us" || first === undefined) return;
  const willing = AUTH.filter((method) => !refused.has(method));
  if (willing.length > 0)
    table.set("own_auth", willing, `${[...refused.values()].map(placeText).join(", ")}: not the others`);
}

/** MPPE's keys come from MS-CHAP: other ways of proof would let a session in that then cannot be encrypted. */
function onlyMschap(
  table: TomlTable,
  { auth, required, refused }: PppSettings,
  calls: "us" | "them",
  place: Place,
  notes: Notes,
): void {
  const both = ["mschap-v2", "mschap-v1"] as const;
  if (calls === "them") {
    table.set(
      "own_auth",
      both.filter((method) => !refused.has(method)),
      `${placeText(place)}: MPPE needs MS-CHAP`,
    );
    if (auth?.on !== true) return;
  }
  const wanted = both.filter((method) => required.has(method));
  const others = AUTH.filter(
    (method) => required.has(method) && method !== "mschap-v1" && method !== "mschap-v2",
  );
  table.set("auth", wanted.length > 0 ? wanted : ["mschap-v2"], `${placeText(place)}: MPPE needs MS-CHAP`);
  if (wanted.length === 0)
    notes.look(place, "MPPE is required", "no line requires MS-CHAP, which it needs; mschap-v2 is asked for");
  else if (others.length > 0)
    notes.look(place, "MPPE is required", `${others.join(" and ")} would give no keys for it: not asked for`);
}
