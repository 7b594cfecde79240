/** Why something came down or did not come up: a code to branch on, a text for people, and what to do. */
import type { Cause } from "@l2tp/control";
import { PlaneError, type PlaneErrorCode } from "@l2tp/dataplane";

/**
 * What a program can branch on. Those of `PlaneErrorCode` are what a data plane could not do, those of `Cause` how the
 * control connection or the call ended (there `local-close` is `closed` and `tunnel-ended` is `tunnel-down`).
 */
export type ReasonCode =
  /** Somebody here closed it. */
  | "closed"
  /** The peer stopped answering. */
  | "peer-gone"
  /** The session's tunnel came down. */
  | "tunnel-down"
  /** The data plane lost it: an interface was deleted, a socket failed. */
  | "session-lost"
  | "tunnel-lost"
  | "wire-lost"
  /** The call's PPP ended; the text says how. */
  | "ppp"
  /** The other half of a session that was passed on ended. */
  | "switched"
  /** The name of who is dialled has no address now. */
  | "unresolved"
  /** Nobody wants it up for now. */
  | "hung-up"
  /** The program is being emptied. */
  | "draining"
  | Exclude<Cause, "local-close" | "tunnel-ended">
  | PlaneErrorCode;

/** Why something came down or did not come up. */
export interface Reason {
  readonly code: ReasonCode;
  /** One sentence for people. */
  readonly text: string;
  /** What a person can do about it, where that can be said in general. */
  readonly remedy?: string;
  /** Reasons of one kind have one cause, however it was heard of: by PPP, or by what the other end says of its PPP. */
  readonly kind?: string;
}

/** The {@link Reason.kind} of an end that the other side wanted, as far as it says. */
export const HUNG_UP = "hung up";

const REMEDIES: Partial<Record<ReasonCode, string>> = {
  "address-in-use": "stop the other program on that address and port, or choose another local address",
  "address-not-local": "give the address to an interface of this host, or correct the local address",
  "id-in-use": "choose an ID that no other tunnel or session of this host has",
  "module-missing": "load the kernel's module, or use the userspace data plane",
  "name-in-use": "choose another interface name, or remove the interface that has it",
  "no-bridge": "create the bridge first; the session comes up by itself then",
  "no-privilege":
    "run as root or with CAP_NET_ADMIN (and CAP_NET_RAW for encapsulation ip), or inside a user namespace (unshare -Urn)",
  "no-route": "give the host a route to the peer",
  "no-such-namespace": "create the network namespace first",
  "peer-gone":
    "check that the peer runs, that its IDs and address match, and that nothing filters its messages",
  "route-through-itself":
    "give the peer's address a route that does not lead through the tunnel's own interface",
  unresolved: "check the name, and that this host's resolver works (getent hosts NAME)",
};

/** A reason with the remedy that goes with its code. */
export function reason(code: ReasonCode, text: string): Reason {
  const remedy = REMEDIES[code];
  return remedy === undefined ? { code, text } : { code, text, remedy };
}

/** What a data plane's error says, as a reason; anything but a `PlaneError` is the system's. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof PlaneError) return reason(error.code, error.message);
  return reason("system", error instanceof Error ? error.message : String(error));
}

/** Numbers that are others with each try: of calls, ports, times. */
const withoutNumbers = (text: string): string => text.replaceAll(/\d+/g, "#");

/** Whether `b` tells nothing new to a person who was told `a`. A peer that is gone stays gone, in whatever words. */
function isSame(a: Reason, b: Reason): boolean {
  if (a.kind !== undefined && a.kind === b.kind) return true;
  if (a.code !== b.code) return false;
  return a.code === "peer-gone" || withoutNumbers(a.text) === withoutNumbers(b.text);
}

/** Reasons that are not told again. A peer may find ever new words for one. */
const REMEMBERED = 8;
const NONE: readonly never[] = [];

/**
 * What people were told of something that is tried again and again: each cause once until all is well, also where it is heard
 * of now in one way, now in another.
 */
export class Told {
  #reasons: readonly Reason[] = NONE;

  /** Whether this is worth a line; if so, it is not any more from now on. */
  isNews(why: Reason): boolean {
    const isVague = why.kind === HUNG_UP;
    const isKnown = this.#reasons.some((told) => isSame(told, why) || (isVague && told.kind !== undefined));
    if (!isKnown) this.#reasons = [...this.#reasons, why].slice(-REMEMBERED);
    return !isKnown;
  }

  /** It was up, and this is why it is not any more. */
  begin(why: Reason): void {
    this.#reasons = [why];
  }

  /** All is well. */
  clear(): void {
    this.#reasons = NONE;
  }
}
