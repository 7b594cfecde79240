/**
 * Link layers: where in a frame the IP datagram begins (https://www.tcpdump.org/linktypes.html).
 */

/** The link types that are taken apart here, by their names in the registry. */
export const LINK_TYPE = {
  /** BSD loopback: the address family in 32 bits, in the byte order of the machine that captured. */
  NULL: 0,
  ETHERNET: 1,
  /** Raw IP under the numbers that DLT_RAW has on BSD (12) and OpenBSD (14), as old files have them. */
  DLT_RAW_BSD: 12,
  DLT_RAW_OPENBSD: 14,
  /** Raw IP, version 4 or 6 by its first four bits. */
  RAW: 101,
  /** OpenBSD loopback: as NULL, in network byte order. */
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** Whether frames of `linkType` can be taken apart. */
export function isSupportedLinkType(linkType: number): boolean {
  return SUPPORTED.has(linkType);
}

const SUPPORTED: ReadonlySet<number> = new Set(Object.values(LINK_TYPE));

/** What a frame carries. */
export interface LinkPayload {
  /** IP version by the link layer, 0 when the IP header itself has to say. */
  readonly ipVersion: 0 | 4 | 6;
  /** Octets of the frame before the IP header. */
  readonly offset: number;
  /** VLAN identifiers (12 bits), the outermost first. */
  readonly vlans: readonly number[];
}

// EtherTypes
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
/** Tags that are followed by 16 bits of tag control information and the next EtherType (802.1Q, 802.1ad, its forerunner). */
const TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

const NO_VLANS: readonly number[] = [];
const RAW: LinkPayload = { ipVersion: 0, offset: 0, vlans: NO_VLANS };
const RAW_IPV4: LinkPayload = { ipVersion: 4, offset: 0, vlans: NO_VLANS };
const RAW_IPV6: LinkPayload = { ipVersion: 6, offset: 0, vlans: NO_VLANS };
const LOOPBACK_IPV4: LinkPayload = { ipVersion: 4, offset: 4, vlans: NO_VLANS };
const LOOPBACK_IPV6: LinkPayload = { ipVersion: 6, offset: 4, vlans: NO_VLANS };

/**
 * @param frame - borrowed, only read.
 * @returns where the IP header begins; `undefined` when the frame carries something else, ends before it,
 * or is of a link type not known here ({@link isSupportedLinkType}).
 */
export function linkPayload(linkType: number, frame: Uint8Array): LinkPayload | undefined {
  switch (linkType) {
    case LINK_TYPE.ETHERNET:
      // Destination 6, source 6, EtherType 2.
      return afterEtherType(frame, 12, 14);
    case LINK_TYPE.LINUX_SLL:
      // Packet type 2, ARPHRD 2, address length 2, address 8, EtherType 2.
      return afterEtherType(frame, 14, 16);
    case LINK_TYPE.LINUX_SLL2:
      // EtherType 2, reserved 2, interface 4, ARPHRD 2, packet type 1, address length 1, address 8.
      return afterEtherType(frame, 0, 20);
    case LINK_TYPE.NULL:
    case LINK_TYPE.LOOP:
      return loopback(frame);
    case LINK_TYPE.RAW:
    case LINK_TYPE.DLT_RAW_BSD:
    case LINK_TYPE.DLT_RAW_OPENBSD:
      return RAW;
    case LINK_TYPE.IPV4:
      return RAW_IPV4;
    case LINK_TYPE.IPV6:
      return RAW_IPV6;
    default:
      return undefined;
  }
}

/** Walks VLAN tags, from the EtherType at `typeAt`, with the first payload octet at `offset`. */
function afterEtherType(frame: Uint8Array, typeAt: number, offset: number): LinkPayload | undefined {
  if (frame.length < offset) return undefined;
  let type = u16(frame, typeAt);
  let vlans: number[] | undefined;
  while (TAGS.has(type)) {
    if (frame.length < offset + 4) return undefined;
    vlans ??= [];
    vlans.push(u16(frame, offset) & 0x0fff);
    type = u16(frame, offset + 2);
    offset += 4;
  }
  if (type !== IPV4 && type !== IPV6) return undefined;
  return { ipVersion: type === IPV4 ? 4 : 6, offset, vlans: vlans ?? NO_VLANS };
}

/** The address family is a small number at one end of the 32 bits: at which one, nobody needs to know. */
function loopback(frame: Uint8Array): LinkPayload | undefined {
  if (frame.length < 4) return undefined;
  const first = u16(frame, 0);
  const second = u16(frame, 2);
  if (first !== 0 && second !== 0) return undefined;
  switch (second === 0 ? (first >> 8) | ((first & 0xff) << 8) : second) {
    case 2: // AF_INET everywhere
      return LOOPBACK_IPV4;
    case 10: // AF_INET6 of Linux
    case 24: // of NetBSD and OpenBSD
    case 28: // of FreeBSD
    case 30: // of macOS
      return LOOPBACK_IPV6;
    default:
      return undefined;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
