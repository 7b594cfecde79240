/**
 * Packets of LCP and the NCPs (RFC 1661 §5) and the options in them (§6): checked; packets are views, options copies.
 *
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |     Code      |  Identifier   |            Length             |
 *     |    Data ...
 *     +-+-+-+-+-+-+-+-+      Option:  | Type | Length | Data ...
 *
 * CHAP (RFC 1994 §4), PAP (RFC 1334 §2.2) and EAP (RFC 3748 §4) have the same four octets in front.
 */
import { putU16, u16At } from "./octets.ts";

/** A packet taken apart; `data` is a view into what was received. */
export interface Packet {
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
}

/** One Configuration Option; `value` is what follows type and length. */
export interface Option {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Octets of code, identifier and length. */
export const HEADER_LENGTH = 4;

/** More options than this in one packet are no negotiation: no protocol of ours knows half as many. */
export const MAXIMUM_OPTIONS = 32;

/**
 * Reads the header. Octets behind Length are padding and left out.
 * @param octets - information field of the frame; borrowed: `data` is a view into it.
 * @returns `undefined` when Length is below 4 or more than was received: the packet is silently discarded.
 */
export function decodePacket(octets: Uint8Array): Packet | undefined {
  if (octets.length < HEADER_LENGTH) return undefined;
  const length = u16At(octets, 2);
  if (length < HEADER_LENGTH || length > octets.length) return undefined;
  return {
    code: octets[0] as number,
    identifier: octets[1] as number,
    data: octets.subarray(HEADER_LENGTH, length),
  };
}

/**
 * Writes a packet.
 * @throws RangeError - more data than the Length field can say.
 */
export function encodePacket(code: number, identifier: number, data: Uint8Array): Uint8Array {
  const length = HEADER_LENGTH + data.length;
  if (length > 0xffff) throw new RangeError(`a packet has at most 65535 octets, not ${length}`);
  const octets = new Uint8Array(length);
  octets[0] = code;
  octets[1] = identifier;
  putU16(octets, 2, length);
  octets.set(data, HEADER_LENGTH);
  return octets;
}

/**
 * Reads the options of a Configure packet.
 * @param data - borrowed: the values are copies.
 * @returns `undefined` when a Length is below 2 or runs over the end, or there are more than
 * {@link MAXIMUM_OPTIONS}: the whole packet is silently discarded.
 */
export function decodeOptions(data: Uint8Array): Option[] | undefined {
  const options: Option[] = [];
  for (let at = 0; at < data.length; ) {
    const length = data[at + 1] ?? 0;
    if (length < 2 || at + length > data.length || options.length === MAXIMUM_OPTIONS) return undefined;
    // A copy of a few octets costs less than a view, which takes the array that it looks into out of V8's heap.
    options.push({ type: data[at] as number, value: data.slice(at + 2, at + length) });
    at += length;
  }
  return options;
}

/**
 * Writes options.
 * @throws RangeError - a value longer than 253 octets.
 */
export function encodeOptions(options: readonly Option[]): Uint8Array {
  const octets = new Uint8Array(options.reduce((sum, { value }) => sum + 2 + value.length, 0));
  let at = 0;
  for (const { type, value } of options) {
    if (value.length > 253)
      throw new RangeError(`an option's value has at most 253 octets, not ${value.length}`);
    octets[at] = type;
    octets[at + 1] = value.length + 2;
    octets.set(value, at + 2);
    at += value.length + 2;
  }
  return octets;
}

/** The value of the first option of a type in what {@link decodeOptions} accepts; `undefined` when not there. */
export function optionValue(data: Uint8Array, type: number): Uint8Array | undefined {
  for (let at = 0; at + 1 < data.length; at += data[at + 1] as number) {
    if (data[at] === type) return data.slice(at + 2, at + (data[at + 1] as number));
  }
  return undefined;
}
