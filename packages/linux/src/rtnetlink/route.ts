/**
 * Routes over rtnetlink (`linux/rtnetlink.h`): what `ip route` does.
 */
import { AF_INET, AF_INET6, AF_UNSPEC } from "../abi.ts";
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTM_DELROUTE,
  RTM_F_LOOKUP_TABLE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_STATIC,
  rtmsg,
} from "../abi-netlink.ts";
import { formatIp, parseIp } from "../ip.ts";
import {
  type AttributeValues,
  attributes,
  concat,
  decodeAttributes,
  decodeHeader,
  encodeAttributes,
  encodeHeader,
  ip,
  type NetlinkMessage,
  type NetlinkRequest,
  nested,
  octets as octetsValue,
  u32,
} from "../netlink.ts";
import { requestsOf } from "./request.ts";

/** struct rtmsg */
const RTMSG = {
  size: rtmsg.size,
  members: {
    rtm_family: [rtmsg.rtm_family, "u8"],
    rtm_dst_len: [rtmsg.rtm_dst_len, "u8"],
    rtm_src_len: [rtmsg.rtm_src_len, "u8"],
    rtm_tos: [rtmsg.rtm_tos, "u8"],
    rtm_table: [rtmsg.rtm_table, "u8"],
    rtm_protocol: [rtmsg.rtm_protocol, "u8"],
    rtm_scope: [rtmsg.rtm_scope, "u8"],
    rtm_type: [rtmsg.rtm_type, "u8"],
    rtm_flags: [rtmsg.rtm_flags, "u32"],
  },
} as const;

/** RTAX_*: metrics of a route. */
export const RTAX = attributes({ LOCK: [1, u32], MTU: [2, u32], ADVMSS: [8, u32], HOPLIMIT: [10, u32] });

/** RTA_*; VIA (a gateway of the other family) is kept as octets: family u16, then the address. */
export const RTA = attributes({
  DST: [1, ip],
  SRC: [2, ip],
  IIF: [3, u32],
  OIF: [4, u32],
  GATEWAY: [5, ip],
  PRIORITY: [6, u32],
  PREFSRC: [7, ip],
  METRICS: [8, nested(RTAX, { flagged: false })],
  MULTIPATH: [9, octetsValue],
  TABLE: [15, u32],
  MARK: [16, u32],
  VIA: [18, octetsValue],
  UID: [25, u32],
});

/** What becomes of a packet; numbers of other kinds are `other`. */
export type RouteKind =
  | "unicast"
  | "local"
  | "broadcast"
  | "multicast"
  | "blackhole"
  | "unreachable"
  | "prohibit"
  | "other";

const KINDS: Readonly<Record<number, RouteKind>> = {
  [RTN_UNICAST]: "unicast",
  [RTN_LOCAL]: "local",
  [RTN_BROADCAST]: "broadcast",
  [RTN_MULTICAST]: "multicast",
  [RTN_BLACKHOLE]: "blackhole",
  [RTN_UNREACHABLE]: "unreachable",
  [RTN_PROHIBIT]: "prohibit",
};

/** A route, or the answer to a look-up. */
export interface Route {
  readonly family: 4 | 6;
  /** `198.51.100.0`; the unspecified address for the default route. */
  readonly destination: string;
  readonly prefixLength: number;
  readonly kind: RouteKind;
  /** Index of the interface that packets leave by; the first one of a multipath route. */
  readonly interfaceIndex?: number;
  readonly gateway?: string;
  /** The source address that packets get. */
  readonly preferredSource?: string;
  /** The path's MTU where the kernel knows one other than the interface's (a route metric, or path MTU discovery). */
  readonly mtuOctets?: number;
  readonly metric?: number;
  /** RT_TABLE_* of `nlabi`. */
  readonly table: number;
  /** RTPROT_* of `nlabi`: who made it. */
  readonly protocol: number;
  readonly scope: number;
}

/** A route to be made or taken away. */
export interface NewRoute {
  /** `198.51.100.0/24`, an address for itself alone, or `default` with `family`. */
  readonly destination: string;
  /** Of a `default` route without gateway; otherwise it follows from the addresses. */
  readonly family?: 4 | 6;
  readonly interfaceIndex?: number;
  readonly gateway?: string;
  readonly preferredSource?: string;
  readonly mtuOctets?: number;
  readonly metric?: number;
  /** Default RT_TABLE_MAIN. */
  readonly table?: number;
  /** Default `unicast`. */
  readonly kind?: Exclude<RouteKind, "other">;
}

/** Reads RTM_NEWROUTE and RTM_DELROUTE of IPv4 and IPv6; `undefined` for other messages. */
export function decodeRoute(message: NetlinkMessage): Route | undefined {
  if (message.type !== RTM_NEWROUTE && message.type !== RTM_DELROUTE) return undefined;
  const header = decodeHeader(RTMSG, message.payload);
  if (header === undefined || (header.rtm_family !== AF_INET && header.rtm_family !== AF_INET6))
    return undefined;
  const a = decodeAttributes(RTA, message.payload.subarray(RTMSG.size));
  const first = a.MULTIPATH === undefined ? undefined : firstHop(a.MULTIPATH);
  const interfaceIndex = a.OIF ?? first?.interfaceIndex;
  const gateway = a.GATEWAY ?? via(a.VIA) ?? first?.gateway;
  return {
    family: header.rtm_family === AF_INET ? 4 : 6,
    destination: a.DST ?? (header.rtm_family === AF_INET ? "0.0.0.0" : "::"),
    prefixLength: header.rtm_dst_len,
    kind: KINDS[header.rtm_type] ?? "other",
    ...(interfaceIndex === undefined ? {} : { interfaceIndex }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(a.PREFSRC === undefined ? {} : { preferredSource: a.PREFSRC }),
    ...(a.METRICS?.MTU === undefined ? {} : { mtuOctets: a.METRICS.MTU }),
    ...(a.PRIORITY === undefined ? {} : { metric: a.PRIORITY }),
    table: a.TABLE ?? header.rtm_table,
    protocol: header.rtm_protocol,
    scope: header.rtm_scope,
  };
}

/** `struct rtnexthop`: length u16, flags, hops, interface index; then attributes. */
function firstHop(area: Uint8Array): { interfaceIndex: number; gateway?: string } | undefined {
  const length = area.length < 8 ? 0 : (area[0] as number) | ((area[1] as number) << 8);
  if (length < 8 || length > area.length) return undefined;
  const a = decodeAttributes(RTA, area.subarray(8, length));
  const gateway = a.GATEWAY ?? via(a.VIA);
  return {
    interfaceIndex: u32.read(area.subarray(4)) as number,
    ...(gateway === undefined ? {} : { gateway }),
  };
}

function via(octets: Uint8Array | undefined): string | undefined {
  const address = octets?.subarray(2);
  return address?.length === 4 || address?.length === 16 ? formatIp(address) : undefined;
}

const routeRequest = requestsOf(RTA, RTMSG.size, decodeRoute);

/**
 * How a packet to this address would leave now; ENETUNREACH when it could not (`ip route get`).
 * @param destination - a link-local one with its scope as a number (`fe80::1%3`), or with `interfaceIndex`.
 * @param options - the packet's source address, mark and interface, where they decide.
 * @throws TypeError for a malformed address.
 */
export function lookUp(
  destination: string,
  options: { readonly source?: string; readonly interfaceIndex?: number; readonly mark?: number } = {},
): NetlinkRequest<Route> {
  const { octets, scope } = parseIp(destination);
  if (scope !== undefined && options.interfaceIndex === undefined && !/^[0-9]+$/.test(scope)) {
    throw new TypeError(
      `${destination}: look the interface's index up in its namespace and give it as interfaceIndex`,
    );
  }
  const header = encodeHeader(RTMSG, {
    rtm_family: octets.length === 4 ? AF_INET : AF_INET6,
    rtm_dst_len: octets.length * 8,
    rtm_src_len: options.source === undefined ? 0 : octets.length * 8,
    // IPv6 refuses the flag, and reports the table anyway.
    rtm_flags: octets.length === 4 ? RTM_F_LOOKUP_TABLE : 0,
  });
  const values = encodeAttributes(RTA, {
    DST: destination,
    SRC: options.source,
    OIF: options.interfaceIndex ?? (scope === undefined ? undefined : Number(scope)),
    MARK: options.mark,
  });
  const name = `RTM_GETROUTE to ${destination}`;
  return routeRequest(name, RTM_GETROUTE, "get", concat([header, values]), ([found]) => {
    if (found === undefined) throw new TypeError(`${name}: the kernel answered without a route`);
    return found;
  });
}

/** The routes of the namespace, of all tables or of one (`ip route show table all`). */
export function list(
  which: { readonly family?: 4 | 6; readonly table?: number } = {},
): NetlinkRequest<Route[]> {
  const family = which.family === undefined ? AF_UNSPEC : which.family === 4 ? AF_INET : AF_INET6;
  const payload = encodeHeader(RTMSG, { rtm_family: family });
  return routeRequest("RTM_GETROUTE", RTM_GETROUTE, "dump", payload, (routes) =>
    which.table === undefined ? routes : routes.filter(({ table }) => table === which.table),
  );
}

/**
 * Makes a route; EEXIST when there is one of that destination and metric, unless `replace` (`ip route add`).
 * @throws TypeError, RangeError for a malformed destination.
 */
export function add(route: NewRoute, { replace = false } = {}): NetlinkRequest<void> {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  const payload = routePayload(route, false);
  return routeRequest(`RTM_NEWROUTE ${route.destination}`, RTM_NEWROUTE, "ack", payload, () => {}, flags);
}

/** Takes a route away; what is left out matches any; ESRCH when there is none (`ip route delete`). */
export function remove(route: NewRoute): NetlinkRequest<void> {
  const payload = routePayload(route, true);
  return routeRequest(`RTM_DELROUTE ${route.destination}`, RTM_DELROUTE, "ack", payload, () => {});
}

function routePayload(route: NewRoute, removing: boolean): Uint8Array {
  const { octets, prefixLength, family } = parseDestination(route);
  const table = route.table ?? RT_TABLE_MAIN;
  const kind = Object.entries(KINDS).find(([, name]) => name === (route.kind ?? "unicast"));
  const direct = route.gateway === undefined && (route.kind ?? "unicast") === "unicast" && family === AF_INET;
  const values: AttributeValues<typeof RTA> = {
    ...(prefixLength === 0 ? {} : { DST: formatIp(octets) }),
    OIF: route.interfaceIndex,
    GATEWAY: route.gateway,
    PREFSRC: route.preferredSource,
    PRIORITY: route.metric,
    METRICS: route.mtuOctets === undefined ? undefined : { MTU: route.mtuOctets },
    TABLE: table > 0xff ? table : undefined,
  };
  const header = encodeHeader(RTMSG, {
    rtm_family: family,
    rtm_dst_len: prefixLength,
    rtm_table: table > 0xff ? RT_TABLE_UNSPEC : table,
    rtm_protocol: removing ? 0 : RTPROT_STATIC,
    rtm_scope: removing ? RT_SCOPE_NOWHERE : direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    rtm_type: removing && route.kind === undefined ? 0 : Number(kind?.[0] ?? RTN_UNICAST),
  });
  return concat([header, encodeAttributes(RTA, values)]);
}

function parseDestination({ destination, family, gateway }: NewRoute): {
  octets: Uint8Array;
  prefixLength: number;
  family: number;
} {
  if (destination === "default") {
    const six = family === 6 || gateway?.includes(":") === true;
    return { octets: new Uint8Array(six ? 16 : 4), prefixLength: 0, family: six ? AF_INET6 : AF_INET };
  }
  const [address = "", length] = destination.split("/");
  const { octets } = parseIp(address);
  const most = octets.length * 8;
  const prefixLength = length === undefined ? most : Number(length);
  if (!/^[0-9]*$/.test(length ?? "") || length === "" || prefixLength > most) {
    throw new RangeError(`"${destination}" is no destination: expected such as 198.51.100.0/24`);
  }
  return { octets, prefixLength, family: octets.length === 4 ? AF_INET : AF_INET6 };
}
