/** Why links end: words, and the codes that an LNS puts in its CDN (RFC 3145 §2.1). */
import type { DownCode, DownReason } from "./events.ts";
import type { Finish } from "./negotiation.ts";

/** For each end: its PPP Disconnect Cause Code (RFC 3145 §2.1), whose doing, and words. */
const REASONS: Readonly<Record<DownCode, readonly [number, 0 | 1 | 2, string]>> = {
  closed: [3, 2, "closed by us"],
  "peer-terminated": [3, 1, "the peer terminated the link"],
  "lower-layer-down": [0, 0, "the session below went down"],
  "lcp-timeout": [5, 0, "LCP: no answer from the peer"],
  "lcp-not-converging": [5, 0, "LCP: no agreement on the options"],
  "lcp-rejected": [6, 0, "LCP: the peer rejects what LCP cannot do without"],
  "looped-back": [7, 0, "the line is looped back: our own Magic-Number came back"],
  "no-echo": [8, 0, "the peer does not answer Echo-Requests"],
  "authentication-protocol": [15, 1, "the peer takes none of our authentication protocols"],
  "authentication-failed": [16, 1, "the peer was not authenticated"],
  "authentication-refused": [16, 2, "the peer did not accept who we are"],
  "no-network-protocol": [18, 0, "no network protocol came up"],
  address: [19, 0, "no agreement on the addresses"],
  encryption: [4, 1, "MPPE is required and was not agreed on"],
};

/** What the end of LCP means for the link. */
export const FINISHES: Readonly<Record<Finish, DownCode>> = {
  timeout: "lcp-timeout",
  terminated: "peer-terminated",
  closed: "closed",
  "not-converging": "lcp-not-converging",
  rejected: "lcp-rejected",
};

/** The reason with a code; `text` says more, when there is more. */
export function reasonOf(code: DownCode, text?: string): DownReason {
  const [disconnectCode, direction, words] = REASONS[code];
  return { code, disconnectCode, direction, text: text ? `${words}: ${text}` : words };
}
