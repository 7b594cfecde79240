/** Why a tunnel or session has ended, or a caller was refused: for programs, and for people. */
import { CDN_RESULTS_V2, GENERAL_ERRORS, printable, Q931_CAUSES, STOPCCN_RESULTS_V2 } from "@l2tp/protocol";
import { REMEDIES } from "./remedies.ts";

/** What happened, in one word. Part of the API; each has a remedy for people in remedies.ts. */
export type Cause =
  /** Closed by whoever uses this endpoint. */
  | "local-close"
  /** The peer sent StopCCN or CDN. */
  | "peer-close"
  /** We refused the caller or the call. */
  | "refused"
  /** The peer refused us: StopCCN or CDN before it was up. */
  | "peer-refused"
  /** The peer knows another place that would serve us (General Error 7, or 4: it is full). */
  | "try-another"
  /** The secret of one end is not that of the other, or one end has none. */
  | "authentication"
  /** The peer's messages broke the protocol. */
  | "protocol-error"
  /** The peer, or the network between, was silent while a message was to be acknowledged. */
  | "no-response"
  /** … a Hello was to be acknowledged. */
  | "hello-missed"
  /** Not up within the time for it. */
  | "set-up-timeout"
  /** Nobody decided in time about the caller or the call. */
  | "undecided"
  /** A limit of ours. */
  | "limit"
  /** Both ends opened a tunnel, and one was wanted. */
  | "tie-breaker"
  /** The data plane could not do what it was asked for, or did not answer in time. */
  | "data-plane"
  /** No session was left on the tunnel. */
  | "idle"
  /** The endpoint is emptied, or goes. */
  | "drained"
  | "shut-down"
  /** A session whose tunnel ended; see the tunnel's own ending. */
  | "tunnel-ended"
  /** The call itself ended: carrier lost, busy, not answered. */
  | "bearer";

/** Who or what ended it. */
export type EndedBy = "local" | "peer" | "network";

/** The whole of it. */
export interface Ending {
  readonly by: EndedBy;
  readonly cause: Cause;
  /** The message that ended it, sent or received; absent when there was none. */
  readonly message?: "StopCCN" | "CDN";
  /** Result Code and Error Code of that message (RFC 2661 §4.4.2). */
  readonly result?: number;
  readonly error?: number;
  /** The peer's Error Message (control characters taken out), or what we have to say. */
  readonly text?: string;
  /** Q.931 Cause Code, where the CDN had one. */
  readonly q931?: { readonly cause: number; readonly message: number; readonly text?: string };
  /** PPP Disconnect Cause Code (RFC 3145), where the CDN had one. */
  readonly disconnect?: {
    readonly code: number;
    readonly protocol: number;
    readonly direction: number;
    readonly text?: string;
  };
  /** The other end may be served elsewhere: a LAC that knows more LNSs should go to the next. */
  readonly tryAnother: boolean;
  /** What a person may do about it. */
  readonly remedy: string;
}

/** What is not known otherwise when an ending is made. */
export type EndingFacts = Omit<Ending, "remedy" | "tryAnother"> & { readonly remedy?: string };

/** Error messages are the peer's text: no longer than this in an event. */
const MAXIMUM_TEXT = 200;

/** Completes an ending: the remedy for its cause, and whether another peer may do better. */
export function ending(facts: EndingFacts): Ending {
  const { text, ...rest } = facts;
  return {
    ...rest,
    ...(text !== undefined && text !== "" && { text: printable(text).slice(0, MAXIMUM_TEXT) }),
    tryAnother: facts.by === "peer" && facts.result === 2 && (facts.error === 7 || facts.error === 4),
    remedy: facts.remedy ?? REMEDIES[facts.cause],
  };
}

/** One line for a log: `StopCCN 2/8 (…): "text"; remedy`. */
export function endingText(end: Ending): string {
  const who = { local: "we ended it", peer: "the peer ended it", network: "connectivity was lost" }[end.by];
  const texts = end.message === "CDN" ? CDN_RESULTS_V2 : STOPCCN_RESULTS_V2;
  const code =
    end.result === undefined ? "" : ` ${end.result}${end.error === undefined ? "" : `/${end.error}`}`;
  const meaning =
    end.result === 2 && end.error !== undefined
      ? GENERAL_ERRORS[end.error]
      : end.result === undefined
        ? undefined
        : texts[end.result];
  const message = end.message === undefined ? "" : `: ${end.message}${code}${meaning ? ` (${meaning})` : ""}`;
  const q931 = end.q931 ? `, Q.931 ${end.q931.cause} (${Q931_CAUSES[end.q931.cause] ?? "unknown"})` : "";
  const text = end.text === undefined ? "" : `, "${end.text}"`;
  return `${end.cause}: ${who}${message}${q931}${text}; ${end.remedy}`;
}
