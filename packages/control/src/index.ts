export { CDN, type CdnFacts } from "./call-messages.ts";
export type { Cause } from "./cause.ts";
export { STOP, type StopFacts } from "./control-messages.ts";
export type { DrainOptions } from "./drain.ts";
export { type EndedBy, type Ending, endingText } from "./ending.ts";
export { Endpoint, type EndpointOptions } from "./endpoint.ts";
export { ControlError, type ControlErrorCode } from "./errors.ts";
export type {
  CallDecision,
  Decision,
  EndpointEvent,
  IncomingCallQuestion,
  Intent,
  OutgoingCallQuestion,
  PeerDecision,
  PeerFacts,
  PeerQuestion,
  Question,
  RefusalDecision,
  SessionDown,
  SessionUp,
  TunnelDown,
  TunnelUp,
} from "./events.ts";
export type { ClosedSession, ClosedTunnel } from "./history.ts";
export type { CallErrors, LinkInfo } from "./links.ts";
export { type Cell, isJudged, type Machine, type Rows, step } from "./machine.ts";
export type { LoggedMessage } from "./message-log.ts";
export {
  addressText,
  type PeerAddress,
  type SessionHandle,
  type Token,
  type Transmit,
  type TunnelHandle,
} from "./names.ts";
export {
  type CapabilityAvps,
  DEFAULT_LIMITS,
  DEFAULT_TUNNEL,
  type EndpointChanges,
  type EndpointSettings,
  endpointSettings,
  type Hiding,
  type IncomingCallAvps,
  type IncomingCallOpening,
  type IncomingConnectedAvps,
  type IncomingReplyAvps,
  type Limits,
  type OutgoingCallAvps,
  type OutgoingCallOpening,
  type OutgoingConnectedAvps,
  type OutgoingReplyAvps,
  type PeerAddressPolicy,
  type SessionOpening,
  type TunnelChanges,
  type TunnelOpening,
  type TunnelSettings,
  tunnelSettings,
} from "./parameters.ts";
export { PROXY_AUTHEN_TYPE, type ProxyAvps, ProxyInformation } from "./proxy.ts";
export { QUIRKS, type QuirkName } from "./quirks.ts";
export type { FillRandom } from "./random.ts";
export { REMEDIES } from "./remedies.ts";
export type { SourceStatistics } from "./sources.ts";
export type { PlaneState } from "./state.ts";
export {
  COUNTERS,
  type Counter,
  DISCARDS,
  type Discard,
  type EndpointStatistics,
  type MessageCounts,
} from "./statistics.ts";
export type { PeerStatistics, SessionStatus, TunnelStatus } from "./status.ts";
export { CALLS, type CallAction, type CallEvent, type CallKind, type CallState } from "./tables/calls.ts";
export {
  CONTROL_CONNECTION,
  type ControlAction,
  type ControlEvent,
  type ControlState,
} from "./tables/control-connection.ts";
export { type TieOutcome, tieOutcome } from "./tie-breaker.ts";
export { runningTimers, type TimerName } from "./timers.ts";
