import type { DataPlaneCapabilities } from "@l2tp/dataplane";

/** IP protocol 115 is missing: Node has no socket for it. */
export const CAPABILITIES: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp"],
  families: [4, 6],
  pseudowires: ["eth", "ppp", "pppac"],
  interfaces: false,
};
