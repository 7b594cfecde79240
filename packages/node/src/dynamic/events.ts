/** What only dynamic tunnels, their sessions and listeners tell. No secret is in an event. */
import type { SwitchPpp } from "@l2tp/access";
import type {
  CallDecision,
  CallErrors,
  CallKind,
  CdnFacts,
  Ending,
  LinkInfo,
  OutgoingConnectedAvps,
  PeerDecision,
  PeerFacts,
} from "@l2tp/control";
import type { PlaneStatistics } from "@l2tp/dataplane";
import type { Instant, Message, SocketAddress } from "@l2tp/protocol";
import type { DialEvent } from "../dial/index.ts";
import type { PppSessionEvent } from "../ppp/index.ts";
import type { Reason } from "../reason.ts";
import type { SessionDefaults } from "./api.ts";

/** Why a caller or a call is refused. */
export type Refuse = Omit<Extract<PeerDecision, { accept: false }>, "accept">;

/** What an accepted peer gets: settings that differ from the context's, secrets first. */
export type AcceptTunnel = Omit<Extract<PeerDecision, { accept: true }>, "accept" | "tunnelId"> & {
  /** What the peer is called; default its Host Name. */
  readonly peerName?: string;
  /** For its calls, where the answer to each says nothing. */
  readonly session?: SessionDefaults;
};

/** What an accepted call gets. */
export type AcceptCall = Omit<Extract<CallDecision, { accept: true }>, "accept"> &
  SessionDefaults & {
    /** Pass it on to this tunnel of the context, which we dial (tunnel switching). */
    readonly switchTo?: string;
    /**
     * What becomes of an incoming call's PPP there: all of it goes through (`pass`, the default), or LCP and authentication are
     * ours, by `ppp`, and the other LNS is told what came of them (`end`; RFC 2661 §4.4.5).
     */
    readonly switchPpp?: SwitchPpp;
  };

/**
 * Somebody wants a tunnel (SCCRQ), and there is no authority to ask. The first answer counts; without one until `deadline`
 * the caller is refused. Each answer returns whether it was in time.
 */
export interface IncomingTunnel {
  readonly type: "incoming-tunnel";
  readonly at: Instant;
  readonly listener: string;
  readonly from: SocketAddress;
  readonly local: SocketAddress;
  readonly peerFacts: PeerFacts;
  /** It wants to be shown our secret. */
  readonly challenges: boolean;
  readonly deadline: Instant;
  /** Rejects with ControlError for settings that cannot be; the question is open then as before. */
  accept(grant?: AcceptTunnel): Promise<boolean>;
  /** @throws ParameterError for codes that there cannot be; the question is open then as before */
  reject(why?: Refuse): boolean;
}

interface OfCall {
  readonly at: Instant;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly session: string;
  readonly sessionId: number;
}

/** A call on an established tunnel, as {@link IncomingTunnel}: the LAC has one for us, or the LNS wants us to place one. */
export interface IncomingCall extends OfCall {
  readonly type: "incoming-call";
  readonly peerName: string;
  /** `incoming`: ICRQ, we are LNS. `outgoing`: OCRQ, we are LAC, and `place-call` follows when it was accepted. */
  readonly direction: "incoming" | "outgoing";
  readonly request: Message<"ICRQ", 2> | Message<"OCRQ", 2>;
  readonly deadline: Instant;
  accept(grant?: AcceptCall): boolean;
  /** @throws ParameterError for codes that there cannot be; the question is open then as before */
  reject(why?: Refuse): boolean;
}

/**
 * As LAC: place this call (RFC 2661 §7.5.1), then say how it went. Where nobody listens for this event, the session profile's
 * `placed` is the answer: the line of a software LAC is always there.
 */
export interface PlaceCall extends OfCall {
  readonly type: "place-call";
  readonly request: Message<"OCRQ", 2>;
  /** The called has answered: OCCN. @throws ControlError, EncodeError */
  answer(connected?: Partial<OutgoingConnectedAvps>): void;
  /** It could not be placed: CDN, for instance with Result Code 8 (busy). @throws ControlError, EncodeError */
  fail(cdn: CdnFacts): void;
}

/** The peer, somebody here, or an answer of the data plane ended an attempt of a caller before it was a tunnel. */
export interface TunnelRefused {
  readonly type: "tunnel-refused";
  readonly at: Instant;
  readonly listener: string;
  readonly from: SocketAddress;
  readonly hostName: string;
  readonly reason: Reason;
  readonly ending: Ending;
}

/** What only dynamic tunnels tell. */
export type DynamicEvent =
  | IncomingTunnel
  | IncomingCall
  | PlaceCall
  | TunnelRefused
  /** A listener takes callers, or cannot for now. */
  | {
      readonly type: "listener-up";
      readonly at: Instant;
      readonly listener: string;
      readonly local: SocketAddress;
    }
  | {
      readonly type: "listener-down";
      readonly at: Instant;
      readonly listener: string;
      readonly local: SocketAddress;
      readonly reason: Reason;
      /** When it is tried again; absent when it was closed. */
      readonly retryAt?: Instant;
    }
  /** As LAC: the LNS has negotiated this with the caller (SLI, RFC 2661 §6.14). */
  | ({ readonly type: "link-info"; readonly info: LinkInfo } & OfCall)
  /** As LNS: errors on the line, counted since the call began (WEN, RFC 2661 §6.13). */
  | ({ readonly type: "wan-errors"; readonly errors: CallErrors } & OfCall)
  /** Data messages have sequence numbers from now on, or not any more. */
  | ({ readonly type: "sequencing"; readonly on: boolean } & OfCall)
  /** The line has another speed, or the LNS asks for it (RFC 5515); modem on hold (RFC 3573). */
  | ({ readonly type: "speed-update"; readonly txBps: bigint; readonly rxBps: bigint } & OfCall)
  | ({ readonly type: "speed-request" } & OfCall)
  | ({ readonly type: "modem-status"; readonly status: number } & OfCall)
  /** What PPP tells beside up, addresses and down: who the peer says it is, how long it stays. */
  | ({ readonly type: "ppp"; readonly event: PppSessionEvent } & OfCall)
  /**
   * What a call has carried in all, for whoever keeps accounts: after its `session-down`, as soon as the data plane has let
   * go of it. Not of one that nothing carried, or whose data plane was lost.
   */
  | ({
      readonly type: "session-carried";
      readonly kind: CallKind;
      readonly data: PlaneStatistics;
      /** For how long it was up, in milliseconds: 0 of one that never was. */
      readonly upForMs: number;
      readonly userName?: string;
    } & OfCall)
  /** The peer's datagrams come from elsewhere, and ours follow. */
  | {
      readonly type: "peer-moved";
      readonly at: Instant;
      readonly tunnel: string;
      readonly tunnelId: number;
      readonly before: SocketAddress;
      readonly after: SocketAddress;
    }
  /** What dialling does beside trying: gives up, leaves a target alone, finds that the host slept. */
  | { readonly type: "dial"; readonly at: Instant; readonly tunnel: string; readonly event: DialEvent }
  /** Something for the log that no other event tells: a datagram refused, a limit met. Limited in rate. */
  | {
      readonly type: "notice";
      readonly at: Instant;
      readonly from: SocketAddress;
      readonly text: string;
      /** Such notices that were left out since the last. */
      readonly suppressed: number;
    }
  /** A drain is over: no session is left. */
  | { readonly type: "drained"; readonly at: Instant };
