/** One `[tunnel.NAME]`: defaults, IDs, and what its keys must agree in. */
import type { SocketAddress } from "@l2tp/protocol";
import type { Shape } from "./extensions.ts";
import { expectation, oneOf } from "./keys/declare.ts";
import { TUNNEL_KEYS, type TUNNEL_PROFILE_KEYS, TUNNEL_SETTING_KEYS } from "./keys/tunnel.ts";
import { Ledger } from "./origins.ts";
import type { KeyPath } from "./problem.ts";
import { DEFAULT_PROFILE, type ProfileBook } from "./profiles.ts";
import type { Report } from "./report.ts";
import { SECRET_KEYS, secretsAt } from "./secrets.ts";
import { type RawTable, type ReadTable, readTable, type Values } from "./table.ts";
import { readAddresses } from "./tunnel-address.ts";
import {
  checkSecretNeeds,
  readDial,
  readTransport,
  readTunnelSettings,
  type Surroundings,
} from "./tunnel-settings.ts";
import type {
  ConfiguredTunnelConfig,
  DaemonConfig,
  DefaultsProfile,
  DynamicTunnelConfig,
  PeerTargetConfig,
} from "./types.ts";

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
  /** Names of the profiles for sessions that say none. */
  readonly sessionProfile: string;
  readonly pppProfile: string;
}

/** A tunnel without its sessions, configured or dynamic; IDs are there unless the report has failed. */
export type TunnelHead = (
  | Omit<ConfiguredTunnelConfig, "sessions" | "tunnelId" | "peerTunnelId">
  | Omit<DynamicTunnelConfig, "sessions">
) & { readonly tunnelId?: number; readonly peerTunnelId?: number };

/** What is the same for all tunnels of a document. */
export interface TunnelContext {
  readonly report: Report;
  readonly profile: DefaultsProfile;
  readonly daemon: DaemonConfig;
  readonly profiles: ProfileBook<typeof TUNNEL_PROFILE_KEYS>;
}

const V2_LARGEST = 0xffff;

/** Reads a tunnel's own keys. */
export function readTunnel(
  context: TunnelContext,
  name: string,
  raw: RawTable,
  extension: Shape | undefined,
): { head: TunnelHead; facts: TunnelFacts } {
  const { report, profile, profiles } = context;
  const path: KeyPath = ["tunnel", name];
  const table = readTable(report, path, raw, {
    keys: TUNNEL_KEYS,
    extension,
    children: ["session"],
    title: "[tunnel.NAME]",
  });
  const profileName = table.values.profile ?? DEFAULT_PROFILE;
  profiles.refer([...path, "profile"], profileName);
  const ledger = new Ledger<TunnelValues>(table.values, profiles.values(profileName));
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
  requirePeer(report, path, table);
  const wire = { report, path, encapsulation, mode };
  const { local, peer, peers } = readAddresses(
    wire,
    ledger.take("local", undefined),
    ledger.take("peer", undefined),
  );
  const surroundings: Surroundings = { ...context, path };
  const transport = readTransport(surroundings, ledger, version, table.values);
  if (mode === "static") warnOfTransport(report, path, table.values);
  const written = ledger.take("namespace", undefined);
  const namespace = written === undefined || written.includes("/") ? written : `/run/netns/${written}`;
  const framing = ledger.take("framing_caps", ["sync", "async"]);
  const hostName = ledger.take("host_name", undefined);
  const common = {
    name,
    version,
    encapsulation,
    ...(local && { local }),
    ...ids,
    udpChecksum: ledger.take("udp_checksum", true),
    ...(namespace !== undefined && { namespace }),
    transport,
    ...(hostName !== undefined && { hostName }),
    framingCapabilities: { sync: framing.includes("sync"), async: framing.includes("async") },
    extensions: table.extensions,
    origins: ledger.origins,
  } as const;
  const facts = {
    name,
    path,
    profile,
    version,
    mode,
    encapsulation,
    ...(namespace !== undefined && { namespace }),
    ...(local && { local }),
    tunnelId: ids.tunnelId ?? 0,
  } as const;
  if (mode !== "dynamic") {
    warnOfDynamic(report, path, table, mode);
    const usual = { sessionProfile: DEFAULT_PROFILE, pppProfile: DEFAULT_PROFILE };
    return { head: { ...common, mode, peer }, facts: { ...facts, ...usual } };
  }
  const settings = readTunnelSettings(surroundings, ledger, transport);
  const secrets = secretsAt(report, path, ledger);
  checkSecretNeeds(surroundings, settings, secrets.length);
  const names = {
    sessionProfile: ledger.take("session_profile", DEFAULT_PROFILE),
    pppProfile: ledger.take("ppp_profile", DEFAULT_PROFILE),
  };
  const dial = readDial(surroundings, ledger);
  const [{ host, family, port } = {}, second] = peers as Partial<PeerTargetConfig>[];
  const only = host !== undefined &&
    family &&
    port !== undefined &&
    !second && {
      peer: { family, address: host, port },
    };
  return {
    head: { ...common, mode, ...only, peers, profile: profileName, secrets, settings, dial, ...names },
    facts: { ...facts, ...names },
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

function requirePeer(report: Report, path: KeyPath, table: TunnelTable): void {
  if (table.present.has("peer")) return;
  report.error({
    code: "missing-key",
    path: [...path, "peer"],
    reason: "missing: a tunnel needs the address of its peer",
    expected: expectation(TUNNEL_KEYS.peer),
  });
}

const TRANSPORT_KEYS = [
  "hello_timeout",
  "window_size",
  "retry_timeout",
  "retry_timeout_max",
  "max_retries",
] as const;

function warnOfTransport(report: Report, path: KeyPath, values: TunnelValues): void {
  const useless = TRANSPORT_KEYS.filter((name) => values[name] !== undefined);
  if (useless.length === 0) return;
  report.warn({
    code: "ignored",
    path: [...path, useless[0] as string],
    part: "key",
    reason: `a static tunnel sends no control messages: ${oneOf(useless).replace(" or ", " and ")} ignored`,
    remedy: 'With mode = "quiescent" hellos find out whether the peer lives.',
  });
}

/** Keys of the document of go-l2tp that a configured tunnel may have without an effect. */
const NO_MATTER = new Set(["host_name", "framing_caps", "udp_checksum", "profile", ...TRANSPORT_KEYS]);

function warnOfDynamic(report: Report, path: KeyPath, table: TunnelTable, mode: string): void {
  const negotiated = [...SECRET_KEYS, ...Object.keys(TUNNEL_SETTING_KEYS)];
  for (const name of negotiated.filter((one) => !NO_MATTER.has(one) && table.present.has(one))) {
    report.warn({
      code: "ignored",
      path: [...path, name],
      part: "key",
      reason: `ignored: it is for dynamic tunnels, and this one is ${mode}`,
    });
  }
}
