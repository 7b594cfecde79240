/** What a caller can act on. */
export type PlaneErrorCode =
  /** The address and port are taken: choose another port, or stop who has it. */
  | "address-in-use"
  /** No interface of this host has the address. */
  | "address-not-local"
  /** The plane, wire, tunnel or session was closed before or during the call. */
  | "closed"
  /** A tunnel or session ID is taken. */
  | "id-in-use"
  /** A parameter is out of range or contradicts another; the message names it. */
  | "invalid-parameters"
  /** The data plane or the system takes no more of them. */
  | "limit"
  /** A kernel module is not there. */
  | "module-missing"
  /** The name of the interface is taken. */
  | "name-in-use"
  /** The bridge that the interface was to join does not exist. */
  | "no-bridge"
  /** The process lacks a privilege; the message says which. */
  | "no-privilege"
  /** No route leads to the peer. */
  | "no-route"
  /** The network namespace of the binding does not exist. */
  | "no-such-namespace"
  /** The data plane does not run here at all: another operating system, a missing device. */
  | "not-available"
  /** The route to the peer would lead through the session's own interface. */
  | "route-through-itself"
  /** Something else that the system refused; the original is in `cause`. */
  | "system"
  /** This data plane cannot do it, another may: see `capabilities`. */
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
