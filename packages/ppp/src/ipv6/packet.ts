/** IPv6 packets with ICMPv6 or UDP in them (RFC 8200 §3, RFC 4443 §2, RFC 768): as much as a link needs to get online. */
import { concat, putU16, u16, u16At } from "../octets.ts";

/** Next Header values. */
export const NEXT_HEADER = { udp: 17, icmpv6: 58 } as const;
const HEADER_LENGTH = 40;

/** ff02::1, all nodes; ff02::2, all routers; ff02::1:2, all DHCPv6 relays and servers. */
export const ALL_NODES = /* @__PURE__ */ multicast(0, 1);
export const ALL_ROUTERS = /* @__PURE__ */ multicast(0, 2);
export const ALL_DHCP = /* @__PURE__ */ multicast(1, 2);

function multicast(high: number, low: number): Uint8Array {
  const octets = new Uint8Array(16);
  octets.set([0xff, 0x02]);
  putU16(octets, 12, high);
  putU16(octets, 14, low);
  return octets;
}

/** An IPv6 packet without extension headers; views into it. */
export interface Ipv6Packet {
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
}

/** Reads a packet. @returns `undefined` when it is none, cut short, or its ICMPv6 or UDP checksum is wrong. */
export function decodeIpv6(octets: Uint8Array): Ipv6Packet | undefined {
  if (octets.length < HEADER_LENGTH || (octets[0] as number) >> 4 !== 6) return undefined;
  const length = u16At(octets, 4);
  if (HEADER_LENGTH + length > octets.length) return undefined;
  const packet = {
    nextHeader: octets[6] as number,
    hopLimit: octets[7] as number,
    source: octets.subarray(8, 24),
    destination: octets.subarray(24, 40),
    payload: octets.subarray(HEADER_LENGTH, HEADER_LENGTH + length),
  };
  return checksum(packet.source, packet.destination, packet.nextHeader, packet.payload) === 0
    ? packet
    : undefined;
}

/** The Internet checksum over pseudo-header and payload (RFC 8200 §8.1); 0 when the payload has a right one in it. */
function checksum(
  source: Uint8Array,
  destination: Uint8Array,
  nextHeader: number,
  payload: Uint8Array,
): number {
  let sum = payload.length + nextHeader;
  for (const octets of [source, destination]) for (let i = 0; i < 16; i += 2) sum += u16At(octets, i);
  for (let i = 0; i + 1 < payload.length; i += 2) sum += u16At(payload, i);
  if (payload.length % 2 === 1) sum += (payload[payload.length - 1] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum ^ 0xffff;
}

/** Writes a packet with ICMPv6 in it; the checksum, octets 2 and 3, is filled in. Hop limit 255, as ND wants it. */
export function encodeIcmpv6(source: Uint8Array, destination: Uint8Array, message: Uint8Array): Uint8Array {
  putU16(message, 2, 0);
  putU16(message, 2, checksum(source, destination, NEXT_HEADER.icmpv6, message));
  return encodeIpv6(source, destination, NEXT_HEADER.icmpv6, 255, message);
}

/** Writes a packet with UDP in it. */
export function encodeUdp(
  source: Uint8Array,
  destination: Uint8Array,
  ports: readonly [source: number, destination: number],
  data: Uint8Array,
): Uint8Array {
  const datagram = concat(u16(ports[0]), u16(ports[1]), u16(8 + data.length), u16(0), data);
  // 0 would mean: no checksum, which IPv6 does not have.
  putU16(datagram, 6, checksum(source, destination, NEXT_HEADER.udp, datagram) || 0xffff);
  return encodeIpv6(source, destination, NEXT_HEADER.udp, 64, datagram);
}

function encodeIpv6(
  source: Uint8Array,
  destination: Uint8Array,
  next: number,
  hops: number,
  payload: Uint8Array,
) {
  const head = Uint8Array.of(0x60, 0, 0, 0, payload.length >> 8, payload.length, next, hops);
  return concat(head, source, destination, payload);
}

/** A UDP datagram's ports and data; `undefined` when its length is wrong. */
export function decodeUdp(
  payload: Uint8Array,
): { ports: readonly [number, number]; data: Uint8Array } | undefined {
  if (payload.length < 8) return undefined;
  const length = u16At(payload, 4);
  if (length < 8 || length > payload.length) return undefined;
  return { ports: [u16At(payload, 0), u16At(payload, 2)], data: payload.subarray(8, length) };
}
