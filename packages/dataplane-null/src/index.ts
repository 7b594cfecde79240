/**
 * A data plane that carries no data: control messages over UDP by `node:dgram`, on any platform and without privileges.
 */
export { NullDataPlane } from "./plane.ts";
export type { NullSession } from "./session.ts";
export type { NullTunnel } from "./tunnel.ts";
export type { NullWire } from "./wire.ts";
