/**
 * The least that gets L2TP datagrams out of the captures of the tests: classic pcap of Ethernet frames, VLAN
 * tags, IPv4 with fragments, IPv6. (The product's reader is @l2tp/capture; this one is only a check on it.)
 */
import { readFileSync } from "node:fs";

export interface CapturedDatagram {
  readonly frame: number;
  readonly encapsulation: "udp" | "ip";
  readonly src: string;
  readonly dst: string;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly octets: Uint8Array;
}

export function readPcap(file: URL, port = 1701): CapturedDatagram[] {
  const bytes = readFileSync(file);
  const found: CapturedDatagram[] = [];
  const fragments = new Map<string, Map<number, Uint8Array>>();
  let frame = 0;
  for (let at = 24; at + 16 <= bytes.length; ) {
    const size = bytes.readUInt32LE(at + 8);
    const packet = bytes.subarray(at + 16, at + 16 + size);
    at += 16 + size;
    frame += 1;
    if (size < 38) continue;
    let l3 = 12;
    while ([0x8100, 0x88a8].includes(packet.readUInt16BE(l3))) l3 += 4;
    const ether = packet.readUInt16BE(l3);
    const ip = packet.subarray(l3 + 2);
    const one = ether === 0x0800 ? ipv4(ip, fragments) : ether === 0x86dd ? ipv6(ip, fragments) : undefined;
    if (!one) continue;
    const { protocol, payload, src, dst } = one;
    if (protocol === 115)
      found.push({ frame, encapsulation: "ip", src, dst, octets: Uint8Array.from(payload) });
    if (protocol !== 17 || payload.length < 8) continue;
    const [srcPort, dstPort] = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
    if (srcPort !== port && dstPort !== port) continue;
    const octets = Uint8Array.from(payload.subarray(8, payload.readUInt16BE(4)));
    found.push({ frame, encapsulation: "udp", src, dst, srcPort, dstPort, octets });
  }
  return found;
}

interface Carried {
  readonly protocol: number;
  readonly payload: Buffer;
  readonly src: string;
  readonly dst: string;
}

function ipv4(ip: Buffer, fragments: Map<string, Map<number, Uint8Array>>): Carried | undefined {
  const header = (ip.readUInt8(0) & 15) * 4;
  const src = [...ip.subarray(12, 16)].join(".");
  const dst = [...ip.subarray(16, 20)].join(".");
  const protocol = ip.readUInt8(9);
  let payload = ip.subarray(header, ip.readUInt16BE(2));
  const word = ip.readUInt16BE(6);
  if ((word & 0x3fff) !== 0) {
    const key = `${src} ${dst} ${protocol} ${ip.readUInt16BE(4)}`;
    const whole = assemble(fragments, key, (word & 0x1fff) * 8, (word & 0x2000) !== 0, payload);
    if (!whole) return undefined;
    payload = whole;
  }
  return { protocol, payload, src, dst };
}

/** The whole packet with its last fragment; the captures have them in order. */
function assemble(
  fragments: Map<string, Map<number, Uint8Array>>,
  key: string,
  offset: number,
  more: boolean,
  payload: Buffer,
): Buffer | undefined {
  const parts = fragments.get(key) ?? new Map<number, Uint8Array>();
  fragments.set(key, parts.set(offset, payload));
  if (more) return undefined;
  let end = 0;
  const pieces: Uint8Array[] = [];
  for (let part = parts.get(0); part; part = parts.get(end)) {
    pieces.push(part);
    end += part.length;
  }
  return pieces.length === parts.size ? Buffer.concat(pieces) : undefined;
}

function ipv6(ip: Buffer, fragments: Map<string, Map<number, Uint8Array>>): Carried | undefined {
  const address = (at: number) =>
    new URL(
      `http://[${ip
        .subarray(at, at + 16)
        .toString("hex")
        .match(/..../g)
        ?.join(":")}]`,
    ).hostname.slice(1, -1);
  const [src, dst] = [address(8), address(24)];
  const payload = ip.subarray(40, 40 + ip.readUInt16BE(4));
  const protocol = ip.readUInt8(6);
  if (protocol !== 44) return { protocol, payload, src, dst };
  const word = payload.readUInt16BE(2);
  const key = `${src} ${dst} ${payload.readUInt32BE(4)}`;
  const whole = assemble(fragments, key, word & 0xfff8, (word & 1) !== 0, payload.subarray(8));
  return whole && { protocol: payload.readUInt8(0), payload: whole, src, dst };
}
