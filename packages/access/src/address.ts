/**
 * IP addresses as numbers, and ranges of them. What is wrong with a text comes back as the end of a sentence
 * ("… is no IP address"): the caller knows whose text it is.
 */

/** A number with its family; IPv4 has 32 bits, IPv6 128. */
export interface AddressNumber {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** From the first to the last address, both in it. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  /** Where it was written as a prefix. */
  readonly length?: number;
}

const BITS = { 4: 32, 6: 128 } as const;
/** ::ffff:0:0/96: IPv4 addresses as an IPv6 socket sees them (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffffn << 32n;

/** Reads an address; a zone (`%eth0`) is left out, and an IPv4 address in IPv6's clothes is one of IPv4. */
export function readAddress(text: string): AddressNumber | undefined {
  const percent = text.indexOf("%");
  const bare = percent < 0 ? text : text.slice(0, percent);
  if (!bare.includes(":")) {
    const value = percent < 0 ? ipv4Number(bare) : undefined;
    return value === undefined ? undefined : { family: 4, value: BigInt(value) };
  }
  const value = ipv6Number(bare);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { family: 4, value: value - MAPPED } : { family: 6, value };
}

function ipv4Number(text: string): number | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    // No leading zeros: some read them as octal.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return value;
}

function ipv6Number(text: string): bigint | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : groupsOf(half)));
  const [head, tail] = groups;
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const after = tail ?? [];
  const missing = 8 - head.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...after].reduce(
    (value, group) => (value << 16n) | BigInt(group),
    0n,
  );
}

function groupsOf(text: string): number[] | undefined {
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [at, part] of parts.entries()) {
    if (at === parts.length - 1 && part.includes(".")) {
      const value = ipv4Number(part);
      if (value === undefined) return undefined;
      groups.push(value >>> 16, value & 0xffff);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** An address as RFC 5952 writes it. */
export function formatAddress({ family, value }: AddressNumber): string {
  if (family === 4) {
    const number = Number(value);
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn));
  let [start, length] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (groups[end] === 0) end += 1;
    if (end - at > length) [start, length] = [at, end - at];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** What was read, or what is wrong with it and what would be right. */
export type ReadRange =
  | { readonly range: AddressRange }
  | { readonly wrong: string; readonly remedy?: string };

/** Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.10-192.0.2.20`, and the same of IPv6. */
export function readRange(text: string): ReadRange {
  const dash = text.indexOf("-");
  if (dash >= 0) return fromTo(text.slice(0, dash).trim(), text.slice(dash + 1).trim());
  if (text.includes("/")) return prefix(text);
  const address = readAddress(text);
  if (address === undefined) return { wrong: noAddress(text) };
  return { range: { family: address.family, first: address.value, last: address.value } };
}

const noAddress = (text: string): string =>
  /^[0-9.]+$/.test(text)
    ? "is no IPv4 address"
    : text.includes(":")
      ? "is no IPv6 address"
      : "is no IP address";

function fromTo(from: string, to: string): ReadRange {
  const first = readAddress(from);
  const last = readAddress(to);
  if (first === undefined || last === undefined) {
    return { wrong: "is no range of addresses", remedy: "Write 192.0.2.10-192.0.2.20, or 192.0.2.0/24." };
  }
  if (first.family !== last.family) return { wrong: "begins in one family and ends in the other" };
  if (first.value > last.value) return { wrong: "ends before it begins", remedy: `Write ${to}-${from}.` };
  return { range: { family: first.family, first: first.value, last: last.value } };
}

function prefix(text: string): ReadRange {
  const slash = text.indexOf("/");
  const address = readAddress(text.slice(0, slash));
  if (address === undefined) return { wrong: noAddress(text.slice(0, slash)) };
  const { family, value } = address;
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!/^[0-9]{1,3}$/.test(digits) || length > BITS[family]) {
    return { wrong: `has no prefix length from 0 to ${BITS[family]}` };
  }
  const host = (1n << BigInt(BITS[family] - length)) - 1n;
  const first = value & ~host;
  if (first !== value) {
    const right = formatAddress({ family, value: first });
    return { wrong: `has bits beyond its prefix length`, remedy: `Write ${right}/${length}.` };
  }
  return { range: { family, first, last: first + host, length } };
}

/** Whether the address is in the range. */
export const within = ({ family, value }: AddressNumber, range: AddressRange): boolean =>
  family === range.family && value >= range.first && value <= range.last;

/** Whether two ranges have an address in common. */
export const overlap = (a: AddressRange, b: AddressRange): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

/** A range as people write it. */
export function formatRange({ family, first, last, length }: AddressRange): string {
  const from = formatAddress({ family, value: first });
  if (length !== undefined) return `${from}/${length}`;
  return first === last ? from : `${from}-${formatAddress({ family, value: last })}`;
}

/** The fewest prefixes that have the range's addresses and no others: at most two for each bit of an address. */
export function prefixesOf({ family, first, last }: AddressRange): string[] {
  const prefixes: string[] = [];
  let next = first;
  while (next <= last) {
    let bits = 0;
    // As large as its first address allows, and no larger than what is left.
    while (bits < BITS[family]) {
      const size = 1n << BigInt(bits + 1);
      if (next % size !== 0n || next + size - 1n > last) break;
      bits += 1;
    }
    prefixes.push(`${formatAddress({ family, value: next })}/${BITS[family] - bits}`);
    next += 1n << BigInt(bits);
  }
  return prefixes;
}
