/**
 * The kernel's generic netlink family `l2tp` (`linux/l2tp.h`): its attributes, its enumerations and its
 * requests. Values only; when to ask what is the business of the files beside this one.
 */
import {
  ERRNO,
  type GenericMessage,
  genericFamily,
  type NetlinkMessage,
  type NetlinkRequest,
  netlink,
  type ResolvedFamily,
} from "@l2tp/linux";

const { attributes, flag, ip, nested, octets, string, u8, u16, u32, u64 } = netlink;

/** L2TP_ATTR_STATS_*; the two last since Linux 5.15 and 5.16. */
const STATS = attributes({
  TX_PACKETS: [1, u64],
  TX_BYTES: [2, u64],
  TX_ERRORS: [3, u64],
  RX_PACKETS: [4, u64],
  RX_BYTES: [5, u64],
  RX_SEQ_DISCARDS: [6, u64],
  RX_OOS_PACKETS: [7, u64],
  RX_ERRORS: [8, u64],
  RX_COOKIE_DISCARDS: [10, u64],
  RX_INVALID: [11, u64],
});

/** L2TP_ATTR_*. Those that the kernel declares and never reads (MTU, OFFSET, DATA_SEQ …) are left out. */
export const L2TP_ATTRIBUTES = attributes({
  PW_TYPE: [1, u16],
  ENCAP_TYPE: [2, u16],
  L2SPEC_TYPE: [5, u8],
  PROTO_VERSION: [7, u8],
  IFNAME: [8, string],
  CONN_ID: [9, u32],
  PEER_CONN_ID: [10, u32],
  SESSION_ID: [11, u32],
  PEER_SESSION_ID: [12, u32],
  /** At create its presence alone turns checksums on, even with value 0. */
  UDP_CSUM: [13, u8],
  COOKIE: [15, octets],
  PEER_COOKIE: [16, octets],
  DEBUG: [17, u32],
  RECV_SEQ: [18, u8],
  SEND_SEQ: [19, u8],
  LNS_MODE: [20, u8],
  USING_IPSEC: [21, u8],
  /** Milliseconds. */
  RECV_TIMEOUT: [22, u64],
  FD: [23, u32],
  IP_SADDR: [24, ip],
  IP_DADDR: [25, ip],
  UDP_SPORT: [26, u16],
  UDP_DPORT: [27, u16],
  // The kernel writes this nest without NLA_F_NESTED (nla_nest_start_noflag).
  STATS: [30, nested(STATS, { flagged: false })],
  IP6_SADDR: [31, ip],
  IP6_DADDR: [32, ip],
  UDP_ZERO_CSUM6_TX: [33, flag],
  UDP_ZERO_CSUM6_RX: [34, flag],
});

/** Attributes of a message of the family, by name; each may be missing. */
export type L2tpAttributes = netlink.AttributeValues<typeof L2TP_ATTRIBUTES>;

/** L2TP_CMD_* */
export const L2TP_COMMAND = {
  NOOP: 0,
  TUNNEL_CREATE: 1,
  TUNNEL_DELETE: 2,
  TUNNEL_MODIFY: 3,
  TUNNEL_GET: 4,
  SESSION_CREATE: 5,
  SESSION_DELETE: 6,
  SESSION_MODIFY: 7,
  SESSION_GET: 8,
} as const;

/** enum l2tp_encap_type */
export const ENCAP = { udp: 0, ip: 1 } as const;
/** enum l2tp_pwtype; these two have a handler in the kernel. */
export const PWTYPE = { eth: 5, ppp: 7 } as const;
/** enum l2tp_l2spec_type. Left out, the kernel takes DEFAULT, the opposite of RFC 3931: it is always sent. */
export const L2SPEC = { none: 0, default: 1 } as const;

/** The multicast group of the family. */
export const L2TP_GROUP = "l2tp";

const FAMILY = genericFamily({ name: "l2tp", version: 1, attributes: L2TP_ATTRIBUTES });

type Family = Pick<ResolvedFamily, "id">;
type Kind = NetlinkRequest<unknown>["kind"];

function request<R>(
  family: Family,
  command: keyof typeof L2TP_COMMAND,
  kind: Kind,
  what: string,
  values: L2tpAttributes,
  decode: (messages: GenericMessage<typeof L2TP_ATTRIBUTES>[]) => R,
): NetlinkRequest<R> {
  const name = `L2TP_CMD_${command}${what === "" ? "" : ` ${what}`}`;
  return FAMILY.request(family, { name, command: L2TP_COMMAND[command], kind, values }, decode);
}

const nothing = () => {};
/** What the kernel answers about a tunnel or session that it does not have. */
const NO_SUCH = { errno: ERRNO["ENODEV"] as number, value: false } as const;
const all = (messages: readonly GenericMessage<typeof L2TP_ATTRIBUTES>[]) =>
  messages.map((m) => m.attributes);

function one(what: string) {
  return (messages: readonly GenericMessage<typeof L2TP_ATTRIBUTES>[]): L2tpAttributes => {
    const [first] = messages;
    if (!first) throw new TypeError(`the kernel's answer for ${what} is empty`);
    return first.attributes;
  };
}

/** TUNNEL_CREATE; with FD the tunnel is managed, with addresses the kernel makes a socket of its own. */
export const createTunnel = (family: Family, values: L2tpAttributes): NetlinkRequest<void> =>
  request(family, "TUNNEL_CREATE", "ack", `tunnel ${values.CONN_ID}`, values, nothing);

/** TUNNEL_DELETE; answered before it is done: the ID may be in use for a moment yet. */
export const deleteTunnel = (family: Family, tunnelId: number): NetlinkRequest<void> =>
  request(family, "TUNNEL_DELETE", "ack", `tunnel ${tunnelId}`, { CONN_ID: tunnelId }, nothing);

/** TUNNEL_GET of one. */
export const getTunnel = (family: Family, tunnelId: number): NetlinkRequest<L2tpAttributes> =>
  request(
    family,
    "TUNNEL_GET",
    "get",
    `tunnel ${tunnelId}`,
    { CONN_ID: tunnelId },
    one(`tunnel ${tunnelId}`),
  );

/** Whether there is a tunnel of this ID (TUNNEL_GET). */
export const hasTunnel = (family: Family, tunnelId: number): NetlinkRequest<boolean> => ({
  ...getTunnel(family, tunnelId),
  decode: () => true,
  absent: NO_SUCH,
});

/** TUNNEL_GET of all in the namespace, whoever made them. */
export const dumpTunnels = (family: Family): NetlinkRequest<L2tpAttributes[]> =>
  request(family, "TUNNEL_GET", "dump", "", {}, all);

const sessionName = (tunnelId: number | undefined, sessionId: number | undefined) =>
  `session ${sessionId} of tunnel ${tunnelId}`;

/** SESSION_CREATE. */
export const createSession = (family: Family, values: L2tpAttributes): NetlinkRequest<void> =>
  request(family, "SESSION_CREATE", "ack", sessionName(values.CONN_ID, values.SESSION_ID), values, nothing);

/** SESSION_DELETE. */
export const deleteSession = (family: Family, tunnelId: number, sessionId: number): NetlinkRequest<void> => {
  const values = { CONN_ID: tunnelId, SESSION_ID: sessionId };
  return request(family, "SESSION_DELETE", "ack", sessionName(tunnelId, sessionId), values, nothing);
};

/** SESSION_MODIFY: RECV_SEQ, SEND_SEQ, LNS_MODE, RECV_TIMEOUT. */
export const modifySession = (
  family: Family,
  tunnelId: number,
  sessionId: number,
  change: Pick<L2tpAttributes, "RECV_SEQ" | "SEND_SEQ" | "LNS_MODE" | "RECV_TIMEOUT">,
): NetlinkRequest<void> => {
  const values = { CONN_ID: tunnelId, SESSION_ID: sessionId, ...change };
  return request(family, "SESSION_MODIFY", "ack", sessionName(tunnelId, sessionId), values, nothing);
};

/** SESSION_GET of one. */
export const getSession = (
  family: Family,
  tunnelId: number,
  sessionId: number,
): NetlinkRequest<L2tpAttributes> => {
  const what = sessionName(tunnelId, sessionId);
  return request(family, "SESSION_GET", "get", what, { CONN_ID: tunnelId, SESSION_ID: sessionId }, one(what));
};

/** Whether there is a session of these IDs (SESSION_GET). */
export const hasSession = (family: Family, tunnelId: number, sessionId: number): NetlinkRequest<boolean> => ({
  ...getSession(family, tunnelId, sessionId),
  decode: () => true,
  absent: NO_SUCH,
});

/**
 * A dump as the kernel writes it, one message for each object, handed over as it comes: whoever reads 10,000 of them
 * reads only what it needs (`dump.ts`).
 */
export const readAll = (
  family: Family,
  what: "tunnels" | "sessions",
  each: (message: NetlinkMessage) => void,
): NetlinkRequest<void> => ({
  ...request(family, what === "tunnels" ? "TUNNEL_GET" : "SESSION_GET", "dump", "", {}, nothing),
  each,
});

/** SESSION_GET of all sessions of all tunnels in the namespace. */
export const dumpSessions = (family: Family): NetlinkRequest<L2tpAttributes[]> =>
  request(family, "SESSION_GET", "dump", "", {}, all);

/** What a message of a dump says, as a whole; `undefined` for one of another family. */
export const readObject = (family: Family, message: NetlinkMessage): L2tpAttributes | undefined =>
  FAMILY.decode(family, message)?.attributes;

/** What a multicast message says: the same body as a GET, with the command that caused it. */
export interface L2tpNotification {
  readonly command: keyof typeof L2TP_COMMAND;
  readonly attributes: L2tpAttributes;
}

/**
 * Reads a notification. The kernel sends them to all network namespaces, and only for what was done through
 * netlink: not for a session that dies with its tunnel or its socket.
 */
export function decodeNotification(family: Family, message: NetlinkMessage): L2tpNotification | undefined {
  const decoded = FAMILY.decode(family, message);
  const command = Object.entries(L2TP_COMMAND).find(([, number]) => number === decoded?.command)?.[0];
  if (!decoded || !command) return undefined;
  return { command: command as keyof typeof L2TP_COMMAND, attributes: decoded.attributes };
}
