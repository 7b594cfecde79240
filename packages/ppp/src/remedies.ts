/** What a person may do about the end of a link. */
import type { DownCode } from "./events.ts";

/** By the code of a `DownReason`; where there is nothing to do, there is none. Without a full stop, for the end of a line. */
export const PPP_REMEDIES = {
  "lcp-timeout":
    "control messages pass and data does not: look at firewalls, NAT and sequence numbers; does PPP run at the peer?",
  "lcp-not-converging": "compare MRU, ACCM and the ways of proof at both ends",
  "looped-back": "the peer sends our own packets back: look for a loop, or for a port that is not in use",
  "no-echo": "the path is gone, or the peer answers no echo: `echo_interval = 0`",
  "authentication-protocol":
    "`auth` of our PPP profile and what the peer can have nothing in common; who we dial is seldom willing: `auth = []`",
  "authentication-failed":
    "compare user and password; the text says whether there is such a user, and which rule was against it",
  "authentication-refused":
    "compare user and password with those that the peer knows, and `own_auth` with what it asks for; its log may say more",
  "no-network-protocol": "neither IPv4 nor IPv6 came up: `ipv4`, `ipv6`, and what the peer wants",
  address: "one end insists on another address: `accept_local_address`, `accept_peer_address`, or the pool",
  encryption: '`mppe = "require"`, and the peer will not, or proved itself in a way that has no keys',
} as const satisfies Readonly<Partial<Record<DownCode, string>>>;
