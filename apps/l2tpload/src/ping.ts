/** ICMP Echo over IPv4 (RFC 791, RFC 792), as octets: what is sent through a session, and what is answered. */
import { formatIpv4, parseIpv4 } from "@l2tp/ppp";

const ICMP = 1;
const HEADER = 20;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
/** What `ping` sends by default. */
const DATA = 56;

/** The Internet checksum of `octets[from..to)` (RFC 1071). */
export function checksum(octets: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 2) sum += ((octets[at] as number) << 8) | (octets[at + 1] ?? 0);
  sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function put(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8;
  octets[at + 1] = value;
}

const get = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number);

/** One Echo-Request as a whole IP packet. Addresses are text, and must be ones. */
export function echoRequest(from: string, to: string, identifier: number, sequence: number): Uint8Array {
  const packet = new Uint8Array(HEADER + 8 + DATA);
  packet[0] = 0x45;
  put(packet, 2, packet.length);
  packet[6] = 0x40; // do not fragment
  packet[8] = 64;
  packet[9] = ICMP;
  packet.set(parseIpv4(from) as Uint8Array, 12);
  packet.set(parseIpv4(to) as Uint8Array, 16);
  put(packet, 10, checksum(packet, 0, HEADER));
  packet[HEADER] = ECHO_REQUEST;
  put(packet, HEADER + 4, identifier);
  put(packet, HEADER + 6, sequence);
  for (let at = HEADER + 8; at < packet.length; at++) packet[at] = at;
  put(packet, HEADER + 2, checksum(packet, HEADER, packet.length));
  return packet;
}

/** What an IP packet is, as far as it is ping's business. */
export type Echo =
  | {
      readonly type: "request" | "reply";
      readonly from: string;
      readonly identifier: number;
      readonly sequence: number;
    }
  | undefined;

/** Reads a packet. @returns undefined for anything but a whole, sound ICMP Echo. Never throws. */
export function readEcho(packet: Uint8Array): Echo {
  const first = packet[0] ?? 0;
  const start = (first & 15) * 4;
  if (first >> 4 !== 4 || start < HEADER || packet.length < start + 8) return undefined;
  const end = get(packet, 2);
  const isFragment = (get(packet, 6) & 0x3fff) !== 0;
  if (end < start + 8 || end > packet.length || isFragment || packet[9] !== ICMP) return undefined;
  const kind = packet[start];
  if ((kind !== ECHO_REQUEST && kind !== ECHO_REPLY) || checksum(packet, start, end) !== 0) return undefined;
  return {
    type: kind === ECHO_REQUEST ? "request" : "reply",
    from: formatIpv4(packet.subarray(12, 16)),
    identifier: get(packet, start + 4),
    sequence: get(packet, start + 6),
  };
}

/** The answer to an Echo-Request that {@link readEcho} has read: the same data, back to where it came from. */
export function echoReply(request: Uint8Array): Uint8Array {
  const start = ((request[0] as number) & 15) * 4;
  const reply = request.slice(0, get(request, 2));
  reply.set(request.subarray(12, 16), 16);
  reply.set(request.subarray(16, 20), 12);
  reply[8] = 64;
  put(reply, 10, 0);
  put(reply, 10, checksum(reply, 0, start));
  reply[start] = ECHO_REPLY;
  put(reply, start + 2, 0);
  put(reply, start + 2, checksum(reply, start, reply.length));
  return reply;
}
