/**
 * What a daemon offers to be managed: the server asks this, and knows nothing of what is behind it.
 *
 * Lists are iterated while they are sent, so 100,000 sessions are never one array, and nothing that has come or gone
 * meanwhile is an error. Filters, look-up by ID and messages for wrong names are the server's business.
 */
import type {
  DrainRequest,
  EndRequest,
  ReloadReport,
  ReloadRequest,
  TraceRequest,
} from "./schemas/commands.ts";
import type { DialTarget, PeerSummary, PoolStatus } from "./schemas/peer.ts";
import type { ClosedSession, SessionDetail, SessionSummary } from "./schemas/session.ts";
import type { DrainStatus, LogLevelName, Status, TraceStatus } from "./schemas/status.ts";
import type { ClosedTunnel, TunnelDetail, TunnelSummary } from "./schemas/tunnel.ts";

/** What a session can be called by: each of these finds it, where it is the only one. */
export interface SessionNames {
  readonly name: string;
  readonly sessionId: number;
  readonly user?: string | undefined;
  readonly interfaceName?: string | undefined;
}

/** A tunnel and its sessions, by name. */
export interface TunnelNames {
  readonly name: string;
  readonly tunnelId: number;
  readonly sessions: Iterable<SessionNames>;
}

/** One after another, now or by and by. */
export type Rows<T> = Iterable<T> | AsyncIterable<T>;

/**
 * The daemon, as the management interface sees it. Names in arguments are exact and were there a moment ago; a method
 * that finds nothing any more returns undefined or throws a {@link ManagementError} with code `not-found`. Any other
 * {@link ManagementError} reaches the user as it is; any other error as `internal`, with its message.
 */
export interface Managed {
  status(): Promise<Status>;
  /** What there is, by name; cheap, asks nobody. Configured sessions of tunnels that are down included. */
  names(): Iterable<TunnelNames>;
  tunnels(): Rows<TunnelSummary>;
  tunnel(name: string): Promise<TunnelDetail | undefined>;
  /** Latest last. */
  closedTunnels(): Rows<ClosedTunnel>;
  sessions(): Rows<SessionSummary>;
  session(tunnel: string, session: string): Promise<SessionDetail | undefined>;
  /** Latest last. */
  closedSessions(): Rows<ClosedSession>;
  peers(): Rows<PeerSummary>;
  pools(): Rows<PoolStatus>;
  dialTargets(): Rows<DialTarget>;

  /**
   * Closes a tunnel with StopCCN; resolves when that has been handed on. One that the configuration wants up comes
   * back by the rules for redialling; `hangUpTarget` keeps it down.
   */
  closeTunnel(name: string, request: EndRequest): Promise<void>;
  /** Ends a session with CDN. */
  hangUp(tunnel: string, session: string, request: EndRequest): Promise<void>;
  /** Dials `[tunnel.NAME]` now, whatever its back-off says. Resolves when it has begun. */
  dial(name: string): Promise<DialTarget>;
  /** Takes down what was dialled, and does not dial again until told. */
  hangUpTarget(name: string): Promise<DialTarget>;
  /** @throws ManagementError `configuration` with all that is wrong with the document; nothing was changed then. */
  reload(request: ReloadRequest): Promise<ReloadReport>;
  drain(request: DrainRequest): Promise<DrainStatus>;
  resume(): Promise<DrainStatus>;
  trace(request: TraceRequest): Promise<TraceStatus>;
  setLogLevel(level: LogLevelName): Promise<void>;
}
