/**
 * By which keys of the document the members of a configuration are written: people are told of a change in the words that
 * they wrote.
 */
import type { NameRule } from "@l2tp/access";
import { changedMembers } from "./difference.ts";
import type {
  DaemonConfig,
  DynamicTunnelConfig,
  HooksConfig,
  LimitsConfig,
  ListenerConfig,
  Origins,
  SessionConfig,
  TransportConfig,
  TunnelConfig,
} from "./types.ts";

/** A key, keys of which one makes the value, or the keys of the value's own members; `*` is for those without one. */
type Written = string | readonly string[] | { readonly [member: string]: Written };

/** What stands in no key, or says itself what has changed in it. */
type Unwritten = "name" | "origins" | "extensions";
type MemberOf<T> = T extends unknown ? Exclude<keyof T & string, Unwritten> : never;

/** The keys of all members of a table's configuration: one that is left out does not compile. */
export type WrittenAs<T> = { readonly [M in MemberOf<T>]: Written };

const SECRETS = { 0: ["secret", "secret_file"], 1: ["old_secret", "old_secret_file"] };

/** Members of `[daemon]`. */
export const DAEMON_WRITTEN: WrittenAs<DaemonConfig> = {
  dataPlane: "data_plane",
  logLevel: "log_level",
  logFormat: "log_format",
  stateDirectory: "state_directory",
  hostName: "host_name",
  managementSocket: "management_socket",
  pidFile: "pid_file",
  trace: { file: "trace_file", secrets: "trace_secrets", limitOctets: "trace_limit" },
  history: {
    tunnels: "history_tunnels",
    sessions: "history_sessions",
    keepMs: "history_time",
    messages: "history_messages",
  },
  drain: { sessionsPerSecond: "drain_rate", timeoutMs: "drain_timeout" },
  questionMs: "question_timeout",
  intentMs: "intent_timeout",
  retryInitialMs: "retry_initial",
  retryMaxMs: "retry_max",
  stopTimeoutMs: "stop_timeout",
};

const rate = (of: string): Written => ({ 0: `${of}_rate`, 1: `${of}_burst` });

/** Members of `[limits]`. */
export const LIMITS_WRITTEN: WrittenAs<LimitsConfig> = {
  tunnels: "tunnels",
  sessions: "sessions",
  halfOpen: "half_open",
  halfOpenPerSource: "half_open_per_source",
  closedTunnels: "closed_tunnels",
  tunnelRate: "tunnel_rate",
  sessionRate: "session_rate",
  sourceSccrq: rate("source_tunnel"),
  sourceCalls: rate("source_session"),
  sourceBadAuthentication: rate("source_auth_failure"),
  sourceNotices: rate("source_notice"),
  notices: rate("notice"),
  sourceRefusals: rate("source_refusal"),
  sources: "sources",
  unverifiedRetries: "unverified_retries",
};

/** Members of `[hooks]`. */
export const HOOKS_WRITTEN: WrittenAs<HooksConfig> = {
  tunnelUp: "tunnel_up",
  tunnelDown: "tunnel_down",
  sessionUp: "session_up",
  sessionDown: "session_down",
  timeoutMs: "timeout",
  concurrency: "concurrency",
};

/** Members of `[names]`. */
export const NAMES_WRITTEN: WrittenAs<NameRule> = {
  stripNtDomain: "strip_nt_domain",
  stripRealm: "strip_realm",
  ignoreCase: "ignore_case",
};

/** Members of `[listen.NAME]`. */
export const LISTENER_WRITTEN: WrittenAs<ListenerConfig> = {
  local: "local",
  namespace: "namespace",
  udpChecksum: "udp_checksum",
};

/** Members of a tunnel's `transport`. */
export const TRANSPORT_WRITTEN: WrittenAs<TransportConfig> = {
  windowSize: "window_size",
  helloTimeoutMs: "hello_timeout",
  retryTimeoutMs: "retry_timeout",
  retryTimeoutMaxMs: "retry_timeout_max",
  maxRetries: "max_retries",
};

const SETTINGS: WrittenAs<DynamicTunnelConfig["settings"]> = {
  hostName: "host_name",
  vendorName: "vendor_name",
  firmwareRevision: "firmware_revision",
  framingCapabilities: "framing_caps",
  bearerCapabilities: "bearer_caps",
  challenge: "challenge",
  hiding: "hiding",
  tieBreaker: "tie_breaker",
  peerAddress: "peer_address_policy",
  acceptIncoming: "accept_incoming",
  acceptOutgoing: "accept_outgoing",
  maximumSessions: "max_sessions",
  tunnelSetupMs: "tunnel_setup_timeout",
  sessionSetupMs: "session_setup_timeout",
  idleTimeoutMs: "idle_timeout",
  quirks: "quirks",
  transport: {
    windowSize: "window_size",
    sendWindowLimit: "send_window",
    retryTimeoutMs: "retry_timeout",
    retryTimeoutCapMs: "retry_timeout_max",
    maxRetries: "max_retries",
    helloTimeoutMs: "hello_timeout",
    helloMisses: "hello_misses",
    ackDelayMs: "ack_delay",
  } satisfies WrittenAs<DynamicTunnelConfig["settings"]["transport"]>,
};

const DIAL: WrittenAs<DynamicTunnelConfig["dial"]> = {
  mode: "dial",
  redial: "redial",
  initialMs: "redial_timeout",
  maxMs: "redial_timeout_max",
  maxRedials: "max_redials",
  stableMs: "stable_time",
  lockOutMs: "lockout",
  maxLockOutMs: "lockout_max",
  failBackMs: "failback_time",
  failBack: "failback",
  family: "address_family",
};

/** Members of `[tunnel.NAME]`. */
export const TUNNEL_WRITTEN: WrittenAs<TunnelConfig> = {
  version: "version",
  encapsulation: "encap",
  local: "local",
  peer: "peer",
  peers: "peer",
  mode: "mode",
  tunnelId: "tid",
  peerTunnelId: "ptid",
  namespace: "namespace",
  udpChecksum: "udp_checksum",
  transport: TRANSPORT_WRITTEN,
  hostName: "host_name",
  framingCapabilities: "framing_caps",
  profile: "profile",
  secrets: SECRETS,
  settings: SETTINGS,
  dial: DIAL,
  sessionProfile: "session_profile",
  pppProfile: "ppp_profile",
  sessions: "session",
};

const USER = { name: "user", password: ["password", "password_file"] };

/** Members of `[tunnel.NAME.session.NAME]`. */
export const SESSION_WRITTEN: WrittenAs<SessionConfig> = {
  pseudowire: "pseudowire",
  sessionId: "sid",
  peerSessionId: "psid",
  // The document says what is sent: see readCookies in session-parts.ts.
  peerCookie: "cookie",
  cookie: "peer_cookie",
  l2SpecificSublayer: "l2spec_type",
  sendSequence: "seqnum",
  receiveSequence: "seqnum_required",
  reorderMs: "reorder_timeout",
  interface: {
    name: "interface_name",
    macAddress: "mac_address",
    bridge: "bridge",
    addresses: "addresses",
    up: "up",
  },
  mtu: { mtuOctets: "mtu", dontFragment: "dont_fragment", clampMss: "clamp_mss" },
  pppoe: { sessionId: "pppoe_session_id", peerMac: "pppoe_peer_mac" },
  pppdArgs: "pppd_args",
  pppdOptions: "pppd_options",
  profile: "profile",
  call: {
    kind: "call",
    request: {
      calledNumber: "called_number",
      callingNumber: "calling_number",
      subAddress: "sub_address",
      bearerType: "bearer_type",
      physicalChannelId: "physical_channel",
      framingType: "framing_type",
      minimumBps: "minimum_bps",
      maximumBps: "maximum_bps",
    },
    connected: {
      txConnectSpeedBps: "tx_connect_speed",
      rxConnectSpeedBps: "rx_connect_speed",
      framingType: "framing_type",
      privateGroupId: "private_group",
      sequencingRequired: "seqnum_required",
    },
  },
  // What is in the profile is told of the profile.
  ppp: { user: USER, "*": "ppp_profile" },
  user: USER,
};

/** What has keys, and a book of who said them where one is kept. */
interface Table {
  readonly origins?: Origins;
}

/**
 * The keys that make two configurations of one table differ in `members`, without those that only follow from others: with
 * `seqnum` nobody wants to read of `seqnum_required`, too.
 */
export function writtenAs<T extends object>(
  table: WrittenAs<T>,
  old: T & Table,
  next: T & Table,
  members: readonly string[] = changedMembers(old, next, ["origins"]),
): string[] {
  const books = [old.origins ?? {}, next.origins ?? {}];
  const keys = [...new Set(members.flatMap((member) => keysOf(table, old, next, member, books)))];
  const causes = keys.filter((key) => !books.every((origins) => origins[key] === "derived"));
  return causes.length > 0 ? causes : keys;
}

/** The keys of one member, or of what has changed within it. */
function keysOf(
  table: { readonly [member: string]: Written },
  old: object,
  next: object,
  member: string,
  books: readonly Origins[],
): readonly string[] {
  const written = table[member] ?? table["*"] ?? member;
  if (typeof written === "string") return [written];
  if (isAlternatives(written)) {
    const said = written.filter((key) => books.some((origins) => origins[key] === "given"));
    return said.length > 0 ? said : written.slice(0, 1);
  }
  const [was, is] = [inner(old, member), inner(next, member)];
  return changedMembers(was, is).flatMap((name) => keysOf(written, was, is, name, books));
}

const isAlternatives = (written: Written): written is readonly string[] => Array.isArray(written);

/** The record or list of that name; one without members where there is none. */
function inner(of: object, member: string): object {
  const value: unknown = Reflect.get(of, member);
  return typeof value === "object" && value !== null ? value : {};
}
