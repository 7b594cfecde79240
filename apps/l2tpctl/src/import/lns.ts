/** `[lns NAME]`: others dial in. */
import { isIPv4 } from "node:net";
import { overlap, united, without } from "./addresses.ts";
import { type Notes, placeText } from "./notes.ts";
import {
  from,
  type Import,
  nameOf,
  pppSettingsOf,
  profileNameOf,
  remarkOnOthers,
  secretsFor,
  writeTunnelSettings,
} from "./parts.ts";
import { rangesOf, writePeers } from "./peers.ts";
import type { PppSettings } from "./ppp-options.ts";
import { writePppProfile } from "./ppp-profile.ts";
import type { TomlTable } from "./toml.ts";
import { entryText, type Section, Values } from "./xl2tpd-conf.ts";

/** A pool that was made, and what it was made of. */
interface Pool {
  readonly name: string;
  readonly ranges: readonly string[];
}

/**
 * All sections of LNSs. xl2tpd looks at the last one first, and at `default` when no other takes the caller.
 * @param alone - there is no other section, of LACs neither. A profile `default` of ours holds for all others, too, which
 * would so get the pool of `[lns default]`, and ask for the same proof.
 */
export function importLns(it: Import, sections: readonly Section[], alone: boolean): void {
  const defaults = sections.find(({ name }) => name === "default");
  const named = sections.filter((section) => section !== defaults).reverse();
  const pools: Pool[] = [];
  for (const section of [...named, ...(defaults ? [defaults] : [])]) {
    const values = new Values(section, defaults);
    if (section !== defaults && values.all("lac").length === 0 && sections.length > 1) {
      const why = "it names no lac, so xl2tpd never takes it, and it would hide the others here";
      it.notes.leftOut(section.place, `[lns ${section.name}]`, why);
      continue;
    }
    const name = nameOf(section, it.document, "peer");
    const profile = profileNameOf(it, section === defaults && !alone ? "callers" : name);
    if (!writePeers(it, section, values, name, profile)) continue;
    const settings = pppSettingsOf(it, values);
    writeTunnelProfile(it, values, profile);
    const ppp = it.document.table(
      ["profile", "ppp", profile],
      `PPP of [lns ${section.name}], ${placeText(section.place)}`,
    );
    writePppProfile(ppp, settings, "us", it.notes);
    writePool(it, section, values, name, ppp, pools);
    writeSessionProfile(it, values, profile, settings);
    writeUsers(it, settings);
    remarkOnOthers(it, values, section);
  }
}

function writeTunnelProfile(it: Import, values: Values, name: string): void {
  const table = it.document.table(["profile", "tunnel", name]);
  const secrets = secretsFor(it, values);
  const challenge = values.flag(it.notes, "challenge");
  writeTunnelSettings(it, table, values, challenge?.on === true || secrets.some(({ them }) => them === "*"));
  if (!challenge?.on && secrets.length > 0) {
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
  const local = localAddress(it.notes, values);
  const entries = values.all("ip range");
  const [first] = entries;
  const assign = values.flag(it.notes, "assign ip");
  if (first === undefined || assign?.on === false) {
    local?.setIn(ppp, "local_address");
    remarkOnNoPool(it.notes, section, assign);
    return;
  }
  const ranges = united(rangesOf(it, entries));
  if (ranges.length === 0) return;
  const same = pools.find((pool) => pool.ranges.join() === ranges.join());
  const taken = pools.find((pool) => pool.ranges.some((a) => ranges.some((b) => overlap(a, b))));
  if (same) {
    ppp.set("pool", same.name, `the same ip range as of ${same.name}`);
    local?.setIn(ppp, "local_address");
  } else if (taken) {
    const why = `no address is in two pools, and ${taken.name} has some of these; its pool is used`;
    it.notes.leftOut(first.place, entryText(first), why);
    ppp.set("pool", taken.name, from(first));
  } else {
    pools.push({ name, ranges });
    const pool = it.document.table(["pool", name], `addresses for [lns ${section.name}]`);
    pool.set("ranges", ranges, from(first));
    writeExclusions(it, values, pool);
    local?.setIn(pool, "local");
    ppp.set("pool", name, "");
  }
}

/** Our own address, for the profile or the pool. */
function localAddress(
  notes: Notes,
  values: Values,
): { setIn(table: TomlTable, key: string): void } | undefined {
  const entry = values.get("local ip");
  if (entry === undefined) return undefined;
  if (!isIPv4(entry.value)) {
    notes.leftOut(entry.place, entryText(entry), "an IPv4 address is taken, no host name");
    return undefined;
  }
  return { setIn: (table, key) => table.set(key, entry.value, from(entry)) };
}

function remarkOnNoPool(notes: Notes, section: Section, assign: ReturnType<Values["flag"]>): void {
  const addresses = "sessions get the addresses of their users, and no others";
  if (assign?.on === false) notes.look(assign.entry.place, entryText(assign.entry), addresses);
  else notes.look(section.place, `[lns ${section.name}]`, `it has no ip range: ${addresses}`);
}

/** `no ip range`; an `ip range` of a later line puts back what it names. */
function writeExclusions(it: Import, values: Values, pool: TomlTable): void {
  const exclusions = values.all("no ip range");
  const excluded = exclusions.flatMap((entry) => {
    const back = values.all("ip range").filter(({ place }) => place.line > entry.place.line);
    return rangesOf(it, [entry]).flatMap((range) => without(range, rangesOf(it, back)));
  });
  const [first] = exclusions;
  if (excluded.length > 0 && first) pool.set("exclude", excluded, from(first));
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
    if (client === "") continue;
    if (server !== "*" && ours !== undefined && server !== ours) {
      const why = `pppd takes it of a server that calls itself ${server}; name of this section is ${ours}`;
      it.notes.look(place, `the user ${client} is not carried over`, why);
      continue;
    }
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
