/** `[daemon]`, `[limits]` and `[hooks]`. */
import { DAEMON_KEYS, HOOK_KEYS } from "./keys/daemon.ts";
import { LIMIT_KEYS } from "./keys/limits.ts";
import { Ledger } from "./origins.ts";
import type { Report } from "./report.ts";
import { singleTable } from "./table.ts";
import type { DaemonConfig, HookConfig, HooksConfig, LimitsConfig } from "./types.ts";

/** Reads `[daemon]`. */
export function readDaemon(report: Report, value: unknown): DaemonConfig {
  const path = ["daemon"];
  const ledger = new Ledger(singleTable(report, path, value, DAEMON_KEYS).values);
  const retryInitialMs = ledger.take("retry_initial", 1_000);
  const retryMaxMs = ledger.take("retry_max", Math.max(60_000, retryInitialMs));
  if (retryMaxMs < retryInitialMs) {
    report.error({
      code: "conflict",
      path: [...path, "retry_max"],
      reason: `${retryMaxMs} ms is shorter than the first wait, retry_initial = ${retryInitialMs}`,
    });
  }
  return {
    dataPlane: ledger.take("data_plane", "auto"),
    logLevel: ledger.take("log_level", "info"),
    logFormat: ledger.take("log_format", "auto"),
    ...ledger.optional("state_directory", "stateDirectory"),
    ...ledger.optional("host_name", "hostName"),
    ...ledger.optional("management_socket", "managementSocket"),
    ...ledger.optional("pid_file", "pidFile"),
    trace: {
      ...ledger.optional("trace_file", "file"),
      secrets: ledger.take("trace_secrets", false),
      limitOctets: ledger.take("trace_limit", 100_000_000),
    },
    history: {
      tunnels: ledger.take("history_tunnels", 256),
      sessions: ledger.take("history_sessions", 1_024),
      keepMs: ledger.take("history_time", 600_000),
      messages: ledger.take("history_messages", 8),
    },
    drain: {
      sessionsPerSecond: ledger.take("drain_rate", 0),
      timeoutMs: ledger.take("drain_timeout", 0),
    },
    questionMs: ledger.take("question_timeout", 30_000),
    intentMs: ledger.take("intent_timeout", 30_000),
    retryInitialMs,
    retryMaxMs,
    stopTimeoutMs: ledger.take("stop_timeout", 10_000),
    origins: ledger.origins,
  };
}

/** Reads `[limits]`; the defaults are those of `@l2tp/control`, against which a test holds them. */
export function readLimits(report: Report, value: unknown): LimitsConfig {
  const ledger = new Ledger(singleTable(report, ["limits"], value, LIMIT_KEYS).values);
  const halfOpen = ledger.take("half_open", 4_096);
  return {
    tunnels: ledger.take("tunnels", 60_000),
    sessions: ledger.take("sessions", 1_000_000),
    halfOpen,
    halfOpenPerSource: ledger.take("half_open_per_source", Math.min(64, halfOpen)),
    closedTunnels: ledger.take("closed_tunnels", 8_192),
    tunnelRate: ledger.take("tunnel_rate", 5_000),
    sessionRate: ledger.take("session_rate", 50_000),
    sourceSccrq: [ledger.take("source_tunnel_rate", 20), ledger.take("source_tunnel_burst", 200)],
    sourceCalls: [ledger.take("source_session_rate", 5_000), ledger.take("source_session_burst", 20_000)],
    sourceBadAuthentication: [
      ledger.take("source_auth_failure_rate", 0.2),
      ledger.take("source_auth_failure_burst", 20),
    ],
    sourceNotices: [ledger.take("source_notice_rate", 5), ledger.take("source_notice_burst", 100)],
    notices: [ledger.take("notice_rate", 50), ledger.take("notice_burst", 500)],
    sourceRefusals: [ledger.take("source_refusal_rate", 5), ledger.take("source_refusal_burst", 20)],
    sources: ledger.take("sources", 4_096),
    unverifiedRetries: ledger.take("unverified_retries", 3),
  };
}

const HOOKS = {
  session_up: "sessionUp",
  session_down: "sessionDown",
  tunnel_up: "tunnelUp",
  tunnel_down: "tunnelDown",
} as const;

/** Reads `[hooks]`. */
export function readHooks(report: Report, value: unknown): HooksConfig {
  const ledger = new Ledger(singleTable(report, ["hooks"], value, HOOK_KEYS).values);
  const hooks: { [N in (typeof HOOKS)[keyof typeof HOOKS]]?: HookConfig } = {};
  for (const [key, member] of Object.entries(HOOKS) as [keyof typeof HOOKS, keyof typeof hooks][]) {
    const written = ledger.take(key, undefined);
    if (written === undefined) continue;
    const [program = "", ...args] = typeof written === "string" ? [written] : written;
    if (!program.startsWith("/")) {
      report.error({
        code: "invalid-value",
        path: ["hooks", key],
        reason: `${JSON.stringify(program)} is no absolute path: what it meant would depend on where l2tpd runs`,
        expected: "the path of a program, or an array of the path and arguments",
      });
    }
    hooks[member] = { program, args };
  }
  return {
    ...hooks,
    timeoutMs: ledger.take("timeout", 10_000),
    concurrency: ledger.take("concurrency", 8),
    origins: ledger.origins,
  };
}
