/** What a tunnel and a tunnel profile have in common: what is negotiated, and when it is dialled. */
import { PROFILES } from "./defaults.ts";
import type { TUNNEL_SETTING_KEYS } from "./keys/tunnel.ts";
import type { Ledger } from "./origins.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import type { Values } from "./table.ts";
import type {
  DaemonConfig,
  DefaultsProfile,
  DialConfig,
  TransportConfig,
  TunnelSettingsConfig,
} from "./types.ts";

/** Values of the keys that both have. */
export type TunnelSettingValues = Values<typeof TUNNEL_SETTING_KEYS>;

/** What is around a table. */
export interface Surroundings {
  readonly report: Report;
  readonly path: KeyPath;
  readonly profile: DefaultsProfile;
  readonly daemon: DaemonConfig;
}

// Of @l2tp/transport, which takes no more.
const LARGEST_WINDOW = 32_768;
const MOST_RETRIES = 1_000;
const LONGEST_WAIT_MS = 3_600_000;
const LONGEST_SILENCE_MS = 86_400_000;
/** RFC 2661 §5.8: the cap on the wait MUST be no less. */
const LEAST_CAP_MS = 8_000;

/** Bits of the Framing and Bearer AVPs (RFC 2661 §4.4.3, §4.4.4). */
export const FRAMING_BITS = { sync: 1, async: 2 } as const;
export const BEARER_BITS = { digital: 1, analog: 2 } as const;

const bits = <W extends string>(words: readonly W[], values: Readonly<Record<W, number>>): number =>
  words.reduce((sum, word) => sum | values[word], 0);

/** The reliable transport as the document has it. */
export function readTransport<V extends TunnelSettingValues>(
  { report, path, profile }: Surroundings,
  ledger: Ledger<V>,
  version: 2 | 3,
  given: TunnelSettingValues,
): TransportConfig {
  const defaults = PROFILES[profile].transport(version);
  const cap = ledger.take("retry_timeout_max", defaults.retryTimeoutMaxMs) as number;
  const transport: TransportConfig = {
    windowSize: ledger.takeNonZero("window_size", defaults.windowSize),
    helloTimeoutMs: ledger.take("hello_timeout", defaults.helloTimeoutMs) as number,
    retryTimeoutMs: ledger.takeNonZero("retry_timeout", defaults.retryTimeoutMs),
    ...(cap !== 0 && { retryTimeoutMaxMs: cap }),
    maxRetries: ledger.takeNonZero("max_retries", defaults.maxRetries),
  };
  if (cap === 0 || cap >= transport.retryTimeoutMs) return transport;
  if (given.retry_timeout_max === undefined) {
    return { ...transport, retryTimeoutMaxMs: transport.retryTimeoutMs };
  }
  report.error({
    code: "conflict",
    path: [...path, "retry_timeout_max"],
    reason: `${cap} ms is shorter than the first wait, retry_timeout = ${transport.retryTimeoutMs}`,
  });
  return transport;
}

/** What a dynamic tunnel is given. */
export function readTunnelSettings<V extends TunnelSettingValues>(
  { report, path, profile }: Surroundings,
  ledger: Ledger<V>,
  transport: TransportConfig,
): TunnelSettingsConfig {
  const { windowSize, helloTimeoutMs, retryTimeoutMs, retryTimeoutMaxMs = LONGEST_WAIT_MS } = transport;
  const largest = Math.min(windowSize, LARGEST_WINDOW);
  if (retryTimeoutMaxMs < LEAST_CAP_MS) {
    report.warn({
      code: "conflict",
      path: [...path, "retry_timeout_max"],
      reason: `${retryTimeoutMaxMs} ms is shorter than the RFC allows, and ${LEAST_CAP_MS} is taken (RFC 2661 §5.8)`,
    });
  }
  const framing = ledger.take("framing_caps", ["sync", "async"]) as readonly ("sync" | "async")[];
  const bearers = ledger.take("bearer_caps", []) as readonly ("analog" | "digital")[];
  const usualAckDelayMs = profile === "go-l2tp" ? 100 : 20;
  return {
    ...ledger.optional("host_name", "hostName"),
    ...ledger.optional("vendor_name", "vendorName"),
    ...ledger.optional("firmware_revision", "firmwareRevision"),
    framingCapabilities: bits(framing, FRAMING_BITS),
    bearerCapabilities: bits(bearers, BEARER_BITS),
    ...ledger.optional("challenge", "challenge"),
    hiding: ledger.take("hiding", "accept") as TunnelSettingsConfig["hiding"],
    tieBreaker: ledger.take("tie_breaker", false) as boolean,
    peerAddress: ledger.take("peer_address_policy", "port") as TunnelSettingsConfig["peerAddress"],
    acceptIncoming: ledger.take("accept_incoming", true) as boolean,
    acceptOutgoing: ledger.take("accept_outgoing", false) as boolean,
    maximumSessions: ledger.take("max_sessions", 65_535) as number,
    tunnelSetupMs: ledger.take("tunnel_setup_timeout", 60_000) as number,
    sessionSetupMs: ledger.take("session_setup_timeout", 60_000) as number,
    idleTimeoutMs: ledger.take("idle_timeout", 0) as number,
    quirks: ledger.take("quirks", []) as TunnelSettingsConfig["quirks"],
    transport: {
      windowSize: largest,
      sendWindowLimit: ledger.take("send_window", largest, "derived") as number,
      retryTimeoutMs: Math.min(retryTimeoutMs, LONGEST_WAIT_MS),
      retryTimeoutCapMs: Math.min(Math.max(retryTimeoutMaxMs, LEAST_CAP_MS), LONGEST_WAIT_MS),
      maxRetries: Math.min(transport.maxRetries, MOST_RETRIES),
      helloTimeoutMs: Math.min(helloTimeoutMs, LONGEST_SILENCE_MS),
      helloMisses: ledger.take("hello_misses", 0) as number,
      ackDelayMs: ledger.take("ack_delay", usualAckDelayMs) as number,
    },
  };
}

/** The document's words for when a tunnel is dialled, and the API's. */
export const DIAL_MODES = { start: "at-start", demand: "on-demand", manual: "manual" } as const;
const FAMILIES = {
  any: undefined,
  ipv4: { prefer: 4, only: true },
  ipv6: { prefer: 6, only: true },
  "prefer-ipv4": { prefer: 4, only: false },
  "prefer-ipv6": { prefer: 6, only: false },
} as const;

/** When it is dialled. */
export function readDial<V extends TunnelSettingValues>(
  { report, path, daemon }: Surroundings,
  ledger: Ledger<V>,
): DialConfig {
  const mode = DIAL_MODES[ledger.take("dial", "start") as keyof typeof DIAL_MODES];
  const initialMs = ledger.take("redial_timeout", daemon.retryInitialMs) as number;
  const maxMs = ledger.take("redial_timeout_max", Math.max(daemon.retryMaxMs, initialMs)) as number;
  const lockOutMs = ledger.take("lockout", 10_000) as number;
  const maxLockOutMs = ledger.take("lockout_max", Math.max(600_000, lockOutMs)) as number;
  for (const [first, last, name, from] of [
    [initialMs, maxMs, "redial_timeout_max", "redial_timeout"],
    [lockOutMs, maxLockOutMs, "lockout_max", "lockout"],
  ] as const) {
    if (last >= first) continue;
    report.error({
      code: "conflict",
      path: [...path, name],
      reason: `${last} ms is shorter than the first, ${from} = ${first}`,
    });
  }
  const family = FAMILIES[ledger.take("address_family", "any") as keyof typeof FAMILIES];
  return {
    mode,
    redial: ledger.take("redial", mode !== "manual", "derived") as boolean,
    initialMs,
    maxMs,
    maxRedials: ledger.take("max_redials", 0) as number,
    stableMs: ledger.take("stable_time", 60_000) as number,
    lockOutMs,
    maxLockOutMs,
    failBackMs: ledger.take("failback_time", 300_000) as number,
    failBack: ledger.take("failback", "new-tunnels") as DialConfig["failBack"],
    ...(family && { family }),
  };
}

/** Settings that need a secret, for a tunnel or peer whose secrets are known. */
export function checkSecretNeeds(
  { report, path }: Pick<Surroundings, "report" | "path">,
  { challenge, hiding }: TunnelSettingsConfig,
  secrets: number,
): void {
  if (secrets > 0) return;
  const needs =
    hiding !== "accept"
      ? `hiding = "${hiding}" needs a secret to hide with`
      : challenge === true
        ? "challenge = true needs a secret to check the answer with"
        : undefined;
  if (needs === undefined) return;
  report.error({
    code: "missing-key",
    path: [...path, "secret"],
    reason: `missing: ${needs}`,
    remedy: "Write secret or secret_file.",
  });
}
