/**
 * What a configuration becomes: plain data in the words of `@l2tp/protocol`. A configured tunnel is a
 * `TunnelParameters` and a configured session a `SessionParameters` with the policy of its interface beside it,
 * so that both go into a data plane as they are.
 */
import type { SessionParameters, TunnelParameters } from "@l2tp/protocol";
import type { ConfigProblem } from "./problem.ts";

/** Whose defaults a document gets. */
export type DefaultsProfile = "go-l2tp" | "field";

/**
 * Where a value came from. `given`: the document says it. `default`: the profile's. `derived`: follows from
 * other keys of the document (the mode from the IDs, the port 0 from the encapsulation).
 */
export type Origin = "given" | "default" | "derived";

/** Origins by the key's name in TOML. */
export type Origins = Readonly<Record<string, Origin>>;

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
  SessionCommon<SessionExtension> & { readonly sessionId?: number };

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

/** A dynamic tunnel: negotiated by control messages. */
export interface DynamicTunnelConfig<TunnelExtension = object, SessionExtension = object>
  extends Omit<TunnelParameters, "tunnelId" | "peerTunnelId">,
    TunnelCommon<TunnelExtension> {
  readonly mode: "dynamic";
  /** Absent: chosen at random. */
  readonly tunnelId?: number;
  readonly sessions: readonly DynamicSessionConfig<SessionExtension>[];
}

/** A tunnel as configured; `mode` tells which. */
export type TunnelConfig<TunnelExtension = object, SessionExtension = object> =
  | ConfiguredTunnelConfig<TunnelExtension, SessionExtension>
  | DynamicTunnelConfig<TunnelExtension, SessionExtension>;

/** `[daemon]`: how `l2tpd` itself runs. */
export interface DaemonConfig {
  readonly dataPlane: "auto" | "userspace" | "linux" | "mock";
  readonly logLevel: "error" | "warn" | "info" | "debug";
  readonly logFormat: "auto" | "text" | "json";
  readonly stateDirectory?: string;
  /** Wait before a tunnel that failed is tried again; doubles up to {@link retryMaxMs}. */
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** How long an orderly stop may take. */
  readonly stopTimeoutMs: number;
  readonly origins: Origins;
}

/** A whole configuration. */
export interface Config<RootExtension = object, TunnelExtension = object, SessionExtension = object> {
  /** The name that was given for messages. */
  readonly file: string;
  /** Whose defaults apply, and why: fit to be shown to people. */
  readonly defaults: { readonly profile: DefaultsProfile; readonly why: string };
  readonly daemon: DaemonConfig;
  /** In the order of the document. */
  readonly tunnels: readonly TunnelConfig<TunnelExtension, SessionExtension>[];
  /** The application's own keys at the top. */
  readonly extensions: RootExtension;
  /** What is not wrong, but hardly meant. */
  readonly warnings: readonly ConfigProblem[];
}
