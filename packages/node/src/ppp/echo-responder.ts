/**
 * Answers echo requests for its own addresses, so that a session that ends in the program can be pinged: ICMP (RFC 792) and
 * ICMPv6 (RFC 4443 §4), and Neighbor Solicitations (RFC 4861 §7.2.4) for who asks. Packets in, packets out; pure.
 */
import type { PppPackets } from "@l2tp/dataplane";
import { parseIpv4, parseIpv6 } from "@l2tp/ppp";
import { ParameterError } from "../errors.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const ICMP = 1;
const ICMPV6 = 58;
/** ICMP: Echo and Echo Reply. ICMPv6: the same, Neighbor Solicitation and Advertisement. */
const ECHO = 8;
const ECHO_REPLY = 0;
const ECHO_6 = 128;
const ECHO_REPLY_6 = 129;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
/** Solicited, and override: nobody else answers for us. */
const SOLICITED_OVERRIDE = 0x60;
const HOPS = 64;

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number);

function putU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8;
  octets[at + 1] = value;
}

/** The sum of RFC 1071, not folded yet, of `octets` from `from` to `to`. */
function sum(octets: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let at = from; at + 1 < to; at += 2) total += u16(octets, at);
  return (to - from) % 2 === 1 ? total + ((octets[to - 1] as number) << 8) : total;
}

function fold(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/** What an ICMPv6 checksum comes to, pseudo-header included (RFC 8200 §8.1); 0xffff with a right one in it. */
const sumIcmpv6 = (packet: Uint8Array): number =>
  fold(packet.length - IPV6_HEADER + ICMPV6 + sum(packet, 8, packet.length));

const same = (packet: Uint8Array, at: number, address: Uint8Array): boolean =>
  address.every((octet, i) => packet[at + i] === octet);

/** Answers for some addresses. */
export class EchoResponder {
  readonly #ipv4: Uint8Array[] = [];
  readonly #ipv6: Uint8Array[] = [];

  /** @throws ParameterError - not an address; a prefix length behind it is no matter. */
  constructor(addresses: readonly string[]) {
    for (const [i, text] of addresses.entries()) {
      const address = text.split("/")[0] as string;
      const [v4, v6] = [parseIpv4(address), parseIpv6(address)];
      if (v4) this.#ipv4.push(v4);
      else if (v6) this.#ipv6.push(v6);
      else throw new ParameterError(`addresses[${i}]`, `an IP address was expected, got ${text}`);
    }
  }

  /**
   * One IP packet from the link. @param packet - borrowed.
   * @returns the packet that answers it; `undefined` for what asks for no answer, or not us, or is broken.
   */
  receive(packet: Uint8Array): Uint8Array | undefined {
    const version = (packet[0] ?? 0) >> 4;
    if (version === 4) return this.#echo4(packet);
    return version === 6 ? this.#answer6(packet) : undefined;
  }

  #echo4(packet: Uint8Array): Uint8Array | undefined {
    if (packet.length < IPV4_HEADER) return undefined;
    const header = 4 * ((packet[0] as number) & 0x0f);
    const length = u16(packet, 2);
    if (header < IPV4_HEADER || length < header + 8 || length > packet.length) return undefined;
    // A fragment would have to be put together first: the 14 bits of offset and "more".
    if (packet[9] !== ICMP || (u16(packet, 6) & 0x3fff) !== 0) return undefined;
    if (packet[header] !== ECHO || packet[header + 1] !== 0) return undefined;
    if (fold(sum(packet, 0, header)) !== 0xffff || fold(sum(packet, header, length)) !== 0xffff)
      return undefined;
    if (!this.#ipv4.some((address) => same(packet, 16, address))) return undefined;
    // Options are not returned: a record of the route would be wrong, and a source route is a hazard.
    const reply = new Uint8Array(IPV4_HEADER + length - header);
    reply.set(packet.subarray(header, length), IPV4_HEADER);
    reply[0] = 0x45;
    reply[1] = packet[1] as number;
    putU16(reply, 2, reply.length);
    reply[8] = HOPS;
    reply[9] = ICMP;
    reply.set(packet.subarray(16, 20), 12);
    reply.set(packet.subarray(12, 16), 16);
    putU16(reply, 10, ~fold(sum(reply, 0, IPV4_HEADER)) & 0xffff);
    reply[IPV4_HEADER] = ECHO_REPLY;
    putU16(reply, IPV4_HEADER + 2, 0);
    putU16(reply, IPV4_HEADER + 2, ~fold(sum(reply, IPV4_HEADER, reply.length)) & 0xffff);
    return reply;
  }

  #answer6(given: Uint8Array): Uint8Array | undefined {
    if (given.length < IPV6_HEADER) return undefined;
    const end = IPV6_HEADER + u16(given, 4);
    if (end > given.length || end < IPV6_HEADER + 8 || given[6] !== ICMPV6) return undefined;
    const packet = given.subarray(0, end);
    if (sumIcmpv6(packet) !== 0xffff || packet[8] === 0xff) return undefined;
    if (packet[IPV6_HEADER] === ECHO_6 && packet[IPV6_HEADER + 1] === 0) return this.#echo6(packet);
    return packet[IPV6_HEADER] === SOLICITATION ? this.#advertise(packet) : undefined;
  }

  #echo6(packet: Uint8Array): Uint8Array | undefined {
    if (!this.#ipv6.some((address) => same(packet, 24, address))) return undefined;
    const message = packet.slice(IPV6_HEADER);
    message[0] = ECHO_REPLY_6;
    return icmpv6(packet.subarray(24, 40), packet.subarray(8, 24), HOPS, message);
  }

  /** RFC 4861 §7.1.1 and §7.2.4. There are no link-layer addresses on PPP, so no option goes with it. */
  #advertise(packet: Uint8Array): Uint8Array | undefined {
    const target = packet.subarray(IPV6_HEADER + 8, IPV6_HEADER + 24);
    if (packet[7] !== 255 || packet[IPV6_HEADER + 1] !== 0 || target.length < 16) return undefined;
    const address = this.#ipv6.find((own) => same(target, 0, own));
    const source = packet.subarray(8, 24);
    // From the unspecified address somebody asks whether it may have ours: all are told that it may not.
    const isProbe = source.every((octet) => octet === 0);
    if (address === undefined || !hasSoundOptions(packet, isProbe)) return undefined;
    if (isProbe && !(same(packet, 24, SOLICITED_NODE) && same(packet, 37, target.subarray(13))))
      return undefined;
    const flags = isProbe ? SOLICITED_OVERRIDE & 0x20 : SOLICITED_OVERRIDE;
    const message = Uint8Array.of(ADVERTISEMENT, 0, 0, 0, flags, 0, 0, 0, ...target);
    return icmpv6(address, isProbe ? ALL_NODES : source, 255, message);
  }
}

const ALL_NODES = parseIpv6("ff02::1") as Uint8Array;
/** ff02::1:ff00:0/104: the last three octets are those of the address. */
const SOLICITED_NODE = (parseIpv6("ff02::1:ff00:0") as Uint8Array).subarray(0, 13);
const SOURCE_LINK_LAYER = 1;

/** No option of a Neighbor Solicitation is empty or cut, and who has no address tells no link-layer address (RFC 4861 §7.1.1). */
function hasSoundOptions(packet: Uint8Array, isProbe: boolean): boolean {
  for (let at = IPV6_HEADER + 24; at < packet.length; ) {
    const length = 8 * (packet[at + 1] ?? 0);
    if (length === 0 || at + length > packet.length) return false;
    if (isProbe && packet[at] === SOURCE_LINK_LAYER) return false;
    at += length;
  }
  return true;
}

function icmpv6(from: Uint8Array, to: Uint8Array, hops: number, message: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + message.length);
  packet[0] = 0x60;
  putU16(packet, 4, message.length);
  packet[6] = ICMPV6;
  packet[7] = hops;
  packet.set(from, 8);
  packet.set(to, 24);
  packet.set(message, IPV6_HEADER);
  putU16(packet, IPV6_HEADER + 2, 0);
  putU16(packet, IPV6_HEADER + 2, ~sumIcmpv6(packet) & 0xffff);
  return packet;
}

/**
 * Answers echo requests of a session that ends in the program.
 * @param addresses - ours, as the session's `up` and `addresses` tell them.
 */
export function respondToEcho(packets: PppPackets, addresses: readonly string[]): Disposable {
  const responder = new EchoResponder(addresses);
  return packets.onPacket((packet) => {
    const answer = responder.receive(packet);
    if (answer) packets.send(answer);
  });
}
