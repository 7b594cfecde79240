/** The management interface of a running daemon: schemas, server and client over a unix socket. */
export { type AppOptions, managementApp } from "./app.ts";
export { type ClientOptions, ManagementClient } from "./client.ts";
export { ConnectionError, type ConnectionErrorCode } from "./connection-error.ts";
export { ManagementError, type ManagementErrorCode } from "./errors.ts";
export type { SessionFilter, TunnelFilter } from "./filter.ts";
export type { Managed, Rows, SessionNames, TunnelNames } from "./managed.ts";
export type {
  DrainRequest,
  EndRequest,
  ReloadReport,
  ReloadRequest,
  ReloadStep,
  TraceRequest,
} from "./schemas/commands.ts";
/** The zod schemas of all that the interface takes and answers. */
export * as schemas from "./schemas/index.ts";
export type { DialPeer, DialTarget, PeerSummary, PoolStatus } from "./schemas/peer.ts";
export type { ClosedSession, PppStatus, SessionDetail, SessionSummary } from "./schemas/session.ts";
export type {
  DrainStatus,
  LimitStatus,
  LogLevelName,
  Status,
  TraceStatus,
  WireStatus,
} from "./schemas/status.ts";
export type { ChannelValue, ClosedTunnel, TunnelDetail, TunnelSummary } from "./schemas/tunnel.ts";
export type { EndingValue, LoggedMessageValue, ReasonValue, SocketAddressValue } from "./schemas/values.ts";
export {
  type ManagementServer,
  type ServeOptions,
  SocketError,
  type SocketErrorCode,
  serve,
} from "./server.ts";
export { daemonSocketPath, defaultSocketPath, SYSTEM_SOCKET } from "./socket-path.ts";
export { formatAddress, formatDuration } from "./text.ts";
