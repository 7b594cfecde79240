/** How large the frames of a session may be, so that what carries them fits the path. */
import type { Encapsulation, L2tpVersion, Pseudowire } from "@l2tp/protocol";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
/** Session ID over IP (RFC 3931 §4.1.1.1); flags, reserved and session ID over UDP (§4.1.2.1). */
const V3_HEADER = { ip: 4, udp: 8 } as const;
const DEFAULT_SUBLAYER = 4;
/** Flags, tunnel ID, session ID (RFC 2661 §3.1), and Ns with Nr where numbers are sent. */
const V2_HEADER = 6;
const V2_SEQUENCE = 4;
const ETHERNET_HEADER = 14;
/** Address, Control and the largest Protocol field. */
const PPP_HEADER = 4;
/** What an IPv4 total length, or an IPv6 payload length, can say. */
const LARGEST_PACKET = 65_535;
/** The least MTU of an interface with IPv4 (RFC 791). */
const LEAST_MTU = 68;
/** What is assumed of a path that has no route yet. */
export const USUAL_PATH_MTU = 1500;

/** What lies around the payload of an inner frame. */
export interface Encapsulating {
  readonly family: 4 | 6;
  readonly encapsulation: Encapsulation;
  readonly peerCookieLength: number;
  readonly sublayer: boolean;
  /** Default 3. */
  readonly version?: L2tpVersion;
  /** Default `eth`; all others carry PPP. */
  readonly pseudowire?: Pseudowire;
  /** Whether numbers are sent: in v2 they lengthen the header. */
  readonly sequence?: boolean;
}

/** Octets that encapsulation adds to the payload of a frame, the frame's own header included. */
export function encapsulationOverhead(around: Encapsulating): number {
  const { family, encapsulation, version = 3, pseudowire = "eth", sequence = false } = around;
  const header =
    version === 2
      ? V2_HEADER + (sequence ? V2_SEQUENCE : 0)
      : V3_HEADER[encapsulation] + around.peerCookieLength + (around.sublayer ? DEFAULT_SUBLAYER : 0);
  return (
    (family === 4 ? IPV4_HEADER : IPV6_HEADER) +
    (encapsulation === "udp" ? UDP_HEADER : 0) +
    header +
    (pseudowire === "eth" ? ETHERNET_HEADER : PPP_HEADER)
  );
}

/** MTU of a session's interface for a path that takes packets of `pathMtu` octets. */
export function interfaceMtu(pathMtu: number, around: Encapsulating): number {
  return Math.max(LEAST_MTU, Math.min(pathMtu, LARGEST_PACKET) - encapsulationOverhead(around));
}
