/** What cannot be done with pppd. */

/** For programs. */
export type PppdErrorCode =
  /** What it was to be told is wrong: an option, a file of options, a setting that a PPP interface does not have. */
  | "ERR_PPPD_OPTIONS"
  /** The program is not there. */
  | "ERR_PPPD_MISSING"
  /** It ended before it had an interface, or makes none. */
  | "ERR_PPPD_FAILED";

/** pppd cannot run a session; the message says why and what helps. */
export class PppdError extends Error {
  override readonly name = "PppdError";
  readonly code: PppdErrorCode;

  constructor(code: PppdErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
