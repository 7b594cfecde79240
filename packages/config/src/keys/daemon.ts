/** The keys at the top of a document, and those of `[daemon]`. */
import * as z from "zod";
import { filePath } from "./common.ts";
import { integer, key, milliseconds, ours, rate, text, texts } from "./declare.ts";

const MAX_32 = 0xffff_ffff;

/** The keys at the top that are no tables. */
export const ROOT_KEYS = {
  defaults: key(z.enum(["field", "go-l2tp"]), {
    description: "Whose defaults the document gets: what works in the field, or go-l2tp's.",
    default: '`"go-l2tp"` when the document has tunnels and no keys but go-l2tp\'s, else `"field"`',
    origin: "l2tpd",
    since: "0.1",
    example: 'defaults = "field"',
  }),
};

/** The tables at the top. */
export const ROOT_TABLES = [
  "daemon",
  "limits",
  "hooks",
  "listen",
  "peer",
  "call",
  "user",
  "names",
  "pool",
  "profile",
  "tunnel",
] as const;

/** The keys of `[daemon]`. */
export const DAEMON_KEYS = {
  data_plane: key(z.enum(["auto", "userspace", "linux", "mock", "null"]), {
    description:
      "What carries the packets: `userspace` (TUN and TAP interfaces and worker threads), `linux` (the kernel's L2TP), `mock` (a simulation), `null` (nothing: tunnels and sessions come up and carry no data); `auto` takes the best one to be had.",
    default: '`"auto"`',
    origin: "l2tpd",
    since: "0.1",
    example: 'data_plane = "auto"',
    aliases: ["force_userspace", "dataplane"],
  }),
  log_level: key(z.enum(["error", "warn", "info", "debug"]), {
    description: "The least important records that are logged.",
    default: '`"info"`',
    origin: "l2tpd",
    since: "0.1",
    example: 'log_level = "info"',
    aliases: ["verbosity", "verbose", "debug", "level"],
  }),
  log_format: key(z.enum(["auto", "text", "json"]), {
    description:
      "One line of text or of JSON for each record; `auto` is text on a terminal and under systemd.",
    default: '`"auto"`',
    origin: "l2tpd",
    since: "0.1",
    example: 'log_format = "text"',
  }),
  state_directory: key(z.string().min(1), {
    description: "Where the daemon notes what it made, so that what a killed one left is found and cleaned.",
    expects: "the path of a directory",
    default: "`$STATE_DIRECTORY`, or one of the daemon's choice",
    origin: "l2tpd",
    since: "0.1",
    example: 'state_directory = "/var/lib/l2tpd"',
    aliases: ["state_dir"],
  }),
  retry_initial: key(integer(1, MAX_32), {
    description:
      "Wait before a tunnel or session that could not come up is tried again; doubles with each try.",
    unit: "ms",
    default: "1000",
    origin: "l2tpd",
    since: "0.1",
    example: "retry_initial = 1000",
  }),
  retry_max: key(integer(1, MAX_32), {
    description: "The longest wait between such tries; at least `retry_initial`.",
    unit: "ms",
    default: "60000",
    origin: "l2tpd",
    since: "0.1",
    example: "retry_max = 60000",
  }),
  stop_timeout: key(integer(1, MAX_32), {
    description: "How long an orderly stop may take before what is left is torn down.",
    unit: "ms",
    default: "10000",
    origin: "l2tpd",
    since: "0.1",
    example: "stop_timeout = 10000",
  }),
  host_name: ours(text(), {
    description: "What the Host Name AVP says in tunnels that do not say it themselves.",
    default: "the name of the host",
    standard: "RFC 2661 §4.4.3",
    example: 'host_name = "lns1.example"',
    aliases: ["hostname", "name"],
  }),
  management_socket: ours(z.union([text(), z.literal(false)]), {
    description:
      "Unix socket of the management interface, which `l2tpctl` talks to; only its owner may open it. `false`: there is none.",
    expects: "the path of a socket, or false",
    default: "`/run/l2tpd/l2tpd.sock`, else `$XDG_RUNTIME_DIR/l2tpd.sock`",
    example: 'management_socket = "/run/l2tpd/l2tpd.sock"',
    aliases: ["control_socket", "socket", "cli", "l2tp_control"],
  }),
  pid_file: filePath({
    description: "File that holds the daemon's process ID while it runs.",
    default: "none",
    example: 'pid_file = "/run/l2tpd.pid"',
    aliases: ["pidfile"],
  }),
  trace_file: filePath({
    description: "File that control messages are written to as pcapng, for Wireshark.",
    default: "none",
    example: 'trace_file = "/var/log/l2tpd.pcapng"',
    aliases: ["dump", "capture", "packet_dump"],
  }),
  trace_secrets: ours(z.boolean(), {
    description: "Write passwords, challenges and hidden values to the trace too, and not only their length.",
    default: "`false`",
    example: "trace_secrets = false",
  }),
  trace_limit: ours(integer(65_536, 1_099_511_627_776), {
    description:
      "Size at which the trace is renamed to `FILE.1`, in the place of the one before, and begun anew.",
    expects: "an integer from 65536 to 1099511627776",
    unit: "octets",
    default: "100000000",
    example: "trace_limit = 100000000",
  }),
  history_tunnels: ours(integer(0, 1_000_000), {
    description: "Closed tunnels that stay visible with their cause and last messages.",
    default: "256",
    example: "history_tunnels = 256",
    aliases: ["hold_tunnels"],
  }),
  history_sessions: ours(integer(0, 1_000_000), {
    description: "Closed sessions that stay visible with their cause.",
    default: "1024",
    example: "history_sessions = 1024",
    aliases: ["hold_sessions"],
  }),
  history_time: ours(milliseconds(0), {
    description: "How long they stay visible.",
    unit: "ms",
    default: "600000",
    example: "history_time = 600000",
  }),
  history_messages: ours(integer(0, 1_000), {
    description: "Messages that are remembered of each tunnel.",
    default: "8",
    example: "history_messages = 8",
  }),
  drain_rate: ours(rate(), {
    description: "Sessions that `l2tpctl drain` ends each second; 0: they end by themselves.",
    expects: "a number from 0 to 10000000",
    unit: "per second",
    default: "0",
    example: "drain_rate = 50",
    aliases: ["drain_tunnels"],
  }),
  drain_timeout: ours(milliseconds(0), {
    description: "What a drain has left after this is ended; 0: nothing is.",
    unit: "ms",
    default: "0",
    example: "drain_timeout = 3600000",
  }),
  question_timeout: ours(milliseconds(1), {
    description: "How long it may take to decide on a peer or a call before it is refused.",
    unit: "ms",
    default: "30000",
    example: "question_timeout = 30000",
  }),
  intent_timeout: ours(milliseconds(1), {
    description: "How long the data plane may take to make a tunnel or session before it counts as failed.",
    unit: "ms",
    default: "30000",
    example: "intent_timeout = 30000",
  }),
};

const hook = (event: string, example: string, aliases: readonly string[] = []) =>
  ours(z.union([text(), texts()]), {
    description: `Program that is run ${event}: its path, or an array of the path and arguments. Facts come in its environment and as JSON on standard input; no shell has a part in it.`,
    expects: "the path of a program, or an array of the path and arguments",
    default: "none",
    example,
    aliases,
  });

/** The keys of `[hooks]`. */
export const HOOK_KEYS = {
  session_up: hook("when a session has come up", 'session_up = "/etc/l2tpd/session-up"', [
    "up",
    "ip_up",
    "script",
    "on_up",
  ]),
  session_down: hook("when a session that was up has ended", 'session_down = "/etc/l2tpd/session-down"', [
    "down",
    "ip_down",
    "pre_down",
    "on_down",
  ]),
  tunnel_up: hook("when a tunnel has come up", 'tunnel_up = ["/etc/l2tpd/tunnel", "up"]'),
  tunnel_down: hook("when a tunnel that was up has ended", 'tunnel_down = ["/etc/l2tpd/tunnel", "down"]'),
  timeout: ours(milliseconds(1), {
    description: "How long a program may run before it is ended.",
    unit: "ms",
    default: "10000",
    example: "timeout = 10000",
  }),
  concurrency: ours(integer(1, 1_000), {
    description: "Programs that run at the same time; others wait.",
    default: "8",
    example: "concurrency = 8",
  }),
};
