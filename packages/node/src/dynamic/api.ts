/**
 * Dynamic tunnels and sessions as a program sees them: negotiated by control messages (RFC 2661), dialled by us or
 * accepted from those who dial us. What everything of a context has in common is in tunnel.ts and session.ts.
 */
import type {
  CallErrors,
  CallKind,
  CdnFacts,
  Ending,
  IncomingCallAvps,
  IncomingConnectedAvps,
  LinkInfo,
  OutgoingCallAvps,
  OutgoingConnectedAvps,
  PeerFacts,
  SessionStatus,
  StopFacts,
  TunnelChanges,
  TunnelStatus,
} from "@l2tp/control";
import type { EthernetInterface, MtuPolicy, PppSettings as PppdSettings } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { DialerStatus, LnsTarget, RedialSettings, TargetSettings } from "../dial/index.ts";
import type { PppProfile, PppStatus } from "../ppp/index.ts";
import type { Reason } from "../reason.ts";
import type { Session } from "../session-api.ts";
import type { TunnelState } from "../states.ts";
import type { TunnelStatistics } from "../statistics.ts";
import type { WaitOptions } from "../up-gate.ts";

/**
 * Who runs the PPP of a session.
 * `own`: this program, through the data plane's `PppLink`. `pppd`: the data plane starts it. `plane`: the data plane has
 * the frames and nobody here looks at them (a bridge, a test). `none`: the session is control messages only, and the
 * data plane is not asked for it.
 */
export type SessionPpp =
  | { readonly by: "own"; readonly profile: PppProfile }
  | { readonly by: "pppd"; readonly settings?: PppdSettings }
  | { readonly by: "plane" }
  | { readonly by: "none" };

/** What a session is like at our end, whoever opened it; the session profile of a configuration. */
export interface SessionDefaults {
  /** Default: `own` where the data plane has `PppLink`s and a PPP profile is known, else `pppd`, else `plane`. */
  readonly ppp?: SessionPpp;
  /** Of the PPP interface: its name (`ppp%d`), addresses where nothing negotiates them. */
  readonly interface?: EthernetInterface;
  readonly mtu?: MtuPolicy;
  /** How long a data message waits for those before it, in milliseconds; default 0. */
  readonly reorderMs?: number;
  /**
   * Sequence numbers on data messages from the first on; default false. An LNS decides for both ends (RFC 2661 §5.4). A LAC
   * that only sends them does as its LNS does from then on; one that says so in its ICCN or OCCN (`sequencingRequired`)
   * sends and requires them in any case.
   */
  readonly sendSequence?: boolean;
  /** For calls that we place for an LNS, and those it is told about: what the OCCN says. */
  readonly placed?: Partial<OutgoingConnectedAvps>;
}

/** Where a context finds the profiles that an authority names. Asked anew for each tunnel and call. */
export interface Profiles {
  /** Settings of a tunnel, without its secrets; undefined: there is no such profile, and the caller is refused. */
  tunnel(name: string): TunnelChanges | undefined;
  session(name: string): SessionDefaults | undefined;
  ppp(name: string): PppProfile | undefined;
}

/** Where we wait for callers. */
export interface ListenerInit {
  /** Unique among the context's listeners; default `listener-N`. */
  readonly name?: string;
  /** Default: port 1701 on all IPv4 addresses. */
  readonly local?: SocketAddress;
  /** Network namespace by path; default that of the process. */
  readonly namespace?: string;
  /** UDP checksums on data messages; default true. */
  readonly udpChecksum?: boolean;
  /** Closes the listener when it aborts. */
  readonly signal?: AbortSignal;
}

/** Where a listener is. `retrying`: it could not be bound, and is tried again. */
export type ListenerState = "starting" | "up" | "retrying" | "closed";

/** A place where callers are taken. It keeps itself up until it is closed. */
export interface Listener extends AsyncDisposable {
  readonly name: string;
  /** As bound, with the real port; as asked for while it is not up. */
  readonly local: SocketAddress;
  readonly namespace: string | undefined;
  readonly encapsulation: "udp";
  readonly state: ListenerState;
  readonly reason: Reason | undefined;
  readonly upSince: Instant | undefined;
  /** @throws ClosedError, AbortedError */
  whenUp(options?: WaitOptions): Promise<void>;
  /** Takes no more callers. Tunnels that came in by it stay, and hold the socket as long as they do. Idempotent. */
  close(): Promise<void>;
}

/** A tunnel that we dial. Settings that are left out are the context's `control.tunnel`. */
export interface DynamicTunnelInit extends TunnelChanges {
  /** Unique in the context; default `tunnel-N`. */
  readonly name?: string;
  /** Whom to dial: one at least. Which first is said by priority and weight, else by chance. */
  readonly peers: readonly LnsTarget[];
  /** When, whom, and when again; default: at start, and always again. */
  readonly dial?: TargetSettings & RedialSettings;
  /** Default: any address of the peer's family and a free port. */
  readonly local?: SocketAddress;
  readonly namespace?: string;
  readonly udpChecksum?: boolean;
  /** For calls that come in on it from the other end, where the authority names no profile. */
  readonly session?: SessionDefaults;
  /** What the configuration calls the peer, for `CallRequest.peer`; default the tunnel's name. */
  readonly peerName?: string;
  /** Closes the tunnel when it aborts. */
  readonly signal?: AbortSignal;
}

/** How a call of ours begins; what it says of itself in AVPs. */
export type CallInit =
  /** We are LAC: a call has come in here and is carried to the LNS (ICRQ). The default, without any AVP. */
  | {
      readonly kind: "incoming";
      readonly request?: IncomingCallAvps;
      readonly connected?: Partial<IncomingConnectedAvps>;
    }
  /** We are LNS: the LAC is to place a call (OCRQ). */
  | { readonly kind: "outgoing"; readonly request: OutgoingCallAvps };

/** A session that we open. */
export interface DynamicSessionInit extends SessionDefaults {
  /** Unique in the tunnel; default `session-N`. */
  readonly name?: string;
  readonly call?: CallInit;
  /**
   * Open it again when it ends, after the context's `backoff` (a call that lasted as long as its longest wait begins with the
   * shortest again); a tunnel's `dial` has waits of its own. Default: yes on a tunnel that we dial, no on one that was accepted.
   */
  readonly redial?: boolean;
  /** `false`: it waits for `dial()`. Default true. */
  readonly auto?: boolean;
  /** Closes the session when it aborts. */
  readonly signal?: AbortSignal;
}

/** Who opened a tunnel or session. */
export type Origin = "dialled" | "accepted";

/** One call. Opened by us it comes up by itself when its tunnel does; accepted ones end when they end. */
export interface DynamicSession extends Session {
  readonly kind: CallKind;
  readonly origin: Origin;
  readonly callSerialNumber: number | undefined;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  /** While a call is up whose PPP is ours. Nothing secret is in it. */
  readonly ppp: PppStatus | undefined;
  /** How it ended last. */
  readonly ending: Ending | undefined;
  /** The session that its frames are passed on to, and back: tunnel switching. */
  readonly switchedTo: { readonly tunnel: string; readonly session: string } | undefined;
  /** What the control plane knows of it now; undefined while there is no call. */
  status(): SessionStatus | undefined;
  /** Opens it, if it is not: after `hangUp()`, with `auto: false`, or at once instead of after the back-off. */
  dial(): void;
  /** Ends the call (CDN, by default Result Code 3). One that is redialled stays down until `dial()`. @throws EncodeError */
  hangUp(cdn?: CdnFacts): void;
  /** As LNS: tells the LAC what was negotiated (SLI). @throws ControlError */
  setLinkInfo(info: LinkInfo): void;
  /** As LAC: errors on the line since the call began (WEN), at most once a minute. @throws ControlError */
  reportErrors(errors: CallErrors): boolean;
  /** Sequence numbers of data messages on or off. @throws ControlError */
  setSequencing(on: boolean): void;
  /** As LAC, RFC 5515: the line has another speed. @throws ControlError */
  reportSpeed(txBps: bigint, rxBps: bigint): void;
}

/** One dynamic tunnel. A dialled one keeps itself up as its dial settings say; an accepted one is gone when it ends. */
export interface DynamicTunnel extends AsyncDisposable {
  readonly name: string;
  readonly mode: "dynamic";
  readonly origin: Origin;
  /** 0 while there is no control connection. */
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** Where the peer is; while it is not dialled: where it was dialled last, or would be first. */
  readonly peer: SocketAddress;
  readonly local: SocketAddress | undefined;
  readonly state: TunnelState;
  readonly reason: Reason | undefined;
  readonly upSince: Instant | undefined;
  /** The listener by which it came in. */
  readonly listener: string | undefined;
  /** What the authority calls the peer; of a dialled tunnel its `peerName`. */
  readonly peerName: string;
  /** What the peer has said of itself; undefined while nothing was heard. */
  readonly peerFacts: PeerFacts | undefined;
  readonly authenticated: boolean;
  /** How it ended last. */
  readonly ending: Ending | undefined;
  /** In the order in which they were made. */
  readonly sessions: readonly DynamicSession[];
  /** By its name. */
  session(name: string): DynamicSession | undefined;
  /** Adds a session, which comes up by itself. @throws ParameterError, NameInUseError, ClosedError, ControlError, EncodeError */
  newSession(init?: DynamicSessionInit): DynamicSession;
  /** What the control plane knows of it now; undefined while there is no control connection. */
  status(): TunnelStatus | undefined;
  /** How dialling goes; undefined on an accepted tunnel. */
  readonly dialling: DialerStatus | undefined;
  /** Dials now: after `hangUp()`, with mode `manual` or `on-demand`, or instead of waiting for the next try. */
  dial(): void;
  /** Ends the control connection (StopCCN, by default Result Code 1). A dialled one stays down until `dial()`. */
  hangUp(stop?: StopFacts): void;
  /** Finds out now whether the peer is there. */
  sendHello(): void;
  /** @throws ClosedError, AbortedError */
  whenUp(options?: WaitOptions): Promise<void>;
  statistics(): Promise<TunnelStatistics>;
  /**
   * Takes it and its sessions down for good (StopCCN). Idempotent; resolves when its sessions are out of the data plane.
   * The control connection stays for a full retransmission cycle more, to acknowledge what the peer sends again.
   */
  close(stop?: StopFacts): Promise<void>;
}
