/** An outgoing call at the LAC: RFC 2661 §7.5.1. */
import type { Machine } from "../machine.ts";

/** States of an outgoing call at the LAC. */
export type LacOutgoingState = "idle" | "wait-cs-answer" | "established";

/** What can happen to it. */
export type LacOutgoingEvent =
  | "rx-OCRQ-acceptable"
  | "rx-OCRQ-unacceptable"
  | "rx-OCRQ"
  | "rx-OCRP"
  | "rx-OCCN"
  | "rx-CDN"
  | "bearer-answer-framing-detected"
  | "bearer-failure"
  | "bearer-drop"
  | "local-close-request"
  | "protocol-error"
  | "set-up-timeout"
  | "plane-failed"
  | "tunnel-closed";

/** What it does. */
export type LacOutgoingAction = "send-OCRP" | "open-bearer" | "send-OCCN" | "send-CDN" | "clean-up";

const disconnect = [["send-CDN", "clean-up"], "idle"] as const;
const forget = [["clean-up"], "idle"] as const;

/** RFC 2661 §7.5.1. */
export const LAC_OUTGOING: Machine<LacOutgoingState, LacOutgoingEvent, LacOutgoingAction> = {
  name: "v2-lac-outgoing-call",
  reference: "RFC 2661 §7.5.1",
  initial: "idle",
  states: ["idle", "wait-cs-answer", "established"],
  events: [
    "rx-OCRQ-acceptable",
    "rx-OCRQ-unacceptable",
    "rx-OCRQ",
    "rx-OCRP",
    "rx-OCCN",
    "rx-CDN",
    "bearer-answer-framing-detected",
    "bearer-failure",
    "bearer-drop",
    "local-close-request",
    "protocol-error",
    "set-up-timeout",
    "plane-failed",
    "tunnel-closed",
  ],
  rfc: {
    idle: {
      "rx-OCRQ-acceptable": [["send-OCRP", "open-bearer"], "wait-cs-answer"],
      "rx-OCRQ-unacceptable": disconnect,
      "rx-OCRP": disconnect,
      "rx-OCCN": forget,
      "rx-CDN": forget,
    },
    "wait-cs-answer": {
      "bearer-answer-framing-detected": [["send-OCCN"], "established"],
      "bearer-failure": disconnect,
      "rx-OCRQ": disconnect,
      "rx-OCRP": disconnect,
      "rx-OCCN": disconnect,
      "rx-CDN": forget,
    },
    established: {
      "rx-OCRQ": disconnect,
      "rx-OCRP": disconnect,
      "rx-OCCN": disconnect,
      "rx-CDN": forget,
      "bearer-drop": disconnect,
      "local-close-request": disconnect,
    },
  },
  beyond: {
    idle: {
      "tunnel-closed": forget,
    },
    "wait-cs-answer": {
      "local-close-request": disconnect,
      "tunnel-closed": forget,
    },
    established: {
      "tunnel-closed": forget,
    },
  },
  otherwise: disconnect,
};
