/** A session's IDs, octets, sequencing, interface and pppd: what its keys must agree in. */
import { type Read, readInterfaceAddress, readMac, readOctets } from "./address.ts";
import { PROFILES } from "./defaults.ts";
import { LONGEST_NAME } from "./interface-name.ts";
import { expectation } from "./keys/declare.ts";
import { SESSION_KEYS } from "./keys/session.ts";
import { conflict, ignoreUnless, invalid, type SessionReading } from "./session-reading.ts";
import { found } from "./table.ts";
import { checkIdRange } from "./tunnel.ts";
import type {
  ConfiguredSessionConfig,
  InterfaceAddressConfig,
  InterfaceConfig,
  MtuConfig,
  PppoeConfig,
} from "./types.ts";

/** See the file's head. */
export function readIds({ report, path, tunnel, table, ledger }: SessionReading): {
  sessionId?: number;
  peerSessionId?: number;
} {
  const dynamic = tunnel.mode === "dynamic";
  for (const name of ["sid", "psid"] as const) {
    // Of no effect is not wrong: a warning below says so.
    if (!(dynamic && name === "psid")) {
      checkIdRange(report, path, name, table.values[name], tunnel.version);
    }
    if (!dynamic && !table.present.has(name)) {
      report.error({
        code: "missing-key",
        path: [...path, name],
        reason: `missing: a session of a ${tunnel.mode} tunnel needs ${name === "sid" ? "our session ID" : "the peer's session ID"}`,
        expected: `an integer from 1 to ${tunnel.version === 2 ? 0xffff : 0xffff_ffff}`,
        remedy: `The peer's document has it as ${name === "sid" ? "psid" : "sid"}.`,
      });
    }
  }
  const sid = ledger.take("sid", undefined);
  const psid = ledger.take("psid", undefined);
  if (dynamic && table.present.has("psid")) {
    report.warn({
      code: "ignored",
      path: [...path, "psid"],
      part: "key",
      reason: "ignored: a session of a dynamic tunnel learns it from the peer",
    });
  }
  return {
    ...(sid !== undefined && { sessionId: sid }),
    ...(psid !== undefined && !dynamic && { peerSessionId: psid }),
  };
}

/**
 * go-l2tp, the kernel and `ip l2tp` call `cookie` what they write into sent messages; `SessionParameters` calls
 * it `peerCookie`, as RFC 3931 does: the sender writes the cookie that its peer assigned. So they cross here.
 */
export function readCookies(context: SessionReading): { cookie: Uint8Array; peerCookie: Uint8Array } {
  const peerCookie = readCookie(context, "cookie");
  const cookie = readCookie(context, "peer_cookie");
  if (cookie.length !== peerCookie.length && cookie.length > 0 && peerCookie.length > 0) {
    context.report.warn({
      code: "conflict",
      path: [...context.path, "peer_cookie"],
      reason: `${octets(cookie.length)}, and cookie has ${peerCookie.length}: allowed, but not every peer takes it`,
    });
  }
  return { cookie, peerCookie };
}

const octets = (count: number): string => `${count} ${count === 1 ? "octet" : "octets"}`;

function readCookie(context: SessionReading, name: "cookie" | "peer_cookie"): Uint8Array {
  const written = context.ledger.take(name, undefined);
  if (written === undefined) return new Uint8Array(0);
  const read = readOctets(written);
  if ("wrong" in read) {
    invalid(context, name, `the string ${read.wrong}`);
    return new Uint8Array(0);
  }
  const { length } = read.value;
  if (length !== 0 && length !== 4 && length !== 8) invalid(context, name, `found ${octets(length)}`);
  else if (length !== 0 && context.tunnel.version === 2) {
    conflict(context, name, "L2TPv2 has no cookies", 'Leave it out, or take version = "l2tpv3".');
  }
  return read.value;
}

/** Of a session, or of a session profile. */
export function readSequencing(
  context: SessionReading,
): Pick<ConfiguredSessionConfig, "l2SpecificSublayer" | "sendSequence" | "receiveSequence" | "reorderMs"> {
  const { report, path, tunnel, table, ledger } = context;
  let seqnum = ledger.take("seqnum", false);
  let required = ledger.take("seqnum_required", seqnum, "derived");
  const reorderMs = ledger.take("reorder_timeout", 0);
  const sublayer = ledger.take("l2spec_type", PROFILES[tunnel.profile].l2SpecificSublayer);
  if (tunnel.version === 2 && table.values.l2spec_type === "default") {
    report.warn({
      code: "ignored",
      path: [...path, "l2spec_type"],
      reason: "ignored: L2TPv2 has no sublayer",
    });
  }
  const l2SpecificSublayer = tunnel.version === 2 ? "none" : sublayer;
  if (tunnel.version === 3 && l2SpecificSublayer === "none" && (seqnum || required)) {
    const at = table.values.seqnum ? "seqnum" : "seqnum_required";
    const reason = 'sequence numbers travel in the L2-specific sublayer, and l2spec_type is "none"';
    const remedy = 'Take l2spec_type = "default" at both ends.';
    if (tunnel.profile === "field") conflict(context, at, reason, remedy);
    else {
      // go-l2tp takes it, and the kernel then writes no numbers.
      report.warn({ code: "ignored", path: [...path, at], reason: `ignored: ${reason}`, remedy });
      seqnum = false;
      required = false;
    }
  }
  return { l2SpecificSublayer, sendSequence: seqnum, receiveSequence: required, reorderMs };
}

/** Of a session, or of a session profile. */
export function readInterface(context: SessionReading): InterfaceConfig {
  const { ledger, table, pseudowire } = context;
  const name = readInterfaceName(context, "interface_name");
  const bridge = readInterfaceName(context, "bridge");
  const macAddress = readMacAddress(context);
  const addresses = readAddresses(context);
  const up = ledger.take("up", true);
  if (pseudowire !== "eth") {
    for (const key of ["bridge", "addresses", "mac_address"] as const) {
      if (table.present.has(key)) {
        conflict(
          context,
          key,
          `only an Ethernet pseudowire has it, and this is "${pseudowire}"`,
          "Leave it out.",
        );
      }
    }
  }
  if (bridge !== undefined && bridge === name)
    conflict(context, "bridge", "the interface cannot be its own bridge");
  if (bridge !== undefined && addresses && addresses.length > 0) {
    context.report.warn({
      code: "conflict",
      path: [...context.path, "addresses"],
      reason: `the interface is a port of the bridge ${bridge}, where addresses are of little use`,
      remedy: "Give the addresses to the bridge.",
    });
  }
  return {
    ...(name !== undefined && { name }),
    ...(macAddress !== undefined && { macAddress }),
    ...(bridge !== undefined && { bridge }),
    ...(addresses && { addresses }),
    up,
  };
}

function readInterfaceName(context: SessionReading, key: "interface_name" | "bridge"): string | undefined {
  const name = context.ledger.take(key, undefined);
  if (name === undefined) return undefined;
  const length = new TextEncoder().encode(name).length;
  if (length === 0 || length > LONGEST_NAME) invalid(context, key, `${found(name)} has ${octets(length)}`);
  else if (name === "." || name === ".." || /[\s/:\0]/.test(name)) {
    invalid(context, key, `${found(name)} is no interface name`);
  } else if (name.includes("%") && (key === "bridge" || !/^[^%]*%d[^%]*$/.test(name))) {
    invalid(context, key, `${found(name)} has a % that is not one %d`);
  }
  return name;
}

function readMacAddress(context: SessionReading): string | undefined {
  const written = context.ledger.take("mac_address", undefined);
  if (written === undefined) return undefined;
  const read = readMac(written);
  if ("wrong" in read) {
    invalid(context, "mac_address", said(written, read), read.remedy);
    return undefined;
  }
  const mac = read.value;
  // The lowest bit of the first octet is the group bit (IEEE 802): no interface has such an address.
  if (Number.parseInt(mac.slice(0, 2), 16) & 1) invalid(context, "mac_address", `${mac} is a group address`);
  else if (mac === "00:00:00:00:00:00") invalid(context, "mac_address", `${mac} is nobody's address`);
  return mac;
}

const said = (written: unknown, read: { wrong: string }): string =>
  `${typeof written === "string" ? found(written) : "the array"} ${read.wrong}`;

function readAddresses(context: SessionReading): InterfaceAddressConfig[] | undefined {
  const written = context.ledger.take("addresses", undefined);
  if (written === undefined) return undefined;
  const seen = new Set<string>();
  const addresses: InterfaceAddressConfig[] = [];
  for (const [at, text] of written.entries()) {
    const path = [...context.path, "addresses", at];
    const read: Read<InterfaceAddressConfig> = readInterfaceAddress(text);
    if ("wrong" in read) {
      context.report.error({
        code: "invalid-value",
        path,
        reason: `${found(text)} ${read.wrong}`,
        expected: 'an address such as "10.0.0.1/24" or "2001:db8::1/64"',
        ...(read.remedy !== undefined && { remedy: read.remedy }),
      });
      continue;
    }
    if (seen.has(read.value.address)) {
      context.report.error({ code: "duplicate", path, reason: `${read.value.address} is there twice` });
    }
    seen.add(read.value.address);
    addresses.push(read.value);
  }
  return addresses;
}

/** Of a session, or of a session profile. */
export function readMtu({ ledger }: SessionReading): MtuConfig {
  const mtuOctets = ledger.take("mtu", undefined, "derived");
  const dontFragment = ledger.take("dont_fragment", "path");
  const clampMss = ledger.take("clamp_mss", false);
  return { ...(mtuOctets !== undefined && { mtuOctets }), dontFragment, clampMss };
}

/** pppd's MAXWORDLEN: of a longer word it would keep this much. */
const LONGEST_WORD = 1023;

/** How pppd runs it, if it does. */
export function readPppd(context: SessionReading): {
  readonly pppdArgs?: string;
  readonly pppdOptions?: readonly string[];
} {
  const pppdArgs = context.ledger.take("pppd_args", undefined);
  const pppdOptions = readPppdOptions(context);
  return { ...(pppdArgs !== undefined && { pppdArgs }), ...(pppdOptions && { pppdOptions }) };
}

/** Words are not repeated in messages: any may be a password. */
function readPppdOptions(context: SessionReading): readonly string[] | undefined {
  const words = context.ledger.take("pppd_options", undefined);
  for (const [at, word] of (words ?? []).entries()) {
    const length = new TextEncoder().encode(word).length;
    const path = [...context.path, "pppd_options", at];
    const wrong = /[\p{Cc}\u2028\u2029]/u.test(word)
      ? "the word has a control character, such as the end of a line"
      : length > LONGEST_WORD
        ? `the word has ${octets(length)}, and pppd takes ${LONGEST_WORD}`
        : undefined;
    if (wrong === undefined) continue;
    const remedy = "One word is one option or one argument of it.";
    context.report.error({ code: "invalid-value", path, reason: wrong, remedy });
  }
  return words;
}

/** See the file's head. */
export function readPppoe(context: SessionReading): PppoeConfig | undefined {
  const { pseudowire, table, ledger, tunnel, report, path } = context;
  const names = ["pppoe_session_id", "pppoe_peer_mac"] as const;
  const sessionId = ledger.take("pppoe_session_id", undefined);
  const written = ledger.take("pppoe_peer_mac", undefined);
  const mac = written === undefined ? undefined : readMac(written);
  if (mac && "wrong" in mac) invalid(context, "pppoe_peer_mac", said(written, mac), mac.remedy);
  if (pseudowire !== "pppac") {
    ignoreUnless(context, "pppac", names);
    return undefined;
  }
  for (const name of names) {
    // The PPPoE side of a dynamic one may come later, from an access concentrator.
    if (table.present.has(name) || tunnel.mode === "dynamic") continue;
    report.error({
      code: "missing-key",
      path: [...path, name],
      reason: 'missing: pseudowire = "pppac" joins a PPPoE session, and it must be known which',
      expected: expectation(SESSION_KEYS[name]),
    });
  }
  return sessionId !== undefined && mac && "value" in mac ? { sessionId, peerMac: mac.value } : undefined;
}
