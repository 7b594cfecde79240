/**
 * Addresses of interfaces over rtnetlink (`linux/if_addr.h`): what `ip address` does.
 */
import { AF_INET, AF_INET6, AF_UNSPEC } from "../abi.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_TENTATIVE,
  ifaddrmsg,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from "../abi-netlink.ts";
import { parseIp } from "../ip.ts";
import {
  attributes,
  concat,
  decodeAttributes,
  decodeHeader,
  encodeAttributes,
  encodeHeader,
  ip,
  type NetlinkMessage,
  type NetlinkRequest,
  string,
  u32,
} from "../netlink.ts";
import { requestsOf } from "./request.ts";

/** struct ifaddrmsg */
const IFADDRMSG = {
  size: ifaddrmsg.size,
  members: {
    ifa_family: [ifaddrmsg.ifa_family, "u8"],
    ifa_prefixlen: [ifaddrmsg.ifa_prefixlen, "u8"],
    ifa_flags: [ifaddrmsg.ifa_flags, "u8"],
    ifa_scope: [ifaddrmsg.ifa_scope, "u8"],
    ifa_index: [ifaddrmsg.ifa_index, "u32"],
  },
} as const;

/** IFA_*. On a point-to-point link LOCAL is ours and ADDRESS the peer's; else they are the same. */
export const IFA = attributes({
  ADDRESS: [1, ip],
  LOCAL: [2, ip],
  LABEL: [3, string],
  BROADCAST: [4, ip],
  FLAGS: [8, u32],
});

/** An address of an interface. */
export interface InterfaceAddressEntry {
  readonly family: 4 | 6;
  /** Index of the interface. */
  readonly index: number;
  readonly address: string;
  /** Of the subnet, or of the peer's address where there is one. */
  readonly prefixLength: number;
  /** The other end of a point-to-point link. */
  readonly peer?: string;
  readonly broadcast?: string;
  /** RT_SCOPE_* of `nlabi`. */
  readonly scope: number;
  /** IFA_F_* of `nlabi`. */
  readonly flags: number;
  /** IPv6: duplicate address detection is not over; the address cannot be used yet. */
  readonly tentative: boolean;
  /** IPv6: another host has it. */
  readonly duplicate: boolean;
}

/** An address to be given to an interface. */
export interface NewAddress {
  /** Index of the interface. */
  readonly index: number;
  readonly address: string;
  /** Default 32 (IPv4) or 128 (IPv6). */
  readonly prefixLength?: number;
  readonly peer?: string;
  readonly broadcast?: string;
  /** IPv6: use it at once, without duplicate address detection. */
  readonly noDuplicateDetection?: boolean;
}

const familyOf = (octets: Uint8Array) => (octets.length === 4 ? AF_INET : AF_INET6);

const addressRequest = requestsOf(IFA, IFADDRMSG.size, decodeAddress);

/** Reads RTM_NEWADDR and RTM_DELADDR of IPv4 and IPv6; `undefined` for other messages. */
export function decodeAddress(message: NetlinkMessage): InterfaceAddressEntry | undefined {
  if (message.type !== RTM_NEWADDR && message.type !== RTM_DELADDR) return undefined;
  const header = decodeHeader(IFADDRMSG, message.payload);
  if (header === undefined || (header.ifa_family !== AF_INET && header.ifa_family !== AF_INET6))
    return undefined;
  const a = decodeAttributes(IFA, message.payload.subarray(IFADDRMSG.size));
  const address = a.LOCAL ?? a.ADDRESS;
  if (address === undefined) return undefined;
  const flags = a.FLAGS ?? header.ifa_flags;
  return {
    family: header.ifa_family === AF_INET ? 4 : 6,
    index: header.ifa_index,
    address,
    prefixLength: header.ifa_prefixlen,
    ...(a.ADDRESS === undefined || a.ADDRESS === address ? {} : { peer: a.ADDRESS }),
    ...(a.BROADCAST === undefined ? {} : { broadcast: a.BROADCAST }),
    scope: header.ifa_scope,
    flags,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    duplicate: (flags & IFA_F_DADFAILED) !== 0,
  };
}

/** All addresses of the namespace, or of one interface (`ip address show`). */
export function list(which: { readonly index?: number } = {}): NetlinkRequest<InterfaceAddressEntry[]> {
  const payload = encodeHeader(IFADDRMSG, { ifa_family: AF_UNSPEC, ifa_index: which.index ?? 0 });
  return addressRequest("RTM_GETADDR", RTM_GETADDR, "dump", payload, (all) =>
    // Kernels before 4.20 send all of them.
    which.index === undefined ? all : all.filter(({ index }) => index === which.index),
  );
}

/**
 * Gives an address to an interface; EEXIST when it has it already, unless `replace` (`ip address add`).
 * @throws TypeError for a malformed address, RangeError for an impossible prefix length.
 */
export function add(entry: NewAddress, { replace = false } = {}): NetlinkRequest<void> {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  return addressRequest(
    named("RTM_NEWADDR", entry),
    RTM_NEWADDR,
    "ack",
    entryPayload(entry),
    () => {},
    flags,
  );
}

/** Takes an address away; EADDRNOTAVAIL when it is not there (`ip address delete`). */
export function remove(entry: NewAddress): NetlinkRequest<void> {
  return addressRequest(named("RTM_DELADDR", entry), RTM_DELADDR, "ack", entryPayload(entry), () => {});
}

const named = (type: string, { address, index }: NewAddress) => `${type} ${address} on interface ${index}`;

function entryPayload(entry: NewAddress): Uint8Array {
  const { octets } = parseIp(entry.address);
  const most = octets.length * 8;
  const prefixLength = entry.prefixLength ?? most;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > most) {
    throw new RangeError(`prefix length ${prefixLength} of ${entry.address}: expected 0 to ${most}`);
  }
  return concat([
    encodeHeader(IFADDRMSG, {
      ifa_family: familyOf(octets),
      ifa_prefixlen: prefixLength,
      ifa_index: entry.index,
      ifa_flags: entry.noDuplicateDetection ? IFA_F_NODAD : 0,
    }),
    encodeAttributes(IFA, {
      LOCAL: entry.address,
      BROADCAST: entry.broadcast,
      ADDRESS: entry.peer ?? entry.address,
    }),
  ]);
}
