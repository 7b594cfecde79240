/** The keys at the top of a document, and those of `[daemon]`. */
import * as z from "zod";
import { integer, key } from "./declare.ts";

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

/** The keys of `[daemon]`. */
export const DAEMON_KEYS = {
  data_plane: key(z.enum(["auto", "userspace", "linux", "mock"]), {
    description:
      "What carries the packets: `userspace` (TAP interfaces and worker threads), `linux` (the kernel's L2TP), `mock` (a simulation); `auto` takes the best one to be had.",
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
    aliases: ["redial_timeout"],
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
};
