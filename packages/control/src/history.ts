/** Tunnels and sessions that have ended stay visible for a while, with their cause: bounded in number and time. */
import type { Instant } from "@l2tp/protocol";
import type { Ending } from "./ending.ts";
import type { LoggedMessage } from "./message-log.ts";
import type { PeerAddress, SessionHandle, TunnelHandle } from "./names.ts";
import type { CallKind } from "./tables/calls.ts";

/** A tunnel that has ended. */
export interface ClosedTunnel {
  readonly tunnel: TunnelHandle;
  readonly name: string;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly hostName: string | undefined;
  readonly peer: PeerAddress;
  readonly originator: boolean;
  readonly openedAt: Instant;
  readonly establishedAt: Instant | undefined;
  readonly closedAt: Instant;
  readonly sessionsEstablished: number;
  readonly sessionsFailed: number;
  readonly ending: Ending;
  readonly messages: readonly LoggedMessage[];
}

/** A session that has ended. */
export interface ClosedSession {
  readonly session: SessionHandle;
  readonly tunnel: TunnelHandle;
  readonly name: string;
  readonly kind: CallKind;
  readonly sessionId: number;
  readonly peerSessionId: number;
  readonly callSerialNumber: number;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  readonly openedAt: Instant;
  readonly establishedAt: Instant | undefined;
  readonly closedAt: Instant;
  readonly ending: Ending;
  /** Its last messages, of those that the tunnel had in mind and whose headers name it; oldest first. */
  readonly messages: readonly LoggedMessage[];
}

/** The newest so many of something that has ended. */
export class History<T extends { readonly closedAt: Instant }> {
  #most = 0;
  #keepMs = 0;
  #items: T[] = [];

  constructor(most: number, keepMs: number) {
    this.limit(most, keepMs);
  }

  /** Other limits from now on. */
  limit(most: number, keepMs: number): void {
    this.#most = most;
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    if (this.#most === 0) return;
    this.#items.push(item);
    // Twice as many before they are cut: adding stays cheap.
    if (this.#items.length >= 2 * this.#most) this.#items = newest(this.#items, this.#most);
  }

  /** Newest first. */
  list(now: Instant): readonly T[] {
    this.#items = newest(this.#items, this.#most).filter(({ closedAt }) => now - closedAt < this.#keepMs);
    return this.#items.toReversed();
  }
}

const newest = <T>(items: readonly T[], most: number): T[] => items.slice(Math.max(0, items.length - most));
