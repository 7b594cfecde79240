/**
 * Values that many answers have. Numbers that end in `Ms` are milliseconds; ages and durations take the place of
 * instants, because the clock of the control plane says nothing to another process.
 */
import * as z from "zod";

/** A count: never negative, never a fraction. */
export const count = z.number().int().min(0);

/** A duration or an age. */
export const ms = z.number().min(0);

/** Counters by name. The names are those of the packages that count, so that a new counter needs no new schema. */
export const counters = z.record(z.string(), count);

/** `192.0.2.1` and a port; port 0 stands for L2TP directly over IP, which has none. */
export const socketAddress = z.object({
  address: z.string(),
  port: z.number().int().min(0).max(65_535),
});

/** Why something is not as it should be: a code for programs, a text and a remedy for people. */
export const reason = z.object({
  code: z.string(),
  text: z.string(),
  remedy: z.string().optional(),
});

/** Why a tunnel or a session has ended: `Ending` of `@l2tp/control`, and the end's line for a log. */
export const ending = z.object({
  by: z.enum(["local", "peer", "network"]),
  /** One word, such as `no-response`. */
  cause: z.string(),
  /** The message that ended it, sent or received. */
  message: z.string().optional(),
  /** Result Code and Error Code of that message (RFC 2661 §4.4.2). */
  result: z.number().int().optional(),
  error: z.number().int().optional(),
  /** What the peer had to say, or we. */
  text: z.string().optional(),
  /** Q.931 Cause Code (RFC 2661 §4.4.6). */
  q931: z.object({ cause: z.number(), message: z.number(), text: z.string().optional() }).optional(),
  /** PPP Disconnect Cause Code (RFC 3145). */
  disconnect: z
    .object({ code: z.number(), protocol: z.number(), direction: z.number(), text: z.string().optional() })
    .optional(),
  remedy: z.string(),
  /** All of it in one line: `endingText` of `@l2tp/control`. */
  line: z.string(),
});

/** One control message of a tunnel, as it is remembered. */
export const loggedMessage = z.object({
  agoMs: ms,
  direction: z.enum(["sent", "received"]),
  /** `SCCRQ`, or `type 255` where there is no such message. */
  message: z.string(),
  sessionId: count,
});

/** See {@link socketAddress}. */
export type SocketAddressValue = z.infer<typeof socketAddress>;
/** See {@link reason}. */
export type ReasonValue = z.infer<typeof reason>;
/** See {@link ending}. */
export type EndingValue = z.infer<typeof ending>;
/** See {@link loggedMessage}. */
export type LoggedMessageValue = z.infer<typeof loggedMessage>;
