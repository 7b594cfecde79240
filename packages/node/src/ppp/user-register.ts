/** Which users have a session, in all tunnels of a context: for users that may have one only. */

/** A session of a user, as the register sees it. */
export interface UserSession {
  /** `tunnel/session`, for people. */
  readonly label: string;
  /** Another session of the same user takes its place: it ends, and gives its addresses back at once. */
  replaced(by: string): void;
}

/** Shared by all sessions of a context. */
export class UserRegister {
  readonly #sessions = new Map<string, Set<UserSession>>();

  /**
   * Notes a session of `user`.
   * @param exclusive - `replace` ends the others first, `refuse` fails while there is one, `no` lets them be.
   * @returns the session that stands in the way; `undefined` when it is noted.
   */
  claim(user: string, session: UserSession, exclusive: "replace" | "refuse" | "no"): UserSession | undefined {
    // Where many are let be, as at a test of load, nobody looks through them.
    if (exclusive !== "no") {
      const others = [...(this.#sessions.get(user) ?? [])].filter((other) => other !== session);
      if (exclusive === "refuse" && others[0] !== undefined) return others[0];
      for (const other of others) other.replaced(session.label);
    }
    const all = this.#sessions.get(user) ?? new Set();
    all.add(session);
    this.#sessions.set(user, all);
    return undefined;
  }

  /** The session has ended; nothing happens when it was not noted. */
  release(user: string, session: UserSession): void {
    const all = this.#sessions.get(user);
    all?.delete(session);
    if (all?.size === 0) this.#sessions.delete(user);
  }

  /** How many sessions `user` has. */
  count(user: string): number {
    return this.#sessions.get(user)?.size ?? 0;
  }

  /** How many users have one. */
  get users(): number {
    return this.#sessions.size;
  }
}
