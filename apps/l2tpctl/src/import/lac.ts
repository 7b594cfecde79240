/** `[lac NAME]`: we dial. */
import { isIPv4 } from "node:net";
import { placeText } from "./notes.ts";
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
import type { PppSettings } from "./ppp-options.ts";
import { writePppProfile } from "./ppp-profile.ts";
import type { TomlTable } from "./toml.ts";
import { entryText, type Section, Values } from "./xl2tpd-conf.ts";

const SESSION = "call";
/** xl2tpd's wait before it dials again. */
const REDIAL_TIMEOUT_S = 30;

/** All sections of LACs. */
export function importLac(it: Import, sections: readonly Section[]): void {
  const defaults = sections.find(({ name }) => name === "default");
  for (const section of sections) {
    if (section === defaults) continue;
    const values = new Values(section, defaults);
    const lns = values.all("lns");
    if (lns.length === 0) {
      it.notes.leftOut(section.place, `[lac ${section.name}]`, "it names no lns to dial");
      continue;
    }
    const name = nameOf(section, it.document, "tunnel");
    const settings = pppSettingsOf(it, values);
    const tunnel = it.document.table(["tunnel", name], `[lac ${section.name}], ${placeText(section.place)}`);
    writeTunnel(it, tunnel, values);
    const profile = profileNameOf(it, name);
    writeSession(it, it.document.table(["tunnel", name, "session", SESSION]), values, profile, settings);
    if (!it.keepPppd) writeProfile(it, values, { tunnel: name, profile }, settings);
    remarkOnOthers(it, values, section);
  }
  if (defaults && sections.length === 1) {
    it.notes.leftOut(defaults.place, "[lac default]", "there is no other [lac NAME] that it would hold for");
  }
}

function writeTunnel(it: Import, table: TomlTable, values: Values): void {
  const { notes, global } = it;
  const lns = values.all("lns");
  const peers = lns.map(({ value }) => value.replace(/\s+/g, ""));
  table.set("version", "l2tpv2", "");
  table.set(
    "peer",
    peers.length === 1 ? (peers[0] ?? "") : peers,
    lns.map((entry) => placeText(entry.place)).join(", "),
  );
  const address = global.get("listen-addr");
  const port = global.number(notes, 0, "port");
  const host = address && isIPv4(address.value) ? address.value : "";
  const remark = [address && from(address), port && from(port.entry)].filter((text) => text !== undefined);
  // Port 0 is any free one, which is ours where nothing is said.
  if (port?.value !== 0 || host !== "") {
    const why = remark.join(", ") || "xl2tpd dials from port 1701; policies of IPsec often name it";
    table.set("local", `${host}:${port?.value ?? 1701}`, why);
  }
  const autodial = values.flag(notes, "autodial");
  table.set(
    "dial",
    autodial?.on ? "start" : "manual",
    autodial ? from(autodial.entry) : "without autodial = yes: by l2tpctl dial",
  );
  const redial = values.flag(notes, "redial");
  table.set(
    "redial",
    redial?.on === true,
    redial ? from(redial.entry) : "xl2tpd does not without redial = yes",
  );
  const wait = values.number(notes, 1, "redial timeout");
  if (redial?.on) {
    const waitMs = (wait?.value ?? REDIAL_TIMEOUT_S) * 1000;
    const why = wait ? from(wait.entry) : "xl2tpd's default";
    table.set("redial_timeout", waitMs, why).set("redial_timeout_max", waitMs, why);
    const most = values.number(notes, 1, "max redials");
    if (most) table.set("max_redials", most.value, from(most.entry));
  } else if (wait)
    notes.notNeeded(wait.entry.place, entryText(wait.entry), "it counts with redial = yes only");
  writeTunnelSettings(it, table, values, secretsFor(it, values).length > 0);
  writeSecret(it, table, values, peers);
}

/** xl2tpd looks a secret up by the Host Name that the LNS says; here it is the tunnel's own. */
function writeSecret(it: Import, table: TomlTable, values: Values, peers: readonly string[]): void {
  const secrets = secretsFor(it, values);
  const hosts = peers.map((peer) => peer.replace(/:\d+$/, "").toLowerCase());
  const chosen =
    secrets.find(({ them }) => hosts.includes(them.toLowerCase())) ??
    secrets.find(({ them }) => them === "*") ??
    secrets[0];
  const challenge = values.flag(it.notes, "challenge");
  if (chosen === undefined) {
    if (challenge?.on)
      it.notes.look(
        challenge.entry.place,
        entryText(challenge.entry),
        "no secret was found for it: give secret to the tunnel",
      );
    return;
  }
  table.set("secret", chosen.secret, placeText(chosen.place));
  if (!challenge?.on) {
    table.set(
      "challenge",
      false,
      challenge
        ? from(challenge.entry)
        : "as xl2tpd does without challenge = yes: the LNS's challenge is answered, none is sent",
    );
  }
  if (chosen.them !== "*" && !hosts.includes(chosen.them.toLowerCase())) {
    it.notes.look(
      chosen.place,
      `the secret for ${chosen.them}`,
      "taken for this tunnel, as no other fits; xl2tpd would look at the LNS's Host Name",
    );
  } else if (secrets.length > 1 && chosen.them === "*") {
    it.notes.look(
      chosen.place,
      "the secret for any peer",
      `taken for this tunnel; there are also ones for ${secrets
        .filter((one) => one !== chosen)
        .map(({ them }) => them)
        .join(", ")}`,
    );
  }
}

function writeSession(
  it: Import,
  table: TomlTable,
  values: Values,
  profile: string,
  settings: PppSettings,
): void {
  const { notes } = it;
  table.set("pseudowire", "ppp", "");
  const tx = values.number(notes, 1, "tx bps") ?? values.number(notes, 1, "bps");
  const rx = values.number(notes, 1, "rx bps") ?? values.number(notes, 1, "bps");
  if (tx) table.set("tx_connect_speed", tx.value, from(tx.entry));
  if (rx) table.set("rx_connect_speed", rx.value, from(rx.entry));
  if (settings.interfaceName)
    table.set("interface_name", settings.interfaceName.text, placeText(settings.interfaceName.place));
  if (it.keepPppd) keepPppd(table, values, settings);
  else {
    table.set("ppp_profile", profile, "");
    writeUser(it, table, settings);
  }
}

/** Who we are for the LNS. */
function writeUser({ notes, pppSecrets }: Import, table: TomlTable, settings: PppSettings): void {
  const user = settings.user ?? settings.name;
  if (user === undefined) return;
  const found =
    pppSecrets.find(({ client }) => client === user.text) ?? pppSecrets.find(({ client }) => client === "*");
  if (settings.password === undefined && (found === undefined || found.secret === "")) {
    const why =
      "no password was found for it; name chap-secrets with --chap-secrets, or give user and password to the session";
    notes.look(user.place, `the user ${user.text}`, why);
    return;
  }
  table.set("user", user.text, placeText(user.place));
  if (settings.password) table.set("password", settings.password.text, placeText(settings.password.place));
  else if (found?.secret.startsWith("@"))
    table.set("password_file", found.secret.slice(1), placeText(found.place));
  else if (found) table.set("password", found.secret, placeText(found.place));
}

function keepPppd(table: TomlTable, values: Values, settings: PppSettings): void {
  const file = values.get("pppoptfile");
  if (file) table.set("pppd_args", file.value, from(file));
  const words: string[] = [];
  if (settings.auth) words.push(settings.auth.on ? "auth" : "noauth");
  const option = { "chap-md5": "chap", pap: "pap" } as const;
  for (const method of ["pap", "chap-md5"] as const) {
    if (settings.required.has(method)) words.push(`require-${option[method]}`);
    if (settings.refused.has(method)) words.push(`refuse-${option[method]}`);
  }
  if (settings.name) words.push("name", settings.name.text);
  const [local, remote] = [values.get("local ip")?.value ?? "", values.get("remote ip")?.value ?? ""];
  if (local !== "" || remote !== "") words.push(`${local}:${remote}`);
  if (/^(yes|y|true)$/i.test(values.get("defaultroute")?.value ?? "")) words.push("defaultroute");
  if (words.length > 0) table.set("pppd_options", words, "what xl2tpd gives pppd of this section");
}

function writeProfile(
  it: Import,
  values: Values,
  names: { readonly tunnel: string; readonly profile: string },
  settings: PppSettings,
): void {
  const { notes, document } = it;
  const profile = document.table(["profile", "ppp", names.profile], `PPP of tunnel ${names.tunnel}`);
  writePppProfile(profile, settings, "them", notes);
  for (const [key, ours] of [
    ["local ip", "local_address"],
    ["remote ip", "peer_address"],
  ] as const) {
    const entry = values.get(key);
    if (entry === undefined) continue;
    if (isIPv4(entry.value)) profile.set(ours, entry.value, from(entry));
    else notes.leftOut(entry.place, entryText(entry), "an IPv4 address is taken, no host name");
  }
  const route = values.flag(notes, "defaultroute");
  if (route?.on) profile.set("default_route", true, from(route.entry));
}
