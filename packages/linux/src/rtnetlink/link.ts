/**
 * Interfaces over rtnetlink (`linux/if_link.h`, `linux/rtnetlink.h`): what `ip link` does.
 */
import { AF_UNSPEC, IFF_UP } from "../abi.ts";
import {
  ifinfomsg,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
} from "../abi-netlink.ts";
import {
  type AttributeValues,
  attributes,
  bareString,
  concat,
  decodeAttributes,
  decodeHeader,
  encodeAttributes,
  encodeHeader,
  linkAddress,
  type NetlinkMessage,
  type NetlinkRequest,
  nested,
  octets,
  string,
  u8,
  u32,
  u64,
} from "../netlink.ts";
import { requestsOf } from "./request.ts";

/** struct ifinfomsg */
const IFINFOMSG = {
  size: ifinfomsg.size,
  members: {
    ifi_family: [ifinfomsg.ifi_family, "u8"],
    ifi_type: [ifinfomsg.ifi_type, "u16"],
    ifi_index: [ifinfomsg.ifi_index, "s32"],
    ifi_flags: [ifinfomsg.ifi_flags, "u32"],
    ifi_change: [ifinfomsg.ifi_change, "u32"],
  },
} as const;

/** IFLA_INFO_*; what DATA holds depends on KIND. */
export const IFLA_INFO = attributes({
  KIND: [1, bareString],
  DATA: [2, octets],
  SLAVE_KIND: [4, bareString],
});

/** IFLA_* (old nests are written without NLA_F_NESTED, as iproute2 does); IFLA_STATS64 is read as octets, see {@link LinkStatistics}. */
export const IFLA = attributes({
  ADDRESS: [1, linkAddress],
  BROADCAST: [2, linkAddress],
  IFNAME: [3, string],
  MTU: [4, u32],
  LINK: [5, u32],
  MASTER: [10, u32],
  TXQLEN: [13, u32],
  OPERSTATE: [16, u8],
  LINKINFO: [18, nested(IFLA_INFO, { flagged: false })],
  NET_NS_PID: [19, u32],
  IFALIAS: [20, string],
  STATS64: [23, octets],
  GROUP: [27, u32],
  NET_NS_FD: [28, u32],
  EXT_MASK: [29, u32],
  CARRIER: [33, u8],
  GSO_MAX_SEGS: [40, u32],
  GSO_MAX_SIZE: [41, u32],
  MIN_MTU: [50, u32],
  MAX_MTU: [51, u32],
});

/** VETH_INFO_PEER of IFLA_INFO_DATA of kind `veth`: a whole link message. */
const VETH_INFO = attributes({ PEER: [1, octets] });

/** IF_OPER_* (RFC 2863) by number. */
const OPERATIONAL_STATES = [
  "unknown",
  "not-present",
  "down",
  "lower-layer-down",
  "testing",
  "dormant",
  "up",
] as const;

/** The first members of `struct rtnl_link_stats64`. */
export interface LinkStatistics {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxOctets: number;
  readonly txOctets: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
}

/** An interface as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_* of `abi`. */
  readonly flags: number;
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  readonly operationalState: (typeof OPERATIONAL_STATES)[number];
  readonly carrier?: boolean;
  readonly mtuOctets?: number;
  readonly minMtuOctets?: number;
  readonly maxMtuOctets?: number;
  /** `02:00:00:00:00:01`; missing where the link has none (TUN). */
  readonly address?: string;
  /** Index of the bridge (or other master) that it is a port of. */
  readonly master?: number;
  /** `veth`, `bridge`, `tun`, `dummy` …; missing for hardware. */
  readonly kind?: string;
  /** `bridge` for a port of a bridge. */
  readonly portKind?: string;
  readonly alias?: string;
  readonly gsoMaxOctets?: number;
  readonly gsoMaxSegments?: number;
  readonly statistics?: LinkStatistics;
}

/** Which interface: by index, which stays, or by name, which may be given to another. */
export type LinkSelector = { readonly index: number } | { readonly name: string };

/** What can be set of an interface. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtuOctets?: number;
  readonly address?: string;
  /** Index of the bridge to be a port of; 0 takes it out. */
  readonly master?: number;
  /** A new name; the interface should be down on kernels before 6.2. */
  readonly name?: string;
  readonly alias?: string;
  readonly carrier?: boolean;
  readonly txQueueLength?: number;
  readonly gsoMaxOctets?: number;
  readonly gsoMaxSegments?: number;
  /** The group that it belongs to, 0 to 2^32 - 1; see {@link removeGroup}. */
  readonly group?: number;
  /** Move it into the network namespace behind this descriptor; its addresses are lost. */
  readonly namespace?: number;
}

/** An interface to be made. */
export interface NewLink extends Omit<LinkChange, "name"> {
  readonly name: string;
  readonly kind: "veth" | "bridge" | "dummy" | (string & {});
  /** The other end of a `veth`; in another namespace if one is given. */
  readonly peer?: { readonly name: string } & Omit<LinkChange, "name">;
  /** IFLA_INFO_DATA of kinds that this package has no table for. */
  readonly data?: Uint8Array;
}

const label = (which: LinkSelector) => ("index" in which ? `interface ${which.index}` : which.name);
const selected = (which: LinkSelector) => ({
  header: "index" in which ? { ifi_index: which.index } : {},
  values: "name" in which ? { IFNAME: which.name } : {},
});

function linkPayload(
  header: { ifi_index?: number; ifi_flags?: number; ifi_change?: number },
  values: AttributeValues<typeof IFLA>,
): Uint8Array {
  return concat([
    encodeHeader(IFINFOMSG, { ifi_family: AF_UNSPEC, ...header }),
    encodeAttributes(IFLA, values),
  ]);
}

const linkRequest = requestsOf(IFLA, IFINFOMSG.size, decodeLink);

/** Reads RTM_NEWLINK and RTM_DELLINK of interfaces; `undefined` for other messages. */
export function decodeLink(message: NetlinkMessage): Link | undefined {
  if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) return undefined;
  const header = decodeHeader(IFINFOMSG, message.payload);
  // AF_BRIDGE messages are about ports: RTM_DELLINK there says "left the bridge", and not "gone".
  if (header === undefined || header.ifi_family !== AF_UNSPEC) return undefined;
  const a = decodeAttributes(IFLA, message.payload.subarray(IFINFOMSG.size));
  return {
    index: header.ifi_index,
    name: a.IFNAME ?? "",
    flags: header.ifi_flags,
    up: (header.ifi_flags & IFF_UP) !== 0,
    operationalState: OPERATIONAL_STATES[a.OPERSTATE ?? 0] ?? "unknown",
    ...(a.CARRIER === undefined ? {} : { carrier: a.CARRIER !== 0 }),
    ...(a.MTU === undefined ? {} : { mtuOctets: a.MTU }),
    ...(a.MIN_MTU === undefined ? {} : { minMtuOctets: a.MIN_MTU }),
    ...(a.MAX_MTU === undefined ? {} : { maxMtuOctets: a.MAX_MTU }),
    ...(a.ADDRESS === undefined || a.ADDRESS === "" ? {} : { address: a.ADDRESS }),
    ...(a.MASTER === undefined ? {} : { master: a.MASTER }),
    ...(a.LINKINFO?.KIND === undefined ? {} : { kind: a.LINKINFO.KIND }),
    ...(a.LINKINFO?.SLAVE_KIND === undefined ? {} : { portKind: a.LINKINFO.SLAVE_KIND }),
    ...(a.IFALIAS === undefined ? {} : { alias: a.IFALIAS }),
    ...(a.GSO_MAX_SIZE === undefined ? {} : { gsoMaxOctets: a.GSO_MAX_SIZE }),
    ...(a.GSO_MAX_SEGS === undefined ? {} : { gsoMaxSegments: a.GSO_MAX_SEGS }),
    ...(a.STATS64 === undefined ? {} : linkStatistics(a.STATS64)),
  };
}

function linkStatistics(stats: Uint8Array): { statistics: LinkStatistics } | undefined {
  if (stats.length < 64) return undefined;
  const at = (i: number) => u64.read(stats.subarray(8 * i)) as number;
  return {
    statistics: {
      rxPackets: at(0),
      txPackets: at(1),
      rxOctets: at(2),
      txOctets: at(3),
      rxErrors: at(4),
      txErrors: at(5),
      rxDropped: at(6),
      txDropped: at(7),
    },
  };
}

/** One interface; ENODEV when there is none (`ip link show dev`). */
export function get(which: LinkSelector): NetlinkRequest<Link> {
  const { header, values } = selected(which);
  const name = `RTM_GETLINK ${label(which)}`;
  return linkRequest(name, RTM_GETLINK, "get", linkPayload(header, values), ([found]) => {
    if (found === undefined) throw new TypeError(`${name}: the kernel answered without an interface`);
    return found;
  });
}

/** All interfaces of the namespace (`ip link show`). */
export function list(): NetlinkRequest<Link[]> {
  return linkRequest("RTM_GETLINK", RTM_GETLINK, "dump", linkPayload({}, {}), (links) => links);
}

/** Makes an interface; EEXIST when the name is taken (`ip link add`). */
export function add({ name, kind, peer, ...link }: NewLink): NetlinkRequest<void> {
  const { header, values } = changed(link);
  const data = peer === undefined ? link.data : encodeAttributes(VETH_INFO, { PEER: peerPayload(peer) });
  const payload = linkPayload(header, {
    ...values,
    IFNAME: name,
    LINKINFO: { KIND: kind, ...(data === undefined ? {} : { DATA: data }) },
  });
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  return linkRequest(`RTM_NEWLINK ${name}`, RTM_NEWLINK, "ack", payload, () => {}, flags);
}

function peerPayload({ name, ...change }: NonNullable<NewLink["peer"]>): Uint8Array {
  const { header, values } = changed(change);
  return linkPayload(header, { ...values, IFNAME: name });
}

/** Changes an interface; ENODEV when there is none (`ip link set`). */
export function set(which: LinkSelector, change: LinkChange): NetlinkRequest<void> {
  const by = selected(which);
  const { header, values } = changed(change);
  if ("name" in which && change.name !== undefined) {
    throw new TypeError(`renaming ${which.name}: select the interface by its index`);
  }
  const payload = linkPayload({ ...by.header, ...header }, { ...by.values, ...values });
  return linkRequest(`RTM_NEWLINK ${label(which)}`, RTM_NEWLINK, "ack", payload, () => {});
}

/** Takes an interface away; ENODEV when there is none (`ip link delete`). */
export function remove(which: LinkSelector): NetlinkRequest<void> {
  const { header, values } = selected(which);
  const payload = linkPayload(header, values);
  return linkRequest(`RTM_DELLINK ${label(which)}`, RTM_DELLINK, "ack", payload, () => {});
}

/** Takes all interfaces of a group away, in the time that one takes; ENODEV when there is none (`ip link delete group`). */
export function removeGroup(group: number): NetlinkRequest<void> {
  const payload = linkPayload({}, { GROUP: group });
  return linkRequest(`RTM_DELLINK group ${group}`, RTM_DELLINK, "ack", payload, () => {});
}

function changed(change: LinkChange) {
  return {
    header: change.up === undefined ? {} : { ifi_flags: change.up ? IFF_UP : 0, ifi_change: IFF_UP },
    values: {
      ...(change.name === undefined ? {} : { IFNAME: change.name }),
      MTU: change.mtuOctets,
      ADDRESS: change.address,
      TXQLEN: change.txQueueLength,
      MASTER: change.master,
      IFALIAS: change.alias,
      CARRIER: change.carrier === undefined ? undefined : change.carrier ? 1 : 0,
      GSO_MAX_SIZE: change.gsoMaxOctets,
      GSO_MAX_SEGS: change.gsoMaxSegments,
      GROUP: change.group,
      NET_NS_FD: change.namespace,
    } satisfies AttributeValues<typeof IFLA>,
  };
}
