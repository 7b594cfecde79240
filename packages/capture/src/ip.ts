/**
 * The IP header: IPv4 with options (RFC 791), IPv6 with extension headers (RFC 8200).
 *
 * The length in the header decides where a datagram ends, as Ethernet pads short frames; where the capture cut
 * the frame, fewer octets are there than the header says.
 */

/** One IP packet as it is in a frame: whole, or a fragment. */
export interface IpPacket {
  readonly version: 4 | 6;
  /** 4 or 16 octets, views into the frame. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Protocol (IPv4) or Next Header (IPv6) of `payload`. */
  readonly protocol: number;
  /** What follows the headers, as far as it was captured. */
  readonly payload: Uint8Array;
  /** Octets of `payload` that the header promises and the frame does not have. */
  readonly missing: number;
  /** Present for a fragment. */
  readonly fragment?: Fragment;
}

/** Where a fragment belongs. */
export interface Fragment {
  /** 16 bits in IPv4, 32 in IPv6. */
  readonly identification: number;
  /** Octets from the start of the datagram's payload. */
  readonly offset: number;
  /** Whether fragments follow it. */
  readonly more: boolean;
}

/** Protocol numbers that are looked for or walked over. */
export const IP_PROTOCOL = { hopByHop: 0, udp: 17, routing: 43, fragment: 44, ah: 51, l2tp: 115 } as const;

/** Extension headers of which the second octet is the length in 8 octets, less the first 8 (RFC 8200 §4, RFC 7045). */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60, 135, 139, 140]);

/**
 * Takes an IP packet apart.
 *
 * @param bytes - from the IP header on, with what the link layer may have padded.
 * @param version - what the link layer says it is; 0: the header says it.
 * @returns the packet with views into `bytes`; `undefined` when it is no IP packet or its header is broken or cut.
 */
export function parseIp(bytes: Uint8Array, version: 0 | 4 | 6): IpPacket | undefined {
  const said = (bytes[0] ?? 0) >> 4;
  if (version !== 0 && said !== version) return undefined;
  if (said === 4) return parseIpv4(bytes);
  if (said === 6) return parseIpv6(bytes);
  return undefined;
}

function parseIpv4(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 20) return undefined;
  const header = ((bytes[0] ?? 0) & 0x0f) * 4;
  // Captured before segmentation offload, a packet too long for the field has a length of 0.
  const total = u16(bytes, 2) || bytes.length;
  if (header < 20 || total < header || bytes.length < header) return undefined;
  const flags = u16(bytes, 6);
  const offset = (flags & 0x1fff) * 8;
  const more = (flags & 0x2000) !== 0;
  return walk({
    version: 4,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    protocol: bytes[9] ?? 0,
    payload: bytes.subarray(header, total),
    missing: Math.max(0, total - bytes.length),
    ...(offset > 0 || more ? { fragment: { identification: u16(bytes, 4), offset, more } } : undefined),
  });
}

function parseIpv6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 40) return undefined;
  // Length 0 is a jumbogram's (RFC 2675), and that of a packet captured before segmentation offload.
  const total = 40 + (u16(bytes, 4) || bytes.length - 40);
  return walk({
    version: 6,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    protocol: bytes[6] ?? 0,
    payload: bytes.subarray(40, total),
    missing: Math.max(0, total - bytes.length),
  });
}

/**
 * Walks over extension headers and the authentication header (which hides nothing), up to the first fragment
 * header or the upper-layer protocol.
 */
export function walk(packet: IpPacket): IpPacket | undefined {
  let { protocol, payload } = packet;
  if (packet.fragment !== undefined) return packet;
  for (;;) {
    const isExtension = packet.version === 6 && EXTENSIONS.has(protocol);
    if (isExtension || protocol === IP_PROTOCOL.ah) {
      if (payload.length < 8) return undefined;
      const units = payload[1] ?? 0;
      const length = isExtension ? (units + 1) * 8 : (units + 2) * 4; // RFC 4302 §2.2
      if (length > payload.length) return undefined;
      protocol = payload[0] ?? 0;
      payload = payload.subarray(length);
    } else if (packet.version === 6 && protocol === IP_PROTOCOL.fragment) {
      if (payload.length < 8) return undefined;
      protocol = payload[0] ?? 0;
      const flags = u16(payload, 2);
      const identification = u16(payload, 4) * 0x10000 + u16(payload, 6);
      payload = payload.subarray(8);
      const offset = flags & 0xfff8;
      const more = (flags & 1) !== 0;
      // An "atomic" fragment is a whole datagram (RFC 6946).
      if (offset === 0 && !more) continue;
      return { ...packet, protocol, payload, fragment: { identification, offset, more } };
    } else {
      return protocol === packet.protocol && payload === packet.payload
        ? packet
        : { ...packet, protocol, payload };
    }
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
