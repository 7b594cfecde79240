/** The daemon as a whole. */
import * as z from "zod";
import { count, counters, ms, reason, socketAddress } from "./values.ts";

/** One limit and how much of it is in use. */
export const limit = z.object({
  /** As in the configuration: `tunnels`, `sessions`, `half_open`, … */
  name: z.string(),
  /** Absent: there is none. */
  limit: count.optional(),
  used: count,
});

/** No new calls are taken, and the old ones end, in waves or by themselves. */
export const drainStatus = z.object({
  draining: z.boolean(),
  /** Sessions that are ended each second; absent: they are let end by themselves. */
  perSecond: z.number().positive().optional(),
  /** When what is left is ended at once; absent: never. */
  deadlineInMs: ms.optional(),
  /** Sessions left. */
  sessions: count,
});

/** What of the control messages is written to a file or to the log. */
export const traceStatus = z.object({
  on: z.boolean(),
  /** A pcapng file; absent: to the log, in readable form. */
  file: z.string().optional(),
  /** Only of these tunnels' peers. */
  peer: z.string().optional(),
  /** AVPs that hold secrets are written as they are, and not covered with zeros. */
  secrets: z.boolean().optional(),
  messages: count.optional(),
});

/** How much is told in the log. */
export const logLevel = z.enum(["error", "warn", "info", "debug"]);

/** One listening or dialling socket. */
export const wire = z.object({
  /** Name of the listener in the configuration; absent where the socket is a dialled tunnel's own. */
  listener: z.string().optional(),
  local: socketAddress,
  encapsulation: z.enum(["udp", "ip"]),
  counters,
  /** Why the listener takes nobody now; absent where it does. */
  reason: reason.optional(),
});

/** Everything that is not about one tunnel or one session. */
export const status = z.object({
  /** Of the program: `l2tpd` 1.2.3 has `1.2.3`. */
  version: z.string(),
  pid: count,
  uptimeMs: ms,
  configFile: z.string().optional(),
  /** Since the last reload, where there was one. */
  reloadedAgoMs: ms.optional(),
  dataPlane: z.object({
    /** `linux`, `userspace`, `null`, … */
    name: z.string(),
    /** Why this one. */
    why: z.string(),
    features: z.array(z.object({ feature: z.string(), using: z.string(), why: z.string().optional() })),
  }),
  wires: z.array(wire),
  tunnels: z.object({
    total: count,
    up: count,
    /** Not yet up. */
    settingUp: count,
    /** Between a failure and the next try. */
    retrying: count,
    /** Opened by us, and by peers. */
    openedByUs: count,
    openedByPeers: count,
    /** Without control messages, or with configured IDs. */
    configured: count,
  }),
  sessions: z.object({
    total: count,
    up: count,
    settingUp: count,
    /** Our end is the LAC's, the LNS's, or neither (configured sessions). */
    asLac: count,
    asLns: count,
    configured: count,
  }),
  limits: z.array(limit),
  drain: drainStatus,
  trace: traceStatus,
  logLevel,
  memory: z.object({ rssOctets: count, heapOctets: count }),
  /** `EndpointStatistics` of `@l2tp/control`: what is counted since the start. */
  counters,
  /** Why datagrams and messages were dropped. */
  discards: counters,
  /** By message name, and `ZLB`. */
  messages: z.record(z.string(), z.object({ received: count, sent: count, receiveErrors: count })),
});

/** See {@link status}. */
export type Status = z.infer<typeof status>;
/** See {@link limit}. */
export type LimitStatus = z.infer<typeof limit>;
/** See {@link drainStatus}. */
export type DrainStatus = z.infer<typeof drainStatus>;
/** See {@link traceStatus}. */
export type TraceStatus = z.infer<typeof traceStatus>;
/** See {@link logLevel}. */
export type LogLevelName = z.infer<typeof logLevel>;
/** See {@link wire}. */
export type WireStatus = z.infer<typeof wire>;
