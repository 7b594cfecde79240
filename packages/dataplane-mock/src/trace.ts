/** Everything that was put on the simulated wire, for assertions, for comparison, and for Wireshark. */
import type { Encapsulation, Instant, SocketAddress } from "@l2tp/protocol";
import { parseAddress } from "./address.ts";

/** What became of a datagram. */
export type Fate = "delivered" | "lost" | "partitioned" | "too-big" | "unreachable" | "in-flight";

/** One datagram on the wire; a duplicate has a record of its own. */
export interface WireRecord {
  /** When it was sent. */
  readonly at: Instant;
  readonly encapsulation: Encapsulation;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  /** From the L2TP header on; over IP with the four zero octets of a control message. */
  readonly datagram: Uint8Array;
  fate: Fate;
  /** When it arrived. */
  arrivedAt?: Instant;
}

/** IP header and, for UDP, its header. */
export function overheadOctets(family: 4 | 6, encapsulation: Encapsulation): number {
  return (family === 4 ? 20 : 40) + (encapsulation === "udp" ? 8 : 0);
}

/** One line for people: `12.0 a:1701 > b:1701 udp 36 octets, delivered at 13`. */
export function describe(record: WireRecord): string {
  const { at, from, to, encapsulation, datagram, fate, arrivedAt } = record;
  const where = (a: SocketAddress) =>
    (a.family === 6 ? `[${a.address}]` : a.address) + (a.port ? `:${a.port}` : "");
  const when = arrivedAt === undefined ? "" : ` at ${arrivedAt.toFixed(1)}`;
  return `${at.toFixed(1)} ${where(from)} > ${where(to)} ${encapsulation} ${datagram.length} octets, ${fate}${when}`;
}

/**
 * The records as a pcap file of raw IP packets (link type 101), with the headers that the simulation leaves out.
 * Only what arrived is in it unless `all`.
 */
export function pcap(records: readonly WireRecord[], all = false): Uint8Array {
  const packets = records
    .filter((record) => all || record.fate === "delivered")
    .map((record) => ({ at: record.at, packet: ipPacket(record) }));
  const file = new Uint8Array(24 + packets.reduce((sum, { packet }) => sum + 16 + packet.length, 0));
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 0x40000);
  view.setUint32(20, 101);
  let at = 24;
  for (const { at: ms, packet } of packets) {
    view.setUint32(at, Math.floor(ms / 1000));
    view.setUint32(at + 4, Math.floor((ms % 1000) * 1000));
    view.setUint32(at + 8, packet.length);
    view.setUint32(at + 12, packet.length);
    file.set(packet, at + 16);
    at += 16 + packet.length;
  }
  return file;
}

function ipPacket({ from, to, encapsulation, datagram }: WireRecord): Uint8Array {
  const transport = encapsulation === "udp" ? 8 : 0;
  const header = from.family === 4 ? 20 : 40;
  const packet = new Uint8Array(header + transport + datagram.length);
  const view = new DataView(packet.buffer);
  const source = parseAddress(from.address).octets;
  const destination = parseAddress(to.address).octets;
  const protocol = encapsulation === "udp" ? 17 : 115;
  if (from.family === 4) {
    view.setUint16(0, 0x4500);
    view.setUint16(2, packet.length);
    view.setUint8(8, 64);
    view.setUint8(9, protocol);
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, internetChecksum(packet.subarray(0, 20)));
  } else {
    view.setUint8(0, 0x60);
    view.setUint16(4, transport + datagram.length);
    view.setUint8(6, protocol);
    view.setUint8(7, 64);
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  packet.set(datagram, header + transport);
  if (encapsulation === "udp") {
    const length = 8 + datagram.length;
    view.setUint16(header, from.port);
    view.setUint16(header + 2, to.port);
    view.setUint16(header + 4, length);
    const pseudo = new Uint8Array([...source, ...destination, 0, 17, length >> 8, length & 0xff]);
    const sum = internetChecksum(packet.subarray(header), internetChecksum(pseudo) ^ 0xffff);
    // A checksum of zero means none (RFC 768), so it is sent as its complement.
    view.setUint16(header + 6, sum === 0 ? 0xffff : sum);
  }
  return packet;
}

/** RFC 1071. */
function internetChecksum(octets: Uint8Array, sum = 0): number {
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum ^ 0xffff;
}
