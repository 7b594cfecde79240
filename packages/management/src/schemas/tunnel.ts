/** Tunnels: a line in a list, all that is known of one, and those that have ended. */
import * as z from "zod";
import { count, counters, ending, loggedMessage, ms, reason, socketAddress } from "./values.ts";

/** One tunnel in a list. */
export const tunnelSummary = z.object({
  /** Unique among the tunnels that are there. */
  name: z.string(),
  version: z.union([z.literal(2), z.literal(3)]),
  mode: z.enum(["static", "quiescent", "dynamic"]),
  tunnelId: count,
  /** 0 while it is not known. */
  peerTunnelId: count,
  /** `TunnelState` of `@l2tp/node`. */
  state: z.string(),
  /** State of the control connection (RFC 2661 §7.2.1), of a dynamic tunnel. */
  controlState: z.string().optional(),
  up: z.boolean(),
  upForMs: ms.optional(),
  local: socketAddress.optional(),
  peer: socketAddress,
  encapsulation: z.enum(["udp", "ip"]),
  /** The peer's Host Name and Vendor Name. */
  peerHostName: z.string().optional(),
  peerVendorName: z.string().optional(),
  /** Who opened it; absent for configured IDs. */
  openedBy: z.enum(["local", "peer"]).optional(),
  /** The peer's section `[peer.NAME]`, and the listener, by which it was let in. */
  peerName: z.string().optional(),
  listener: z.string().optional(),
  sessions: count,
  sessionsUp: count,
  /** Round trip time, smoothed; absent before the first measurement. */
  rttMs: ms.optional(),
  /** Why it is not up, or when it is tried again. */
  reason: reason.optional(),
  retryInMs: ms.optional(),
});

/** Reliable delivery of control messages: `ChannelStatistics` of `@l2tp/transport`. */
export const channel = z.object({
  state: z.string(),
  ns: count,
  nr: count,
  peerNr: count,
  cwnd: z.number(),
  ssthresh: z.number(),
  /** The peer's receive window, limited by ours. */
  window: count,
  queued: count,
  inFlight: count,
  held: count,
  retries: count,
  rttMs: ms.optional(),
  rttVariationMs: ms.optional(),
  /** The wait before the oldest message is sent again (RTO). */
  retransmissionMs: ms.optional(),
  lastHeardAgoMs: ms,
  counters,
});

/** All about one tunnel. */
export const tunnelDetail = tunnelSummary.extend({
  openedAgoMs: ms.optional(),
  /** The peer has shown that it knows the secret. */
  authenticated: z.boolean().optional(),
  /** Which of the secrets it used: 0 the first, 1 the second. */
  secret: z.number().int().optional(),
  /** Leniencies in force, by name, and what they are. */
  quirks: z.array(z.object({ name: z.string(), text: z.string() })),
  /** What the peer has said of itself in its SCCRQ or SCCRP. */
  peerFacts: z
    .object({
      firmwareRevision: count.optional(),
      /** Such as `sync`, `async`; `digital`, `analog`. */
      framing: z.array(z.string()),
      bearer: z.array(z.string()).optional(),
      receiveWindowSize: count.optional(),
    })
    .optional(),
  /** Whether the data plane has it. */
  plane: z.string().optional(),
  sessionsEstablished: count.optional(),
  sessionsFailed: count.optional(),
  /** Timers that may run now. */
  timers: z.array(z.string()),
  channel: channel.optional(),
  /** Control messages that were not for this tunnel's state. */
  ignored: count.optional(),
  /** The last messages, oldest first. */
  messages: z.array(loggedMessage),
  /** Of all its sessions together. */
  data: counters.optional(),
});

/** A tunnel that has ended, or never came up. */
export const closedTunnel = z.object({
  name: z.string(),
  tunnelId: count,
  peerTunnelId: count,
  peer: socketAddress,
  peerHostName: z.string().optional(),
  peerVendorName: z.string().optional(),
  openedBy: z.enum(["local", "peer"]).optional(),
  wasUp: z.boolean(),
  /** How long it was up. */
  upForMs: ms.optional(),
  endedAgoMs: ms,
  sessions: count,
  ending,
  messages: z.array(loggedMessage),
});

/** See {@link tunnelSummary}. */
export type TunnelSummary = z.infer<typeof tunnelSummary>;
/** See {@link tunnelDetail}. */
export type TunnelDetail = z.infer<typeof tunnelDetail>;
/** See {@link channel}. */
export type ChannelValue = z.infer<typeof channel>;
/** See {@link closedTunnel}. */
export type ClosedTunnel = z.infer<typeof closedTunnel>;
