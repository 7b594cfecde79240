/** What the program ends with. */
export const EXIT = { ok: 0, malformed: 1, usage: 2 } as const;

/**
 * The program was called wrongly, or with input that cannot be read: the message goes to standard error with
 * the program's name before it, and the exit code is 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "ERR_L2TPCTL_USAGE";
}
