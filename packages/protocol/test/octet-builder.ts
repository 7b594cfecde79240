/** Datagrams written octet by octet, for tests of what no encoder would write. */
import {
  type Datagram,
  type DecodeOptions,
  decodeDatagram,
  fromHex,
  type Parsed,
  type Rejection,
} from "../src/index.ts";

/** Octets of a hex string with blanks. */
export const octets = (hex: string): Uint8Array => fromHex(hex.replaceAll(/\s/g, "")) as Uint8Array;

const hex16 = (value: number) => value.toString(16).padStart(4, "0");

/** An AVP as hex: M bit and IETF unless said otherwise. */
export function avp(
  type: number,
  value: string,
  { flags = 0x8000, vendor = 0, length }: { flags?: number; vendor?: number; length?: number } = {},
): string {
  const bare = value.replaceAll(/\s/g, "");
  return hex16(flags | (length ?? 6 + bare.length / 2)) + hex16(vendor) + hex16(type) + bare;
}

/** A control message of either version around AVPs in hex, its Length right. */
export function control(version: 2 | 3, avps: readonly string[], ids = "00000000"): Uint8Array {
  const body = avps.join("");
  return octets(`c80${version} ${hex16(12 + body.length / 2)} ${ids} 0000 0000 ${body}`);
}

/** The AVPs of the least SCCRQ of L2TPv2. */
export const SCCRQ = [avp(0, "0001"), avp(2, "0100"), avp(7, "6c6163"), avp(3, "00000003"), avp(9, "0007")];
/** The AVPs of the least ICRQ of L2TPv2. */
export const ICRQ = [avp(0, "000a"), avp(14, "0009"), avp(15, "00000001")];
/** The AVPs of the least SCCRQ of L2TPv3. */
export const SCCRQ_V3 = [
  avp(0, "0001"),
  avp(7, "6c636365"),
  avp(60, "0a000001"),
  avp(61, "11223344"),
  avp(62, "00050004"),
];

export const decode = (datagram: Uint8Array, options: Partial<DecodeOptions> = {}): Parsed<Datagram> =>
  decodeDatagram(datagram, { encapsulation: "udp", ...options });

/** The typed message of a datagram that has to be taken. */
export function taken(datagram: Uint8Array, options: Partial<DecodeOptions> = {}): Record<string, unknown> {
  const parsed = decode(datagram, options);
  if (!parsed.ok) throw new Error(`refused: ${parsed.rejection.text}`);
  if (parsed.value.kind !== "control") throw new Error("a data message");
  return parsed.value.message as unknown as Record<string, unknown>;
}

/** The rejection of a datagram that has to be refused. */
export function refused(datagram: Uint8Array, options: Partial<DecodeOptions> = {}): Rejection {
  const parsed = decode(datagram, options);
  if (parsed.ok) throw new Error("was taken");
  return parsed.rejection;
}
