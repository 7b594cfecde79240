/** Where tunnels and sessions can be. */

/**
 * Where a tunnel is.
 * `starting`: the data plane is at work. `waiting-for-peer`: all is there but an answer of the peer.
 * `retrying`: for the next try. `idle`: not wanted now; `dial()` brings it up.
 */
export type TunnelState = "starting" | "waiting-for-peer" | "up" | "retrying" | "idle" | "closed";

/**
 * Where a session is.
 * `waiting`: for its tunnel. `starting`: the data plane is at work; of a call, also the other end, and PPP.
 * `retrying`: for the next try. `idle`: not wanted now; `dial()` brings it up.
 */
export type SessionState = "waiting" | "starting" | "up" | "retrying" | "idle" | "closed";
