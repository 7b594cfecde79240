/** One `[tunnel.NAME]`: defaults, addresses, and what its keys must agree in. */
import type { SocketAddress } from "@l2tp/protocol";
import {
  isMulticast,
  isUnspecified,
  L2TP_PORT,
  needsZone,
  type Read,
  readSocketAddress,
  type WrittenAddress,
} from "./address.ts";
import { PROFILES } from "./defaults.ts";
import type { Shape } from "./extensions.ts";
import { expectation, oneOf } from "./keys/declare.ts";
import { TUNNEL_KEYS } from "./keys/tunnel.ts";
import { Ledger } from "./origins.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { found, type RawTable, type ReadTable, readTable, type Values } from "./table.ts";
import type { ConfiguredTunnelConfig, DefaultsProfile, Origins, TransportConfig } from "./types.ts";

/** What a session must know of its tunnel. */
export interface TunnelFacts {
  readonly name: string;
  readonly path: KeyPath;
  readonly profile: DefaultsProfile;
  readonly version: 2 | 3;
  readonly mode: "static" | "quiescent" | "dynamic";
  readonly namespace?: string;
  readonly encapsulation: "udp" | "ip";
  /** Absent: any address, any free port, or not readable. */
  readonly local?: SocketAddress;
  /** 0 when it is not known or wrong. */
  readonly tunnelId: number;
}

/** A tunnel without its sessions; IDs and peer are there unless the report has failed. */
export type TunnelHead = Omit<ConfiguredTunnelConfig, "mode" | "sessions" | "tunnelId" | "peerTunnelId"> & {
  readonly mode: TunnelFacts["mode"];
  readonly tunnelId?: number;
  readonly peerTunnelId?: number;
};

const V2_LARGEST = 0xffff;

/** Reads a tunnel's own keys. */
export function readTunnel(
  report: Report,
  name: string,
  raw: RawTable,
  profile: DefaultsProfile,
  extension: Shape | undefined,
): { head: TunnelHead; facts: TunnelFacts } {
  const path: KeyPath = ["tunnel", name];
  const table = readTable(report, path, raw, {
    keys: TUNNEL_KEYS,
    extension,
    children: ["session"],
    title: "[tunnel.NAME]",
  });
  const ledger = new Ledger(table.values);
  const version = ledger.take("version", "l2tpv3") === "l2tpv2" ? 2 : 3;
  const encapsulation = ledger.take("encap", "udp");
  if (version === 2 && encapsulation === "ip") {
    report.error({
      code: "conflict",
      path: [...path, "encap"],
      reason: 'L2TPv2 travels in UDP only, "ip" needs L2TPv3 (RFC 2661 §8.1)',
      remedy: 'Take encap = "udp" or version = "l2tpv3".',
    });
  }
  const mode = modeOf(table, version, ledger);
  const ids = readIds(report, path, table, version, mode, ledger);
  const addresses = readAddresses(report, path, table, encapsulation, mode, ledger);
  const transport = readTransport(report, path, table.values, mode, profile, version, ledger);
  const written = ledger.take("namespace", undefined);
  const namespace = written === undefined || written.includes("/") ? written : `/run/netns/${written}`;
  const framing = ledger.take("framing_caps", ["sync", "async"]);
  const hostName = ledger.take("host_name", undefined);
  const head: TunnelHead = {
    name,
    version,
    encapsulation,
    mode,
    ...(addresses.local && { local: addresses.local }),
    peer: addresses.peer,
    ...ids,
    udpChecksum: ledger.take("udp_checksum", true),
    ...(namespace !== undefined && { namespace }),
    transport,
    ...(hostName !== undefined && { hostName }),
    framingCapabilities: { sync: framing.includes("sync"), async: framing.includes("async") },
    extensions: table.extensions,
    origins: ledger.origins satisfies Origins,
  };
  return {
    head,
    facts: {
      name,
      path,
      profile,
      version,
      mode,
      encapsulation,
      ...(namespace !== undefined && { namespace }),
      ...(addresses.local && { local: addresses.local }),
      tunnelId: ids.tunnelId ?? 0,
    },
  };
}

type TunnelValues = Values<typeof TUNNEL_KEYS>;
type TunnelTable = ReadTable<typeof TUNNEL_KEYS>;

/** kl2tpd's tunnels are dynamic and L2TPv2, ql2tpd's quiescent and L2TPv3: the document tells them apart. */
function modeOf(table: TunnelTable, version: 2 | 3, ledger: Ledger<TunnelValues>): TunnelFacts["mode"] {
  // With a version that cannot be read nobody knows, and a guess would miss keys that are not needed.
  const readable = !table.present.has("version") || table.values.version !== undefined;
  const configured = version === 3 && readable && (table.present.has("tid") || table.present.has("ptid"));
  return ledger.take("mode", configured ? "quiescent" : "dynamic", "derived");
}

function readIds(
  report: Report,
  path: KeyPath,
  table: TunnelTable,
  version: 2 | 3,
  mode: TunnelFacts["mode"],
  ledger: Ledger<TunnelValues>,
): { tunnelId?: number; peerTunnelId?: number } {
  const dynamic = mode === "dynamic";
  const tid = ledger.take("tid", undefined);
  const ptid = ledger.take("ptid", undefined);
  for (const name of ["tid", "ptid"] as const) {
    // Of no effect is not wrong: a warning below says so.
    if (!(dynamic && name === "ptid")) {
      checkIdRange(report, path, name, table.values[name], version);
    }
    if (!dynamic && !table.present.has(name)) {
      report.error({
        code: "missing-key",
        path: [...path, name],
        reason: `missing: a ${mode} tunnel needs ${name === "tid" ? "our tunnel ID" : "the peer's tunnel ID"}`,
        expected: idsOf(version),
        remedy: `The peer's document has it as ${name === "tid" ? "ptid" : "tid"}.`,
      });
    }
  }
  if (dynamic && table.present.has("ptid")) {
    report.warn({
      code: "ignored",
      path: [...path, "ptid"],
      part: "key",
      reason: "ignored: a dynamic tunnel learns it from the peer",
    });
  }
  return {
    ...(tid !== undefined && { tunnelId: tid }),
    ...(ptid !== undefined && !dynamic && { peerTunnelId: ptid }),
  };
}

const idsOf = (version: 2 | 3): string => `an integer from 1 to ${version === 2 ? V2_LARGEST : 0xffff_ffff}`;

/** In L2TPv2 all IDs have 16 bits (RFC 2661 §3.1). */
export function checkIdRange(
  report: Report,
  path: KeyPath,
  name: string,
  id: number | undefined,
  version: 2 | 3,
): void {
  if (version === 2 && id !== undefined && id > V2_LARGEST) {
    report.error({
      code: "invalid-value",
      path: [...path, name],
      reason: `found ${id}, and IDs of L2TPv2 have 16 bits`,
      expected: idsOf(2),
    });
  }
}

const NOWHERE: SocketAddress = { family: 4, address: "0.0.0.0", port: 0 };

function readAddresses(
  report: Report,
  path: KeyPath,
  table: TunnelTable,
  encapsulation: "udp" | "ip",
  mode: TunnelFacts["mode"],
  ledger: Ledger<TunnelValues>,
): { local?: SocketAddress; peer: SocketAddress } {
  const peerText = ledger.take("peer", undefined);
  const localText = ledger.take("local", undefined);
  const parsedPeer = parsed(report, [...path, "peer"], peerText, encapsulation);
  const parsedLocal = parsed(report, [...path, "local"], localText, encapsulation);
  if (!table.present.has("peer")) {
    report.error({
      code: "missing-key",
      path: [...path, "peer"],
      reason: "missing: a tunnel needs the address of its peer",
      expected: expectation(TUNNEL_KEYS.peer),
    });
  }
  let peer: SocketAddress | undefined;
  if (parsedPeer) {
    const { family, address, port = L2TP_PORT } = parsedPeer;
    if (family === undefined || address === undefined) {
      wrong(report, [...path, "peer"], peerText, "has no address, and the peer must have one");
    } else {
      peer = { family, address, port: encapsulation === "ip" ? 0 : port };
      checkPeer(report, [...path, "peer"], peer, encapsulation);
    }
  }
  const family = parsedLocal?.family ?? peer?.family ?? 4;
  const anyAddress = family === 4 ? "0.0.0.0" : "::";
  const configured = mode !== "dynamic";
  // Nobody could send to a configured tunnel whose port the system chooses.
  const port =
    encapsulation === "ip" ? 0 : (parsedLocal?.port ?? (configured || parsedLocal ? L2TP_PORT : 0));
  const local =
    parsedLocal || (configured && encapsulation === "udp")
      ? { family, address: parsedLocal?.address ?? anyAddress, port }
      : undefined;
  if (parsedLocal && local)
    checkLocal(report, [...path, "local"], local, peer, configured && encapsulation === "udp");
  return { ...(local && { local }), peer: peer ?? NOWHERE };
}

function parsed(
  report: Report,
  path: KeyPath,
  text: string | undefined,
  encapsulation: "udp" | "ip",
): WrittenAddress | undefined {
  if (text === undefined) return undefined;
  const read: Read<WrittenAddress> = readSocketAddress(text);
  if ("wrong" in read) {
    wrong(report, path, text, read.wrong, read.remedy);
    return undefined;
  }
  if (encapsulation === "ip" && read.value.port) {
    report.warn({
      code: "ignored",
      path,
      reason: `the port ${read.value.port} is ignored: L2TP over IP has no ports`,
    });
  }
  return read.value;
}

function wrong(report: Report, path: KeyPath, text: string | undefined, what: string, remedy?: string): void {
  report.error({
    code: "invalid-value",
    path,
    reason: `${found(text)} ${what}`,
    expected: expectation(path.at(-1) === "peer" ? TUNNEL_KEYS.peer : TUNNEL_KEYS.local),
    ...(remedy !== undefined && { remedy }),
  });
}

function checkPeer(report: Report, path: KeyPath, peer: SocketAddress, encapsulation: "udp" | "ip"): void {
  if (isUnspecified(peer.address)) wrong(report, path, peer.address, "is nobody's address");
  else if (isMulticast(peer)) wrong(report, path, peer.address, "is a multicast address");
  else if (encapsulation === "udp" && peer.port === 0) wrong(report, path, peer.address, "has the port 0");
  checkZone(report, path, peer);
}

function checkLocal(
  report: Report,
  path: KeyPath,
  local: SocketAddress,
  peer: SocketAddress | undefined,
  fixedPort: boolean,
): void {
  if (isMulticast(local)) wrong(report, path, local.address, "is a multicast address");
  checkZone(report, path, local);
  if (fixedPort && local.port === 0) {
    report.warn({
      code: "conflict",
      path,
      reason: "the port 0 is any free port, and the peer of a configured tunnel cannot know which",
      remedy: "Give a port, such as 1701.",
    });
  }
  if (peer && peer.family !== local.family) {
    report.error({
      code: "conflict",
      path,
      reason: `${local.address} is IPv${local.family}, and the peer ${peer.address} is IPv${peer.family}`,
      remedy: "Both must be of one family.",
    });
  }
}

function checkZone(report: Report, path: KeyPath, at: SocketAddress): void {
  if (needsZone(at)) {
    wrong(
      report,
      path,
      at.address,
      "is link-local and needs its interface",
      `Write [${at.address}%eth0]:1701.`,
    );
  }
}

const TRANSPORT_KEYS = [
  "hello_timeout",
  "window_size",
  "retry_timeout",
  "retry_timeout_max",
  "max_retries",
] as const;

function readTransport(
  report: Report,
  path: KeyPath,
  values: TunnelValues,
  mode: TunnelFacts["mode"],
  profile: DefaultsProfile,
  version: 2 | 3,
  ledger: Ledger<TunnelValues>,
): TransportConfig {
  const defaults = PROFILES[profile].transport(version);
  const cap = ledger.take("retry_timeout_max", defaults.retryTimeoutMaxMs);
  const transport: TransportConfig = {
    windowSize: ledger.takeNonZero("window_size", defaults.windowSize),
    helloTimeoutMs: ledger.take("hello_timeout", defaults.helloTimeoutMs),
    retryTimeoutMs: ledger.takeNonZero("retry_timeout", defaults.retryTimeoutMs),
    ...(cap !== 0 && { retryTimeoutMaxMs: cap }),
    maxRetries: ledger.takeNonZero("max_retries", defaults.maxRetries),
  };
  const useless = TRANSPORT_KEYS.filter((name) => values[name] !== undefined);
  if (mode === "static" && useless.length > 0) {
    report.warn({
      code: "ignored",
      path: [...path, useless[0] as string],
      part: "key",
      reason: `a static tunnel sends no control messages: ${oneOf(useless).replace(" or ", " and ")} ignored`,
      remedy: 'With mode = "quiescent" hellos find out whether the peer lives.',
    });
  } else if (cap !== 0 && cap < transport.retryTimeoutMs) {
    const name = values.retry_timeout_max === undefined ? "retry_timeout" : "retry_timeout_max";
    if (name === "retry_timeout") return { ...transport, retryTimeoutMaxMs: transport.retryTimeoutMs };
    report.error({
      code: "conflict",
      path: [...path, name],
      reason: `${cap} ms is shorter than the first wait, retry_timeout = ${transport.retryTimeoutMs}`,
    });
  }
  return transport;
}
