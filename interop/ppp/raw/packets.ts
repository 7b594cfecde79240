/** IPv4 and IPv6 packets written out, right or wrong, as frames of PPP with FF 03 before them. */
import { hex } from "./raw-ppp.ts";

export const ipv4 = (text: string): Buffer => Buffer.from(text.split(".").map(Number));

/** The sum of RFC 1071. */
function checksum(octets: Buffer): number {
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += ((octets[at] as number) << 8) | (octets[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum ^ 0xffff;
}

/** What may be wrong with a packet. */
export interface Wrong {
  readonly octets?: number;
  /** Total Length, when it is not what it should be. */
  readonly total?: number;
  /** The first octet: version and header length. */
  readonly first?: number;
  /** Of the echo request; the reply has the same. Default 1. */
  readonly sequence?: number;
}

/** An echo request over IPv4. */
export function echo(
  from: string,
  to: string,
  { octets = 56, total, first = 0x45, sequence = 1 }: Wrong = {},
): Buffer {
  const icmp = Buffer.concat([hex("0800 0000 0001 0001"), Buffer.alloc(octets, 0x61)]);
  icmp.writeUInt16BE(sequence, 6);
  icmp.writeUInt16BE(checksum(icmp), 2);
  const head = Buffer.concat([hex("4500 0000 1234 0000 4001 0000"), ipv4(from), ipv4(to)]);
  head[0] = first;
  head.writeUInt16BE(total ?? head.length + icmp.length, 2);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([hex("ff03 0021"), head, icmp]);
}

/** An address of eight groups, all written out. */
const ipv6 = (groups: string): Buffer => hex(groups.replaceAll(":", ""));

/** An ICMPv6 message over IPv6. */
export function icmpv6(from: string, to: string, message: string, hops = 255): Buffer {
  const body = hex(message);
  const length = Buffer.of(0, 0, body.length >> 8, body.length, 0, 0, 0, 58);
  body.writeUInt16BE(checksum(Buffer.concat([ipv6(from), ipv6(to), length, body])), 2);
  const head = Buffer.concat([
    hex("60000000"),
    length.subarray(2, 4),
    Buffer.of(58, hops),
    ipv6(from),
    ipv6(to),
  ]);
  return Buffer.concat([hex("ff03 0057"), head, body]);
}
