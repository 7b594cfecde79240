/** An incoming call at the LNS: RFC 2661 §7.4.2. */
import type { Machine } from "../machine.ts";

/** States of an incoming call at the LNS. */
export type LnsIncomingState = "idle" | "wait-connect" | "established";

/** What can happen to it. */
export type LnsIncomingEvent =
  | "rx-ICRQ-acceptable"
  | "rx-ICRQ-unacceptable"
  | "rx-ICRQ"
  | "rx-ICRP"
  | "rx-ICCN-acceptable"
  | "rx-ICCN-unacceptable"
  | "rx-ICCN"
  | "rx-CDN"
  | "local-close-request"
  | "protocol-error"
  | "set-up-timeout"
  | "plane-failed"
  | "tunnel-closed";

/** What it does. */
export type LnsIncomingAction = "send-ICRP" | "prepare-for-data" | "send-CDN" | "clean-up";

const disconnect = [["send-CDN", "clean-up"], "idle"] as const;
const forget = [["clean-up"], "idle"] as const;

/** RFC 2661 §7.4.2. */
export const LNS_INCOMING: Machine<LnsIncomingState, LnsIncomingEvent, LnsIncomingAction> = {
  name: "v2-lns-incoming-call",
  reference: "RFC 2661 §7.4.2",
  initial: "idle",
  states: ["idle", "wait-connect", "established"],
  events: [
    "rx-ICRQ-acceptable",
    "rx-ICRQ-unacceptable",
    "rx-ICRQ",
    "rx-ICRP",
    "rx-ICCN-acceptable",
    "rx-ICCN-unacceptable",
    "rx-ICCN",
    "rx-CDN",
    "local-close-request",
    "protocol-error",
    "set-up-timeout",
    "plane-failed",
    "tunnel-closed",
  ],
  rfc: {
    idle: {
      "rx-ICRQ-acceptable": [["send-ICRP"], "wait-connect"],
      "rx-ICRQ-unacceptable": disconnect,
      "rx-ICRP": disconnect,
      "rx-ICCN": forget,
      "rx-CDN": forget,
    },
    "wait-connect": {
      "rx-ICCN-acceptable": [["prepare-for-data"], "established"],
      "rx-ICCN-unacceptable": disconnect,
      "rx-ICRQ": disconnect,
      "rx-ICRP": disconnect,
      "rx-CDN": forget,
      "local-close-request": disconnect,
    },
    established: {
      "rx-CDN": forget,
      "local-close-request": disconnect,
      "rx-ICRQ": disconnect,
      "rx-ICRP": disconnect,
      "rx-ICCN": disconnect,
    },
  },
  beyond: {
    idle: {
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
