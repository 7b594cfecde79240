/** IPv4 and IPv6 addresses: text as people write it, octets as packets have it. */
import { isZero } from "./octets.ts";

/** Octets of an IPv4 address in dotted decimal; `undefined` when it is none. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return;
  const octets = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] as string;
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return;
    octets[i] = Number(part);
  }
  return octets;
}

/** Dotted decimal of four octets. */
export const formatIpv4 = (octets: Uint8Array): string => octets.join(".");

/** Octets of an IPv6 address (RFC 4291 §2.2), without zone; `undefined` when it is none. */
export function parseIpv6(text: string): Uint8Array | undefined {
  let body = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const tail = parseIpv4(dotted[2] as string);
    if (tail === undefined) return;
    const group = (at: number) => (((tail[at] as number) << 8) | (tail[at + 1] as number)).toString(16);
    body = `${dotted[1]}${group(0)}:${group(2)}`;
  }
  const halves = body.split("::");
  if (halves.length > 2) return;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [head, tail] = groups as [string[], string[] | undefined];
  if (![...head, ...(tail ?? [])].every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return;
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return;
  const octets = new Uint8Array(16);
  for (const [i, group] of head.entries()) put(octets, 2 * i, group);
  for (const [i, group] of (tail ?? []).entries())
    put(octets, 16 - 2 * (tail as string[]).length + 2 * i, group);
  return octets;
}

function put(octets: Uint8Array, at: number, group: string): void {
  const value = Number.parseInt(group, 16);
  octets[at] = value >> 8;
  octets[at + 1] = value;
}

/** The text of sixteen octets, shortened as RFC 5952 §4 wants it. */
export function formatIpv6(octets: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((octets[2 * i] as number) << 8) | (octets[2 * i + 1] as number),
  );
  let [start, length] = [0, 0];
  for (let at = 0; at < 8; at++) {
    let run = 0;
    while (at + run < 8 && groups[at + run] === 0) run++;
    if (run > length) [start, length] = [at, run];
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The link-local address of an interface identifier: fe80::/64 and its eight octets (RFC 5072 §5). */
export function linkLocal(identifier: Uint8Array): Uint8Array {
  const octets = new Uint8Array(16);
  octets[0] = 0xfe;
  octets[1] = 0x80;
  octets.set(identifier.subarray(0, 8), 8);
  return octets;
}

/** Whether four octets can be the address of one end of a link: not this-network, loopback, multicast or reserved. */
export function isUsableIpv4(octets: Uint8Array): boolean {
  const first = octets[0] as number;
  return !isZero(octets) && first !== 0 && first !== 127 && first < 224;
}

/** fe80::/10. */
export const isLinkLocalIpv6 = (octets: Uint8Array): boolean =>
  octets[0] === 0xfe && ((octets[1] as number) & 0xc0) === 0x80;

/**
 * Whether sixteen octets can be, or begin, an address of ours that somebody gave us: not unspecified, loopback or mapped, which
 * all begin with eight zero bits, not multicast, and not link-local (RFC 4291 §2.4).
 */
export function isUsableIpv6(octets: Uint8Array): boolean {
  const first = octets[0] as number;
  return first !== 0 && first !== 0xff && !isLinkLocalIpv6(octets);
}
