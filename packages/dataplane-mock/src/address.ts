/** IP addresses as text and as octets: as much as a simulated network needs to compare them. */
import type { IpAddress, SocketAddress } from "@l2tp/protocol";

/** An address in octets: 4 of them or 16. */
export interface ParsedAddress {
  readonly family: 4 | 6;
  readonly octets: Uint8Array;
  /** Zone of a link-local address (`fe80::1%eth0`). */
  readonly zone?: string;
}

/** @throws RangeError when the text is no IP address */
export function parseAddress(text: IpAddress): ParsedAddress {
  const [address = "", zone] = text.split("%", 2);
  if (!address.includes(":")) return { family: 4, octets: parseV4(address, text) };
  const octets = parseV6(address, text);
  return zone === undefined ? { family: 6, octets } : { family: 6, octets, zone };
}

/** One spelling per address, so that text can be compared. */
export function canonical(text: IpAddress): IpAddress {
  const { family, octets, zone } = parseAddress(text);
  if (family === 4) return octets.join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0)).toString(16),
  );
  const zeros = longestZeros(groups);
  const spelled =
    zeros.length < 2
      ? groups.join(":")
      : `${groups.slice(0, zeros.at).join(":")}::${groups.slice(zeros.at + zeros.length).join(":")}`;
  return zone === undefined ? spelled : `${spelled}%${zone}`;
}

/** `0.0.0.0` and `::`. */
export function isWildcard(address: IpAddress): boolean {
  return parseAddress(address).octets.every((octet) => octet === 0);
}

/** `address` with its family. */
export function socketAddress(address: IpAddress, port: number): SocketAddress {
  return { family: parseAddress(address).family, address: canonical(address), port };
}

function parseV4(address: string, text: string): Uint8Array {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    throw new RangeError(`"${text}" is no IP address`);
  }
  return Uint8Array.from(parts, Number);
}

function parseV6(address: string, text: string): Uint8Array {
  const bad = () => new RangeError(`"${text}" is no IPv6 address`);
  // A dotted tail (`::ffff:192.0.2.1`) is two groups.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted) {
    const [a = 0, b = 0, c = 0, d = 0] = parseV4(dotted[2] ?? "", text);
    address = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = address.split("::");
  if (halves.length > 2) throw bad();
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) throw bad();
  const groups = [...head, ...Array<string>(missing).fill("0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) throw bad();
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}

/** Where the longest run of zero groups is (RFC 5952 §4.2.3: the first of equal ones). */
function longestZeros(groups: readonly string[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (groups[i + length] === "0") length++;
    if (length > best.length) best = { at: i, length };
  }
  return best;
}
