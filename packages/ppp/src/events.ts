/** What a link tells and wants: events in the order in which they happened, plain records. */
import type { Credentials } from "./auth/question.ts";
import type { MppeMode } from "./ccp.ts";
import type { Ipv4Agreement } from "./ipcp.ts";
import type { Ipv6Agreement } from "./ipv6cp.ts";
import type { MppeStartKeys } from "./mppe-keys.ts";
import type { ProxyInformation } from "./proxy.ts";
import type { AuthMethod } from "./settings.ts";

/** Protocols whose packets the data plane carries. */
export type NetworkProtocol = "ipv4" | "ipv6";

/** All that the data plane has to know of the link; each event has the whole, and replaces the one before. */
export interface LinkConfiguration {
  /** Control characters to escape on an asynchronous line, and those the peer escapes. */
  readonly sendAccm: number;
  readonly receiveAccm: number;
  /** Send one octet of protocol where that is enough, and no FF 03. */
  readonly pfc: boolean;
  readonly acfc: boolean;
  /** Octets of information that we said we take. */
  readonly mru: number;
  /** The largest IP packet to send: what the peer takes, what the path takes, less what MPPE needs. */
  readonly mtu: number;
  /** Largest TCP segment to let pass in a SYN, by family; `undefined`: leave SYNs alone. */
  readonly tcpMss: { readonly ipv4: number; readonly ipv6: number } | undefined;
  readonly ipv4: Ipv4Agreement | undefined;
  readonly ipv6: Ipv6Agreement | undefined;
  readonly mppe:
    | { readonly send: MppeMode; readonly receive: MppeMode; readonly keys: MppeStartKeys }
    | undefined;
}

/** Why a link ended. `code` is part of the API. */
export type DownCode =
  | "closed"
  | "peer-terminated"
  | "lower-layer-down"
  | "lcp-timeout"
  | "lcp-not-converging"
  | "lcp-rejected"
  | "looped-back"
  | "no-echo"
  | "authentication-protocol"
  | "authentication-failed"
  | "authentication-refused"
  | "no-network-protocol"
  | "address"
  | "encryption";

/** See {@link DownCode}. */
export interface DownReason {
  readonly code: DownCode;
  /** PPP Disconnect Cause Code for the CDN (RFC 3145 §2.1), and whose doing it was: 0 either, 1 peer, 2 we. */
  readonly disconnectCode: number;
  readonly direction: 0 | 1 | 2;
  /** For people. */
  readonly text: string;
}

/** See the file's head. */
export type PppEvent =
  /** To be sent: protocol field first, two octets; FF 03 is the data plane's business. */
  | { readonly type: "frame"; readonly frame: Uint8Array }
  /** LCP is up, or became so again after the peer renegotiated. */
  | { readonly type: "lcp-up" }
  /** The peer says who it is: answer with `decide` and the token. */
  | { readonly type: "question"; readonly token: number; readonly credentials: Credentials }
  | { readonly type: "peer-authenticated"; readonly name: string; readonly method: AuthMethod | "none" }
  /** The peer accepted who we are. */
  | { readonly type: "authenticated" }
  | { readonly type: "configure"; readonly configuration: LinkConfiguration }
  | { readonly type: "gate"; readonly protocol: NetworkProtocol; readonly mode: "pass" | "drop" }
  /**
   * With `handOver`: what was agreed on and proved, as a LAC tells it (RFC 2661 §4.4.5). It holds the password of PAP. The last
   * event: nothing is sent or taken any more.
   */
  | { readonly type: "handed-over"; readonly proxy: ProxyInformation }
  /** The first network protocol is up: the link is of use. */
  | { readonly type: "up" }
  /** The peer lost its place in our encrypted packets: `MppeEncryptor.reset`. */
  | { readonly type: "mppe-reset" }
  /** RFC 1570: who the peer says it is, and how long it will stay. */
  | { readonly type: "identification"; readonly text: string }
  | { readonly type: "time-remaining"; readonly seconds: number; readonly text: string }
  /** The link is being taken down; nothing passes any more. */
  | { readonly type: "terminating"; readonly reason: DownReason }
  /** The last event. */
  | { readonly type: "down"; readonly reason: DownReason };

/** What was met, and not worth an event; counts only go up. */
export interface PppCounters {
  /** Frames and packets given to the link and by it. */
  received: number;
  sent: number;
  /** Lengths that cannot be, options that run over the end. */
  malformed: number;
  /** Well-formed, and nothing that has a place now: wrong identifiers, early protocols. */
  unexpected: number;
  /** An Ack or Nak where none was awaited any more: negotiation starts over (RFC 1661 §4.4, note x). */
  crossed: number;
  /** Our own Magic-Number, back. */
  looped: number;
  /** More packets than the ration: dropped without a look. */
  flooded: number;
  /** Protocols that nobody opened: rejected, or not even that when there were too many. */
  unknownProtocol: number;
  /** Data packets that the data plane handed up by mistake. */
  data: number;
}
