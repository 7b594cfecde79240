/** What the tests build files and frames with: by hand, so that the writer is not tested against itself. */

/** Octets from hex; spaces and `#` comments to the end of a line are for the reader. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/#.*$/gm, "").replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new Error(`not hex: ${digits}`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Numbers of 16 or 32 bits in a chosen byte order. */
export function numbers(
  littleEndian: boolean,
  ...fields: readonly (readonly [bits: 16 | 32, value: number])[]
): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [bits]) => sum + bits / 8, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [bits, value] of fields) {
    if (bits === 16) view.setUint16(at, value, littleEndian);
    else view.setUint32(at, value, littleEndian);
    at += bits / 8;
  }
  return bytes;
}

/** An L2TPv2 ZLB: T, L and S set, tunnel 1, session 0, Ns 1, Nr 2. */
export const ZLB = hex("c802 000c 0001 0000 0001 0002");

/** UDP 1701 → 1701 around {@link ZLB}. */
export const UDP_ZLB = concat(hex("06a5 06a5 0014 0000"), ZLB);

/** 192.0.2.1 → 192.0.2.2, UDP, around {@link UDP_ZLB}: 40 octets. */
export const IPV4_ZLB = concat(hex("45 00 0028 0001 0000 40 11 b6c1 c0000201 c0000202"), UDP_ZLB);

/** 2001:db8::1 → 2001:db8::2, UDP, around {@link UDP_ZLB}: 60 octets. */
export const IPV6_ZLB = concat(
  hex(`60000000 0014 11 40
       20010db8 00000000 00000000 00000001
       20010db8 00000000 00000000 00000002`),
  UDP_ZLB,
);

/** An IPv4 packet with the length field right. */
export function ipv4(options: {
  id?: number;
  offset?: number;
  more?: boolean;
  protocol?: number;
  payload: Uint8Array;
  total?: number;
}): Uint8Array {
  const { id = 1, offset = 0, more = false, protocol = 17, payload } = options;
  return concat(
    hex("4500"),
    numbers(
      false,
      [16, options.total ?? 20 + payload.length],
      [16, id],
      [16, (more ? 0x2000 : 0) | (offset / 8)],
    ),
    Uint8Array.of(64, protocol, 0, 0),
    hex("c0000201 c0000202"),
    payload,
  );
}

/** An IPv6 packet with the length field right. */
export function ipv6(nextHeader: number, payload: Uint8Array): Uint8Array {
  return concat(
    hex("60000000"),
    numbers(false, [16, payload.length]),
    Uint8Array.of(nextHeader, 64),
    hex("20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002"),
    payload,
  );
}

/** An IPv6 fragment header and what follows it. */
export function ipv6Fragment(options: {
  id?: number;
  offset: number;
  more: boolean;
  nextHeader?: number;
  payload: Uint8Array;
}): Uint8Array {
  const { id = 7, offset, more, nextHeader = 17, payload } = options;
  return ipv6(
    44,
    concat(Uint8Array.of(nextHeader, 0), numbers(false, [16, offset | (more ? 1 : 0)], [32, id]), payload),
  );
}

/** A packet as the reader would give it. */
export function captured(linkType: number, data: Uint8Array, seconds = 0, frame = 1) {
  return {
    frame,
    timestamp: { seconds, nanoseconds: 0 },
    linkType,
    interfaceId: 0,
    originalLength: data.length,
    data,
  };
}

/** A pcap file of packets at second 1, 2, …, each with 5 units of fraction. */
export function pcap(
  packets: readonly Uint8Array[],
  { littleEndian = true, magic = 0xa1b2c3d4, linkType = 1, snapLength = 262_144, minor = 4 } = {},
): Uint8Array {
  return concat(
    numbers(
      littleEndian,
      [32, magic],
      [16, 2],
      [16, minor],
      [32, 0],
      [32, 0],
      [32, snapLength],
      [32, linkType],
    ),
    ...packets.map((data, i) => {
      const kept = data.subarray(0, snapLength);
      return concat(numbers(littleEndian, [32, i + 1], [32, 5], [32, kept.length], [32, data.length]), kept);
    }),
  );
}

/** No options. */
const NOTHING: Uint8Array = new Uint8Array(0);

/** A pcapng block around a body, which is padded. */
export function block(type: number, body: Uint8Array, littleEndian = true): Uint8Array {
  const padding = new Uint8Array((4 - (body.length & 3)) & 3);
  const total = 12 + body.length + padding.length;
  return concat(
    numbers(littleEndian, [32, type], [32, total]),
    body,
    padding,
    numbers(littleEndian, [32, total]),
  );
}

export function sectionHeader(littleEndian = true, major = 1): Uint8Array {
  return block(
    0x0a0d0d0a,
    numbers(littleEndian, [32, 0x1a2b3c4d], [16, major], [16, 0], [32, 0xffffffff], [32, 0xffffffff]),
    littleEndian,
  );
}

export function interfaceBlock(
  linkType: number,
  { littleEndian = true, snapLength = 0, options = NOTHING } = {},
): Uint8Array {
  return block(
    1,
    concat(numbers(littleEndian, [16, linkType], [16, 0], [32, snapLength]), options),
    littleEndian,
  );
}

/** An Enhanced Packet Block. */
export function packetBlock(
  interfaceId: number,
  data: Uint8Array,
  { littleEndian = true, high = 0, low = 0, original = data.length, options = NOTHING } = {},
): Uint8Array {
  const padding = new Uint8Array((4 - (data.length & 3)) & 3);
  return block(
    6,
    concat(
      numbers(littleEndian, [32, interfaceId], [32, high], [32, low], [32, data.length], [32, original]),
      data,
      padding,
      options,
    ),
    littleEndian,
  );
}
