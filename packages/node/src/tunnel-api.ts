/** A configured tunnel as a program sees it. What keeps it up is in tunnel.ts; dynamic ones are in dynamic/api.ts. */
import type { Instant, SocketAddress, TunnelMode } from "@l2tp/protocol";
import type { SessionInit } from "./parameters.ts";
import type { Reason } from "./reason.ts";
import type { Session } from "./session-api.ts";
import type { TunnelState } from "./states.ts";
import type { TunnelStatistics } from "./statistics.ts";
import type { WaitOptions } from "./up-gate.ts";

/** Both ends are configured: nothing is negotiated. */
export type ConfiguredMode = Exclude<TunnelMode, "dynamic">;

/** One tunnel of a context. It keeps itself up until it is closed. */
export interface Tunnel extends AsyncDisposable {
  readonly name: string;
  readonly mode: ConfiguredMode;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: SocketAddress;
  /** What the wire is bound to, with the real port; undefined while there is no wire. */
  readonly local: SocketAddress | undefined;
  readonly state: TunnelState;
  /** Why it is not up, or why it came down last; undefined while all is well. */
  readonly reason: Reason | undefined;
  /** When it came up, on the context's clock. */
  readonly upSince: Instant | undefined;
  /** In the order in which they were made. */
  readonly sessions: readonly Session[];
  /**
   * Adds a session, which comes up by itself when the tunnel does.
   * @throws ParameterError, NameInUseError, ClosedError
   */
  newSession(init: SessionInit): Session;
  /** @throws ClosedError, AbortedError */
  whenUp(options?: WaitOptions): Promise<void>;
  statistics(): Promise<TunnelStatistics>;
  /** Takes it and its sessions down for good. Idempotent; resolves when the data plane is done. */
  close(): Promise<void>;
}
