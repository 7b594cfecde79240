/** Encoding of data messages: RFC 2661 §3.1, RFC 3931 §4.1 and §4.6. */
import { FLAG, MAXIMUM_MESSAGE, SUBLAYER } from "./constants.ts";
import { EncodeError, inRange } from "./errors.ts";
import { putU16, putU32 } from "./octets.ts";
import type { Encapsulation } from "./types.ts";

/** What an L2TPv2 data message is sent with (RFC 2661 §3.1). */
export interface DataFieldsV2 {
  readonly tunnelId: number;
  readonly sessionId: number;
  /** Puts a Length into the header. */
  readonly withLength?: boolean;
  /** Puts Ns and Nr into the header. */
  readonly ns?: number;
  /** Reserved in data messages; default 0. */
  readonly nr?: number;
  /** Octets of padding, zeros; some peers drop messages with more than 16. */
  readonly offsetSize?: number;
  readonly priority?: boolean;
  /** Reserved bits, for tools. */
  readonly flags?: number;
}

/** Octets of the header that {@link writeDataHeaderV2} writes, padding included. */
export function dataHeaderSizeV2(fields: DataFieldsV2): number {
  return (
    6 +
    (fields.withLength ? 2 : 0) +
    (fields.ns === undefined ? 0 : 4) +
    (fields.offsetSize === undefined ? 0 : 2 + fields.offsetSize)
  );
}

/**
 * Writes the header of an L2TPv2 data message before a payload that is, or will be, behind it. Allocates nothing.
 * @param payloadLength - for the Length field.
 * @returns the offset behind the header.
 */
export function writeDataHeaderV2(
  into: Uint8Array,
  at: number,
  fields: DataFieldsV2,
  payloadLength: number,
): number {
  const { ns, offsetSize } = fields;
  putU16(
    into,
    at,
    2 |
      ((fields.flags ?? 0) & FLAG.reserved) |
      (fields.withLength ? FLAG.L : 0) |
      (ns === undefined ? 0 : FLAG.S) |
      (offsetSize === undefined ? 0 : FLAG.O) |
      (fields.priority ? FLAG.P : 0),
  );
  at += 2;
  if (fields.withLength) {
    putU16(into, at, dataHeaderSizeV2(fields) + payloadLength);
    at += 2;
  }
  putU16(into, at, fields.tunnelId);
  putU16(into, at + 2, fields.sessionId);
  at += 4;
  if (ns !== undefined) {
    putU16(into, at, ns);
    putU16(into, at + 2, fields.nr ?? 0);
    at += 4;
  }
  if (offsetSize !== undefined) {
    putU16(into, at, offsetSize);
    at += 2 + offsetSize;
    into.fill(0, at - offsetSize, at);
  }
  return at;
}

/** Encodes an L2TPv2 data message. @throws EncodeError */
export function encodeDataV2(fields: DataFieldsV2, payload: Uint8Array): Uint8Array {
  inRange("tunnelId", fields.tunnelId, 0xffff);
  inRange("sessionId", fields.sessionId, 0xffff);
  const size = dataHeaderSizeV2(fields);
  if (fields.withLength && size + payload.length > MAXIMUM_MESSAGE) {
    throw new EncodeError(`a data message of ${size + payload.length} octets has no Length: 16 bits`);
  }
  const datagram = new Uint8Array(size + payload.length);
  datagram.set(payload, writeDataHeaderV2(datagram, 0, fields, payload.length));
  return datagram;
}

/** What an L2TPv3 data message is sent with (RFC 3931 §4.1 and §4.6). */
export interface DataFieldsV3 {
  readonly encapsulation: Encapsulation;
  /** The receiver's ID of the session; never 0. */
  readonly sessionId: number;
  /** The receiver's cookie: 0, 4 or 8 octets; default none. */
  readonly cookie?: Uint8Array;
  /** Writes the default sublayer: with a sequence number, or with a word as it is (0: none). */
  readonly sublayer?: { readonly sequence: number } | { readonly word: number };
  /** Reserved bits of the UDP form, for tools. */
  readonly flags?: number;
  readonly reserved?: number;
}

/** Octets of the header that {@link writeDataHeaderV3} writes. */
export function dataHeaderSizeV3(fields: DataFieldsV3): number {
  return (fields.encapsulation === "ip" ? 4 : 8) + (fields.cookie?.length ?? 0) + (fields.sublayer ? 4 : 0);
}

/** Writes the header of an L2TPv3 data message. Allocates nothing. @returns the offset behind it. */
export function writeDataHeaderV3(into: Uint8Array, at: number, fields: DataFieldsV3): number {
  if (fields.encapsulation === "udp") {
    putU16(into, at, 3 | ((fields.flags ?? 0) & ~(FLAG.T | FLAG.version) & 0xffff));
    putU16(into, at + 2, fields.reserved ?? 0);
    at += 4;
  }
  putU32(into, at, fields.sessionId);
  at += 4;
  const { cookie, sublayer } = fields;
  if (cookie) {
    for (let i = 0; i < cookie.length; i++) into[at + i] = cookie[i] as number;
    at += cookie.length;
  }
  if (sublayer) {
    putU32(
      into,
      at,
      "word" in sublayer ? sublayer.word : SUBLAYER.S | (sublayer.sequence & SUBLAYER.sequence),
    );
    at += 4;
  }
  return at;
}

/** Encodes an L2TPv3 data message. @throws EncodeError */
export function encodeDataV3(fields: DataFieldsV3, payload: Uint8Array): Uint8Array {
  if (inRange("sessionId", fields.sessionId, 0xffff_ffff) === 0)
    throw new EncodeError("header: sessionId 0 is for control messages");
  const cookie = fields.cookie?.length ?? 0;
  if (cookie !== 0 && cookie !== 4 && cookie !== 8)
    throw new EncodeError(`cookie: 0, 4 or 8 octets, not ${cookie}`);
  const datagram = new Uint8Array(dataHeaderSizeV3(fields) + payload.length);
  datagram.set(payload, writeDataHeaderV3(datagram, 0, fields));
  return datagram;
}
