/** What goes wrong between a person and a daemon: a code to branch on, a text, and what to do. */

/** HTTP status of each code of {@link ManagementError}. */
export const ERROR_STATUS = {
  /** No such tunnel, session, target, path. */
  "not-found": 404,
  /** More than one answers to that name. */
  ambiguous: 409,
  /** Not in this state: dialling what is not configured for it, resuming what does not drain. */
  conflict: 409,
  /** The request itself is wrong. */
  invalid: 400,
  "method-not-allowed": 405,
  "too-large": 413,
  /** The document has errors; nothing was changed. */
  configuration: 422,
  /** This daemon, or its data plane, cannot do that. */
  unsupported: 501,
  /** Too many requests at once. */
  busy: 503,
  /** A fault of the daemon. */
  internal: 500,
} as const;

/** See {@link ERROR_STATUS}. */
export type ManagementErrorCode = keyof typeof ERROR_STATUS;

/** What the daemon says to a request that it cannot fulfil. */
export class ManagementError extends Error {
  override readonly name = "ManagementError";
  readonly code: ManagementErrorCode;
  /** What a person may do about it. */
  readonly remedy: string | undefined;
  /** More lines, such as each problem of a document. */
  readonly details: readonly string[];

  constructor(
    code: ManagementErrorCode,
    message: string,
    {
      remedy,
      details = [],
      cause,
    }: { remedy?: string | undefined; details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }
}
