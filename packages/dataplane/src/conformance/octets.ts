/**
 * Frames and data messages by hand, straight from the RFCs, so that a data plane is not measured with its own
 * yardstick.
 */
import type { Encapsulation } from "@l2tp/protocol";

/** Local experimental EtherType (IEEE 802, 88B5): nothing in a host answers it. */
const ETHERTYPE = 0x88b5;

/** Frame number `n`: between two locally administered addresses, filled with a pattern. At least 18 octets. */
export function frame(n: number, octets = 60): Uint8Array {
  const out = new Uint8Array(octets);
  out.set([2, 0, 0x4c, 0x32, 0, 2, 2, 0, 0x4c, 0x32, 0, 1, ETHERTYPE >> 8, ETHERTYPE & 0xff]);
  new DataView(out.buffer).setUint32(14, n);
  for (let i = 18; i < octets; i++) out[i] = (n * 31 + i) & 0xff;
  return out;
}

/** The number of a frame of the kit's; `undefined` for anybody else's (a host sends router solicitations). */
export function frameNumber(octets: Uint8Array): number | undefined {
  if (octets.length < 18 || (octets[12] ?? 0) !== ETHERTYPE >> 8 || octets[13] !== (ETHERTYPE & 0xff)) {
    return undefined;
  }
  return new DataView(octets.buffer, octets.byteOffset).getUint32(14);
}

/** A PPP frame from its protocol field on: LCP Echo-Request (RFC 1661 §5.8) number `n`. */
export function pppFrame(n: number): Uint8Array {
  const data = Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
  return Uint8Array.of(0xc0, 0x21, 9, n & 0xff, 0, 12, 0, 0, 0, 0, ...data);
}

/** Protocol 253, for experiments (RFC 3692): a host answers it with an ICMP error at most. */
const EXPERIMENT = 253;

/** IPv4 packet number `n`, with a sound header. At least 28 octets. */
export function ipv4Packet(n: number, from: string, to: string, octets = 60): Uint8Array {
  const out = Uint8Array.from({ length: octets }, (_, i) => (n * 31 + i) & 0xff);
  out.set([0x45, 0, ...u16(octets), ...u16(n), 0x40, 0, 64, EXPERIMENT, 0, 0]);
  out.set([...from.split("."), ...to.split(".")].map(Number), 12);
  out.set(u32(n), 20);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ((out[i] ?? 0) << 8) | (out[i + 1] ?? 0);
  out.set(u16(~((sum & 0xffff) + (sum >>> 16)) & 0xffff), 10);
  return out;
}

/** IPv6 packet number `n`. At least 48 octets; addresses with `::`. */
export function ipv6Packet(n: number, from: string, to: string, octets = 60, next = EXPERIMENT): Uint8Array {
  const out = Uint8Array.from({ length: octets }, (_, i) => (n * 31 + i) & 0xff);
  out.set([0x60, 0, 0, 0, ...u16(octets - 40), next, 255, ...ipv6(from), ...ipv6(to), ...u32(n)]);
  return out;
}

/** The number of a packet of the kit's; `undefined` for anybody else's. */
export function packetNumber(packet: Uint8Array): number | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length >= 28 && packet[0] === 0x45 && packet[9] === EXPERIMENT) return view.getUint32(20);
  if (packet.length >= 48 && packet[0] === 0x60 && packet[6] === EXPERIMENT) return view.getUint32(40);
  return undefined;
}

function ipv6(address: string): number[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((half) => half.split(":").flatMap((group) => (group === "" ? [] : u16(Number.parseInt(group, 16)))));
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** What a v3 data message is made of. */
export interface V3Data {
  readonly encapsulation: Encapsulation;
  readonly sessionId: number;
  readonly cookie?: Uint8Array;
  /** Number in the default sublayer; `null`: the sublayer without one; absent: no sublayer. */
  readonly ns?: number | null;
  readonly frame: Uint8Array;
}

/** RFC 3931 §4.1.1.1 (IP), §4.1.2.1 (UDP), §4.6 (sublayer). */
export function v3Data({ encapsulation, sessionId, cookie, ns, frame: payload }: V3Data): Uint8Array {
  const id = u32(sessionId);
  return Uint8Array.of(
    ...(encapsulation === "udp" ? [0x00, 0x03, 0x00, 0x00] : []),
    ...id,
    ...(cookie ?? []),
    ...(ns === undefined ? [] : ns === null ? [0, 0, 0, 0] : u32((0x4000_0000 | ns) >>> 0)),
    ...payload,
  );
}

/** RFC 2661 §3.1, with whichever of the optional fields is given. */
export function v2Data(message: {
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly ns?: number;
  readonly length?: boolean;
  readonly priority?: boolean;
  /** Octets of padding. */
  readonly offset?: number;
  readonly payload: Uint8Array;
}): Uint8Array {
  const { ns, offset, length, priority, payload } = message;
  const flags =
    0x0002 |
    (length === true ? 0x4000 : 0) |
    (ns === undefined ? 0 : 0x0800) |
    (offset === undefined ? 0 : 0x0200) |
    (priority === true ? 0x0100 : 0);
  const out = Uint8Array.of(
    ...u16(flags),
    ...(length === true ? [0, 0] : []),
    ...u16(message.tunnelId),
    ...u16(message.sessionId),
    ...(ns === undefined ? [] : [...u16(ns), 0, 0]),
    ...(offset === undefined ? [] : [...u16(offset), ...new Uint8Array(offset)]),
    ...payload,
  );
  if (length === true) new DataView(out.buffer).setUint16(2, out.length);
  return out;
}

/**
 * Something with the T bit set and of the form of a control message. Control Connection ID 0, as in an SCCRQ: it belongs to
 * no tunnel, and over IP a kernel looks at that much of it.
 */
export function controlMessage(n: number, octets = 20): Uint8Array {
  const out = new Uint8Array(octets).fill(0x5a);
  out.set([0xc8, 0x03, ...u16(octets), 0, 0, 0, 0, ...u32(n)]);
  return out;
}

/** The number given to {@link controlMessage}: in place of Ns and Nr. */
export function controlNumber(datagram: Uint8Array): number {
  return new DataView(datagram.buffer, datagram.byteOffset).getUint32(8);
}

const u16 = (n: number): number[] => [(n >>> 8) & 0xff, n & 0xff];
const u32 = (n: number): number[] => [(n >>> 24) & 0xff, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff];
