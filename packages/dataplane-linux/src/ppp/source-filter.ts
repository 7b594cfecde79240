/** Which packets of a peer a unit takes: those from its addresses (PPPIOCSPASS, a program of classic BPF). */
import { assembleBpf, type BpfLine, parseIp } from "@l2tp/linux";

/** Before the packet: whether it is sent, something, and its protocol. */
const DIRECTION = 0;
const PROTOCOL = 2;
const PACKET = 4;
const SENT = 1;
const IPV4 = 0x0021;
const IPV6 = 0x0057;
/** Of the source address, from the start of the packet. */
const SOURCE = { 4: 12, 6: 8 } as const;
const WORD = 4;

interface Prefix {
  readonly octets: Uint8Array;
  readonly length: number;
}

function parse(text: string): Prefix {
  const [address = "", length] = text.split("/");
  const { octets } = parseIp(address);
  return { octets, length: length === undefined ? octets.length * 8 : Number(length) };
}

/** Goes on behind `next` when the source is not within the prefix, else ends with "take". */
function compare({ octets, length }: Prefix, next: string): BpfLine[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const at = PACKET + SOURCE[octets.length === 4 ? 4 : 6];
  const lines: BpfLine[] = [];
  for (let bit = 0; bit < length; bit += 32) {
    const offset = bit / 8;
    const mask = length - bit >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - (length - bit))) >>> 0;
    lines.push(["ldw", at + offset]);
    if (mask !== 0xffff_ffff) lines.push(["and", mask]);
    lines.push(["jeq", (view.getUint32(offset) & mask) >>> 0, null, next]);
  }
  return [...lines, ["ret", WORD], next];
}

/**
 * The program that drops received packets whose source is none of these. All else passes: what is sent, and other
 * protocols.
 * @param sources - addresses and prefixes, IPv4 and IPv6.
 * @throws TypeError for a malformed address; RangeError for more than a program has room for, some hundred prefixes
 */
export function sourceFilter(sources: readonly string[]): Uint8Array {
  const prefixes = sources.map(parse);
  const of = (octets: 4 | 16, name: string): BpfLine[] => [
    ...prefixes
      .filter((prefix) => prefix.octets.length === octets)
      .flatMap((prefix, i) => compare(prefix, `${name}${i}`)),
    ["ret", 0],
  ];
  return assembleBpf([
    ["ldb", DIRECTION],
    ["jeq", SENT, null, "received"],
    ["ret", WORD],
    "received",
    ["ldh", PROTOCOL],
    // A conditional jump reaches no further than 255 instructions, which are 60 prefixes.
    ["jeq", IPV4, null, "not ipv4"],
    ["ja", "ipv4"],
    "not ipv4",
    ["jeq", IPV6, null, "other"],
    ["ja", "ipv6"],
    "other",
    ["ret", WORD],
    "ipv4",
    ...of(4, "ipv4 "),
    "ipv6",
    ...of(16, "ipv6 "),
  ]);
}
