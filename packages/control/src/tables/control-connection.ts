/** The control connection, for both peers: RFC 2661 §7.2.1. */
import type { Machine } from "../machine.ts";

/** States of a control connection. */
export type ControlState = "idle" | "wait-ctl-reply" | "wait-ctl-conn" | "established";

/** What can happen to a control connection. */
export type ControlEvent =
  | "local-open-request"
  | "rx-SCCRQ-acceptable"
  | "rx-SCCRQ-unacceptable"
  | "rx-SCCRQ-lose-tie-breaker"
  | "rx-SCCRQ-win-tie-breaker"
  | "rx-SCCRQ"
  | "rx-SCCRP-acceptable"
  | "rx-SCCRP-unacceptable"
  | "rx-SCCRP"
  | "rx-SCCCN-acceptable"
  | "rx-SCCCN-unacceptable"
  | "rx-SCCCN"
  | "rx-StopCCN"
  | "admin-close"
  /** A message that is malformed, unknown and mandatory, or of a call before there can be any (§7.1). */
  | "protocol-error"
  /** The time for set-up is over. */
  | "set-up-timeout"
  /** Reliable delivery has given up (§5.8). */
  | "no-response";

/** What a control connection does. */
export type ControlAction =
  | "send-SCCRQ"
  | "send-SCCRP"
  | "send-SCCCN"
  | "send-StopCCN"
  | "clean-up"
  | "tunnel-open-to-waiting-sessions"
  | "requeue-SCCRQ-for-idle";

const stop = [["send-StopCCN", "clean-up"], "idle"] as const;
const forget = [["clean-up"], "idle"] as const;
const open = [["tunnel-open-to-waiting-sessions"], "established"] as const;

/** RFC 2661 §7.2.1. */
export const CONTROL_CONNECTION: Machine<ControlState, ControlEvent, ControlAction> = {
  name: "v2-control-connection",
  reference: "RFC 2661 §7.2.1",
  initial: "idle",
  states: ["idle", "wait-ctl-reply", "wait-ctl-conn", "established"],
  events: [
    "local-open-request",
    "rx-SCCRQ-acceptable",
    "rx-SCCRQ-unacceptable",
    "rx-SCCRQ-lose-tie-breaker",
    "rx-SCCRQ-win-tie-breaker",
    "rx-SCCRQ",
    "rx-SCCRP-acceptable",
    "rx-SCCRP-unacceptable",
    "rx-SCCRP",
    "rx-SCCCN-acceptable",
    "rx-SCCCN-unacceptable",
    "rx-SCCCN",
    "rx-StopCCN",
    "admin-close",
    "protocol-error",
    "set-up-timeout",
    "no-response",
  ],
  rfc: {
    idle: {
      "local-open-request": [["send-SCCRQ"], "wait-ctl-reply"],
      "rx-SCCRQ-acceptable": [["send-SCCRP"], "wait-ctl-conn"],
      "rx-SCCRQ-unacceptable": stop,
      "rx-SCCRP": stop,
      "rx-SCCCN": forget,
      "rx-StopCCN": forget,
    },
    "wait-ctl-reply": {
      "rx-SCCRP-acceptable": [["send-SCCCN", "tunnel-open-to-waiting-sessions"], "established"],
      "rx-SCCRP-unacceptable": stop,
      "rx-SCCRQ-lose-tie-breaker": [["clean-up", "requeue-SCCRQ-for-idle"], "idle"],
      "rx-SCCCN": stop,
      "rx-StopCCN": forget,
    },
    "wait-ctl-conn": {
      "rx-SCCCN-acceptable": open,
      "rx-SCCCN-unacceptable": stop,
      "rx-SCCRP": stop,
      "rx-SCCRQ": stop,
      "rx-StopCCN": forget,
    },
    established: {
      "local-open-request": open,
      "admin-close": stop,
      "rx-SCCRQ": stop,
      "rx-SCCRP": stop,
      "rx-SCCCN": stop,
      "rx-StopCCN": forget,
    },
  },
  beyond: {
    // A caller that nobody has answered yet is refused like any other.
    idle: { "set-up-timeout": stop, "no-response": forget },
    "wait-ctl-reply": {
      "local-open-request": [[], "wait-ctl-reply"],
      // "The loser MUST silently discard its tunnel": the winner waits on.
      "rx-SCCRQ-win-tie-breaker": [[], "wait-ctl-reply"],
      "no-response": forget,
    },
    "wait-ctl-conn": { "local-open-request": [[], "wait-ctl-conn"], "no-response": forget },
    established: { "no-response": forget },
  },
  otherwise: stop,
};
