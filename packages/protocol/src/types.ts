/**
 * The words that all packages share: addresses, IDs, and what describes a tunnel and a session. Types only,
 * so that a package can speak of a tunnel without pulling in the codec.
 */

/** Milliseconds on the caller's monotonic clock. */
export type Instant = number;

/** Version of the protocol: 2 is RFC 2661, 3 is RFC 3931. */
export type L2tpVersion = 2 | 3;

/** How control and data messages travel: in UDP, or directly in IP as protocol 115 (L2TPv3 only). */
export type Encapsulation = "udp" | "ip";

/** A textual IP address without port: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. */
export type IpAddress = string;

/** Address of one end. `port` is 0 where the encapsulation has none (IP protocol 115). */
export interface SocketAddress {
  readonly family: 4 | 6;
  readonly address: IpAddress;
  readonly port: number;
}

/** What a session carries (RFC 3931 §5.4.4, RFC 4719); `pppac` is PPPoE joined to L2TP in the kernel. */
export type Pseudowire = "eth" | "ppp" | "pppac";

/** The L2-specific sublayer of RFC 3931 §4.6; in v2 there is none. */
export type L2SpecificSublayer = "none" | "default";

/**
 * How a tunnel comes to be.
 * `static`: no control messages at all; both ends are configured.
 * `quiescent`: as static, but the reliable transport runs, so that a hello finds out whether the peer lives.
 * `dynamic`: negotiated by control messages.
 */
export type TunnelMode = "static" | "quiescent" | "dynamic";

/** What the data plane and the control plane both need to know of one tunnel. */
export interface TunnelParameters {
  readonly name: string;
  readonly version: L2tpVersion;
  readonly encapsulation: Encapsulation;
  readonly mode: TunnelMode;
  /** `undefined`: any address, any free port. */
  readonly local?: SocketAddress;
  readonly peer: SocketAddress;
  /** Local tunnel ID (v2, 16 bits) or control connection ID (v3, 32 bits); never 0. */
  readonly tunnelId: number;
  readonly peerTunnelId: number;
}

/** What the data plane and the control plane both need to know of one session. */
export interface SessionParameters {
  readonly name: string;
  readonly pseudowire: Pseudowire;
  /** Never 0. */
  readonly sessionId: number;
  readonly peerSessionId: number;
  /** What we expect in received data messages (our Assigned Cookie): 0, 4 or 8 octets. */
  readonly cookie: Uint8Array;
  /** What we write into data messages that we send (the peer's Assigned Cookie): 0, 4 or 8 octets. */
  readonly peerCookie: Uint8Array;
  readonly l2SpecificSublayer: L2SpecificSublayer;
  /** Send sequence numbers. */
  readonly sendSequence: boolean;
  /** Require sequence numbers; messages without are dropped. */
  readonly receiveSequence: boolean;
  /** How long an out-of-order message waits for those before it; 0 drops it, as the kernel does. */
  readonly reorderMs: number;
}
