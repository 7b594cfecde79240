/**
 * An L2TP data plane with no kernel module: Ethernet pseudowires on TAP interfaces and PPP on TUN interfaces or in the
 * program, over UDP or IP sockets, in worker threads. See docs/userspace-data-plane.md.
 */
export type { Offload } from "./features.ts";
export {
  enableForwarding,
  type ForwardingOptions,
  forwardingState,
  masqueradeCommands,
} from "./forwarding.ts";
export { UserspaceDataPlane, type UserspaceOptions } from "./plane.ts";
