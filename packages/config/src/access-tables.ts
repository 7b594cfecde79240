/** `[listen.NAME]`, `[peer.NAME]`, `[call.NAME]`, `[user.NAME]`, `[pool.NAME]` and `[names]`, each for itself. */
import { formatRange, isPattern, type NameRule, readAddress, readRange } from "@l2tp/access";
import { L2TP_PORT, readSocketAddress } from "./address.ts";
import type { Shape } from "./extensions.ts";
import { expectation } from "./keys/declare.ts";
import { CALL_KEYS, LISTEN_KEYS, PEER_KEYS } from "./keys/peer.ts";
import { NAME_KEYS, POOL_KEYS, USER_KEYS } from "./keys/user.ts";
import { Ledger } from "./origins.ts";
import { isHost4, readIdentifier, readIpv6Prefix, wrongPrefix } from "./ppp.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { secretAt, secretsAt } from "./secrets.ts";
import { found, type NamedTable, namedTables, type ReadTable, readTable, singleTable } from "./table.ts";
import { checkLocal } from "./tunnel-address.ts";
import type { CallRuleConfig, ListenerConfig, PeerConfig, PoolConfig, UserConfig } from "./types.ts";

/** One table, its place and its book. */
interface Reading<K extends Shape> {
  readonly report: Report;
  readonly path: KeyPath;
  readonly name: string;
  readonly table: ReadTable<K>;
  readonly ledger: Ledger<ReadTable<K>["values"]>;
}

function each<K extends Shape, T>(
  report: Report,
  kind: string,
  value: unknown,
  keys: K,
  read: (reading: Reading<K>) => T,
): T[] {
  const title = `[${kind}.NAME]`;
  return namedTables(report, [kind], value, title, kind).map(([name, raw]: NamedTable) => {
    const path = [kind, name];
    const table = readTable(report, path, raw, { keys, extension: undefined, children: [], title });
    return read({ report, path, name, table, ledger: new Ledger(table.values) });
  });
}

function wrongValue(
  { report, path }: { report: Report; path: KeyPath },
  key: string,
  at: number | undefined,
  text: string,
  wrong: string,
  more: { readonly remedy?: string; readonly expected?: string } = {},
): void {
  const here = at === undefined ? [...path, key] : [...path, key, at];
  report.error({ code: "invalid-value", path: here, reason: `${found(text)} ${wrong}`, ...more });
}

const FREE: Omit<ListenerConfig, "name" | "origins"> = {
  local: { family: 4, address: "0.0.0.0", port: L2TP_PORT },
  udpChecksum: true,
};

/** Listeners. */
export function readListeners(report: Report, value: unknown): ListenerConfig[] {
  return each(report, "listen", value, LISTEN_KEYS, (reading) => {
    const { path, name, table, ledger } = reading;
    const expected = expectation(LISTEN_KEYS.local);
    const text = ledger.take("local", undefined);
    const written = ledger.take("namespace", undefined);
    const namespace = written === undefined || written.includes("/") ? written : `/run/netns/${written}`;
    if (!table.present.has("local")) {
      const reason = "missing: a listener needs the address that callers reach it at";
      report.error({ code: "missing-key", path: [...path, "local"], reason, expected });
    }
    const read = text === undefined ? undefined : readSocketAddress(text);
    if (text !== undefined && read && "wrong" in read) {
      wrongValue(reading, "local", undefined, text, read.wrong, { expected });
    }
    const { family, address, port = L2TP_PORT } = read && "value" in read ? read.value : {};
    const local =
      family === undefined || address === undefined ? { ...FREE.local, port } : { family, address, port };
    checkLocal(report, [...path, "local"], local, false);
    return {
      name,
      local,
      ...(namespace !== undefined && { namespace }),
      udpChecksum: ledger.take("udp_checksum", true),
      origins: ledger.origins,
    };
  });
}

/** `deny = true` has no reason. */
const denyOf = (deny: boolean | string | undefined): { readonly deny?: string } =>
  deny === undefined || deny === false ? {} : { deny: deny === true ? "" : deny };

function rangesOf<K extends Shape>(reading: Reading<K>, key: string): { readonly from?: readonly string[] } {
  const texts = reading.ledger.take(key as keyof ReadTable<K>["values"] & string, undefined) as
    | readonly string[]
    | undefined;
  for (const [at, text] of (texts ?? []).entries()) {
    const read = readRange(text);
    if ("range" in read) continue;
    const { wrong, remedy } = read;
    wrongValue(reading, key, at, text, wrong, remedy === undefined ? {} : { remedy });
  }
  return texts === undefined ? {} : { from: texts };
}

/** Peers. */
export function readPeers(report: Report, value: unknown): PeerConfig[] {
  return each(report, "peer", value, PEER_KEYS, (reading) => {
    const { path, name, ledger } = reading;
    return {
      name,
      ...rangesOf(reading, "from"),
      ...ledger.optional("host_name", "hostName"),
      ...ledger.optional("vendor_name", "vendorName"),
      ...ledger.optional("listen", "listen"),
      ...denyOf(ledger.take("deny", false)),
      secrets: secretsAt(report, path, ledger),
      ...ledger.optional("tunnel_profile", "tunnelProfile"),
      ...ledger.optional("session_profile", "sessionProfile"),
      ...ledger.optional("ppp_profile", "pppProfile"),
      origins: ledger.origins,
    };
  });
}

/** Call rules. */
export function readCalls(report: Report, value: unknown): CallRuleConfig[] {
  return each(report, "call", value, CALL_KEYS, (reading) => {
    checkSwitch(reading);
    const { name, ledger } = reading;
    return {
      name,
      ...ledger.optional("kind", "kind"),
      ...ledger.optional("peer", "peer"),
      ...ledger.optional("called_number", "calledNumber"),
      ...ledger.optional("calling_number", "callingNumber"),
      ...ledger.optional("sub_address", "subAddress"),
      ...ledger.optional("private_group", "privateGroup"),
      ...denyOf(ledger.take("deny", false)),
      ...ledger.optional("session_profile", "sessionProfile"),
      ...ledger.optional("ppp_profile", "pppProfile"),
      ...ledger.optional("switch_to", "switchTo"),
      ...ledger.optional("switch_ppp", "switchPpp"),
      origins: ledger.origins,
    };
  });
}

/** `switch_ppp` says something of a call only that is passed on, and comes in. */
function checkSwitch({ report, path, table }: Reading<typeof CALL_KEYS>): void {
  const { kind, switch_to, switch_ppp } = table.values;
  const at = [...path, "switch_ppp"];
  if (switch_ppp !== undefined && switch_to === undefined) {
    report.warn({
      code: "unused",
      path: at,
      part: "key",
      reason: "the call is not passed on: there is no switch_to",
      remedy: 'Name a tunnel that is dialled, switch_to = "NAME", or leave switch_ppp out.',
    });
  } else if (switch_ppp === "end" && kind === "outgoing") {
    report.error({
      code: "conflict",
      path: at,
      reason: "an outgoing call's PPP is between the LNS that asks for it and whoever is called",
      remedy: 'Leave it out, or take kind = "incoming".',
    });
  }
}

/** Users. */
export function readUsers(report: Report, value: unknown): UserConfig[] {
  return each(report, "user", value, USER_KEYS, (reading) => {
    const { path, name, ledger } = reading;
    const password = secretAt(report, path, ledger, "password");
    checkUser(reading);
    return {
      name,
      ...(password && { password }),
      ...denyOf(ledger.take("deny", false)),
      ...ledger.optional("auth", "methods"),
      ...ledger.optional("calling_number", "callingNumber"),
      ...ledger.optional("called_number", "calledNumber"),
      ...rangesOf(reading, "from"),
      ...ledger.optional("ppp_profiles", "profiles"),
      ...ledger.optional("address", "address"),
      ...ledger.optional("pool", "pool"),
      ...ledger.optional("interface_id", "interfaceId"),
      ...ledger.optional("ipv6_prefix", "ipv6Prefix"),
      ...ledger.optional("delegated_prefix", "delegatedPrefix"),
      ...ledger.optional("dns", "dns"),
      ...ledger.optional("wins", "nbns"),
      ...ledger.optional("routes", "routes"),
      ...ledger.optional("to_peer_rate", "toPeerBps"),
      ...ledger.optional("from_peer_rate", "fromPeerBps"),
      ...ledger.optional("session_timeout", "sessionTimeoutMs"),
      ...ledger.optional("idle_timeout", "idleTimeoutMs"),
      ...ledger.optional("exclusive", "exclusive"),
      origins: ledger.origins,
    };
  });
}

function checkUser(reading: Reading<typeof USER_KEYS>): void {
  const { name, report, path, table } = reading;
  const { address, interface_id, ipv6_prefix, delegated_prefix, dns, wins, routes } = table.values;
  if (address !== undefined && !isHost4(address)) {
    wrongValue(reading, "address", undefined, address, "is no IPv4 address");
  }
  if (interface_id !== undefined && readIdentifier(interface_id) === undefined) {
    wrongValue(reading, "interface_id", undefined, interface_id, "is no interface identifier", {
      remedy: "Write the lower half of an address: ::1, ::a:b:c:d.",
    });
  }
  for (const [key, text, least] of [
    ["ipv6_prefix", ipv6_prefix, 64],
    ["delegated_prefix", delegated_prefix, 1],
  ] as const) {
    const read = text === undefined ? undefined : readIpv6Prefix(text, least, 64);
    if (text === undefined || read === undefined || "range" in read) continue;
    wrongValue(
      reading,
      key,
      undefined,
      text,
      read.wrong,
      read.remedy === undefined ? {} : { remedy: read.remedy },
    );
  }
  for (const [key, servers] of [
    ["dns", dns],
    ["wins", wins],
  ] as const) {
    for (const [at, text] of (servers ?? []).entries()) {
      const family = readAddress(text)?.family;
      if (family === undefined || (family === 4 ? !isHost4(text) : key === "wins"))
        wrongValue(reading, key, at, text, "is no IP address");
    }
  }
  for (const [at, text] of (routes ?? []).entries()) {
    const wrong = wrongPrefix(text);
    if (wrong)
      wrongValue(
        reading,
        "routes",
        at,
        text,
        wrong.wrong,
        wrong.remedy === undefined ? {} : { remedy: wrong.remedy },
      );
  }
  for (const key of ["address", "ipv6_prefix", "delegated_prefix"] as const) {
    if (!isPattern(name) || table.values[key] === undefined) continue;
    report.error({
      code: "conflict",
      path: [...path, key],
      reason: `all users that ${JSON.stringify(name)} fits would have the same`,
      remedy: "Give them a pool.",
    });
  }
}

/** Pools. */
export function readPools(report: Report, value: unknown): PoolConfig[] {
  return each(report, "pool", value, POOL_KEYS, (reading) => {
    const { name, path, table, ledger } = reading;
    checkPool(reading);
    const { ranges, ipv6, delegated } = table.values;
    if (![ranges, ipv6, delegated].some((one) => one !== undefined)) {
      report.warn({ code: "missing-key", path, part: "key", reason: "the pool has nothing to give" });
    }
    return {
      name,
      ...ledger.optional("ranges", "ranges"),
      ...ledger.optional("exclude", "exclude"),
      ...ledger.optional("local", "local"),
      ...ledger.optional("ipv6", "ipv6"),
      ipv6Length: ledger.take("ipv6_length", 64),
      ...ledger.optional("delegated", "delegated"),
      delegatedLength: ledger.take("delegated_length", 56),
      ...ledger.optional("next", "next"),
      origins: ledger.origins,
    };
  });
}

function checkPool(reading: Reading<typeof POOL_KEYS>): void {
  const { table, ledger } = reading;
  const { local } = table.values;
  if (local !== undefined && !isHost4(local)) {
    wrongValue(reading, "local", undefined, local, "is no IPv4 address");
  }
  for (const [key, family, length] of [
    ["ranges", 4, undefined],
    ["exclude", 4, undefined],
    ["ipv6", 6, ledger.take("ipv6_length", 64)],
    ["delegated", 6, ledger.take("delegated_length", 56)],
  ] as const) {
    for (const [at, text] of (table.values[key] ?? []).entries()) {
      const read = readRange(text);
      if ("wrong" in read) {
        wrongValue(
          reading,
          key,
          at,
          text,
          read.wrong,
          read.remedy === undefined ? {} : { remedy: read.remedy },
        );
      } else if (read.range.family !== family) {
        const remedy = family === 4 ? "Write it as ipv6 or delegated." : "Write it as ranges.";
        wrongValue(reading, key, at, text, `is not IPv${family}`, { remedy });
      } else if (length !== undefined && !((read.range.length ?? 129) <= length)) {
        wrongValue(reading, key, at, formatRange(read.range), `holds no prefixes of /${length}`);
      }
    }
  }
}

/** How names of users are looked up. */
export function readNames(report: Report, value: unknown): NameRule {
  const ledger = new Ledger(singleTable(report, ["names"], value, NAME_KEYS).values);
  return {
    stripNtDomain: ledger.take("strip_nt_domain", true),
    stripRealm: ledger.take("strip_realm", false),
    ignoreCase: ledger.take("ignore_case", false),
  };
}
