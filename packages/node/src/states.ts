/** Where tunnels and sessions can be. */

/**
 * Where a tunnel is.
 * `starting`: the data plane is at work. `waiting-for-peer`: all is there but an answer of the peer.
 * `retrying`: for the next try.
 */
export type TunnelState = "starting" | "waiting-for-peer" | "up" | "retrying" | "closed";

/**
 * Where a session is.
 * `waiting`: for its tunnel. `starting`: the data plane is at work. `retrying`: for the next try.
 */
export type SessionState = "waiting" | "starting" | "up" | "retrying" | "closed";
