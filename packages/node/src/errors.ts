/**
 * What a caller can do wrong with a context, a tunnel or a session. Branch on `code`: it is part of the API;
 * the message is for people. What the system refuses is a `PlaneError` of `@l2tp/dataplane` and reaches the
 * caller as the reason of an event, because the tunnel is tried again.
 */

/** The codes of {@link L2tpError}. */
export type L2tpErrorCode = "aborted" | "closed" | "invalid-parameters" | "name-in-use";

/** The base of all errors that this package throws. */
export abstract class L2tpError extends Error {
  abstract readonly code: L2tpErrorCode;
  abstract override readonly name: string;
}

/** A parameter that no data plane could honour; `path` is where it is, such as `peer.port`. */
export class ParameterError extends L2tpError {
  override readonly name = "ParameterError";
  readonly code = "invalid-parameters";
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.path = path;
  }
}

/** A name that another tunnel of the context, or another session of the tunnel, already has. */
export class NameInUseError extends L2tpError {
  override readonly name = "NameInUseError";
  readonly code = "name-in-use";
}

/** The context, tunnel or session was closed before what was asked for could happen. */
export class ClosedError extends L2tpError {
  override readonly name = "ClosedError";
  readonly code = "closed";
}

/** The caller's `AbortSignal` ended the wait; its reason is in `cause`. */
export class AbortedError extends L2tpError {
  override readonly name = "AbortedError";
  readonly code = "aborted";
}
