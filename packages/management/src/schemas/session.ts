/** Sessions: a line in a list, all that is known of one, and those that have ended. */
import * as z from "zod";
import { count, counters, ending, loggedMessage, ms, reason, socketAddress } from "./values.ts";

/** The two addresses of a link. */
const addressPair = z.object({ local: z.string().optional(), peer: z.string().optional() });

/** One session in a list. */
export const sessionSummary = z.object({
  /** Unique in its tunnel. `TUNNEL/SESSION` names it among all. */
  name: z.string(),
  tunnel: z.string(),
  tunnelId: count,
  sessionId: count,
  /** 0 while it is not known. */
  peerSessionId: count,
  /** Which end of which call, or `configured`. */
  kind: z.enum(["lac-incoming", "lns-incoming", "lac-outgoing", "lns-outgoing", "configured"]),
  pseudowire: z.string(),
  /** `SessionState` of `@l2tp/node`. */
  state: z.string(),
  /** State of the call (RFC 2661 §7.4, §7.5), on a dynamic tunnel. */
  callState: z.string().optional(),
  up: z.boolean(),
  upForMs: ms.optional(),
  /** Of the tunnel. */
  peer: socketAddress,
  /** The name that PPP has authenticated, of the peer; or ours, where we dialled. */
  user: z.string().optional(),
  ipv4: addressPair.optional(),
  ipv6: addressPair.optional(),
  interfaceName: z.string().optional(),
  mtuOctets: count.optional(),
  rxOctets: count.optional(),
  txOctets: count.optional(),
  /** Why it is not up, or when it is tried again. */
  reason: reason.optional(),
  retryInMs: ms.optional(),
});

/** How far PPP is, and what was agreed. */
export const pppStatus = z.object({
  /** Who runs it: we, or pppd. */
  by: z.enum(["l2tpd", "pppd"]),
  pid: count.optional(),
  /** RFC 1661 §3.2: `dead`, `establish`, `authenticate`, `network`, `terminate`. */
  phase: z.string(),
  /** How the peer has authenticated itself to us, and we to it: `pap`, `chap-md5`, `ms-chap-v2`, … or `none`. */
  peerAuthentication: z.string().optional(),
  ourAuthentication: z.string().optional(),
  mruOctets: count.optional(),
  mtuOctets: count.optional(),
  dns: z.array(z.string()).optional(),
  /** Network protocols that are open: `ipv4`, `ipv6`. */
  networks: z.array(z.string()).optional(),
  /** Such as `128 bits, stateless`. */
  mppe: z.string().optional(),
  counters: counters.optional(),
});

/** All about one session. */
export const sessionDetail = sessionSummary.extend({
  openedAgoMs: ms.optional(),
  setupMs: ms.optional(),
  callSerialNumber: count.optional(),
  calledNumber: z.string().optional(),
  callingNumber: z.string().optional(),
  privateGroupId: z.string().optional(),
  /** What the LAC says of the line. */
  txConnectBps: count.optional(),
  rxConnectBps: count.optional(),
  /** Data messages have sequence numbers, and must have. */
  sequencing: z.boolean().optional(),
  sequencingRequired: z.boolean().optional(),
  plane: z.string().optional(),
  /** `PlaneStatistics` of `@l2tp/dataplane`. */
  data: counters.optional(),
  ppp: pppStatus.optional(),
  /** What the LAC had agreed with the caller already, and what became of it. */
  proxy: z
    .object({
      authenticationName: z.string().optional(),
      authenticationType: z.string().optional(),
      use: z.string().optional(),
    })
    .optional(),
  /** Routes that lead to the peer. */
  routes: z.array(z.string()).optional(),
  /** The session that its packets go on to (tunnel switching), as `TUNNEL/SESSION`. */
  switchedTo: z.string().optional(),
  /** What keeps it from being of use, for people: no forwarding, no masquerading, … */
  warnings: z.array(z.string()).optional(),
});

/** A session that has ended, or never came up. */
export const closedSession = z.object({
  name: z.string(),
  tunnel: z.string(),
  sessionId: count,
  peerSessionId: count,
  kind: sessionSummary.shape.kind,
  user: z.string().optional(),
  peer: socketAddress.optional(),
  wasUp: z.boolean(),
  upForMs: ms.optional(),
  endedAgoMs: ms,
  ending,
  /** Of its life. */
  data: counters.optional(),
  /** The last that its tunnel had in mind and that name it in their headers. */
  messages: z.array(loggedMessage).optional(),
});

/** See {@link sessionSummary}. */
export type SessionSummary = z.infer<typeof sessionSummary>;
/** See {@link sessionDetail}. */
export type SessionDetail = z.infer<typeof sessionDetail>;
/** See {@link pppStatus}. */
export type PppStatus = z.infer<typeof pppStatus>;
/** See {@link closedSession}. */
export type ClosedSession = z.infer<typeof closedSession>;
