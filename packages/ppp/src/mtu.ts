/** How large packets may be: MRU from what L2TP adds (RFC 2661 §3.1), MSS from what IP and TCP add. */

/** What lies between a packet of the link and the path. */
export interface Encapsulated {
  /** The path's MTU: the largest outer IP packet. */
  readonly pathMtu: number;
  /** Octets of outer IP, UDP and L2TP headers, as measured by the data plane. */
  readonly overhead: number;
  /** FF 03 is left out (the peer asked for ACFC and it is used). */
  readonly acfc?: boolean;
  /** MPPE adds a header, and its packets carry their protocol field inside. */
  readonly mppe?: boolean;
}

/** Every link that carries IPv6 takes packets of this size (RFC 8200 §5). */
export const IPV6_MINIMUM_MTU = 1280;

/** Octets that MPPE takes from each packet: its header, and the protocol field inside (RFC 3078 §3.1). */
export const MPPE_OVERHEAD = 4;

/**
 * Octets of information that fit one outer packet: what to give as `mru` and `mtu`.
 * 1500 less 20 (IPv4), 8 (UDP), 6 (L2TPv2), and 4 (FF 03 and protocol) gives 1462.
 */
export function mruForPath({ pathMtu, overhead, acfc = false, mppe = false }: Encapsulated): number {
  return pathMtu - overhead - (acfc ? 2 : 4) - (mppe ? MPPE_OVERHEAD : 0);
}

/** The largest TCP segment in a packet of `mtu` octets, without options: less 40 for IPv4, 60 for IPv6. */
export const mssFor = (mtu: number, family: 4 | 6): number => Math.max(0, mtu - (family === 4 ? 40 : 60));
