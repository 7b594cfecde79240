/**
 * IP addresses: text to octets and back (RFC 4291 §2.2, RFC 5952), with the scope of RFC 4007 §11.
 */
import { isIPv4, isIPv6 } from "node:net";

/** An address in octets: 4 or 16 of them; `scope` is what stood behind a `%`. */
export interface ParsedIp {
  readonly octets: Uint8Array;
  readonly scope: string | undefined;
}

/**
 * `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, `::ffff:192.0.2.1` to octets.
 * @throws TypeError for anything else.
 */
export function parseIp(text: string): ParsedIp {
  if (isIPv4(text)) return { octets: parseIpv4(text), scope: undefined };
  const percent = text.indexOf("%");
  const address = percent < 0 ? text : text.slice(0, percent);
  const scope = percent < 0 ? undefined : text.slice(percent + 1);
  if (!isIPv6(address) || scope === "") {
    throw new TypeError(
      `"${text}" is not an IP address: expected such as 192.0.2.1, 2001:db8::1 or fe80::1%eth0`,
    );
  }
  return { octets: parseIpv6(address), scope };
}

/** The text was checked: only its form is taken apart here. */
function parseIpv4(text: string): Uint8Array {
  const octets = new Uint8Array(4);
  let at = 0;
  for (const part of text.split(".")) octets[at++] = Number(part);
  return octets;
}

/** As {@link parseIpv4}. */
function parseIpv6(text: string): Uint8Array {
  const octets = new Uint8Array(16);
  const [head = "", tail] = text.split("::");
  const left = groups(head);
  octets.set(left, 0);
  if (tail !== undefined) {
    const right = groups(tail);
    octets.set(right, 16 - right.length);
  }
  return octets;
}

function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/**
 * Octets to text, as RFC 5952 writes it.
 * @param octets - 4 or 16 of them.
 * @throws RangeError for another length.
 */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  if (octets.length !== 16) throw new RangeError(`an IP address has 4 or 16 octets, not ${octets.length}`);
  const words = Array.from(
    { length: 8 },
    (_, i) => ((octets[2 * i] as number) << 8) | (octets[2 * i + 1] as number),
  );
  // RFC 5952 §5: an IPv4-mapped address keeps its dots.
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${octets.subarray(12).join(".")}`;
  }
  const zeros = longestRunOfZeros(words);
  const text = words.map((word) => word.toString(16));
  if (zeros.length < 2) return text.join(":");
  return `${text.slice(0, zeros.start).join(":")}::${text.slice(zeros.start + zeros.length).join(":")}`;
}

/** The first of the longest (RFC 5952 §4.2.3). */
function longestRunOfZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < words.length; start++) {
    let length = 0;
    while (words[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
