/** `[lns NAME]`: others dial in. */
import { isIPv4 } from "node:net";
import { overlap, rangeOf } from "./addresses.ts";
import { placeText } from "./notes.ts";
import {
  from,
  type Import,
  nameOf,
  pppSettingsOf,
  remarkOnOthers,
  secretsFor,
  writeTunnelSettings,
} from "./parts.ts";
import type { PppSettings } from "./ppp-options.ts";
import { writePppProfile } from "./ppp-profile.ts";
import type { TomlTable } from "./toml.ts";
import { entryText, type Section, Values } from "./xl2tpd-conf.ts";

/** A pool that was made, and what it was made of. */
interface Pool {
  readonly name: string;
  readonly ranges: readonly string[];
}

/** All sections of LNSs. xl2tpd looks at the last one first, and at `default` when no other takes the caller. */
export function importLns(it: Import, sections: readonly Section[]): void {
  const defaults = sections.find(({ name }) => name === "default");
  const named = sections.filter((section) => section !== defaults).reverse();
  const pools: Pool[] = [];
  for (const section of [...named, ...(defaults ? [defaults] : [])]) {
    const values = new Values(section, defaults);
    const name = nameOf(section, it.document, "peer");
    const settings = pppSettingsOf(it, values);
    writePeers(it, section, values, name);
    writeTunnelProfile(it, values, name);
    const ppp = it.document.table(
      ["profile", "ppp", name],
      `PPP of [lns ${section.name}], ${placeText(section.place)}`,
    );
    writePppProfile(ppp, settings, "us", it.notes);
    writePool(it, section, values, name, ppp, pools);
    writeSessionProfile(it, values, name, settings);
    writeUsers(it, settings);
    remarkOnOthers(it, values, section);
  }
}

/** Who may dial in: a rule for each secret that is for one peer, and one for all others. */
function writePeers(it: Import, section: Section, values: Values, name: string): void {
  const { document, notes } = it;
  const remark = `[lns ${section.name}], ${placeText(section.place)}`;
  const { ranges: allowed, lost } = rangesOf(it, section.name === "default" ? [] : values.all("lac"));
  const catchAll = section.name === "default" ? values.all("lac") : [];
  const ofDefault = rangesOf(it, catchAll);
  const ranges = section.name === "default" ? ofDefault.ranges : allowed;
  const noAccess = it.global.flag(notes, "access control");
  if (section.name !== "default" && values.all("lac").length === 0) {
    notes.look(
      section.place,
      `[lns ${section.name}]`,
      "it names no lac, so xl2tpd never takes it; here it takes every caller",
    );
  }
  const { ranges: denied } = rangesOf(it, values.all("no lac"));
  if (denied.length > 0) {
    const entry = values.all("no lac")[0];
    document
      .table(["peer", `${name}-refused`], remark)
      .set("from", denied, entry ? from(entry) : "")
      .set("deny", "no lac of the xl2tpd configuration", "");
  }
  const rule = (ruleName: string): TomlTable => {
    const table = document.table(["peer", ruleName], remark);
    const [first] = values.all("lac");
    if (ranges.length > 0) table.set("from", ranges, first ? from(first) : "");
    else if (lost || ofDefault.lost)
      table.set("deny", "its lac entries could not be carried over", first ? from(first) : "");
    return table;
  };
  const profiles = (table: TomlTable) => {
    table.set("tunnel_profile", name, "").set("ppp_profile", name, "");
    if (it.keepPppd) table.set("session_profile", name, "");
  };
  const secrets = secretsFor(it, values);
  const challenge = values.flag(notes, "challenge");
  for (const { them, secret, place } of secrets) {
    const table = rule(them === "*" ? name : unused(it, `${name}-${them}`));
    if (them !== "*") table.set("host_name", [them], placeText(place));
    table.set("secret", secret, placeText(place));
    profiles(table);
  }
  if (secrets.some(({ them }) => them === "*")) return;
  if (challenge?.on) {
    const why =
      secrets.length === 0
        ? "no secret was found for it: give secret to the peer"
        : "peers without a secret are refused, as by xl2tpd";
    notes.look(challenge.entry.place, entryText(challenge.entry), why);
    if (secrets.length > 0) return;
    profiles(
      rule(name).set(
        "deny",
        "a secret is missing: put secret in the place of this line",
        from(challenge.entry),
      ),
    );
    return;
  }
  if (section.name === "default" && noAccess?.on && ranges.length === 0) {
    notes.look(
      noAccess.entry.place,
      entryText(noAccess.entry),
      "[lns default] names no lac, so it takes nobody; it is left without a rule",
    );
    return;
  }
  profiles(rule(name));
}

function unused(it: Import, wanted: string): string {
  let name = wanted;
  for (let n = 2; it.document.has(["peer", name]); n++) name = `${wanted}-${n}`;
  return name;
}

function rangesOf(it: Import, entries: ReturnType<Values["all"]>): { ranges: string[]; lost: boolean } {
  const ranges: string[] = [];
  for (const entry of entries) {
    const range = rangeOf(entry.value);
    if (range !== undefined) ranges.push(range);
    else it.notes.leftOut(entry.place, entryText(entry), "an IPv4 address or range is taken, no host name");
  }
  return { ranges, lost: entries.length > 0 && ranges.length === 0 };
}

function writeTunnelProfile(it: Import, values: Values, name: string): void {
  const table = it.document.table(["profile", "tunnel", name]);
  writeTunnelSettings(it, table, values);
  const challenge = values.flag(it.notes, "challenge");
  if (!challenge?.on && secretsFor(it, values).length > 0) {
    const why = challenge
      ? from(challenge.entry)
      : "as xl2tpd does without challenge = yes: peers' challenges are answered, none is sent";
    table.set("challenge", false, why);
  }
  table.set("ppp_profile", name, "");
}

/** The pool, or the profile's own addresses where there is none. */
function writePool(
  it: Import,
  section: Section,
  values: Values,
  name: string,
  ppp: TomlTable,
  pools: Pool[],
): void {
  const { notes } = it;
  const local = values.get("local ip");
  const localAddress = local && isIPv4(local.value) ? local.value : undefined;
  if (local && localAddress === undefined)
    notes.leftOut(local.place, entryText(local), "an IPv4 address is taken, no host name");
  const assign = values.flag(notes, "assign ip");
  const entries = values.all("ip range");
  if (assign?.on === false || entries.length === 0) {
    if (local && localAddress) ppp.set("local_address", localAddress, from(local));
    if (assign?.on === false)
      notes.look(
        assign.entry.place,
        entryText(assign.entry),
        "sessions get the addresses of their users, and no others",
      );
    else
      notes.look(
        section.place,
        `[lns ${section.name}]`,
        "it has no ip range: sessions get the addresses of their users, and no others",
      );
    return;
  }
  const { ranges } = rangesOf(it, entries);
  if (ranges.length === 0) return;
  const same = pools.find((pool) => pool.ranges.join() === ranges.join());
  if (same) {
    ppp.set("pool", same.name, `the same ip range as of ${same.name}`);
    if (local && localAddress) ppp.set("local_address", localAddress, from(local));
    return;
  }
  const taken = pools.find((pool) => pool.ranges.some((a) => ranges.some((b) => overlap(a, b))));
  const [first] = entries;
  if (taken && first) {
    notes.leftOut(
      first.place,
      entryText(first),
      `no address is in two pools, and ${taken.name} has some of these; its pool is used`,
    );
    ppp.set("pool", taken.name, from(first));
    return;
  }
  if (!first) return;
  pools.push({ name, ranges });
  const pool = it.document.table(["pool", name], `addresses for [lns ${section.name}]`);
  pool.set("ranges", ranges, from(first));
  const { ranges: excluded } = rangesOf(it, values.all("no ip range"));
  const [exclusion] = values.all("no ip range");
  if (excluded.length > 0 && exclusion) pool.set("exclude", excluded, from(exclusion));
  if (local && localAddress) pool.set("local", localAddress, from(local));
  ppp.set("pool", name, "");
}

function writeSessionProfile(it: Import, values: Values, name: string, settings: PppSettings): void {
  const tx = values.number(it.notes, 1, "tx bps");
  const rx = values.number(it.notes, 1, "rx bps");
  const both = values.number(it.notes, 1, "bps");
  for (const speed of [tx, rx, both]) {
    if (speed) it.notes.notNeeded(speed.entry.place, entryText(speed.entry), "only who dials says a speed");
  }
  if (!it.keepPppd && settings.interfaceName === undefined) return;
  const table = it.document.table(["profile", "session", name]);
  const file = values.get("pppoptfile");
  if (it.keepPppd && file) {
    table.set("pppd_args", file.value, from(file));
    const range = values.get("ip range");
    if (range)
      it.notes.look(
        range.place,
        entryText(range),
        "where pppd runs PPP it gives the addresses: by chap-secrets, or pppd_options",
      );
  }
  if (settings.interfaceName) {
    it.notes.leftOut(
      settings.interfaceName.place,
      `the interface ${settings.interfaceName.text}`,
      "sessions of callers cannot all have one name; a pattern is interface_name of the session profile",
    );
  }
}

/** chap-secrets and pap-secrets: everybody whose server is us, or anybody. */
function writeUsers(it: Import, settings: PppSettings): void {
  const ours = settings.name?.text;
  for (const { client, server, secret, addresses, place } of it.pppSecrets) {
    if (client === "" || (server !== "*" && ours !== undefined && server !== ours)) continue;
    if (client === "*" && server !== "*" && server !== ours) continue; // what a client proves itself with elsewhere
    if (ours !== undefined && client === ours) continue; // who we are elsewhere
    const path = ["user", client];
    if (it.document.has(path)) continue;
    const table = it.document.table(path);
    if (secret === "")
      it.notes.look(
        place,
        `the user ${client}`,
        "the password is empty: the user comes in only where no proof is asked for",
      );
    else if (secret.startsWith("@")) table.set("password_file", secret.slice(1), placeText(place));
    else table.set("password", secret, placeText(place));
    const [address, ...more] = addresses.filter((it) => it !== "*");
    if (address === "-")
      it.notes.look(
        place,
        `the addresses of ${client}`,
        "pppd lets it use no address at all; here it gets one of the pool",
      );
    else if (address !== undefined && isIPv4(address) && more.length === 0)
      table.set("address", address, placeText(place));
    else if (address !== undefined)
      it.notes.leftOut(
        place,
        `the addresses of ${client}`,
        "a user has one address of its own, or those of a pool",
      );
    if (table.empty) table.set("exclusive", "no", placeText(place));
  }
}
