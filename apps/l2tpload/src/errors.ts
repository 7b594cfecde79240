/** What the program ends with. */
export const EXIT = {
  /** All that was wanted came up, and stayed. */
  ok: 0,
  /** Something failed, was lost, or was not begun in time. */
  failed: 1,
  /** Wrong usage, or the run could not begin. */
  usage: 2,
  /** SIGINT or SIGTERM, as a shell has it. */
  interrupted: 130,
} as const;

/** The program was called wrongly: the message goes to standard error, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "ERR_L2TPLOAD_USAGE";
}
