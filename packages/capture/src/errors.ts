/** Why a file could not be read (to its end). Part of the API: callers branch on it. */
export type CaptureErrorCode =
  /** The first octets are of no known capture format. */
  | "not-a-capture"
  /** A capture, of a version that nobody has defined yet. */
  | "unsupported-version"
  /** The file ends in the middle of a packet or block; the packets before it were given. */
  | "truncated"
  /** A length or reference inside the file cannot be right; the packets before it were given. */
  | "corrupt";

/**
 * A capture file that cannot be read, or cannot be read further. The message says what is wrong at which
 * octet and what to do; it does not name the file, which only the caller knows.
 */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly code: CaptureErrorCode;
  /** Octets from the start of the file to the record in question. */
  readonly offset: number;

  constructor(code: CaptureErrorCode, offset: number, message: string) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}
