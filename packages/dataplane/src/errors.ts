/** What a caller can act on. */
export type PlaneErrorCode =
  | "address-in-use"
  | "address-not-local"
  | "closed"
  | "id-in-use"
  | "invalid-parameters"
  | "limit"
  | "module-missing"
  | "name-in-use"
  | "no-bridge"
  | "no-privilege"
  | "no-route"
  | "no-such-namespace"
  | "not-available"
  | "route-through-itself"
  | "system"
  | "unsupported";

/** A data plane could not do what it was asked; the message says what to do about it. */
export class PlaneError extends Error {
  override readonly name = "PlaneError";
  readonly code: PlaneErrorCode;

  constructor(code: PlaneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
