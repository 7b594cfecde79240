/**
 * An L2TP data plane with no kernel module: Ethernet pseudowires on TAP interfaces, over UDP or IP sockets, in
 * worker threads. See docs/userspace-data-plane.md.
 */
export type { Offload } from "./features.ts";
export { UserspaceDataPlane, type UserspaceOptions } from "./plane.ts";
