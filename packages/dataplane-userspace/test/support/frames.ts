/** Ethernet frames with TCP, octet by octet from the RFCs and slowly: what the fast code is compared with. */

/** The plain sum of RFC 1071: big-endian words, carries folded in. */
export function slowSum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] as number) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** What is wanted of a TCP segment. */
export interface Segment {
  readonly family: 4 | 6;
  readonly sequence: number;
  readonly acknowledgement?: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** IPv4 identification. */
  readonly id?: number;
  /** TCP options, a multiple of four octets. */
  readonly options?: Uint8Array;
  readonly window?: number;
  readonly sourcePort?: number;
  readonly vlan?: number;
  readonly ttl?: number;
}

const MACS = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const V4 = [192, 0, 2, 1, 192, 0, 2, 2];
const V6 = [
  0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  2,
];
const u16 = (n: number) => [(n >>> 8) & 0xff, n & 0xff];
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n)];

/** A whole frame with right checksums. */
export function tcpFrame(s: Segment): Uint8Array {
  const options = s.options ?? new Uint8Array();
  const tcp = Uint8Array.of(
    ...u16(s.sourcePort ?? 40_000),
    ...u16(443),
    ...u32(s.sequence),
    ...u32(s.acknowledgement ?? 1),
    ((20 + options.length) / 4) << 4,
    s.flags,
    ...u16(s.window ?? 500),
    0,
    0,
    0,
    0,
    ...options,
    ...s.payload,
  );
  const addresses = s.family === 4 ? V4 : V6;
  const pseudo = s.family === 4 ? [0, 6, ...u16(tcp.length)] : [...u32(tcp.length), 0, 0, 0, 6];
  const sum = 0xffff - slowSum(Uint8Array.of(...addresses, ...pseudo, ...tcp));
  tcp.set(u16(sum), 16);
  let ip: Uint8Array;
  if (s.family === 4) {
    ip = Uint8Array.of(
      0x45,
      0,
      ...u16(20 + tcp.length),
      ...u16(s.id ?? 7),
      0x40,
      0,
      s.ttl ?? 64,
      6,
      0,
      0,
      ...V4,
    );
    ip.set(u16(0xffff - slowSum(ip)), 10);
  } else {
    ip = Uint8Array.of(0x60, 0, 0, 0, ...u16(tcp.length), 6, s.ttl ?? 64, ...V6);
  }
  const tag = s.vlan === undefined ? [] : [0x81, 0x00, ...u16(s.vlan)];
  return Uint8Array.of(...MACS, ...tag, ...u16(s.family === 4 ? 0x0800 : 0x86dd), ...ip, ...tcp);
}

/** Whether the frame's IP and TCP checksums are right. */
export function checksumsHold(frame: Uint8Array): boolean {
  let at = 12;
  while (frame[at] === 0x81 || (frame[at] === 0x88 && frame[at + 1] === 0xa8)) at += 4;
  const ip = frame.subarray(at + 2);
  if (frame[at] === 0x08) {
    const header = ((ip[0] as number) & 0x0f) * 4;
    const total = ((ip[2] as number) << 8) | (ip[3] as number);
    const tcp = ip.subarray(header, total);
    if (slowSum(ip.subarray(0, header)) !== 0xffff) return false;
    return slowSum(Uint8Array.of(...ip.subarray(12, 20), 0, 6, ...u16(tcp.length), ...tcp)) === 0xffff;
  }
  const tcp = ip.subarray(40, 40 + (((ip[4] as number) << 8) | (ip[5] as number)));
  return slowSum(Uint8Array.of(...ip.subarray(8, 40), ...u32(tcp.length), 0, 0, 0, 6, ...tcp)) === 0xffff;
}
