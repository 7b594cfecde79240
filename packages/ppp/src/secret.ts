/** A password that shows nothing of itself in logs, events and JSON. */
import { textOctets } from "./octets.ts";

/** See the file's head. Made once, shared by all links that use it. */
export class Password {
  readonly #octets: Uint8Array;

  /** @param password - text (its UTF-8) or octets; copied. */
  constructor(password: string | Uint8Array) {
    this.#octets = typeof password === "string" ? textOctets(password) : password.slice();
  }

  /** Makes one of whatever the caller has. */
  static from(password: string | Uint8Array | Password): Password {
    return password instanceof Password ? password : new Password(password);
  }

  /** The octets themselves, for those who must send or hash them. */
  reveal(): Uint8Array {
    return this.#octets;
  }

  /** Whether there is no password at all; such a one proves nothing and is refused everywhere. */
  get isEmpty(): boolean {
    return this.#octets.length === 0;
  }

  toString(): string {
    return "[password]";
  }

  toJSON(): string {
    return "[password]";
  }
}
