/** What an endpoint tells, asks for, and wants done: plain records. And the answers to its questions. */
import type {
  Instant,
  IpAddress,
  Message,
  SessionParameters,
  SocketAddress,
  TunnelParameters,
} from "@l2tp/protocol";
import type { Ending } from "./ending.ts";
import type { PeerAddress, SessionHandle, Token, TunnelHandle } from "./names.ts";
import type { IncomingReplyAvps, OutgoingReplyAvps, TunnelChanges } from "./parameters.ts";
import type { ProxyInformation } from "./proxy.ts";
import type { QuirkName } from "./quirks.ts";
import type { CallKind } from "./tables/calls.ts";

/** What a peer has said of itself in its SCCRQ or SCCRP. */
export interface PeerFacts {
  readonly hostName: string;
  /** "" where it did not say. */
  readonly vendorName: string;
  readonly firmwareRevision: number | undefined;
  readonly framingCapabilities: number;
  /** Undefined: it places no outgoing calls. */
  readonly bearerCapabilities: number | undefined;
  /** As it said, 0 included; undefined where it did not (4 is meant then). */
  readonly receiveWindowSize: number | undefined;
  /** It answers Modem-Status messages (RFC 3573). */
  readonly modemOnHold: boolean;
}

interface OfTunnel {
  readonly tunnel: TunnelHandle;
  /** As given in `openTunnel` or in the decision. */
  readonly name: string;
}
interface OfSession extends OfTunnel {
  readonly session: SessionHandle;
}

/** May this peer have a tunnel? Answered by {@link PeerDecision}. */
export interface PeerQuestion extends OfTunnel {
  readonly type: "question";
  readonly about: "peer";
  readonly token: Token;
  readonly from: PeerAddress;
  readonly peer: PeerFacts;
  /** It wants to be shown our secret. */
  readonly challenges: boolean;
  /** After this the caller is refused. */
  readonly deadline: Instant;
}

/** May this call, which came in at the peer (a LAC), be carried to us? Answered by {@link CallDecision}. */
export interface IncomingCallQuestion extends OfSession {
  readonly type: "question";
  readonly about: "incoming-call";
  readonly token: Token;
  readonly request: Message<"ICRQ", 2>;
  readonly deadline: Instant;
}

/** Shall we (a LAC) place this call for the peer (an LNS)? Answered by {@link CallDecision}. */
export interface OutgoingCallQuestion extends OfSession {
  readonly type: "question";
  readonly about: "outgoing-call";
  readonly token: Token;
  readonly request: Message<"OCRQ", 2>;
  readonly deadline: Instant;
}

/** Something that the endpoint wants to know; `decide` answers. */
export type Question = PeerQuestion | IncomingCallQuestion | OutgoingCallQuestion;

/** Refuses a caller or a call. */
export interface RefusalDecision {
  readonly accept: false;
  /** Result Code. Default: StopCCN 4 (not authorized) for a peer, CDN 3 (administrative) for a call. */
  readonly result?: number;
  readonly error?: number;
  /** For the peer to read. */
  readonly text?: string;
  /** For our log; never sent. */
  readonly remedy?: string;
}

/** The answer to a {@link PeerQuestion}: what differs from the endpoint's defaults for this peer, its secrets first. */
export type PeerDecision =
  | ({
      readonly accept: true;
      readonly name?: string;
      /** Our Tunnel ID, 1 … 65,535, for whoever has to reserve it elsewhere; default: the random one it has. */
      readonly tunnelId?: number;
    } & TunnelChanges)
  | RefusalDecision;

/** The answer to a question about a call: what goes into the ICRP or OCRP. */
export type CallDecision =
  | {
      readonly accept: true;
      readonly name?: string;
      readonly reply?: IncomingReplyAvps | OutgoingReplyAvps;
      /** Sequence numbers on data messages from the first on; see `setSequencing()` for later. Default: false. */
      readonly sendSequence?: boolean;
    }
  | RefusalDecision;

/** Any answer. */
export type Decision = PeerDecision | CallDecision;

/** Something for the data plane to do; `planeReady` or `planeFailed` answers with the token. */
export type Intent =
  | ({ readonly type: "intent"; readonly intent: "set-up-tunnel"; readonly token: Token } & OfTunnel & {
        readonly plane: TunnelParameters;
        /** Our address, and the caller's socket, that the tunnel's datagrams came to. */
        readonly from?: IpAddress;
        readonly wire?: number;
      })
  | ({ readonly type: "intent"; readonly intent: "set-up-session"; readonly token: Token } & OfSession & {
        readonly plane: SessionParameters;
        /** Whose end it is: the LNS decides on sequence numbers while it lasts (RFC 2661 §5.4). */
        readonly role: "lac" | "lns";
      })
  /** Sequence numbers are switched on or off, or found to be required. */
  | ({ readonly type: "intent"; readonly intent: "update-session"; readonly token: Token } & OfSession & {
        readonly sendSequence: boolean;
        readonly receiveSequence: boolean;
      })
  /** The peer answers from another address or port. */
  | ({ readonly type: "intent"; readonly intent: "move-tunnel"; readonly token: Token } & OfTunnel & {
        readonly peer: SocketAddress;
      })
  /** Its ID is not given again before the answer. */
  | ({ readonly type: "intent"; readonly intent: "tear-down-session"; readonly token: Token } & OfSession)
  | ({ readonly type: "intent"; readonly intent: "tear-down-tunnel"; readonly token: Token } & OfTunnel);

/** A tunnel is established. */
export interface TunnelUp extends OfTunnel {
  readonly type: "tunnel-up";
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: PeerFacts;
  readonly peerAddress: PeerAddress;
  /** The peer has shown that it knows the secret. */
  readonly authenticated: boolean;
  /** We opened it. */
  readonly originator: boolean;
  readonly quirks: readonly QuirkName[];
}

/** A tunnel has ended, or never came up. Each tunnel that was opened or asked about ends with exactly one of these. */
export interface TunnelDown extends OfTunnel {
  readonly type: "tunnel-down";
  readonly wasUp: boolean;
  readonly ending: Ending;
  /** The tunnel that took its place, where a tie breaker decided so. */
  readonly replacedBy?: TunnelHandle;
  /** How many sessions ended with it; each has its own event as well. */
  readonly sessions: number;
}

/** A session is established at both ends, and the data plane carries it. */
export interface SessionUp extends OfSession {
  readonly type: "session-up";
  readonly kind: CallKind;
  readonly sessionId: number;
  readonly peerSessionId: number;
  readonly callSerialNumber: number;
  /** The peer's request, reply and connection, as far as it has sent them; proxy information taken out. */
  readonly request?: Message<"ICRQ", 2> | Message<"OCRQ", 2>;
  readonly reply?: Message<"ICRP", 2> | Message<"OCRP", 2>;
  readonly connected?: Message<"ICCN", 2> | Message<"OCCN", 2>;
  /** What the LAC and the caller have agreed already; give it to PPP. May hold a password. */
  readonly proxy?: ProxyInformation;
  /** Data messages must have sequence numbers, always. */
  readonly sequencingRequired: boolean;
}

/** A session has ended, or never came up. Each has exactly one of these. */
export interface SessionDown extends OfSession {
  readonly type: "session-down";
  readonly kind: CallKind;
  readonly wasUp: boolean;
  readonly ending: Ending;
}

/** What an endpoint reports. */
export type EndpointEvent =
  | Question
  | Intent
  | TunnelUp
  | TunnelDown
  | SessionUp
  | SessionDown
  /** As LAC: place this call; `answerCall` or `failCall` says how it went (RFC 2661 §7.5.1, "open bearer"). */
  | ({ readonly type: "place-call"; readonly request: Message<"OCRQ", 2> } & OfSession)
  /** As LAC: the LNS has negotiated this with the caller (SLI, RFC 2661 §6.14). */
  | ({ readonly type: "link-info"; readonly info: Message<"SLI", 2> } & OfSession)
  /** As LNS: errors on the line, counted since the call began (WEN, RFC 2661 §6.13). */
  | ({ readonly type: "wan-errors"; readonly errors: Message<"WEN", 2>["callErrors"] } & OfSession)
  /** Modem on hold (MDMST, RFC 3573). */
  | ({ readonly type: "modem-status"; readonly status: number } & OfSession)
  /** As LNS: the line's speed has changed (CSUN, RFC 5515 §4.1). As LAC: the LNS wants to know it (CSURQ, §4.2). */
  | ({ readonly type: "speed-update"; readonly txBps: bigint; readonly rxBps: bigint } & OfSession)
  | ({ readonly type: "speed-request" } & OfSession)
  /** Sequence numbers are sent from now on, or not any more. */
  | ({ readonly type: "sequencing"; readonly on: boolean } & OfSession)
  /** The peer's datagrams come from elsewhere, and ours follow. */
  | ({
      readonly type: "peer-moved";
      readonly before: SocketAddress;
      readonly after: SocketAddress;
    } & OfTunnel)
  /** Something for the log that no other event tells: a datagram refused, a limit met. Limited in rate per source. */
  | {
      readonly type: "notice";
      readonly from: SocketAddress;
      readonly text: string;
      readonly suppressed: number;
    }
  /** The last of a tunnel, its acknowledgements too: nothing is sent or taken for it any more. Each has exactly one. */
  | ({ readonly type: "tunnel-gone" } & OfTunnel)
  /** A drain is over: no session is left. */
  | { readonly type: "drained" }
  /** After `shutDown`: every tunnel has gone, its acknowledgements too. */
  | { readonly type: "empty" };
