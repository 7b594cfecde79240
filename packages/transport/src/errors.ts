/** What is thrown at the caller. Nothing that a peer sends makes the transport throw. */

/** Something was asked of the transport that cannot be: a setting out of range, a message that is none. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  /** Which kind of mistake; part of the API. */
  readonly code: "bad-setting" | "bad-message" | "too-many-channels" | "unknown-channel";

  constructor(code: TransportError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
