/** DHCPv6 messages and options (RFC 8415 §8, §21): as many as an address, a prefix and DNS servers need. */
import { formatIpv6 } from "../ip.ts";
import { concat, u16, u16At, u32, u32At } from "../octets.ts";

/** Message types (RFC 8415 §7.3). */
export const DHCP = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  informationRequest: 11,
} as const;

/** Options (RFC 8415 §21, RFC 3646 §3). `refresh` is the Information Refresh Time. */
export const OPTION = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaTa: 4,
  iaAddress: 5,
  request: 6,
  elapsed: 8,
  status: 13,
  rapidCommit: 14,
  dns: 23,
  iaPd: 25,
  iaPrefix: 26,
  refresh: 32,
  solMaxRt: 82,
  infMaxRt: 83,
} as const;

/** Status codes (RFC 8415 §21.13). */
export const STATUS = {
  success: 0,
  noAddress: 2,
  noBinding: 3,
  notOnLink: 4,
  useMulticast: 5,
  noPrefix: 6,
} as const;

/** UDP ports of clients and servers. */
export const PORT = { client: 546, server: 547 } as const;
/** Options looked at in one message or one option. */
const MAXIMUM_OPTIONS = 64;
/** DNS servers that are looked at. */
const MAXIMUM_SERVERS = 16;

/** One option; `value` is a view. */
export interface DhcpOption {
  readonly code: number;
  readonly value: Uint8Array;
}

/** A message taken apart; views into it. */
export interface DhcpMessage {
  readonly type: number;
  readonly transaction: number;
  readonly options: readonly DhcpOption[];
}

/** Reads options. @returns `undefined` when one runs over the end, or there are too many. */
export function decodeDhcpOptions(octets: Uint8Array): DhcpOption[] | undefined {
  const options: DhcpOption[] = [];
  for (let at = 0; at < octets.length; ) {
    if (at + 4 > octets.length || options.length === MAXIMUM_OPTIONS) return undefined;
    const end = at + 4 + u16At(octets, at + 2);
    if (end > octets.length) return undefined;
    options.push({ code: u16At(octets, at), value: octets.subarray(at + 4, end) });
    at = end;
  }
  return options;
}

/** Reads a message; `undefined` when it is none. */
export function decodeDhcp(octets: Uint8Array): DhcpMessage | undefined {
  if (octets.length < 4) return undefined;
  const options = decodeDhcpOptions(octets.subarray(4));
  return options && { type: octets[0] as number, transaction: u32At(octets, 0) % 0x1000000, options };
}

/** Writes an option. */
export const dhcpOption = (code: number, ...value: readonly Uint8Array[]): Uint8Array => {
  const whole = concat(...value);
  return concat(u16(code), u16(whole.length), whole);
};

/** Writes a message. */
export const encodeDhcp = (
  type: number,
  transaction: number,
  ...options: readonly Uint8Array[]
): Uint8Array => concat(Uint8Array.of(type, transaction >> 16, transaction >> 8, transaction), ...options);

/** The first option of a code. */
export const findOption = (options: readonly DhcpOption[], code: number): Uint8Array | undefined =>
  options.find((option) => option.code === code)?.value;

/** The status in a message or an option; success where there is none. */
export function statusOf(options: readonly DhcpOption[]): number {
  const value = findOption(options, OPTION.status);
  return value === undefined || value.length < 2 ? STATUS.success : u16At(value, 0);
}

/** One address or prefix that was leased. */
export interface Lease {
  /** `2001:db8::5`, or `2001:db8:1::/56`. */
  readonly what: string;
  readonly preferredS: number;
  readonly validS: number;
}

/** An identity association: what was leased in it, when to renew, or why not. */
export interface Association {
  readonly t1S: number;
  readonly t2S: number;
  readonly leases: readonly Lease[];
  readonly status: number;
}

/** Reads IA_NA or IA_PD (both: IAID, T1, T2, options). */
export function decodeAssociation(code: number, value: Uint8Array): Association | undefined {
  if (value.length < 12) return undefined;
  const options = decodeDhcpOptions(value.subarray(12));
  if (options === undefined) return undefined;
  const leases: Lease[] = [];
  for (const option of options) {
    const lease = decodeLease(code, option);
    if (lease !== undefined) leases.push(lease);
  }
  return { t1S: u32At(value, 4), t2S: u32At(value, 8), leases, status: statusOf(options) };
}

function decodeLease(code: number, { code: inner, value }: DhcpOption): Lease | undefined {
  if (code === OPTION.iaNa && inner === OPTION.iaAddress && value.length >= 24) {
    const [preferredS, validS] = [u32At(value, 16), u32At(value, 20)];
    return preferredS <= validS ? { what: formatIpv6(value.subarray(0, 16)), preferredS, validS } : undefined;
  }
  if (code === OPTION.iaPd && inner === OPTION.iaPrefix && value.length >= 25) {
    const [preferredS, validS, length] = [u32At(value, 0), u32At(value, 4), value[8] as number];
    if (preferredS > validS || length > 128) return undefined;
    return { what: `${formatIpv6(value.subarray(9, 25))}/${length}`, preferredS, validS };
  }
  return undefined;
}

/** Writes IAADDR or IAPREFIX. @param length - of the prefix; `undefined`: an address. */
export function leaseOption(
  octets: Uint8Array,
  length: number | undefined,
  preferredS: number,
  validS: number,
): Uint8Array {
  const times = concat(u32(preferredS), u32(validS));
  return length === undefined
    ? dhcpOption(OPTION.iaAddress, octets, times)
    : dhcpOption(OPTION.iaPrefix, times, Uint8Array.of(length), octets);
}

/** The servers of a DNS option. */
export function dnsServers(options: readonly DhcpOption[]): string[] {
  const value = findOption(options, OPTION.dns) ?? new Uint8Array(0);
  return Array.from({ length: Math.min(MAXIMUM_SERVERS, Math.floor(value.length / 16)) }, (_, i) =>
    formatIpv6(value.subarray(16 * i, 16 * i + 16)),
  );
}
