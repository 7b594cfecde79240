/**
 * What a configuration becomes: plain data in the words of `@l2tp/protocol`. A configured tunnel is a
 * `TunnelParameters` and a configured session a `SessionParameters` with the policy of its interface beside it,
 * so that both go into a data plane as they are.
 */
import type { CallRule, NameRule, PeerRule, PoolRule, UserRule } from "@l2tp/access";
import type { SessionParameters, SocketAddress, TunnelParameters } from "@l2tp/protocol";
import type { QuirkWord } from "./keys/quirks.ts";
import type { ConfigProblem } from "./problem.ts";
import type { Origins, SecretSource } from "./types-common.ts";
import type { PppProfileConfig, PppUserConfig } from "./types-ppp.ts";

export type { Origin, Origins, SecretSource } from "./types-common.ts";
export type {
  AuthMethodWord,
  PppAttachmentConfig,
  PppOptionsConfig,
  PppProfileConfig,
  PppUserConfig,
} from "./types-ppp.ts";

/** Whose defaults a document gets. */
export type DefaultsProfile = "go-l2tp" | "field";

/** The reliable transport of control messages (RFC 2661 §5.8, RFC 3931 §4.2); of no use to a static tunnel. */
export interface TransportConfig {
  /** Receive window that we offer, and the most control messages unacknowledged by the peer. */
  readonly windowSize: number;
  /** Silence after which a Hello is sent; 0: never. */
  readonly helloTimeoutMs: number;
  /** Wait before the first retransmission; doubles with each further one. */
  readonly retryTimeoutMs: number;
  /** The longest wait between retransmissions; absent: no cap. */
  readonly retryTimeoutMaxMs?: number;
  /** Tries before the peer is taken for dead. */
  readonly maxRetries: number;
}

/** An address with prefix length for an interface. */
export interface InterfaceAddressConfig {
  readonly address: string;
  readonly prefixLength: number;
}

/** How a session's interface is to be. */
export interface InterfaceConfig {
  readonly name?: string;
  readonly macAddress?: string;
  readonly bridge?: string;
  readonly addresses?: readonly InterfaceAddressConfig[];
  readonly up: boolean;
}

/** MTU, fragmentation and MSS. */
export interface MtuConfig {
  /** Absent: the path's less the overhead of the encapsulation. */
  readonly mtuOctets?: number;
  readonly dontFragment: "set" | "clear" | "path";
  readonly clampMss?: boolean | number;
}

/** The PPPoE session that a `pppac` pseudowire joins (RFC 2516). */
export interface PppoeConfig {
  readonly sessionId: number;
  /** `02:42:94:d1:4e:9a` */
  readonly peerMac: string;
}

interface SessionCommon<SessionExtension> {
  readonly interface: InterfaceConfig;
  readonly mtu: MtuConfig;
  readonly pppoe?: PppoeConfig;
  /** File with pppd's options, for `ppp`. */
  readonly pppdArgs?: string;
  /** pppd's options, one word each, for `ppp`; they follow the file's. */
  readonly pppdOptions?: readonly string[];
  /** The application's own keys. */
  readonly extensions: SessionExtension;
  readonly origins: Origins;
}

/** A session of a static or quiescent tunnel: everything is known. */
export type ConfiguredSessionConfig<SessionExtension = object> = SessionParameters &
  SessionCommon<SessionExtension>;

/** A session of a dynamic tunnel: the IDs are chosen and learned when they are not given. */
export type DynamicSessionConfig<SessionExtension = object> = Omit<
  SessionParameters,
  "sessionId" | "peerSessionId"
> &
  SessionCommon<SessionExtension> & {
    readonly sessionId?: number;
    /** Names of the profiles that its keys and those of its PPP were taken from. */
    readonly profile: string;
    readonly call: CallConfig;
    /** How our own PPP runs it: the profile, with the session's `user` in it. Absent where pppd does (`pppdArgs`, `pppdOptions`). */
    readonly ppp?: PppProfileConfig;
    /** Who we are for the peer's PPP; already in `ppp`'s `user`. */
    readonly user?: PppUserConfig;
  };

/** A session as configured. */
export type SessionConfig<SessionExtension = object> =
  | ConfiguredSessionConfig<SessionExtension>
  | DynamicSessionConfig<SessionExtension>;

interface TunnelCommon<TunnelExtension> {
  /** UDP checksums on data messages. */
  readonly udpChecksum: boolean;
  /** Network namespace of the wire, by path. */
  readonly namespace?: string;
  readonly transport: TransportConfig;
  /** For the Host Name AVP; absent: the name of the host. */
  readonly hostName?: string;
  /** For the Framing Capabilities AVP. */
  readonly framingCapabilities: { readonly sync: boolean; readonly async: boolean };
  /** The application's own keys. */
  readonly extensions: TunnelExtension;
  readonly origins: Origins;
}

/** A static or quiescent tunnel: both ends are configured. */
export interface ConfiguredTunnelConfig<TunnelExtension = object, SessionExtension = object>
  extends TunnelParameters,
    TunnelCommon<TunnelExtension> {
  readonly mode: "static" | "quiescent";
  readonly sessions: readonly ConfiguredSessionConfig<SessionExtension>[];
}

/** A dynamic tunnel: we dial, and it is negotiated by control messages. */
export interface DynamicTunnelConfig<TunnelExtension = object, SessionExtension = object>
  extends Omit<TunnelParameters, "tunnelId" | "peerTunnelId" | "peer">,
    TunnelCommon<TunnelExtension> {
  readonly mode: "dynamic";
  /** Absent: chosen at random. */
  readonly tunnelId?: number;
  /** The peer, where there is one and it is given by its address. */
  readonly peer?: SocketAddress;
  /** All peers, one at least, in the document's order. Names are resolved at every try. */
  readonly peers: readonly PeerTargetConfig[];
  /** Name of the tunnel profile that its keys were taken from. */
  readonly profile: string;
  readonly secrets: readonly SecretSource[];
  readonly settings: TunnelSettingsConfig;
  readonly dial: DialConfig;
  /** Calls that come in on it (the peer may be LAC too) get these, unless a call rule says otherwise. */
  readonly sessionProfile: string;
  readonly pppProfile: string;
  readonly sessions: readonly DynamicSessionConfig<SessionExtension>[];
}

/** A tunnel as configured; `mode` tells which. */
export type TunnelConfig<TunnelExtension = object, SessionExtension = object> =
  | ConfiguredTunnelConfig<TunnelExtension, SessionExtension>
  | DynamicTunnelConfig<TunnelExtension, SessionExtension>;

/** `[daemon]`: how `l2tpd` itself runs. */
export interface DaemonConfig {
  readonly dataPlane: "auto" | "userspace" | "linux" | "mock" | "null";
  readonly logLevel: "error" | "warn" | "info" | "debug";
  readonly logFormat: "auto" | "text" | "json";
  readonly stateDirectory?: string;
  /** Our Host Name where a tunnel has none of its own; absent: the name of the host. */
  readonly hostName?: string;
  /** Path of the management interface's unix socket; absent: the daemon's choice; `false`: none. */
  readonly managementSocket?: string | false;
  readonly pidFile?: string;
  readonly trace: TraceConfig;
  readonly history: HistoryConfig;
  readonly drain: DrainConfig;
  /** How long a question (this peer? this call? this user?) may wait for its answer, and the data plane for its work. */
  readonly questionMs: number;
  readonly intentMs: number;
  /** Wait before a tunnel that failed is tried again; doubles up to {@link retryMaxMs}. */
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** How long an orderly stop may take. */
  readonly stopTimeoutMs: number;
  readonly origins: Origins;
}

/** Control messages, written to a pcapng file. */
export interface TraceConfig {
  /** Absent: none is written. */
  readonly file?: string;
  /** Write secrets, passwords and hidden AVPs too. */
  readonly secrets: boolean;
  /** Octets after which the file is renamed to `FILE.1` and begun anew. */
  readonly limitOctets: number;
}

/** Closed tunnels and sessions that stay visible, and for how long; messages remembered of each tunnel. */
export interface HistoryConfig {
  readonly tunnels: number;
  readonly sessions: number;
  readonly keepMs: number;
  readonly messages: number;
}

/** How the daemon empties itself. */
export interface DrainConfig {
  /** Sessions ended per second; 0: none is, they end by themselves. */
  readonly sessionsPerSecond: number;
  /** What is left after this is ended; 0: nothing is. */
  readonly timeoutMs: number;
}

type Rate = readonly [perSecond: number, burst: number];

/** `[limits]`: `Limits` of `@l2tp/control`, and `unverifiedRetries` of its endpoint. */
export interface LimitsConfig {
  readonly tunnels: number;
  readonly sessions: number;
  readonly halfOpen: number;
  readonly halfOpenPerSource: number;
  readonly closedTunnels: number;
  readonly tunnelRate: number;
  readonly sessionRate: number;
  readonly sourceSccrq: Rate;
  readonly sourceCalls: Rate;
  readonly sourceBadAuthentication: Rate;
  readonly sourceNotices: Rate;
  readonly notices: Rate;
  readonly sourceRefusals: Rate;
  readonly sources: number;
  readonly unverifiedRetries: number;
}

/** A program and its arguments, run without a shell; facts come in its environment and as JSON on standard input. */
export interface HookConfig {
  readonly program: string;
  readonly args: readonly string[];
}

/** `[hooks]` */
export interface HooksConfig {
  readonly tunnelUp?: HookConfig;
  readonly tunnelDown?: HookConfig;
  readonly sessionUp?: HookConfig;
  readonly sessionDown?: HookConfig;
  /** A program that runs longer is ended. */
  readonly timeoutMs: number;
  /** Programs that run at the same time; others wait. */
  readonly concurrency: number;
  readonly origins: Origins;
}

/** `[listen.NAME]`: where an LNS (or a LAC that places calls for others) waits. */
export interface ListenerConfig {
  readonly name: string;
  readonly local: SocketAddress;
  readonly namespace?: string;
  readonly udpChecksum: boolean;
  readonly origins: Origins;
}

/** `[peer.NAME]`: a rule of `@l2tp/access`, whose secrets may be in files. */
export interface PeerConfig extends Omit<PeerRule, "secrets"> {
  readonly secrets: readonly SecretSource[];
  readonly origins: Origins;
}

/** `[call.NAME]` */
export interface CallRuleConfig extends CallRule {
  readonly origins: Origins;
}

/** `[user.NAME]`: a rule of `@l2tp/access`, whose password may be in a file. */
export interface UserConfig extends Omit<UserRule, "password"> {
  readonly password?: SecretSource;
  readonly origins: Origins;
}

/** `[pool.NAME]` */
export interface PoolConfig extends PoolRule {
  readonly origins: Origins;
}

/** What a dynamic tunnel may be given: `TunnelChanges` of `@l2tp/control` without the secrets, complete. */
export interface TunnelSettingsConfig {
  /** Absent: the daemon's. */
  readonly hostName?: string;
  readonly vendorName?: string;
  readonly firmwareRevision?: number;
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  /** Absent: when there is a secret. */
  readonly challenge?: boolean;
  readonly hiding: "accept" | "send" | "require";
  readonly tieBreaker: boolean;
  readonly peerAddress: "strict" | "port" | "roam";
  readonly acceptIncoming: boolean;
  readonly acceptOutgoing: boolean;
  readonly maximumSessions: number;
  readonly tunnelSetupMs: number;
  readonly sessionSetupMs: number;
  readonly idleTimeoutMs: number;
  readonly quirks: readonly QuirkWord[];
  /** `Partial<TransportSettings>` of `@l2tp/transport`. */
  readonly transport: {
    readonly windowSize: number;
    readonly sendWindowLimit: number;
    readonly retryTimeoutMs: number;
    readonly retryTimeoutCapMs: number;
    readonly maxRetries: number;
    readonly helloTimeoutMs: number;
    readonly helloMisses: number;
    readonly ackDelayMs: number;
  };
}

/** An LNS to dial. */
export interface PeerTargetConfig {
  /** An IP address, or a name of the DNS. */
  readonly host: string;
  /** Of an address; absent for a name. */
  readonly family?: 4 | 6;
  readonly port: number;
  /** Lower is tried first. */
  readonly priority: number;
  /** Share of the tries among those of one priority. */
  readonly weight: number;
}

/** When a tunnel is dialled, and again: `DialSettings` of `@l2tp/node`, but for the targets. */
export interface DialConfig {
  readonly mode: "at-start" | "on-demand" | "manual";
  readonly redial: boolean;
  /** Wait before the first redial; doubles up to the second. */
  readonly initialMs: number;
  readonly maxMs: number;
  /** New tries after which it is given up; 0: never. */
  readonly maxRedials: number;
  /** A tunnel that was up for this long was a success. */
  readonly stableMs: number;
  /** How long a peer that failed is left alone while there are others, doubling up to the second. */
  readonly lockOutMs: number;
  readonly maxLockOutMs: number;
  /** Peers of better priority that failed are left alone for this long while another serves. */
  readonly failBackMs: number;
  readonly failBack: "new-tunnels" | "move";
  readonly family?: { readonly prefer: 4 | 6; readonly only: boolean };
}

/** What a call of ours says of itself. `request` and `connected` are AVPs as `@l2tp/control` takes them. */
export type CallConfig =
  | {
      readonly kind: "incoming";
      readonly request: {
        readonly calledNumber?: string;
        readonly callingNumber?: string;
        readonly subAddress?: string;
        readonly bearerType?: number;
        readonly physicalChannelId?: number;
      };
      readonly connected: {
        readonly txConnectSpeedBps: number;
        readonly rxConnectSpeedBps?: number;
        readonly framingType: number;
        readonly privateGroupId?: Uint8Array;
        readonly sequencingRequired?: true;
      };
    }
  | {
      readonly kind: "outgoing";
      readonly request: {
        readonly calledNumber: string;
        readonly subAddress?: string;
        readonly bearerType: number;
        readonly framingType: number;
        readonly minimumBps: number;
        readonly maximumBps: number;
      };
    };

/** `[profile.tunnel.NAME]`, with what it inherits. */
export interface TunnelProfileConfig {
  readonly name: string;
  readonly settings: TunnelSettingsConfig;
  readonly udpChecksum: boolean;
  readonly dial: DialConfig;
  readonly sessionProfile: string;
  readonly pppProfile: string;
  readonly origins: Origins;
}

/** `[profile.session.NAME]`, with what it inherits: for sessions that others open. */
export interface SessionProfileConfig {
  readonly name: string;
  readonly sendSequence: boolean;
  readonly receiveSequence: boolean;
  readonly reorderMs: number;
  /** `name` is a pattern such as `ppp%d`. */
  readonly interface: InterfaceConfig;
  readonly mtu: MtuConfig;
  readonly pppdArgs?: string;
  readonly pppdOptions?: readonly string[];
  /** Absent: the tunnel profile's. */
  readonly pppProfile?: string;
  /** For calls that an LNS asks us to place: what the OCCN says, as AVPs of `@l2tp/control`. */
  readonly txConnectSpeedBps: number;
  readonly rxConnectSpeedBps?: number;
  readonly framingType: number;
  readonly origins: Origins;
}

/** Profiles by kind; each has one named `default`, whether the document says it or not. */
export interface ProfilesConfig {
  readonly tunnel: readonly TunnelProfileConfig[];
  readonly session: readonly SessionProfileConfig[];
  readonly ppp: readonly PppProfileConfig[];
}

/** A whole configuration. */
export interface Config<RootExtension = object, TunnelExtension = object, SessionExtension = object> {
  /** The name that was given for messages. */
  readonly file: string;
  /** Whose defaults apply, and why: fit to be shown to people. */
  readonly defaults: { readonly profile: DefaultsProfile; readonly why: string };
  readonly daemon: DaemonConfig;
  readonly limits: LimitsConfig;
  readonly hooks: HooksConfig;
  /** All in the order of the document, which is the order in which rules are asked. */
  readonly listeners: readonly ListenerConfig[];
  readonly peers: readonly PeerConfig[];
  readonly calls: readonly CallRuleConfig[];
  readonly users: readonly UserConfig[];
  readonly pools: readonly PoolConfig[];
  /** How names of users are looked up. */
  readonly names: NameRule;
  readonly profiles: ProfilesConfig;
  readonly tunnels: readonly TunnelConfig<TunnelExtension, SessionExtension>[];
  /** The application's own keys at the top. */
  readonly extensions: RootExtension;
  /** What is not wrong, but hardly meant. */
  readonly warnings: readonly ConfigProblem[];
}
