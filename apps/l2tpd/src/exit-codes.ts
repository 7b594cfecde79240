/** What `l2tpd` ends with: 0, or a number of `sysexits.h`, so that a service manager can tell the causes apart. */

/** The exit codes, by name. The man page lists them. */
export const EXIT = {
  /** Stopped as asked, and everything was taken down; or `--check` found nothing wrong. */
  ok: 0,
  /** `EX_USAGE`: an option that is not there, or does not take that value. */
  usage: 64,
  /** `EX_NOINPUT`: the configuration file cannot be read. */
  noInput: 66,
  /** `EX_UNAVAILABLE`: the data plane asked for does not work on this machine. */
  unavailable: 69,
  /** `EX_SOFTWARE`: a fault in l2tpd itself. */
  software: 70,
  /** `EX_OSERR`: the system refused what l2tpd cannot do without. */
  osError: 71,
  /** `EX_TEMPFAIL`: the stop was cut short, by the time limit or by a second signal. */
  cutShort: 75,
  /** `EX_NOPERM`: not allowed. */
  noPermission: 77,
  /** `EX_CONFIG`: the configuration is wrong. */
  configuration: 78,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the program with this code, after the message on standard error. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
