/** How long a session may last, and how long nothing may come from its peer. Pure. */
import type { Instant } from "@l2tp/protocol";
import type { SessionGrant } from "./grants.ts";
import type { OwnEnd } from "./reasons.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** What its user may have; milliseconds, 0: no limit. */
type Allowed = Pick<SessionGrant, "sessionTimeoutMs" | "idleTimeoutMs">;

/** When the session's time is up, and when it has been idle for too long, as far as is known now. */
export interface SessionLimits {
  readonly session: Instant;
  readonly idle: Instant;
}

/** Of a session that is not up, or at its end. */
export const NO_LIMITS: SessionLimits = { session: NEVER, idle: NEVER };

export function sessionLimits(
  { sessionTimeoutMs, idleTimeoutMs }: Allowed,
  upSince: Instant,
  lastHeard: Instant,
): SessionLimits {
  return {
    session: sessionTimeoutMs > 0 ? upSince + sessionTimeoutMs : NEVER,
    idle: idleTimeoutMs > 0 ? Math.max(upSince, lastHeard) + idleTimeoutMs : NEVER,
  };
}

/** The limit that is over. */
export function overdue(now: Instant, limits: SessionLimits, allowed: Allowed): OwnEnd | undefined {
  if (now >= limits.session) {
    return { code: "session-timeout", text: `its time of ${allowed.sessionTimeoutMs / 1000} s is up` };
  }
  if (now < limits.idle) return undefined;
  return { code: "idle-timeout", text: `no packet from the peer for ${allowed.idleTimeoutMs / 1000} s` };
}
