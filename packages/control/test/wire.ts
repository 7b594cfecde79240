/**
 * L2TPv2 control messages by hand, octet by octet: what a scripted peer says and hears does not go through the codec
 * that is under test. RFC 2661 §3.1, §4.1.
 */
import { createHash } from "node:crypto";

export const TYPE = {
  SCCRQ: 1,
  SCCRP: 2,
  SCCCN: 3,
  StopCCN: 4,
  HELLO: 6,
  OCRQ: 7,
  OCRP: 8,
  OCCN: 9,
  ICRQ: 10,
  ICRP: 11,
  ICCN: 12,
  CDN: 14,
  WEN: 15,
  SLI: 16,
  MDMST: 17,
  CSUN: 28,
  CSURQ: 29,
} as const;
export type TypeName = keyof typeof TYPE;

export const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
export const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
export const text = (value: string): number[] => [...new TextEncoder().encode(value)];

export interface AvpFlags {
  readonly m?: 0 | 1;
  readonly h?: 0 | 1;
  readonly reserved?: number;
  readonly vendor?: number;
  /** A Length that is not the true one. */
  readonly length?: number;
}

/** One AVP: 2 octets of flags and Length, Vendor ID, Attribute Type, value. */
export function avp(type: number, value: readonly number[], flags: AvpFlags = {}): number[] {
  const { m = 1, h = 0, reserved = 0, vendor = 0, length = 6 + value.length } = flags;
  const word = (m << 15) | (h << 14) | (reserved << 10) | length;
  return [...u16(word), ...u16(vendor), ...u16(type), ...value];
}

/** AVPs by the RFC's names. */
export const A = {
  version: (version = 1, revision = 0) => avp(2, [version, revision]),
  host: (name: string) => avp(7, text(name)),
  framing: (bits = 3) => avp(3, u32(bits)),
  bearerCapabilities: (bits = 3) => avp(4, u32(bits)),
  tieBreaker: (low: number) => avp(5, [0, 0, 0, 0, ...u32(low)], { m: 0 }),
  firmware: (revision: number) => avp(6, u16(revision), { m: 0 }),
  vendor: (name: string) => avp(8, text(name), { m: 0 }),
  tunnelId: (id: number) => avp(9, u16(id)),
  window: (size: number) => avp(10, u16(size)),
  challenge: (octets: readonly number[]) => avp(11, octets),
  response: (octets: readonly number[]) => avp(13, octets),
  result: (result: number, error?: number, message = "") =>
    avp(1, [...u16(result), ...(error === undefined ? [] : u16(error)), ...text(message)]),
  sessionId: (id: number) => avp(14, u16(id)),
  serial: (serial: number) => avp(15, u32(serial)),
  minimumBps: (bps: number) => avp(16, u32(bps)),
  maximumBps: (bps: number) => avp(17, u32(bps)),
  bearerType: (bits: number) => avp(18, u32(bits)),
  framingType: (bits = 1) => avp(19, u32(bits)),
  called: (number: string) => avp(21, text(number)),
  calling: (number: string) => avp(22, text(number)),
  subAddress: (number: string) => avp(23, text(number)),
  txSpeed: (bps: number) => avp(24, u32(bps)),
  channelId: (id: number, m: 0 | 1 = 0) => avp(25, u32(id), { m }),
  sequencingRequired: () => avp(39, []),
  accm: (send: number, receive: number) => avp(35, [0, 0, ...u32(send), ...u32(receive)]),
  callErrors: (...counters: number[]) => avp(34, [0, 0, ...counters.flatMap(u32)]),
  q931: (cause: number, message: number, advice = "") => avp(12, [...u16(cause), message, ...text(advice)]),
} as const;

/** The AVPs that each message has to have, and no more. */
export const NEEDED = {
  SCCRQ: [A.version(), A.host("p"), A.framing(), A.tunnelId(77)],
  SCCRP: [A.version(), A.framing(), A.host("p"), A.tunnelId(77)],
  SCCCN: [],
  StopCCN: [A.tunnelId(77), A.result(1)],
  ICRQ: [A.sessionId(500), A.serial(1)],
  ICRP: [A.sessionId(500)],
  ICCN: [A.txSpeed(1), A.framingType(1)],
  OCRQ: [
    A.sessionId(500),
    A.serial(1),
    A.minimumBps(1),
    A.maximumBps(2),
    A.bearerType(1),
    A.framingType(1),
    A.called("1"),
  ],
  OCRP: [A.sessionId(500)],
  OCCN: [A.txSpeed(1), A.framingType(1)],
  CDN: [A.result(1), A.sessionId(500)],
  WEN: [A.callErrors(1, 2, 3, 4, 5, 6)],
  SLI: [A.accm(1, 2)],
} as const satisfies Partial<Record<TypeName, readonly number[][]>>;

export interface Header {
  readonly tunnelId: number;
  readonly sessionId?: number;
  readonly ns: number;
  readonly nr: number;
  readonly flags?: number;
  readonly length?: number;
}

/** A whole control message. */
export function control(header: Header, body: readonly number[]): Uint8Array {
  const { tunnelId, sessionId = 0, ns, nr, flags = 0xc802, length = 12 + body.length } = header;
  const head = [flags, length, tunnelId, sessionId, ns, nr].flatMap(u16);
  return Uint8Array.of(...head, ...body);
}

/** Message Type AVP and the others. */
export const body = (type: TypeName | number, ...avps: readonly number[][]): number[] => [
  ...avp(0, u16(typeof type === "number" ? type : TYPE[type])),
  ...avps.flat(),
];

/** A message as it was heard. */
export interface Heard {
  readonly type: TypeName | "ZLB" | number;
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly ns: number;
  readonly nr: number;
  readonly avps: readonly {
    readonly type: number;
    readonly vendor: number;
    readonly m: number;
    readonly h: number;
    readonly value: Uint8Array;
  }[];
  readonly octets: Uint8Array;
}

export function hear(datagram: Uint8Array): Heard {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const length = view.getUint16(2);
  if (view.getUint16(0) !== 0xc802)
    throw new Error(`flags ${view.getUint16(0).toString(16)} of a control message`);
  if (length !== datagram.length) throw new Error(`Length ${length} in a datagram of ${datagram.length}`);
  const avps: Heard["avps"][number][] = [];
  for (let at = 12; at < length; ) {
    const word = view.getUint16(at);
    const size = word & 0x3ff;
    if (size < 6 || at + size > length) throw new Error(`AVP Length ${size} at ${at}`);
    if ((word & 0x3c00) !== 0) throw new Error("reserved bits of an AVP are set");
    avps.push({
      type: view.getUint16(at + 4),
      vendor: view.getUint16(at + 2),
      m: word >> 15,
      h: (word >> 14) & 1,
      value: datagram.slice(at + 6, at + size),
    });
    at += size;
  }
  const first = avps[0];
  const type = first === undefined ? -1 : ((first.value[0] as number) << 8) | (first.value[1] as number);
  const name = (Object.keys(TYPE) as TypeName[]).find((key) => TYPE[key] === type);
  return {
    type: first === undefined ? "ZLB" : (name ?? type),
    tunnelId: view.getUint16(4),
    sessionId: view.getUint16(6),
    ns: view.getUint16(8),
    nr: view.getUint16(10),
    avps,
    octets: datagram,
  };
}

/** Value of an AVP, by its attribute type. */
export const avpOf = (heard: Heard, type: number): Uint8Array | undefined =>
  heard.avps.find((one) => one.vendor === 0 && one.type === type)?.value;
export const numberOf = (heard: Heard, type: number): number | undefined =>
  avpOf(heard, type)?.reduce((sum, octet) => sum * 256 + octet, 0);
/** Result Code and Error Code of a StopCCN or CDN. */
export const resultOf = (heard: Heard): readonly [number, number | undefined] => {
  const value = avpOf(heard, 1) ?? new Uint8Array();
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return [view.getUint16(0), value.length >= 4 ? view.getUint16(2) : undefined];
};

/** RFC 2661 §4.4.3, Challenge Response, by another implementation of MD5. */
export const response = (type: 2 | 3, secret: string, challenge: Uint8Array): number[] => [
  ...createHash("md5").update(Uint8Array.of(type)).update(secret).update(challenge).digest(),
];

/** RFC 2661 §4.3: the hidden form of a value. */
export function hidden(
  type: number,
  secret: string,
  vector: readonly number[],
  value: readonly number[],
): number[] {
  const open = [...u16(value.length), ...value];
  const out: number[] = [];
  let pad = createHash("md5")
    .update(Uint8Array.from([...u16(type), ...text(secret), ...vector]))
    .digest();
  for (let at = 0; at < open.length; at += 16) {
    const block = open.slice(at, at + 16).map((octet, n) => octet ^ (pad[n] as number));
    out.push(...block);
    pad = createHash("md5")
      .update(Uint8Array.from([...text(secret), ...block]))
      .digest();
  }
  return out;
}
