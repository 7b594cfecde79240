/** What the program ends with, and the errors that decide it. */

/**
 * What the program ends with. `decode` keeps the codes of a filter (0, 1, 2); what speaks to a daemon, and `config`, have
 * those of sysexits.h, as l2tpd has.
 */
export const EXIT = {
  ok: 0,
  /** `decode`: something was malformed. */
  malformed: 1,
  /** There is no such tunnel, session, or name; or the daemon said no. */
  refused: 1,
  /** `decode`, and no command at all: wrong usage, or input that cannot be read. */
  usage: 2,
  /** `EX_USAGE`: wrong usage of any other command. */
  commandUsage: 64,
  /** `EX_NOINPUT`: a file cannot be read. */
  noInput: 66,
  /** `EX_UNAVAILABLE`: no daemon. */
  unavailable: 69,
  /** `EX_SOFTWARE`: a fault of the daemon. */
  software: 70,
  /** `EX_CANTCREAT`: a file cannot be written. */
  cannotCreate: 73,
  /** `EX_TEMPFAIL`: the daemon went away, or does not answer. */
  temporary: 75,
  /** `EX_PROTOCOL`: a daemon of another version, or no daemon of ours. */
  protocol: 76,
  /** `EX_NOPERM`: not allowed to speak to the daemon. */
  noPermission: 77,
  /** `EX_CONFIG`: the configuration is wrong. */
  configuration: 78,
} as const;

/**
 * The program was called wrongly, or with input that cannot be read: the message goes to standard error with
 * the program's name before it, and the exit code is 2.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "ERR_L2TPCTL_USAGE";
}

/** Ends the program with this code, after the message on standard error. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "not allowed to read it",
  EISDIR: "it is a directory",
};

/** What the system says of a file, in words. */
export const whyUnreadable = (error: { readonly code?: unknown; readonly message: string }): string =>
  REASONS[String(error.code)] ?? error.message;
