/** What a context tells: plain records, one type each, told apart by `type`. */
import type { InterfaceAddress } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { Reason } from "./reason.ts";

/** What all events of a tunnel have. */
interface TunnelEventBase {
  /** On the context's clock. */
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: SocketAddress;
}

/** What all events of a session have. */
interface SessionEventBase {
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly session: string;
  readonly sessionId: number;
}

/** The tunnel can carry sessions; of a quiescent one with hellos on, the peer answers. */
export interface TunnelUp extends TunnelEventBase {
  readonly type: "tunnel-up";
  /** What the tunnel is bound to, with the real port. */
  readonly local: SocketAddress;
}

/** The tunnel was up and is not any more; its sessions came down before it. */
export interface TunnelDown extends TunnelEventBase {
  readonly type: "tunnel-down";
  readonly reason: Reason;
  /** When it is tried again; absent when it was closed. */
  readonly retryAt?: Instant;
}

/** The tunnel could not be brought up. Told once for each new reason, however often it is tried again. */
export interface TunnelFailed extends TunnelEventBase {
  readonly type: "tunnel-failed";
  readonly reason: Reason;
  readonly retryAt: Instant;
}

/** Frames can flow. */
export interface SessionUp extends SessionEventBase {
  readonly type: "session-up";
  /** The network interface, on data planes that have one. */
  readonly interfaceName?: string;
  readonly mtuOctets: number;
}

/** The session was up and is not any more. */
export interface SessionDown extends SessionEventBase {
  readonly type: "session-down";
  readonly reason: Reason;
}

/** The session could not be brought up. Told once for each new reason, however often it is tried again. */
export interface SessionFailed extends SessionEventBase {
  readonly type: "session-failed";
  readonly reason: Reason;
  readonly retryAt: Instant;
}

/** PPP has negotiated addresses for the session's interface, or they are gone (none are left). */
export interface SessionAddresses extends SessionEventBase {
  readonly type: "session-addresses";
  readonly interfaceName: string;
  readonly addresses: readonly InterfaceAddress[];
}

/** Everything a context tells. */
export type ContextEvent =
  | TunnelUp
  | TunnelDown
  | TunnelFailed
  | SessionUp
  | SessionDown
  | SessionFailed
  | SessionAddresses;

/** The names of the events. */
export type ContextEventType = ContextEvent["type"];

/** In the place of events that did not fit into the buffer of a slow reader of `events()`. */
export interface EventsDropped {
  readonly type: "events-dropped";
  /** How many there were since the event before. */
  readonly count: number;
}
