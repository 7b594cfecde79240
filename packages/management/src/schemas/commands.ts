/** What can be asked of the daemon, and what it answers. */
import * as z from "zod";
import { logLevel } from "./status.ts";

/** Reads the configuration again. */
export const reloadRequest = z.strictObject({
  /** Only say what would be done. */
  dryRun: z.boolean().default(false),
});

/** One step of a reload: `Step` of `@l2tp/config`, without the configuration in it (it may hold secrets). */
export const reloadStep = z.object({
  /** `add-tunnel`, `remove-session`, … */
  do: z.string(),
  tunnel: z.string().optional(),
  session: z.string().optional(),
  /** What else it is about: a peer, a user, a pool, `daemon`. */
  of: z.string().optional(),
  keys: z.array(z.string()).optional(),
  why: z.string().optional(),
  /** Set where the step was taken and went wrong; the others were taken all the same. */
  failure: z.string().optional(),
});

/** What a reload has done, or would do. */
export const reloadReport = z.object({
  file: z.string(),
  dryRun: z.boolean(),
  /** Empty: nothing has changed. */
  steps: z.array(reloadStep),
  warnings: z.array(z.string()),
});

/** Takes no new tunnels and calls, and lets the old ones end. */
export const drainRequest = z.strictObject({
  /** How many sessions to end each second; absent: they are let end by themselves. */
  perSecond: z.number().positive().max(1_000_000).optional(),
  /** When to end what is left; absent: never. */
  deadlineMs: z
    .number()
    .positive()
    .max(7 * 86_400_000)
    .optional(),
});

/** Writes control messages down, or stops doing so. */
export const traceRequest = z.strictObject({
  on: z.boolean(),
  /** A pcapng file on the daemon's machine; absent: to the log, in readable form. */
  file: z.string().min(1).max(4096).optional(),
  /** Only of this peer, by address. */
  peer: z.string().min(1).max(255).optional(),
  /** Secrets as they are; without it they are covered. */
  secrets: z.boolean().optional(),
});

/** Changes how much is told in the log, until the next reload. */
export const logLevelRequest = z.strictObject({ level: logLevel });

/** Ends a tunnel or a session. */
export const endRequest = z.strictObject({
  /** For the log and for the peer to read. */
  text: z.string().max(200).optional(),
});

/** See {@link reloadRequest}. */
export type ReloadRequest = z.infer<typeof reloadRequest>;
/** See {@link reloadStep}. */
export type ReloadStep = z.infer<typeof reloadStep>;
/** See {@link reloadReport}. */
export type ReloadReport = z.infer<typeof reloadReport>;
/** See {@link drainRequest}. */
export type DrainRequest = z.infer<typeof drainRequest>;
/** See {@link traceRequest}. */
export type TraceRequest = z.infer<typeof traceRequest>;
/** See {@link endRequest}. */
export type EndRequest = z.infer<typeof endRequest>;
