/** A session as a program sees it. What keeps it up is in session.ts; what calls have beside it, in dynamic/api.ts. */
import type { InterfaceAddress, PlaneStatistics, SessionPlane } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import type { Reason } from "./reason.ts";
import type { SessionState } from "./states.ts";
import type { WaitOptions } from "./up-gate.ts";

/** One session of a tunnel. It keeps itself up until it is closed. */
export interface Session extends AsyncDisposable {
  readonly name: string;
  readonly sessionId: number;
  readonly peerSessionId: number;
  readonly state: SessionState;
  /** Why it is not up, or why it came down last; undefined while all is well. */
  readonly reason: Reason | undefined;
  /** When it came up, on the context's clock. */
  readonly upSince: Instant | undefined;
  /** While it is up, on data planes with interfaces. */
  readonly interfaceName: string | undefined;
  /** While it is up: what PPP has negotiated for its interface, on pseudowires that negotiate. */
  readonly addresses: readonly InterfaceAddress[] | undefined;
  /** While it is up. */
  readonly mtuOctets: number | undefined;
  /** While it is up: what the data plane holds, for `bridge()` and `update()`. */
  readonly plane: SessionPlane | undefined;
  /** @throws ClosedError, AbortedError */
  whenUp(options?: WaitOptions): Promise<void>;
  /** The counters since it came up; all zero while it is not. */
  statistics(): Promise<PlaneStatistics>;
  /** Takes it down for good. Idempotent; resolves when the data plane is done. */
  close(): Promise<void>;
}
