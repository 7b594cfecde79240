/** AVPs as they are on the wire: RFC 2661 §4.1, RFC 3931 §5.1. */
import { AVP_FLAG, AVP_HEADER, MAXIMUM_AVP } from "./constants.ts";
import { EncodeError } from "./errors.ts";
import { u16At } from "./octets.ts";

/**
 * One AVP as it is on the wire, known or not.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |M|H| rsvd  |      Length       |           Vendor ID           |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |         Attribute Type        |        Attribute Value...     |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export interface RawAvp {
  readonly mandatory: boolean;
  readonly hidden: boolean;
  /** The four reserved bits; 0 unless a peer set them. */
  readonly reservedBits: number;
  readonly vendor: number;
  readonly type: number;
  /** As on the wire: of a hidden AVP, what hides it. A view into the datagram. */
  readonly value: Uint8Array;
  /** Octets from the start of the datagram to the AVP's header; not used in encoding. */
  readonly offset: number;
}

/**
 * An AVP that its message does not list. `value` is opened where it was hidden and the secret was known;
 * otherwise `hidden` is set and `value` is as on the wire.
 */
export interface ExtraAvp {
  readonly vendor: number;
  readonly type: number;
  readonly mandatory: boolean;
  readonly hidden?: true;
  readonly reservedBits?: number;
  readonly value: Uint8Array;
}

/**
 * The AVPs of `octets[at..end)`, as far as their Lengths hold together: stops before the first that does not.
 * Values are views.
 */
export function readAvps(octets: Uint8Array, at = 0, end = octets.length): RawAvp[] {
  const avps: RawAvp[] = [];
  while (end - at >= AVP_HEADER) {
    const word = u16At(octets, at);
    const length = word & AVP_FLAG.length;
    if (length < AVP_HEADER || length > end - at) break;
    avps.push({
      mandatory: (word & AVP_FLAG.mandatory) !== 0,
      hidden: (word & AVP_FLAG.hidden) !== 0,
      reservedBits: (word & AVP_FLAG.reserved) >> 10,
      vendor: u16At(octets, at + 2),
      type: u16At(octets, at + 4),
      value: octets.subarray(at + AVP_HEADER, at + length),
      offset: at,
    });
    at += length;
  }
  return avps;
}

/**
 * Writes one AVP at `at` and returns the offset behind it.
 * @throws EncodeError when the value has more than 1017 octets, or a number is out of range.
 */
export function writeAvp(into: Uint8Array, at: number, avp: ExtraAvp | RawAvp): number {
  const length = AVP_HEADER + avp.value.length;
  if (length > MAXIMUM_AVP) {
    throw new EncodeError(
      `AVP ${avp.vendor}/${avp.type}: ${avp.value.length} octets of value, at most ${MAXIMUM_AVP - AVP_HEADER} fit`,
    );
  }
  if (!(avp.vendor >= 0 && avp.vendor <= 0xffff && avp.type >= 0 && avp.type <= 0xffff)) {
    throw new EncodeError(`AVP ${avp.vendor}/${avp.type}: vendor and type have 16 bits each`);
  }
  const flags =
    (avp.mandatory ? AVP_FLAG.mandatory : 0) |
    (avp.hidden ? AVP_FLAG.hidden : 0) |
    (((avp.reservedBits ?? 0) << 10) & AVP_FLAG.reserved);
  into[at] = (flags | length) >> 8;
  into[at + 1] = length;
  into[at + 2] = avp.vendor >> 8;
  into[at + 3] = avp.vendor;
  into[at + 4] = avp.type >> 8;
  into[at + 5] = avp.type;
  into.set(avp.value, at + AVP_HEADER);
  return at + length;
}
