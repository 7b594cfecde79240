/** The Linux kernel's L2TP as a data plane. */

/** The kernel's generic netlink family `l2tp`, as tables and requests. */
export * as family from "./family.ts";
export { LinuxDataPlane, type LinuxOptions } from "./plane.ts";
export { type LinuxProbe, probeLinux } from "./probe.ts";
