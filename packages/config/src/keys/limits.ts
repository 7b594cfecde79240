/** The keys of `[limits]`. */
import { integer, ours, rate } from "./declare.ts";

const RATE = "a number from 0 to 10000000";

/** How much of what at a time, and how fast. */
export const LIMIT_KEYS = {
  tunnels: ours(integer(1, 65_535), {
    description: "Tunnels at a time, those in set-up too.",
    default: "60000",
    example: "tunnels = 10000",
    aliases: ["max_tunnels"],
  }),
  sessions: ours(integer(0, 10_000_000), {
    description: "Sessions at a time, in all tunnels. Of one tunnel: `max_sessions` of its profile.",
    default: "1000000",
    example: "sessions = 100000",
    aliases: ["max_sessions"],
  }),
  half_open: ours(integer(1, 65_535), {
    description: "Tunnels that have not finished their set-up.",
    default: "4096",
    example: "half_open = 4096",
    aliases: ["max_starting"],
  }),
  half_open_per_source: ours(integer(1, 65_535), {
    description: "The same from one address.",
    default: "64",
    example: "half_open_per_source = 64",
  }),
  closed_tunnels: ours(integer(0, 1_000_000), {
    description: "Closed tunnels that still answer the peer's retransmissions.",
    default: "8192",
    example: "closed_tunnels = 8192",
  }),
  tunnel_rate: ours(rate(), {
    description:
      "Tunnel set-ups that are taken each second; further ones are dropped, and the peer tries again.",
    expects: RATE,
    unit: "per second",
    default: "5000",
    example: "tunnel_rate = 5000",
    aliases: ["connection_rate_limit", "limit"],
  }),
  session_rate: ours(rate(), {
    description: "Session set-ups that are taken each second.",
    expects: RATE,
    unit: "per second",
    default: "50000",
    example: "session_rate = 50000",
  }),
  source_tunnel_rate: ours(rate(), {
    description: "SCCRQs that are taken each second from one address.",
    expects: RATE,
    unit: "per second",
    default: "20",
    example: "source_tunnel_rate = 20",
    aliases: ["connection_rate_limit_per_ip_count", "sccrq_rate"],
  }),
  source_tunnel_burst: ours(rate(), {
    description: "SCCRQs that one address may send at once.",
    expects: RATE,
    default: "200",
    example: "source_tunnel_burst = 200",
    aliases: ["burst"],
  }),
  source_session_rate: ours(rate(), {
    description: "Calls that are taken each second from one address.",
    expects: RATE,
    unit: "per second",
    default: "5000",
    example: "source_session_rate = 5000",
  }),
  source_session_burst: ours(rate(), {
    description: "Calls that one address may send at once.",
    expects: RATE,
    default: "20000",
    example: "source_session_burst = 20000",
  }),
  source_auth_failure_rate: ours(rate(), {
    description:
      "Wrong secrets that one address may show each second before its SCCRQs are dropped for a while.",
    expects: RATE,
    unit: "per second",
    default: "0.2",
    example: "source_auth_failure_rate = 0.2",
  }),
  source_auth_failure_burst: ours(rate(), {
    description: "Wrong secrets that one address may show at once.",
    expects: RATE,
    default: "20",
    example: "source_auth_failure_burst = 20",
    aliases: ["max_failure"],
  }),
  source_notice_rate: ours(rate(), {
    description:
      "Log lines each second about one address: refusals, calls that do not come up, bad messages. What is left out is counted in the next.",
    expects: RATE,
    unit: "per second",
    default: "5",
    example: "source_notice_rate = 5",
  }),
  source_notice_burst: ours(rate(), {
    description: "Such lines about one address at once.",
    expects: RATE,
    default: "100",
    example: "source_notice_burst = 100",
  }),
  notice_rate: ours(rate(), {
    description: "Such lines in all, each second.",
    expects: RATE,
    unit: "per second",
    default: "50",
    example: "notice_rate = 50",
  }),
  notice_burst: ours(rate(), {
    description: "Such lines in all, at once.",
    expects: RATE,
    default: "500",
    example: "notice_burst = 500",
  }),
  source_refusal_rate: ours(rate(), {
    description: "Refusals that are sent to one address each second.",
    expects: RATE,
    unit: "per second",
    default: "5",
    example: "source_refusal_rate = 5",
  }),
  source_refusal_burst: ours(rate(), {
    description: "Refusals that are sent to one address at once.",
    expects: RATE,
    default: "20",
    example: "source_refusal_burst = 20",
  }),
  sources: ours(integer(16, 10_000_000), {
    description: "Addresses that such things are remembered of.",
    default: "4096",
    example: "sources = 4096",
  }),
  unverified_retries: ours(integer(0, 100), {
    description:
      "How often an SCCRP is sent again to a caller that has not shown yet that it gets our answers: its address may be forged.",
    default: "3",
    example: "unverified_retries = 3",
  }),
};
