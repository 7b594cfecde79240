/**
 * The interfaces that every data plane implements. A data plane owns the wire: it holds the sockets and the
 * interfaces, forwards data messages by itself, and hands up control messages and notices. The control plane
 * cannot tell one data plane from another.
 */

export { checkBinding, checkSession, checkSessionChange, checkTunnel, largestId } from "./check.ts";
export { PlaneError, type PlaneErrorCode } from "./errors.ts";
export { planeError } from "./failure.ts";
export { type Encapsulating, encapsulationOverhead, interfaceMtu, USUAL_PATH_MTU } from "./mtu.ts";
export type { PlaneNotice } from "./notice.ts";
export { NoticeQueue } from "./notice-queue.ts";
export type {
  Binding,
  ControlDatagram,
  ControlHandler,
  ControlMessageOut,
  DataPlane,
  DataPlaneCapabilities,
  DataPlaneStatus,
  FeatureStatus,
  Reservation,
  TunnelPlane,
  TunnelPlaneParameters,
  Wire,
  WireCounters,
} from "./plane.ts";
export type {
  MppeDirection,
  PppAttachment,
  PppLink,
  PppLinkConfiguration,
  PppLinkSettings,
  PppNetworkProtocol,
  PppPackets,
} from "./ppp-link.ts";
export type {
  Bridge,
  EthernetInterface,
  InterfaceAddress,
  MtuPolicy,
  PppoeLink,
  PppSettings,
  SessionPlane,
  SessionPlaneChange,
  SessionPlaneParameters,
} from "./session.ts";
export type { PlaneStatistics, SessionStatistics, StatisticsTable } from "./statistics.ts";
export { emptyStatistics } from "./statistics.ts";
