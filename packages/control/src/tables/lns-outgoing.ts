/** An outgoing call at the LNS: RFC 2661 §7.5.2. */
import type { Machine } from "../machine.ts";

/** States of an outgoing call at the LNS. */
export type LnsOutgoingState = "idle" | "wait-tunnel" | "wait-reply" | "wait-connect" | "established";

/** What can happen to it. */
export type LnsOutgoingEvent =
  | "local-open-request"
  | "tunnel-open"
  | "rx-OCRQ"
  | "rx-OCRP-acceptable"
  | "rx-OCRP-unacceptable"
  | "rx-OCRP"
  | "rx-OCCN"
  | "rx-CDN"
  | "local-close-request"
  | "protocol-error"
  | "set-up-timeout"
  | "plane-failed"
  | "tunnel-closed";

/** What it does. */
export type LnsOutgoingAction = "initiate-tunnel-open" | "send-OCRQ" | "send-CDN" | "clean-up";

const disconnect = [["send-CDN", "clean-up"], "idle"] as const;
const forget = [["clean-up"], "idle"] as const;

/** RFC 2661 §7.5.2. */
export const LNS_OUTGOING: Machine<LnsOutgoingState, LnsOutgoingEvent, LnsOutgoingAction> = {
  name: "v2-lns-outgoing-call",
  reference: "RFC 2661 §7.5.2",
  initial: "idle",
  states: ["idle", "wait-tunnel", "wait-reply", "wait-connect", "established"],
  events: [
    "local-open-request",
    "tunnel-open",
    "rx-OCRQ",
    "rx-OCRP-acceptable",
    "rx-OCRP-unacceptable",
    "rx-OCRP",
    "rx-OCCN",
    "rx-CDN",
    "local-close-request",
    "protocol-error",
    "set-up-timeout",
    "plane-failed",
    "tunnel-closed",
  ],
  rfc: {
    idle: {
      "local-open-request": [["initiate-tunnel-open"], "wait-tunnel"],
      "rx-OCCN": forget,
      "rx-OCRP": forget,
      "rx-CDN": forget,
    },
    "wait-tunnel": {
      "tunnel-open": [["send-OCRQ"], "wait-reply"],
      "local-close-request": forget,
    },
    "wait-reply": {
      "rx-OCRP-acceptable": [[], "wait-connect"],
      "rx-OCRP-unacceptable": disconnect,
      "rx-OCCN": disconnect,
      "rx-OCRQ": disconnect,
      "rx-CDN": forget,
      "local-close-request": disconnect,
    },
    "wait-connect": {
      "rx-OCCN": [[], "established"],
      "rx-OCRQ": disconnect,
      "rx-OCRP": disconnect,
      "rx-CDN": forget,
      "local-close-request": disconnect,
    },
    established: {
      "rx-CDN": forget,
      "rx-OCRQ": disconnect,
      "rx-OCRP": disconnect,
      "rx-OCCN": disconnect,
      "local-close-request": disconnect,
    },
  },
  beyond: {
    idle: {
      "tunnel-closed": forget,
    },
    "wait-tunnel": {
      "set-up-timeout": forget,
      "tunnel-closed": forget,
      "rx-CDN": forget,
    },
    "wait-reply": {
      "tunnel-closed": forget,
    },
    "wait-connect": {
      "tunnel-closed": forget,
    },
    established: {
      "tunnel-closed": forget,
    },
  },
  otherwise: disconnect,
};
