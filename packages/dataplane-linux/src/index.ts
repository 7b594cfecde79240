/** The Linux kernel's L2TP as a data plane. */

/** The kernel's generic netlink family `l2tp`, as tables and requests. */
export * as family from "./family.ts";
export { LinuxDataPlane, type LinuxOptions } from "./plane.ts";
/** PPPoL2TP sockets: of a session, and of a tunnel for its management. */
export {
  PPPOL2TP_OPTIONS,
  type Pppol2tpOption,
  Pppol2tpSocket,
  type Pppol2tpStatistics,
  type Pppol2tpTunnel,
} from "./ppp/pppol2tp.ts";
export { type LinuxProbe, probeLinux } from "./probe.ts";
