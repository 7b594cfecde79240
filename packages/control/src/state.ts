/** A tunnel and a session while they are: plain data. What they do is in tunnels.ts and calls.ts. */
import type { Instant, Message, Secret, SocketAddress } from "@l2tp/protocol";
import type { ChannelId } from "@l2tp/transport";
import type { Ending } from "./ending.ts";
import type { PeerFacts } from "./events.ts";
import type { RestingIds } from "./ids.ts";
import type { MessageLog } from "./message-log.ts";
import type { PeerAddress, SessionHandle, Token, TunnelHandle } from "./names.ts";
import type { SessionOpening, TunnelSettings } from "./parameters.ts";
import type { ProxyInformation } from "./proxy.ts";
import type { Leniency, QuirkName } from "./quirks.ts";
import type { Source } from "./sources.ts";
import type { CallKind, CallState } from "./tables/calls.ts";
import type { ControlState } from "./tables/control-connection.ts";

/** How far the data plane is with a tunnel or session. */
export type PlaneState = "none" | "asked" | "ready";

/** One control connection. */
export interface Tunnel {
  readonly handle: TunnelHandle;
  /** Until something was sent it may change. */
  tunnelId: number;
  peerTunnelId: number;
  name: string;
  state: ControlState;
  readonly originator: boolean;
  settings: TunnelSettings;
  peer: PeerAddress;
  facts: PeerFacts | undefined;
  readonly channel: ChannelId;
  readonly sessions: Map<number, Session>;
  /** Our Session ID by the peer's. */
  readonly byPeerSession: Map<number, number>;
  resting: RestingIds | undefined;
  quirks: readonly QuirkName[];
  leniency: Leniency;
  /** What we sent as Challenge, until it is answered; and what the peer sent, until we answer. */
  challenge: Uint8Array | undefined;
  peerChallenge: Uint8Array | undefined;
  /** Which of the secrets the peer has used; -1: not known yet. */
  secret: number;
  /** With which of them we have answered its challenge, until it goes on or refuses; -1: with none. */
  answered: number;
  /** What opened the hidden AVPs of a caller's SCCRQ, until somebody has decided on the caller. */
  hiddenWith: Secret | undefined;
  authenticated: boolean;
  tieBreaker: bigint | undefined;
  /** Of an incoming tunnel: tells a retransmitted SCCRQ from a new one. */
  sccrqKey: string | undefined;
  /** … and its length: a refusal is no longer. */
  sccrqOctets: number;
  question: Token | 0;
  plane: PlaneState;
  planeToken: Token | 0;
  /** Has ended; only the channel lingers for the peer's retransmissions (RFC 2661 §5.7). */
  closed: boolean;
  ending: Ending | undefined;
  readonly source: Source<Tunnel>;
  readonly openedAt: Instant;
  establishedAt: Instant | undefined;
  /** When a new SCCRQ from the same place was last the reason to ask whether the peer is there. */
  askedAt: Instant;
  /** The row of its timers; -1 while none runs. */
  timers: number;
  sessionsEstablished: number;
  sessionsFailed: number;
  readonly log: MessageLog;
}

/** One session. */
export interface Session {
  readonly handle: SessionHandle;
  tunnel: Tunnel;
  sessionId: number;
  peerSessionId: number;
  name: string;
  readonly kind: CallKind;
  state: CallState;
  callSerialNumber: number;
  question: Token | 0;
  plane: PlaneState;
  planeToken: Token | 0;
  sequencingRequired: boolean;
  sequencing: boolean;
  up: boolean;
  timers: number;
  readonly openedAt: Instant;
  establishedAt: Instant | undefined;
  /** WEN goes out at most once in 60 seconds (RFC 2661 §6.13). */
  wenSentAt: Instant | undefined;
  called: string | undefined;
  calling: string | undefined;
  /** What is only needed during set-up; gone when it is up. */
  setup: SessionSetup | undefined;
}

/** What a session needs until it is up. */
export interface SessionSetup {
  opening?: SessionOpening;
  request?: Message<"ICRQ", 2> | Message<"OCRQ", 2>;
  reply?: Message<"ICRP", 2> | Message<"OCRP", 2>;
  connected?: Message<"ICCN", 2> | Message<"OCCN", 2>;
  proxy?: ProxyInformation;
  /** As LAC: what goes into the OCCN, once the data plane is ready. */
  outgoingConnected?: Omit<Message<"OCCN", 2>, "version" | "type">;
  /** As LAC: the ICRP has come and was good. */
  replied?: boolean;
  /** As LNS: the ICRP, which waits for the data plane. */
  heldReply?: Message<"ICRP", 2> | undefined;
}

/** Two addresses are the same end. */
export const sameAddress = (a: SocketAddress, b: SocketAddress): boolean => a.address === b.address;
/** … and the same port. */
export const sameEnd = (a: SocketAddress, b: SocketAddress): boolean =>
  a.address === b.address && a.port === b.port;

/** Which session, and what it is called, for an event. */
export const whose = (session: Session) => ({
  tunnel: session.tunnel.handle,
  session: session.handle,
  name: session.name,
});
