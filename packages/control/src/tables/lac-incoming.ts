/** An incoming call at the LAC: RFC 2661 §7.4.1. */
import type { Machine } from "../machine.ts";

/** States of an incoming call at the LAC. */
export type LacIncomingState = "idle" | "wait-tunnel" | "wait-reply" | "established";

/** What can happen to it. */
export type LacIncomingEvent =
  | "bearer-ring"
  | "incoming-ready"
  | "bearer-drop"
  | "local-close-request"
  | "tunnel-open"
  | "rx-ICRQ"
  | "rx-ICRP-acceptable"
  | "rx-ICRP-unacceptable"
  | "rx-ICRP"
  | "rx-ICCN"
  | "rx-CDN"
  | "protocol-error"
  | "set-up-timeout"
  | "plane-failed"
  | "tunnel-closed";

/** What it does. */
export type LacIncomingAction = "initiate-tunnel-open" | "send-ICRQ" | "send-ICCN" | "send-CDN" | "clean-up";

const disconnect = [["send-CDN", "clean-up"], "idle"] as const;
const forget = [["clean-up"], "idle"] as const;

/** RFC 2661 §7.4.1. */
export const LAC_INCOMING: Machine<LacIncomingState, LacIncomingEvent, LacIncomingAction> = {
  name: "v2-lac-incoming-call",
  reference: "RFC 2661 §7.4.1",
  initial: "idle",
  states: ["idle", "wait-tunnel", "wait-reply", "established"],
  events: [
    "bearer-ring",
    "incoming-ready",
    "bearer-drop",
    "local-close-request",
    "tunnel-open",
    "rx-ICRQ",
    "rx-ICRP-acceptable",
    "rx-ICRP-unacceptable",
    "rx-ICRP",
    "rx-ICCN",
    "rx-CDN",
    "protocol-error",
    "set-up-timeout",
    "plane-failed",
    "tunnel-closed",
  ],
  rfc: {
    idle: {
      "bearer-ring": [["initiate-tunnel-open"], "wait-tunnel"],
      "incoming-ready": [["initiate-tunnel-open"], "wait-tunnel"],
      "rx-ICCN": forget,
      "rx-ICRP": forget,
      "rx-CDN": forget,
    },
    "wait-tunnel": {
      "bearer-drop": forget,
      "local-close-request": forget,
      "tunnel-open": [["send-ICRQ"], "wait-reply"],
    },
    "wait-reply": {
      "rx-ICRP-acceptable": [["send-ICCN"], "established"],
      "rx-ICRP-unacceptable": disconnect,
      "rx-ICRQ": disconnect,
      "rx-CDN": forget,
      "rx-ICCN": forget,
      "local-close-request": disconnect,
      "bearer-drop": disconnect,
    },
    established: {
      "rx-CDN": forget,
      "rx-ICRQ": disconnect,
      "rx-ICRP": disconnect,
      "rx-ICCN": disconnect,
      "bearer-drop": disconnect,
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
    established: {
      "tunnel-closed": forget,
    },
  },
  otherwise: disconnect,
};
