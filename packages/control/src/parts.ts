/** What the parts of an endpoint ask of each other. Each is a class of its own; none knows the others' insides. */
import type { Instant } from "@l2tp/protocol";
import type { Acquaintance } from "./acquaintance.ts";
import type { Cause } from "./cause.ts";
import type { StopFacts } from "./control-messages.ts";
import type { Core } from "./core.ts";
import type { Ending } from "./ending.ts";
import type { Session, Tunnel } from "./state.ts";

/** Control connections, for calls and planes. */
export interface TunnelsPart {
  readonly acquaintance: Acquaintance;
  stop(now: Instant, tunnel: Tunnel, cause: Cause, stop: StopFacts): void;
  wanted(now: Instant, session: Session): void;
  sessionsChanged(now: Instant, tunnel: Tunnel): void;
  wakeForResting(now: Instant, tunnel: Tunnel): void;
}

/** Calls, for control connections and planes. */
export interface CallsPart {
  tunnelOpen(now: Instant, session: Session): void;
  tunnelClosed(now: Instant, session: Session, why: Ending): void;
  move(now: Instant, session: Session, to: Tunnel): void;
  planeReady(now: Instant, session: Session): void;
  planeFailed(now: Instant, session: Session, reason: string): void;
}

/** The data plane, for control connections and calls. */
export interface PlanesPart {
  setUpTunnel(now: Instant, tunnel: Tunnel): void;
  tearDownTunnel(now: Instant, tunnel: Tunnel): void;
  setUpSession(now: Instant, session: Session): void;
  updateSession(now: Instant, session: Session, on: boolean): void;
  tearDownSession(now: Instant, session: Session, restUntil: Instant): void;
}

/** How they find each other. */
export interface Parts {
  readonly core: Core;
  readonly tunnels: TunnelsPart;
  readonly calls: CallsPart;
  readonly planes: PlanesPart;
}
