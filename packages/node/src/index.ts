/**
 * Embed L2TP tunnels in a Node.js program: a {@link Context} on a data plane, its tunnels, their sessions.
 */
// What these have of other packages' types, so that nobody has to look for them there.
export type {
  CallErrors,
  CallKind,
  CdnFacts,
  ClosedTunnel,
  DrainOptions,
  Ending,
  EndpointChanges,
  EndpointStatistics,
  LinkInfo,
  PeerFacts,
  PeerStatistics,
  SessionStatus,
  StopFacts,
  TunnelChanges,
  TunnelStatus,
} from "@l2tp/control";
export type { DataPlane, InterfaceAddress, PlaneStatistics } from "@l2tp/dataplane";
export type { SocketAddress } from "@l2tp/protocol";
export { type BackoffSettings, DEFAULT_BACKOFF } from "./backoff.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  type AnyTunnel,
  type CloseOptions,
  Context,
  type ContextChanges,
  type ContextOptions,
} from "./context.ts";
export type { ControlStatistics } from "./control.ts";
export {
  type ChosenTarget,
  type DialEvent,
  type DialerStatus,
  type DnsResolverOptions,
  dnsResolver,
  type LnsTarget,
  type RedialSettings,
  type ResolvedAddress,
  ResolveError,
  type Resolver,
  type TargetSettings,
  type TargetStatus,
} from "./dial/index.ts";
export type {
  CallInit,
  DynamicSession,
  DynamicSessionInit,
  DynamicTunnel,
  DynamicTunnelInit,
  Listener,
  ListenerInit,
  ListenerState,
  Origin,
  Profiles,
  SessionDefaults,
  SessionPpp,
} from "./dynamic/api.ts";
export type { DynamicOptions } from "./dynamic/dynamics.ts";
export type { EndedSession } from "./dynamic/ended-calls.ts";
export type {
  AcceptCall,
  AcceptTunnel,
  DynamicEvent,
  IncomingCall,
  IncomingTunnel,
  PlaceCall,
  Refuse,
  TunnelRefused,
} from "./dynamic/events.ts";
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
  SessionAddresses,
  SessionDown,
  SessionFailed,
  SessionUp,
  TunnelDown,
  TunnelFailed,
  TunnelUp,
} from "./events.ts";
export { LOG_LEVELS, type LogFields, type Logger, type LogLevel, silentLogger, withFields } from "./log.ts";
export { L2TP_PORT, type SessionInit, type TunnelInit } from "./parameters.ts";
export {
  EchoResponder,
  newDuid,
  type PppAddresses,
  type PppDownCode,
  type PppDownReason,
  type PppIpv6,
  type PppProfile,
  type PppProfileInit,
  type PppSessionEvent,
  type PppStatus,
  type PppUp,
  pppProfile,
  respondToEcho,
} from "./ppp/index.ts";
export type { PeerPolicy, QuiescentInit } from "./quiescent-control.ts";
export type { Reason, ReasonCode } from "./reason.ts";
export type { Session } from "./session-api.ts";
export type { ControlMessageRecord, StrayCounters } from "./shared-wire.ts";
export type { SessionState, TunnelState } from "./states.ts";
export type { ContextStatistics, SessionFigures, TunnelStatistics, WireStatistics } from "./statistics.ts";
export type { Tunnel } from "./tunnel-api.ts";
export type { WaitOptions } from "./up-gate.ts";
