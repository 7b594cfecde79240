/** What is thrown at the caller. Nothing that a peer sends makes the control plane throw. */
import { L2tpError } from "@l2tp/protocol";

/** Codes of {@link ControlError}; part of the API. */
export type ControlErrorCode =
  /** A parameter is missing, out of range, or does not fit another. */
  | "ERR_L2TP_PARAMETER"
  /** There are as many tunnels or sessions as are allowed, or no ID is free. */
  | "ERR_L2TP_LIMIT"
  /** The endpoint is draining or shut down: nothing new is begun. */
  | "ERR_L2TP_DRAINING"
  /** No such tunnel or session; it may have ended. */
  | "ERR_L2TP_UNKNOWN"
  /** This end, or the state, does not allow it: only an LNS sends SLI, only a LAC sends WEN … */
  | "ERR_L2TP_STATE";

/** Something was asked of the endpoint that cannot be; the message says what, and what would do. */
export class ControlError extends L2tpError {
  override readonly name = "ControlError";
  override readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
