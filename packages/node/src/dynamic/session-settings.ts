/** What a session is made of. */
import type { CallKind, SessionOpening } from "@l2tp/control";
import type { SocketAddress } from "@l2tp/protocol";
import type { Logger } from "../log.ts";
import type { Origin, SessionDefaults } from "./api.ts";
import type { Connection } from "./connection.ts";

/** What a session needs of its tunnel. */
export interface SessionTunnel {
  readonly name: string;
  readonly tunnelId: number;
  readonly peer: SocketAddress;
  readonly logger: Logger;
  /** While it is up. */
  readonly connection: Connection | undefined;
  /** Somebody wants a call on it. */
  dial(): void;
  forget(session: { readonly name: string }): void;
}

/** How a session is to be. */
export interface SessionSettings {
  readonly name: string;
  readonly kind: CallKind;
  readonly origin: Origin;
  /** Absent of an accepted one. */
  readonly opening?: SessionOpening;
  readonly defaults: SessionDefaults;
  /** Open it again when it has ended. */
  readonly redial: boolean;
  /** Whether it stays, without a call, for `dial()`. */
  readonly stays: boolean;
  readonly auto: boolean;
  /** Its frames are passed on to another session: nobody here runs PPP. */
  readonly bridged?: boolean;
  readonly signal?: AbortSignal | undefined;
}
