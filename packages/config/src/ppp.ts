/** `[profile.ppp.NAME]`: what PPP negotiates and what becomes of its packets, with what the profile inherits. */
import { type AddressRange, formatAddress, readAddress, readRange } from "@l2tp/access";
import { LONGEST_NAME } from "./interface-name.ts";
import type { PPP_KEYS } from "./keys/ppp.ts";
import { Ledger } from "./origins.ts";
import { userOf } from "./ppp-user.ts";
import type { KeyPath } from "./problem.ts";
import type { ProfileBook } from "./profiles.ts";
import type { Report } from "./report.ts";
import { found } from "./table.ts";
import type { AuthMethodWord, PppAttachmentConfig, PppOptionsConfig, PppProfileConfig } from "./types.ts";

type PppValues = ReturnType<ProfileBook<typeof PPP_KEYS>["values"]>;

/** What is read, and where. */
interface Reading {
  readonly report: Report;
  readonly path: KeyPath;
  readonly ledger: Ledger<PppValues>;
}

/** Reads one profile. */
export function readPppProfile(
  report: Report,
  name: string,
  book: ProfileBook<typeof PPP_KEYS>,
): PppProfileConfig {
  const ledger = new Ledger(book.own(name), book.inherited(name));
  const reading: Reading = { report, path: book.path(name), ledger };
  const { to, from } = {
    to: ledger.take("to_peer_rate", undefined),
    from: ledger.take("from_peer_rate", undefined),
  };
  const role = ledger.take("ipv6_role", undefined, "derived");
  const dns = serversOf(reading, "dns");
  const attach = attachmentOf(reading);
  const user = userOf(reading);
  return {
    name,
    options: optionsOf(reading, dns[4]),
    ...ledger.optional("own_auth", "ownMethods"),
    ...(user && { user }),
    ...(attach && { attach }),
    ...ledger.optional("check_source", "checkSource"),
    ...((to !== undefined || from !== undefined) && {
      rateLimit: {
        ...(to !== undefined && { toPeerBps: to }),
        ...(from !== undefined && { fromPeerBps: from }),
      },
    }),
    proxyArp: ledger.take("proxy_arp", false),
    routes: prefixesOf(reading, "routes"),
    defaultRoute: ledger.take("default_route", false),
    ...ledger.optional("pool", "pool"),
    sessionTimeoutMs: ledger.take("session_timeout", 0),
    idleTimeoutMs: ledger.take("idle_timeout", 0),
    exclusive: ledger.take("exclusive", "no"),
    ipv6: {
      ...(role !== undefined && { role }),
      ...prefixOf(reading, "ipv6_prefix", "prefix", 64, 64),
      ...prefixOf(reading, "delegated_prefix", "delegatedPrefix", 1, 64),
      dns: dns[6],
      requestPrefix: ledger.take("request_prefix", false),
    },
    forward: ledger.take("forward", false),
    masquerade: ledger.take("masquerade", false),
    origins: ledger.origins,
  };
}

function optionsOf(reading: Reading, dns: readonly string[]): PppOptionsConfig {
  const { ledger } = reading;
  const methods = ledger.take("auth", ["mschap-v2", "chap-md5"] as const);
  const allowNone = ledger.take("allow_no_auth", false);
  const clamp = ledger.take("clamp_mss", true);
  const ipv6 = ledger.take("ipv6", true);
  const ipv4 = ipv4Of(reading, dns);
  return {
    ...ledger.optional("mru", "mru"),
    ...ledger.optional("mtu", "mtu"),
    accm: ledger.take("accm", 0),
    pfc: ledger.take("pfc", true),
    acfc: ledger.take("acfc", true),
    sendCompressed: ledger.take("send_compressed", false),
    magic: ledger.take("magic", true),
    ...(methods.length > 0 && {
      authenticatePeer: {
        methods: [...new Set(methods)],
        allowNone,
        ...ledger.optional("auth_name", "localName"),
        timeLimitMs: ledger.take("auth_timeout", 60_000),
        decisionLimitMs: ledger.take("auth_decision_timeout", 30_000),
        attempts: ledger.take("auth_attempts", 3),
        rechallengeMs: ledger.take("auth_interval", 0),
      },
    }),
    echoIntervalMs: ledger.take("echo_interval", 30_000),
    echoFailures: ledger.take("echo_failures", 4),
    ipv4: ledger.take("ipv4", true) && ipv4,
    ipv6: ipv6 && {
      ...identifierOf(reading, "interface_id", "local"),
      ...identifierOf(reading, "peer_interface_id", "peer"),
      acceptPeer: ledger.take("accept_interface_id", true),
    },
    mppe: mppeOf(reading, methods),
    identification: ledger.take("identification", ""),
    proxy: ledger.take("proxy", "verify"),
    tcpMss: clamp === true ? "auto" : clamp === false ? "off" : clamp,
    restartMs: ledger.take("restart_timeout", 3_000),
    maxTerminate: ledger.take("max_terminate", 2),
    maxConfigure: ledger.take("max_configure", 10),
    maxFailure: ledger.take("max_failure", 5),
    phaseLimitMs: ledger.take("phase_timeout", 60_000),
    maxLoops: ledger.take("max_loops", 5),
    papInsteadOfChap: ledger.take("pap_instead_of_chap", false),
  };
}

function ipv4Of(reading: Reading, dns: readonly string[]): Exclude<PppOptionsConfig["ipv4"], false> {
  const { ledger } = reading;
  return {
    ...addressOf(reading, "local_address", "local"),
    ...addressOf(reading, "peer_address", "peer"),
    acceptLocal: ledger.take("accept_local_address", false),
    acceptPeer: ledger.take("accept_peer_address", false),
    unnumbered: ledger.take("unnumbered", false),
    dns,
    nbns: serversOf(reading, "wins")[4],
    requestDns: ledger.take("request_dns", false),
    requestNbns: ledger.take("request_wins", false),
  };
}

/** MPPE's keys come of the proof by MS-CHAP (RFC 3079). */
const WITH_KEYS: readonly AuthMethodWord[] = ["mschap-v1", "mschap-v2", "eap-mschap-v2"];

function mppeOf(
  { report, path, ledger }: Reading,
  methods: readonly AuthMethodWord[],
): PppOptionsConfig["mppe"] {
  const policy = ledger.take("mppe", "off");
  const given = ledger.origins["auth"] !== "default";
  const without = methods.filter((method) => !WITH_KEYS.includes(method));
  if (policy === "require" && given && methods.length > 0 && without.length > 0) {
    report.error({
      code: "conflict",
      path: [...path, "mppe"],
      reason: `"require" needs the keys that MS-CHAP gives, and auth takes ${without.join(" and ")} too`,
      remedy: 'Take auth = ["mschap-v2"], or mppe = "allow".',
    });
  }
  return {
    policy,
    bits: [...new Set(ledger.take("mppe_bits", [128] as const))],
    mode: ledger.take("mppe_mode", "stateless"),
  };
}

const SHARED_NAME = "l2tpppp0";

function attachmentOf(reading: Reading): PppAttachmentConfig | undefined {
  const { report, path, ledger } = reading;
  const to = ledger.take("attach", undefined, "derived");
  const name = ledger.take("shared_name", SHARED_NAME);
  if (new TextEncoder().encode(name).length > LONGEST_NAME || /[\s/:%]/.test(name)) {
    report.error({
      code: "invalid-value",
      path: [...path, "shared_name"],
      reason: `${found(name)} is no interface name`,
      expected: "an interface name of 1 to 15 octets without spaces, / and :",
    });
  }
  const addresses = prefixesOf(reading, "shared_addresses", true);
  const routes = prefixesOf(reading, "shared_routes");
  if (to === "shared") {
    if (ledger.take("check_source", true) === false) {
      report.error({
        code: "conflict",
        path: [...path, "check_source"],
        reason: 'attach = "shared" finds sessions by their addresses, and cannot do without the check',
        remedy: 'Leave it out, or take attach = "interface".',
      });
    }
    return { to, name, addresses, routes };
  }
  return to === undefined ? undefined : { to };
}

/** Whether it is an IPv4 address that a host may have: 0.0.0.0/8 is nobody's (RFC 1122 §3.2.1.3). */
export function isHost4(written: string): boolean {
  const address = readAddress(written);
  return address?.family === 4 && !written.includes(":") && address.value >> 24n !== 0n;
}

type Key = keyof typeof PPP_KEYS & string;

function bad(
  { report, path }: Reading,
  key: Key,
  at: number | undefined,
  value: string,
  what: string,
  remedy?: string,
): void {
  report.error({
    code: "invalid-value",
    path: at === undefined ? [...path, key] : [...path, key, at],
    reason: `${found(value)} ${what}`,
    ...(remedy !== undefined && { remedy }),
  });
}

function addressOf<M extends string>(
  reading: Reading,
  key: "local_address" | "peer_address",
  member: M,
): { readonly [K in M]?: string } {
  const written = reading.ledger.take(key, undefined);
  if (written === undefined) return {};
  if (!isHost4(written)) bad(reading, key, undefined, written, "is no IPv4 address");
  return { [member]: written } as { readonly [K in M]?: string };
}

/** Servers by family. IPCP can tell two of IPv4 (RFC 1877). */
function serversOf(reading: Reading, key: "dns" | "wins"): Record<4 | 6, string[]> {
  const servers: Record<4 | 6, string[]> = { 4: [], 6: [] };
  for (const [at, written] of reading.ledger.take(key, []).entries()) {
    const address = readAddress(written);
    if (address === undefined || (address.family === 4 ? !isHost4(written) : key === "wins")) {
      bad(reading, key, at, written, `is no IP${key === "wins" ? "v4" : ""} address`);
    } else servers[address.family].push(formatAddress(address));
  }
  if (servers[4].length > 2) {
    bad(reading, key, 2, servers[4][2] as string, "is one too many: PPP can tell two servers (RFC 1877)");
  }
  return servers;
}

/** Reads an interface identifier: an IPv6 address without its first half (RFC 5072). */
export function readIdentifier(written: string): string | undefined {
  const address = readAddress(written);
  return address?.family === 6 && address.value >> 64n === 0n && address.value !== 0n
    ? formatAddress(address)
    : undefined;
}

function identifierOf<M extends string>(
  reading: Reading,
  key: "interface_id" | "peer_interface_id",
  member: M,
): { readonly [K in M]?: string } {
  const written = reading.ledger.take(key, undefined);
  if (written === undefined) return {};
  const identifier = readIdentifier(written);
  if (identifier === undefined) {
    bad(
      reading,
      key,
      undefined,
      written,
      "is no interface identifier",
      "Write the lower half of an address: ::1, ::a:b:c:d.",
    );
  }
  return { [member]: identifier ?? written } as { readonly [K in M]?: string };
}

/** An IPv6 prefix with a length in the range, or what is wrong with it. */
export function readIpv6Prefix(
  written: string,
  least: number,
  most: number,
): { readonly range: AddressRange } | { readonly wrong: string; readonly remedy?: string } {
  const read = readRange(written);
  if ("wrong" in read) return read;
  const { family, length } = read.range;
  if (family === 6 && length !== undefined && length >= least && length <= most) return read;
  return { wrong: `is no IPv6 prefix of /${least === most ? least : `${least} to /${most}`}` };
}

function prefixOf<M extends string>(
  reading: Reading,
  key: "ipv6_prefix" | "delegated_prefix",
  member: M,
  least: number,
  most: number,
): { readonly [K in M]?: string } {
  const written = reading.ledger.take(key, undefined);
  if (written === undefined) return {};
  const read = readIpv6Prefix(written, least, most);
  if ("wrong" in read) bad(reading, key, undefined, written, read.wrong, read.remedy);
  return { [member]: written } as { readonly [K in M]?: string };
}

/** `10.20.0.0/16`; with `hosts` also `10.0.0.1/24`, an address in its network. */
function prefixesOf(
  reading: Reading,
  key: "routes" | "shared_routes" | "shared_addresses",
  hosts = false,
): string[] {
  const written = reading.ledger.take(key, []);
  for (const [at, text] of written.entries()) {
    const wrong = wrongPrefix(text, hosts);
    if (wrong !== undefined) bad(reading, key, at, text, wrong.wrong, wrong.remedy);
  }
  return [...written];
}

/** What is wrong with a prefix, if anything is. */
export function wrongPrefix(
  text: string,
  hosts = false,
): { readonly wrong: string; readonly remedy?: string } | undefined {
  const read = readRange(text);
  if ("range" in read) {
    const { range } = read;
    return range.length !== undefined || range.first === range.last
      ? undefined
      : { wrong: "is no prefix", remedy: "Write 10.20.0.0/16." };
  }
  return hosts && read.wrong.startsWith("has bits") ? undefined : read;
}
