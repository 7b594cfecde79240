/** Peers by address, address pools, and what can be dialled. */
import * as z from "zod";
import { count, counters, ms, reason, socketAddress } from "./values.ts";

/** One address that control messages came from: `PeerStatistics` of `@l2tp/control`. */
export const peerSummary = z.object({
  address: z.string(),
  tunnels: count,
  halfOpen: count,
  /** Of its sessions, those there are now. */
  sessions: count.optional(),
  hostNames: z.array(z.string()).optional(),
  counters,
});

/** One pool of addresses. */
export const poolStatus = z.object({
  name: z.string(),
  ranges: z.array(z.string()),
  /** How many addresses it has; absent where that is more than a number can say (IPv6). */
  size: count.optional(),
  used: count,
});

/** One LNS that a tunnel may be opened to. */
export const dialPeer = z.object({
  /** As configured: an address, or a name that is looked up at every try. */
  name: z.string(),
  address: socketAddress.optional(),
  priority: count,
  weight: count,
  /** Not tried after a failure, for so long. */
  lockedOutForMs: ms.optional(),
  why: z.string().optional(),
});

/** One `[tunnel.NAME]` that we dial. */
export const dialTarget = z.object({
  name: z.string(),
  /** When it is dialled: at the start, for the first call, or when somebody says so. */
  when: z.enum(["start", "demand", "manual"]),
  /** `idle`: not wanted now. */
  state: z.enum(["idle", "dialling", "up", "waiting", "given-up"]),
  /** The tunnel that is there now. */
  tunnel: z.string().optional(),
  peers: z.array(dialPeer),
  attempts: count,
  retryInMs: ms.optional(),
  reason: reason.optional(),
});

/** See {@link peerSummary}. */
export type PeerSummary = z.infer<typeof peerSummary>;
/** See {@link poolStatus}. */
export type PoolStatus = z.infer<typeof poolStatus>;
/** See {@link dialTarget}. */
export type DialTarget = z.infer<typeof dialTarget>;
/** See {@link dialPeer}. */
export type DialPeer = z.infer<typeof dialPeer>;
