/** Numbers of PPP that several files need: protocols, packet codes, and the specification's limits. */

/** PPP protocol numbers (RFC 1661 §2, and the RFC of each protocol). */
export const PROTOCOL = {
  ipv4: 0x0021,
  ipv6: 0x0057,
  vjCompressed: 0x002d,
  vjUncompressed: 0x002f,
  compressed: 0x00fd,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  ccp: 0x80fd,
  lcp: 0xc021,
  pap: 0xc023,
  lqr: 0xc025,
  chap: 0xc223,
  eap: 0xc227,
} as const;

const NAMES = new Map<number, string>([
  [PROTOCOL.ipv4, "IPv4"],
  [PROTOCOL.ipv6, "IPv6"],
  [PROTOCOL.vjCompressed, "VJ compressed TCP"],
  [PROTOCOL.vjUncompressed, "VJ uncompressed TCP"],
  [0x003d, "Multilink"],
  [PROTOCOL.compressed, "Compressed"],
  [0x0281, "MPLS"],
  [PROTOCOL.ipcp, "IPCP"],
  [0x8031, "BCP"],
  [0x8053, "ECP"],
  [PROTOCOL.ipv6cp, "IPV6CP"],
  [0x80fb, "CCP per link"],
  [PROTOCOL.ccp, "CCP"],
  [0x8281, "MPLSCP"],
  [PROTOCOL.lcp, "LCP"],
  [PROTOCOL.pap, "PAP"],
  [PROTOCOL.lqr, "LQR"],
  [PROTOCOL.chap, "CHAP"],
  [PROTOCOL.eap, "EAP"],
]);

/** Name of a protocol, or its number as `0x1234`. */
export const protocolName = (protocol: number): string =>
  NAMES.get(protocol) ?? `0x${protocol.toString(16).padStart(4, "0")}`;

/** Codes of LCP and the NCPs (RFC 1661 §5, RFC 1570 §1, RFC 1962 §3). */
export const CODE = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  identification: 12,
  timeRemaining: 13,
  resetRequest: 14,
  resetAck: 15,
} as const;

/** What a receiver takes whatever was negotiated (RFC 1661 §6.1). */
export const DEFAULT_MRU = 1500;
