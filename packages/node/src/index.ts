/**
 * Embed L2TP tunnels in a Node.js program: a {@link Context} on a data plane, its tunnels, their sessions.
 */
export { type BackoffSettings, DEFAULT_BACKOFF } from "./backoff.ts";
export { type Clock, systemClock } from "./clock.ts";
export { Context, type ContextOptions } from "./context.ts";
export type { ControlStatistics } from "./control.ts";
export type { EventOf, EventsOptions } from "./emitter.ts";
export {
  AbortedError,
  ClosedError,
  L2tpError,
  type L2tpErrorCode,
  NameInUseError,
  ParameterError,
} from "./errors.ts";
export type {
  ContextEvent,
  ContextEventType,
  EventsDropped,
  SessionDown,
  SessionFailed,
  SessionUp,
  TunnelDown,
  TunnelFailed,
  TunnelUp,
} from "./events.ts";
export { LOG_LEVELS, type LogFields, type Logger, type LogLevel, silentLogger, withFields } from "./log.ts";
export { L2TP_PORT, type SessionInit, type TunnelInit } from "./parameters.ts";
export type { PeerPolicy, QuiescentInit } from "./quiescent-control.ts";
export type { Reason, ReasonCode } from "./reason.ts";
export type { Session } from "./session.ts";
export type { StrayCounters } from "./shared-wire.ts";
export type { SessionState, TunnelState } from "./states.ts";
export type { ContextStatistics, SessionFigures, TunnelStatistics, WireStatistics } from "./statistics.ts";
export type { Tunnel } from "./tunnel.ts";
export type { WaitOptions } from "./up-gate.ts";
