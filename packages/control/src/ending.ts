/** Why a tunnel or session has ended, or a caller was refused: for programs, and for people. */
import {
  CDN_RESULTS_V2,
  GENERAL_ERRORS,
  PPP_DISCONNECT_TEXTS,
  printable,
  Q931_CAUSES,
  STOPCCN_RESULTS_V2,
} from "@l2tp/protocol";
import type { Cause } from "./cause.ts";
import { remedyFor } from "./remedies.ts";

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
  return Object.assign({}, rest, {
    ...(text !== undefined && text !== "" && { text: printable(text).slice(0, MAXIMUM_TEXT) }),
    tryAnother: facts.by === "peer" && facts.result === 2 && (facts.error === 7 || facts.error === 4),
    remedy: facts.remedy ?? remedyFor(facts.cause, facts.message, facts.result),
  });
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
  const ppp = pppText(end.disconnect);
  const text = end.text === undefined ? "" : `, ${quoted(end.cause, end.text)}`;
  return `${end.cause}: ${who}${message}${q931}${ppp}${text}; ${end.remedy}`;
}

/** A text in quotation marks; that of a session whose tunnel has ended begins with the tunnel's cause, which nobody said. */
function quoted(cause: Ending["cause"], text: string): string {
  if (cause !== "tunnel-ended") return `"${text}"`;
  const [tunnelCause, ...said] = text.split(": ");
  return said.length === 0 ? text : `${tunnelCause}: "${said.join(": ")}"`;
}

/** What an LNS says of the end of PPP; code 0 is "no information". */
function pppText(disconnect: Ending["disconnect"]): string {
  if (disconnect === undefined || disconnect.code === 0) return "";
  const { code, text } = disconnect;
  return `, PPP ${code} (${PPP_DISCONNECT_TEXTS[code] ?? "unknown"}${text ? `: ${printable(text)}` : ""})`;
}
