/**
 * What a context tells: plain records, one type each, told apart by `type`. What only dynamic tunnels have is in
 * dynamic/events.ts.
 */
import type { CallKind, Ending, PeerFacts } from "@l2tp/control";
import type { InterfaceAddress } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { Origin } from "./dynamic/api.ts";
import type { DynamicEvent } from "./dynamic/events.ts";
import type { PppUp } from "./ppp/index.ts";
import type { Reason } from "./reason.ts";

/** What all events of a tunnel have. */
interface TunnelEventBase {
  /** On the context's clock. */
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: SocketAddress;
  /** Of a dynamic tunnel: who opened it, and what the authority (or the configuration) calls the peer. */
  readonly origin?: Origin;
  readonly peerName?: string;
}

/** What all events of a session have. */
export interface SessionEventBase {
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly session: string;
  readonly sessionId: number;
  /** Of a call on a dynamic tunnel: whose end this is, and its numbers. */
  readonly kind?: CallKind;
  readonly calledNumber?: string;
  readonly callingNumber?: string;
}

/** The tunnel can carry sessions; of a quiescent one with hellos on, the peer answers. */
export interface TunnelUp extends TunnelEventBase {
  readonly type: "tunnel-up";
  /** What the tunnel is bound to, with the real port. */
  readonly local: SocketAddress;
  /** Of a dynamic tunnel: what the peer says of itself, and whether it has shown that it knows the secret. */
  readonly peerFacts?: PeerFacts;
  readonly authenticated?: boolean;
  /** The listener by which it came in. */
  readonly listener?: string;
}

/** The tunnel was up and is not any more; its sessions came down before it. */
export interface TunnelDown extends TunnelEventBase {
  readonly type: "tunnel-down";
  readonly reason: Reason;
  /** When it is tried again; absent when it was closed. */
  readonly retryAt?: Instant;
  /** How a control connection ended: the RFC's codes, the peer's text. */
  readonly ending?: Ending;
}

/** The tunnel could not be brought up. Told once for each new reason, however often it is tried again. */
export interface TunnelFailed extends TunnelEventBase {
  readonly type: "tunnel-failed";
  readonly reason: Reason;
  /** Absent: it is not tried again, unless somebody asks for it. */
  readonly retryAt?: Instant;
  readonly ending?: Ending;
}

/** Frames can flow. */
export interface SessionUp extends SessionEventBase {
  readonly type: "session-up";
  /** The network interface, on data planes that have one. */
  readonly interfaceName?: string;
  readonly mtuOctets: number;
  /** Of a call: the LAC has sent what it agreed with the caller (RFC 2661 §4.4.5). */
  readonly proxied?: boolean;
  /** Bits per second, as the call's set-up said. */
  readonly txConnectSpeedBps?: number;
  readonly rxConnectSpeedBps?: number;
  /** Of a session whose PPP is ours: user, addresses, MTU, encryption. */
  readonly ppp?: PppUp;
}

/** The session was up and is not any more. */
export interface SessionDown extends SessionEventBase {
  readonly type: "session-down";
  readonly reason: Reason;
  /** How a call ended: the RFC's codes, the peer's text. */
  readonly ending?: Ending;
  /** For how long it was up, in milliseconds, and who used it. */
  readonly upForMs?: number;
  readonly userName?: string;
}

/** The session could not be brought up. Told once for each new reason, however often it is tried again. */
export interface SessionFailed extends SessionEventBase {
  readonly type: "session-failed";
  readonly reason: Reason;
  /** Absent: it is not tried again, unless somebody asks for it. */
  readonly retryAt?: Instant;
  readonly ending?: Ending;
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
  | SessionAddresses
  | DynamicEvent;

/** The names of the events. */
export type ContextEventType = ContextEvent["type"];

/** In the place of events that did not fit into the buffer of a slow reader of `events()`. */
export interface EventsDropped {
  readonly type: "events-dropped";
  /** How many there were since the event before. */
  readonly count: number;
}
