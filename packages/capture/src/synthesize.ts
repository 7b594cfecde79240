/** IP packets around payloads that were seen without them, for a capture that other programs decode. */
import { IP_PROTOCOL } from "./ip.ts";

/** Ends of a datagram. */
export interface SynthesizedDatagram {
  /** 4 or 16 octets each, both of one family. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** UDP ports; both absent: the payload is directly in IP, as `protocol` says. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Default UDP. */
  readonly protocol?: number;
  readonly payload: Uint8Array;
  /** The identification of an IPv4 packet, 16 bits; default 0. */
  readonly identification?: number;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
/** What the length of an IPv4 packet, and of an IPv6 payload, can say. */
const LARGEST = 65_535;
/** The usual one of hosts. */
const HOP_LIMIT = 64;

/**
 * A packet for link type `LINK_TYPE.RAW`: IPv4 (RFC 791) or IPv6 (RFC 8200) without options, and UDP (RFC 768) in it, with
 * checksums as they are on the wire.
 *
 * @throws RangeError when the families differ, or the payload does not fit into one packet.
 */
export function synthesizePacket(datagram: SynthesizedDatagram): Uint8Array {
  const { source, destination, sourcePort, destinationPort, payload, identification = 0 } = datagram;
  const family = source.length === 4 ? 4 : 6;
  if (source.length !== destination.length || (family === 6 && source.length !== 16)) {
    throw new RangeError(
      `addresses of ${source.length} and ${destination.length} octets; both 4 or 16 were expected`,
    );
  }
  const withUdp = sourcePort !== undefined && destinationPort !== undefined;
  const protocol = datagram.protocol ?? IP_PROTOCOL.udp;
  const header = family === 4 ? IPV4_HEADER : IPV6_HEADER;
  const length = (withUdp ? UDP_HEADER : 0) + payload.length;
  if (length + (family === 4 ? IPV4_HEADER : 0) > LARGEST) {
    throw new RangeError(`${payload.length} octets do not fit into one packet`);
  }
  const packet = new Uint8Array(header + length);
  const view = new DataView(packet.buffer);
  if (family === 4) {
    packet[0] = 0x45;
    view.setUint16(2, header + length);
    view.setUint16(4, identification & 0xffff);
    packet[8] = HOP_LIMIT;
    packet[9] = protocol;
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, checksum(packet.subarray(0, header)));
  } else {
    packet[0] = 0x60;
    view.setUint16(4, length);
    packet[6] = protocol;
    packet[7] = HOP_LIMIT;
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  packet.set(payload, packet.length - payload.length);
  if (withUdp) {
    view.setUint16(header, sourcePort);
    view.setUint16(header + 2, destinationPort);
    view.setUint16(header + 4, length);
    // The pseudo-header: both addresses, the length and the protocol. 0 says "none", so a sum of 0 is sent as all ones.
    const pseudo = sum(source) + sum(destination) + length + protocol;
    view.setUint16(header + 6, checksum(packet.subarray(header), pseudo) || 0xffff);
  }
  return packet;
}

/** The octets as 16-bit words, added up. */
function sum(octets: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < octets.length; i += 2) total += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  return total;
}

/** The internet checksum (RFC 1071) of octets whose own checksum field is 0. */
function checksum(octets: Uint8Array, start = 0): number {
  let total = start + sum(octets);
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return ~total & 0xffff;
}
