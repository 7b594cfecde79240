/** IPv6 of a subscriber on raw octets: echoes, router discovery and DHCPv6, written out, right or wrong. */
import { hex, IPV6CP, type RawSubscriber, u16 } from "./raw-ppp.ts";

const IPV6 = 0x57;
const ICMP = 58;
const UDP = 17;
/** ff02::1:2, where servers are. */
export const ALL_DHCP = "ff020000000000000000000000010002";
export const ALL_ROUTERS = "ff020000000000000000000000000002";
export const DHCP = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  information: 11,
  relay: 12,
} as const;

const u32 = (value: number): Buffer => Buffer.of(value >>> 24, value >>> 16, value >>> 8, value);

/** Eight groups, all written out, or with one `::`. */
export function address(text: string): Buffer {
  const [head = "", tail] = text.split("::");
  const groups = (part: string) =>
    (part === "" ? [] : part.split(":")).map((group) => u16(Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail ?? "")];
  return Buffer.concat([...left, Buffer.alloc(16 - 2 * (left.length + right.length)), ...right]);
}

/** The sum of RFC 1071 over the pseudo-header and this. */
function checksum(from: Buffer, to: Buffer, next: number, body: Buffer): number {
  const whole = Buffer.concat([from, to, u32(body.length), u32(next), body, Buffer.alloc(body.length % 2)]);
  let sum = 0;
  for (let at = 0; at < whole.length; at += 2) sum += whole.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum ^ 0xffff;
}

function packet(from: Buffer, to: Buffer, next: number, hops: number, body: Buffer): Buffer {
  return Buffer.concat([hex("ff03 0057 60000000"), u16(body.length), Buffer.of(next, hops), from, to, body]);
}

/** A message of ICMPv6 with its checksum. */
export function icmpv6(from: Buffer, to: Buffer, message: Uint8Array, hops = 255): Buffer {
  const body = Buffer.from(message);
  body.writeUInt16BE(checksum(from, to, ICMP, body), 2);
  return packet(from, to, ICMP, hops, body);
}

/** An echo request over IPv6. */
export const echo6 = (from: string, to: string): Buffer =>
  icmpv6(address(from), address(to), hex("8000 0000 0001 0001 6162636465666768"), 64);

/** A DHCPv6 option. */
export const option = (code: number, ...value: readonly Uint8Array[]): Buffer => {
  const whole = Buffer.concat(value);
  return Buffer.concat([u16(code), u16(whole.length), whole]);
};
export const iaAddress = (of: string): Buffer => option(5, address(of), u32(0), u32(0));
export function iaPrefix(of: string): Buffer {
  const [prefix = "", length] = of.split("/");
  return option(26, u32(0), u32(0), Buffer.of(Number(length)), address(prefix));
}
/** IA_NA (3) or IA_PD (25). */
export const association = (code: 3 | 25, iaid: number, ...inside: readonly Uint8Array[]): Buffer =>
  option(code, u32(iaid), u32(0), u32(0), ...inside);

/** Options by code, in order, as they lie. */
export function optionsOf(octets: Buffer): { code: number; value: Buffer }[] {
  const options: { code: number; value: Buffer }[] = [];
  for (let at = 0; at < octets.length; ) {
    const length = octets.readUInt16BE(at + 2);
    options.push({ code: octets.readUInt16BE(at), value: octets.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return options;
}

/** What a server says of one association: leases as text, or the status. */
export interface Told {
  readonly code: number;
  readonly iaid: number;
  readonly t1: number;
  readonly t2: number;
  /** `prefix/length preferred valid`, in hex and decimal. */
  readonly leases: readonly string[];
  readonly status: number | undefined;
}

/** A server's message, taken apart; its checksum was right. */
export class Answer {
  readonly type: number;
  readonly options: ReturnType<typeof optionsOf>;

  constructor(data: Buffer) {
    this.type = data[0] as number;
    this.options = optionsOf(data.subarray(4));
  }

  option(code: number): string | undefined {
    return this.options.find((one) => one.code === code)?.value.toString("hex");
  }

  get status(): number | undefined {
    return this.options.find(({ code }) => code === 13)?.value.readUInt16BE(0);
  }

  get associations(): Told[] {
    return this.options
      .filter(({ code }) => code === 3 || code === 25)
      .map(({ code, value }) => {
        const inside = optionsOf(value.subarray(12));
        const leases = inside.flatMap(({ code: kind, value: lease }) => {
          if (kind === 5)
            return [
              `${lease.subarray(0, 16).toString("hex")} ${lease.readUInt32BE(16)} ${lease.readUInt32BE(20)}`,
            ];
          if (kind !== 26) return [];
          const prefix = `${lease.subarray(9, 25).toString("hex")}/${lease[8]}`;
          return [`${prefix} ${lease.readUInt32BE(0)} ${lease.readUInt32BE(4)}`];
        });
        return {
          code,
          iaid: value.readUInt32BE(0),
          t1: value.readUInt32BE(4),
          t2: value.readUInt32BE(8),
          leases,
          status: inside.find((one) => one.code === 13)?.value.readUInt16BE(0),
        };
      });
  }
}

/** Where and as whom a message goes; what is left out is right. */
export interface Way {
  readonly to?: string;
  readonly from?: string;
  readonly client?: Uint8Array | "none";
  readonly server?: Uint8Array | "none";
}

/** One subscriber's end of the link, with interface identifier 7. */
export class RawHost {
  readonly subscriber: RawSubscriber;
  readonly duid: Buffer;
  readonly own = address("fe80::7");
  /** The LNS's, of its Server Identifier. */
  server: Buffer = Buffer.alloc(0);
  #transaction = 0x112233;

  constructor(subscriber: RawSubscriber, duid = hex("0003 0001 020000000007")) {
    this.subscriber = subscriber;
    this.duid = duid;
  }

  /** IPV6CP; IPCP is up. */
  async up(): Promise<this> {
    const { code } = await this.subscriber.ask(IPV6CP, "010a 0000000000000007");
    if (code !== 2) throw new Error("the LNS refuses our identifier");
    return this;
  }

  /** The LNS's link-local address, of what it sends. */
  get router(): Buffer {
    const packet = this.subscriber.all(IPV6)[0]?.octets;
    if (packet === undefined) throw new Error("the LNS has sent no packet yet");
    return packet.subarray(8, 24);
  }

  /** The next packet of IPv6 with this header inside, from those not taken yet; its checksum is right. */
  async next(
    next: number,
    what: (body: Buffer) => boolean,
    why: string,
    patienceMs?: number,
  ): Promise<Buffer> {
    const { octets } = await this.subscriber.next(
      ({ protocol, octets }) => protocol === IPV6 && octets[6] === next && what(octets.subarray(40)),
      why,
      patienceMs,
    );
    const body = octets.subarray(40, 40 + octets.readUInt16BE(4));
    if (checksum(octets.subarray(8, 24), octets.subarray(24, 40), next, body) !== 0)
      throw new Error(`${why}: the checksum is wrong`);
    return octets;
  }

  message(message: string | Uint8Array, { from = this.own, to = address("ff02::2"), hops = 255 } = {}): void {
    const octets = typeof message === "string" ? hex(message) : message;
    this.subscriber.say(icmpv6(from, to, octets, hops));
  }

  /** A message of DHCPv6. @returns its transaction */
  say(type: number, options: readonly Uint8Array[], way: Way = {}): number {
    const { to = ALL_DHCP, from, client = this.duid, server = "none" } = way;
    this.#transaction++;
    const ids = [
      ...(client === "none" ? [] : [option(1, client)]),
      ...(server === "none" ? [] : [option(2, server)]),
    ];
    const data = Buffer.concat([
      u32((type << 24) | this.#transaction),
      ...ids,
      option(8, u16(0)),
      ...options,
    ]);
    const udp = Buffer.concat([hex("0222 0223"), u16(8 + data.length), u16(0), data]);
    const [source, target] = [from === undefined ? this.own : hex(from), hex(to)];
    udp.writeUInt16BE(checksum(source, target, UDP, udp) || 0xffff, 6);
    this.subscriber.say(packet(source, target, UDP, 64, udp));
    return this.#transaction;
  }

  /** Asks, and has the answer. */
  async ask(type: number, options: readonly Uint8Array[], way: Way = {}): Promise<Answer> {
    const transaction = this.say(type, options, way);
    const isIt = (body: Buffer) => body.length >= 12 && (body.readUInt32BE(8) & 0xffffff) === transaction;
    const octets = await this.next(UDP, isIt, `an answer to DHCPv6's ${type}`);
    const answer = new Answer(octets.subarray(48, 40 + octets.readUInt16BE(4)));
    this.server = Buffer.from(answer.option(2) ?? "", "hex");
    return answer;
  }

  /** All messages of DHCPv6 that came. */
  get answers(): number {
    return this.subscriber.all(IPV6).filter(({ octets }) => octets[6] === UDP).length;
  }
}
