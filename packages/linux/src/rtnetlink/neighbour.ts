/**
 * Neighbours over rtnetlink (`linux/neighbour.h`): what `ip neighbour` does.
 */
import { AF_INET, AF_INET6, AF_UNSPEC } from "../abi.ts";
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  NUD_PERMANENT,
  ndmsg,
  RTM_DELNEIGH,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
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
  linkAddress,
  type NetlinkMessage,
  type NetlinkRequest,
} from "../netlink.ts";
import { requestsOf } from "./request.ts";

/** linux/neighbour.h */
const NTF_PROXY = 0x08;

/** struct ndmsg */
const NDMSG = {
  size: ndmsg.size,
  members: {
    ndm_family: [ndmsg.ndm_family, "u8"],
    ndm_ifindex: [ndmsg.ndm_ifindex, "s32"],
    ndm_state: [ndmsg.ndm_state, "u16"],
    ndm_flags: [ndmsg.ndm_flags, "u8"],
    ndm_type: [ndmsg.ndm_type, "u8"],
  },
} as const;

/** NDA_* */
export const NDA = attributes({ DST: [1, ip], LLADDR: [2, linkAddress] });

/** Who is behind an address on a link. */
export interface Neighbour {
  readonly family: 4 | 6;
  readonly interfaceIndex: number;
  readonly address: string;
  readonly linkAddress?: string;
  /** NUD_* of `nlabi`. */
  readonly state: number;
}

/** A neighbour to be entered. */
export interface NewNeighbour {
  readonly interfaceIndex: number;
  readonly address: string;
  readonly linkAddress?: string;
  /** Default NUD_PERMANENT. */
  readonly state?: number;
  /** Answer for the address on this interface though it is somewhere else (`ip neighbour add proxy`). */
  readonly proxy?: boolean;
}

/** Reads RTM_NEWNEIGH and RTM_DELNEIGH of IPv4 and IPv6; `undefined` for other messages. */
export function decodeNeighbour(message: NetlinkMessage): Neighbour | undefined {
  if (message.type !== RTM_NEWNEIGH && message.type !== RTM_DELNEIGH) return undefined;
  const header = decodeHeader(NDMSG, message.payload);
  if (header === undefined || (header.ndm_family !== AF_INET && header.ndm_family !== AF_INET6))
    return undefined;
  const a = decodeAttributes(NDA, message.payload.subarray(NDMSG.size));
  if (a.DST === undefined) return undefined;
  return {
    family: header.ndm_family === AF_INET ? 4 : 6,
    interfaceIndex: header.ndm_ifindex,
    address: a.DST,
    ...(a.LLADDR === undefined ? {} : { linkAddress: a.LLADDR }),
    state: header.ndm_state,
  };
}

const neighbourRequest = requestsOf(NDA, NDMSG.size, decodeNeighbour);

/** The neighbours of the namespace, or of one interface (`ip neighbour show`). */
export function list(which: { readonly interfaceIndex?: number } = {}): NetlinkRequest<Neighbour[]> {
  const payload = encodeHeader(NDMSG, { ndm_family: AF_UNSPEC });
  return neighbourRequest("RTM_GETNEIGH", RTM_GETNEIGH, "dump", payload, (all) =>
    which.interfaceIndex === undefined
      ? all
      : all.filter(({ interfaceIndex }) => interfaceIndex === which.interfaceIndex),
  );
}

/** Enters a neighbour; EEXIST when it is there, unless `replace` (`ip neighbour add`). */
export function add(entry: NewNeighbour, { replace = false } = {}): NetlinkRequest<void> {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  const name = `RTM_NEWNEIGH ${entry.address}`;
  return neighbourRequest(name, RTM_NEWNEIGH, "ack", entryPayload(entry), () => {}, flags);
}

/** Takes a neighbour away; ENOENT when it is not there (`ip neighbour delete`). */
export function remove(entry: NewNeighbour): NetlinkRequest<void> {
  return neighbourRequest(
    `RTM_DELNEIGH ${entry.address}`,
    RTM_DELNEIGH,
    "ack",
    entryPayload(entry),
    () => {},
  );
}

function entryPayload(entry: NewNeighbour): Uint8Array {
  const family = parseIp(entry.address).octets.length === 4 ? AF_INET : AF_INET6;
  return concat([
    encodeHeader(NDMSG, {
      ndm_family: family,
      ndm_ifindex: entry.interfaceIndex,
      ndm_state: entry.proxy === true ? 0 : (entry.state ?? NUD_PERMANENT),
      ndm_flags: entry.proxy === true ? NTF_PROXY : 0,
    }),
    encodeAttributes(NDA, { DST: entry.address, LLADDR: entry.linkAddress }),
  ]);
}
