/**
 * Linux for Node.js, without a native addon of our own: system calls through koffi, and what stands on them.
 * Importing works anywhere; the first call says where it cannot work (`UnsupportedError`).
 */

/** Constants and layouts under the names of the kernel's headers. */
export * as abi from "./abi.ts";
/** Netlink's constants and layouts under the names of the kernel's headers. */
export * as nlabi from "./abi-netlink.ts";
/** nf_tables' constants and layouts under the names of the kernel's headers. */
export * as nftabi from "./abi-nftables.ts";
/** Constants and layouts of PPP under the names of the kernel's headers. */
export * as pppabi from "./abi-ppp.ts";
/** Constants of terminals under the names of the kernel's headers. */
export * as ttyabi from "./abi-tty.ts";
export {
  assembleBpf,
  attachFilter,
  attachReuseportFilter,
  type BpfLine,
  detachFilter,
} from "./bpf.ts";
export {
  type ControlMessage,
  controlLength,
  controlSpace,
  decodeControl,
  encodeControl,
  findControl,
  type PacketInfo,
  packetInfoControl,
  type ReceivedControl,
  readControl,
  segmentControl,
} from "./cmsg.ts";
export { DatagramBuffer } from "./datagram.ts";
export { defaultDestinations } from "./default-route.ts";
export { ERRNO, errnoName, errnoText } from "./errno.ts";
export { ClosedError, remedyFor, SyscallError, UnsupportedError } from "./errors.ts";
export {
  type GenericFamily,
  type GenericMessage,
  type GenericRequest,
  genericFamily,
  type ResolvedFamily,
  resolveFamily,
} from "./genetlink.ts";
export { InterfaceRemover, type RemovalPort } from "./interface-removal.ts";
export {
  applyInterfaceSettings,
  BridgeError,
  type InterfaceSettings,
  type NetlinkRunner,
  type SettingsAddress,
} from "./interface-settings.ts";
export { formatIp, type ParsedIp, parseIp } from "./ip.ts";
export {
  createNamespace,
  deleteNamespace,
  listNamespaces,
  type NamespaceId,
  NetworkNamespace,
  namespaceId,
  openNamespace,
  sameNamespace,
  withNamespace,
} from "./namespace.ts";
export type { NetlinkMessage, NetlinkRequest } from "./netlink.ts";
/** The netlink codec: tables of attributes, headers, messages. */
export * as netlink from "./netlink.ts";
export { NetlinkError } from "./netlink-error.ts";
export { type NetlinkListener, type NetlinkOptions, NetlinkSocket, runNetlink } from "./netlink-socket.ts";
/** What rules of nf_tables are made of. */
export * as nftexpressions from "./nftables/expressions.ts";
export { Masquerade, type MasqueradeOptions, type MasqueradeRule } from "./nftables/masquerade.ts";
/** `nft`: tables, chains, rules and maps of nf_tables, as netlink requests. */
export * as nftables from "./nftables/messages.ts";
export { MssClamp, type MssClampOptions, type MssLimits } from "./nftables/mss-clamp.ts";
export {
  interfaceOfNetwork,
  PointToPoint,
  type PointToPointRoute,
  type PointToPointWish,
} from "./point-to-point.ts";
/** `/dev/ppp`: channels, units, bridges. */
export * as ppp from "./ppp.ts";
/** pppd as a child of ours: its options, its life, and the interface that it makes. */
export * as pppd from "./pppd/index.ts";
export {
  decodePppoxAddress,
  encodePppoxAddress,
  type PppoeAddress,
  type Pppol2tpAddress,
  type PppoxAddress,
} from "./pppox.ts";
export {
  bootId,
  type Capability,
  effectiveCapabilities,
  hasCapability,
  inUserNamespace,
  missingCapabilities,
} from "./privilege.ts";
export { openPty, type Pty } from "./pty.ts";
export { Reactor, type Registration, type WatchOptions } from "./reactor.ts";
/** `ip address`, as netlink requests. */
export * as address from "./rtnetlink/address.ts";
/** `ip link`, as netlink requests. */
export * as link from "./rtnetlink/link.ts";
export {
  Monitor,
  type MonitorAction,
  type MonitorEvent,
  type MonitorOptions,
  type MonitorSubject,
} from "./rtnetlink/monitor.ts";
/** `ip neighbour`, as netlink requests. */
export * as neighbour from "./rtnetlink/neighbour.ts";
/** `ip route`, as netlink requests. */
export * as route from "./rtnetlink/route.ts";
export {
  type AnySocketAddress,
  decodeSocketAddress,
  encodeSocketAddress,
  type InetSocketAddress,
  interfaceIndex,
  interfaceName,
  type NetlinkSocketAddress,
  type UnixSocketAddress,
} from "./sockaddr.ts";
export type { ResourceLimit } from "./sys.ts";
/** The convenient forms of the system calls: they throw {@link SyscallError}. */
export * as sys from "./sys.ts";
export {
  addressOf,
  check,
  type Fd,
  type Pointer,
  type RawSyscalls,
  raw,
} from "./syscalls.ts";
export { spawnThread } from "./thread.ts";
export { openTun, TunInterface, type TunOptions, tunFeatures } from "./tun.ts";
