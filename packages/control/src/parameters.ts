/** What a caller sets: of one tunnel, of one call, of the whole endpoint. Plain data; the defaults are here too. */
import { FRAMING, type IpAddress, type Message, type Secret, type SocketAddress } from "@l2tp/protocol";
import { FIELD_SETTINGS, type TransportSettings, transportSettings } from "@l2tp/transport";
import { ControlError } from "./errors.ts";
import { isQuirkName, type QuirkName } from "./quirks.ts";

type Envelope = "version" | "type";
type Avps<M, Ours extends string = never> = Omit<M, Envelope | Ours>;

/** AVPs of an ICRQ, those apart that the endpoint sets: all of RFC 2661 §6.6 and of RFC 3308, 3437, 4045, 5515 … */
export type IncomingCallAvps = Avps<Message<"ICRQ", 2>, "assignedSessionId" | "callSerialNumber">;
/** AVPs of an ICRP. */
export type IncomingReplyAvps = Avps<Message<"ICRP", 2>, "assignedSessionId">;
/** AVPs of an ICCN: the speed and framing of the call, proxy LCP and authentication, and more. */
export type IncomingConnectedAvps = Avps<Message<"ICCN", 2>>;
/** AVPs of an OCRQ. */
export type OutgoingCallAvps = Avps<Message<"OCRQ", 2>, "assignedSessionId" | "callSerialNumber">;
/** AVPs of an OCRP. */
export type OutgoingReplyAvps = Avps<Message<"OCRP", 2>, "assignedSessionId">;
/** AVPs of an OCCN. */
export type OutgoingConnectedAvps = Avps<Message<"OCCN", 2>>;
/** AVPs of extensions in SCCRQ and SCCRP: modem on hold, PPPoE relay, multicast, DiffServ … */
export type CapabilityAvps = Pick<
  Message<"SCCRP", 2>,
  | "ccds"
  | "modemOnHoldCapable"
  | "pppoeRelayResponseCapability"
  | "pppoeRelayForwardCapability"
  | "multicastCapability"
  | "ecnCapability"
  | "extras"
>;

/**
 * Whose datagrams belong to a tunnel beside having its ID. `strict`: address and port as first seen (RFC 2661 §8.1).
 * `port`: the port may change. `roam`: the address too, but only of a tunnel whose peer has shown its secret.
 */
export type PeerAddressPolicy = "strict" | "port" | "roam";

/**
 * AVP hiding (RFC 2661 §4.3). `accept`: hidden AVPs are opened, ours are sent open. `send`: ours are hidden too, but not
 * in SCCRQ, SCCRP and StopCCN. `require`: besides, a peer's numbers, names and passwords must be hidden, or the call is refused.
 */
export type Hiding = "accept" | "send" | "require";

/** What a tunnel is like at our end. */
export interface TunnelSettings {
  /** Our Host Name. Default of the endpoint. */
  readonly hostName: string;
  /** Our Vendor Name; empty: none is sent. */
  readonly vendorName: string;
  readonly firmwareRevision: number | undefined;
  /** Framing we can do: `FRAMING.synchronous | FRAMING.asynchronous`. */
  readonly framingCapabilities: number;
  /** Bearers on which we place outgoing calls; 0: we place none, and the AVP is not sent. */
  readonly bearerCapabilities: number;
  readonly capabilities: Partial<CapabilityAvps>;
  /**
   * Shared secrets, at most two: the one we answer with, and one more that is good during a change, which answers a peer that
   * has shown that it has it, or has refused the first. None: no authentication.
   */
  readonly secrets: readonly Secret[];
  /** Whether the peer must answer a challenge. Default, and always when left out: when there is a secret. */
  readonly challenge: boolean | undefined;
  readonly hiding: Hiding;
  /** Whether our SCCRQ has a Tie Breaker: a single tunnel between us and this peer is wanted. */
  readonly tieBreaker: boolean;
  readonly peerAddress: PeerAddressPolicy;
  /** Whether the peer may send us its incoming calls (we are LNS), and may ask for outgoing ones (we are LAC). */
  readonly acceptIncoming: boolean;
  readonly acceptOutgoing: boolean;
  readonly maximumSessions: number;
  /** Time for SCCRQ … SCCCN, decisions included. */
  readonly tunnelSetupMs: number;
  /** Time for a call from its request to its connection, the wait for the tunnel included. */
  readonly sessionSetupMs: number;
  /** A tunnel without sessions is closed after this; 0: never (RFC 2661 §5.6 MAY). */
  readonly idleTimeoutMs: number;
  readonly transport: TransportSettings;
  /** Leniencies for this peer, beside those that its Vendor Name brings. */
  readonly quirks: readonly QuirkName[];
}

/** Changes to {@link TunnelSettings}; in `transport` only what differs. */
export type TunnelChanges = Partial<Omit<TunnelSettings, "transport">> & {
  readonly transport?: Partial<TransportSettings>;
};

/** What `openTunnel` needs: the peer, and what differs from the endpoint's defaults. */
export interface TunnelOpening extends TunnelChanges {
  readonly peer: SocketAddress;
  /** Our address to send from. */
  readonly local?: IpAddress;
  /** The caller's socket. */
  readonly wire?: number;
  /** For people; given back in events and in the status. */
  readonly name?: string;
  /** Our Tunnel ID, 1 … 65,535; default a random one. */
  readonly tunnelId?: number;
}

/** Facts of a call, whatever its direction. */
interface CallOpening {
  readonly name?: string;
  /** Our Session ID, 1 … 65,535; default a random one. */
  readonly sessionId?: number;
  /** Default: the endpoint's next one. */
  readonly callSerialNumber?: number;
  /** Sequence numbers on data messages from the first on; see `setSequencing()` for later. Default: false. */
  readonly sendSequence?: boolean;
}

/** As LAC: a call that came in here is to be carried to the LNS. */
export interface IncomingCallOpening extends CallOpening {
  readonly kind: "incoming";
  readonly request?: IncomingCallAvps;
  /** Speed and framing default to 1 Gbit/s, synchronous. */
  readonly connected?: Partial<IncomingConnectedAvps>;
}

/** As LNS: the LAC is asked to place a call. */
export interface OutgoingCallOpening extends CallOpening {
  readonly kind: "outgoing";
  readonly request: OutgoingCallAvps;
}

/** What `openSession` needs. */
export type SessionOpening = IncomingCallOpening | OutgoingCallOpening;

/** How many of what, how fast; see docs. Rates are per second, bursts are how many may come at once. */
export interface Limits {
  readonly tunnels: number;
  readonly sessions: number;
  /** Tunnels that have not finished their set-up, in all and from one address. */
  readonly halfOpen: number;
  readonly halfOpenPerSource: number;
  /** Closed tunnels whose channel is kept for the peer's retransmissions. */
  readonly closedTunnels: number;
  /** Set-ups taken per second, in all. */
  readonly tunnelRate: number;
  readonly sessionRate: number;
  /** SCCRQs, calls, wrong secrets, and things told (for logs), from one address: per second, and at once. */
  readonly sourceSccrq: readonly [perSecond: number, burst: number];
  readonly sourceCalls: readonly [perSecond: number, burst: number];
  readonly sourceBadAuthentication: readonly [perSecond: number, burst: number];
  readonly sourceNotices: readonly [perSecond: number, burst: number];
  /** Things told in all. */
  readonly notices: readonly [perSecond: number, burst: number];
  /** Refusals sent to one address that no tunnel is kept for. */
  readonly sourceRefusals: readonly [perSecond: number, burst: number];
  /** Addresses about which such things are kept in mind. */
  readonly sources: number;
}

/** Settings of an endpoint. */
export interface EndpointSettings {
  /** Defaults of every tunnel. */
  readonly tunnel: TunnelSettings;
  /**
   * Secrets to try on hidden AVPs of an SCCRQ, whose sender is not known yet. (RFC 2661 lets a caller hide even its
   * Assigned Tunnel ID.) Default: those of `tunnel`.
   */
  readonly callerSecrets: readonly Secret[];
  readonly limits: Limits;
  /**
   * Retransmissions of an SCCRP to a caller who has not shown yet that our answers reach it: its address may be forged,
   * and somebody else's.
   */
  readonly unverifiedRetries: number;
  /** How long a question waits for `decide`, and an intent for `planeReady` or `planeFailed`. */
  readonly questionMs: number;
  readonly intentMs: number;
  /** How many closed tunnels and sessions stay visible, and for how long. */
  readonly historyTunnels: number;
  readonly historySessions: number;
  readonly historyMs: number;
  /** Messages remembered of each tunnel, for whoever asks why it failed. */
  readonly messagesRemembered: number;
}

/** What differs from the defaults. */
export type EndpointChanges = Partial<Omit<EndpointSettings, "tunnel" | "limits">> & {
  readonly tunnel?: TunnelChanges;
  readonly limits?: Partial<Limits>;
};

const NONE: readonly never[] = [];

/** Defaults of a tunnel: what works in the field. */
export const DEFAULT_TUNNEL: TunnelSettings = {
  hostName: "l2tp",
  vendorName: "l2tp.js",
  firmwareRevision: undefined,
  framingCapabilities: FRAMING.synchronous | FRAMING.asynchronous,
  bearerCapabilities: 0,
  capabilities: {},
  secrets: NONE,
  challenge: undefined,
  hiding: "accept",
  tieBreaker: false,
  peerAddress: "port",
  acceptIncoming: true,
  acceptOutgoing: false,
  maximumSessions: 65_535,
  tunnelSetupMs: 60_000,
  sessionSetupMs: 60_000,
  idleTimeoutMs: 0,
  transport: FIELD_SETTINGS[2],
  quirks: NONE,
};

/** Defaults of the limits: for an LNS of some size; smaller ones do no harm to a LAC. */
export const DEFAULT_LIMITS: Limits = {
  tunnels: 60_000,
  sessions: 1_000_000,
  halfOpen: 4_096,
  halfOpenPerSource: 64,
  closedTunnels: 8_192,
  tunnelRate: 5_000,
  sessionRate: 50_000,
  sourceSccrq: [20, 200],
  sourceCalls: [5_000, 20_000],
  sourceBadAuthentication: [0.2, 20],
  sourceNotices: [5, 100],
  notices: [50, 500],
  sourceRefusals: [5, 20],
  sources: 4_096,
};

/** Settings from defaults and what differs. @throws ControlError ERR_L2TP_PARAMETER naming the setting. */
export function tunnelSettings(base: TunnelSettings, change: TunnelChanges = {}): TunnelSettings {
  if (Object.keys(change).length === 0) return base;
  const { transport, ...rest } = change;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const settings: TunnelSettings = {
    ...base,
    ...given,
    transport: transport === undefined ? base.transport : transportSettings(base.transport, transport),
  };
  check("hostName", settings.hostName.length > 0, "at least one octet", settings.hostName);
  check("secrets", settings.secrets.length <= 2, "at most two", settings.secrets.length);
  const { challenge, secrets, hiding } = settings;
  check("challenge", challenge !== true || secrets.length > 0, "a secret to check the answer with", "none");
  check("hiding", hiding === "accept" || secrets.length > 0, "a secret to hide with", "none");
  for (const name of ["framingCapabilities", "bearerCapabilities"] as const) {
    within(name, settings[name], 0, 0xffff_ffff);
  }
  within("maximumSessions", settings.maximumSessions, 0, 65_535);
  within("tunnelSetupMs", settings.tunnelSetupMs, 1, 86_400_000);
  within("sessionSetupMs", settings.sessionSetupMs, 1, 86_400_000);
  within("idleTimeoutMs", settings.idleTimeoutMs, 0, Number.MAX_SAFE_INTEGER);
  if (settings.firmwareRevision !== undefined) {
    within("firmwareRevision", settings.firmwareRevision, 0, 0xffff);
  }
  for (const quirk of settings.quirks) check("quirks", isQuirkName(quirk), "names of known quirks", quirk);
  return settings;
}

const DEFAULT_ENDPOINT = {
  unverifiedRetries: 3,
  questionMs: 30_000,
  intentMs: 30_000,
  historyTunnels: 256,
  historySessions: 1_024,
  historyMs: 600_000,
  messagesRemembered: 8,
} as const;

/**
 * Settings of an endpoint.
 * @param base - what holds where nothing is changed; default the defaults.
 * @throws ControlError, TransportError naming the setting.
 */
export function endpointSettings(change: EndpointChanges = {}, base?: EndpointSettings): EndpointSettings {
  const tunnel = tunnelSettings(base?.tunnel ?? DEFAULT_TUNNEL, change.tunnel);
  const settings: EndpointSettings = {
    ...(base ?? { ...DEFAULT_ENDPOINT, callerSecrets: tunnel.secrets }),
    ...change,
    tunnel,
    limits: { ...(base?.limits ?? DEFAULT_LIMITS), ...change.limits },
  };
  within("limits.tunnels", settings.limits.tunnels, 1, 65_535);
  within("limits.sessions", settings.limits.sessions, 0, Number.MAX_SAFE_INTEGER);
  for (const name of ["questionMs", "intentMs"] as const) within(name, settings[name], 1, 86_400_000);
  for (const name of ["historyTunnels", "historySessions", "historyMs", "messagesRemembered"] as const) {
    within(name, settings[name], 0, 1e9);
  }
  return settings;
}

function within(name: string, value: number, least: number, most: number): void {
  check(name, value >= least && value <= most, `a number from ${least} to ${most}`, value);
}

function check(name: string, good: boolean, expected: string, got: unknown): void {
  if (good) return;
  throw new ControlError(
    "ERR_L2TP_PARAMETER",
    `${name}: ${expected} was expected, got ${JSON.stringify(got)}`,
  );
}
