/** Where the datagrams of a tunnel may come from (RFC 2661 §8.1), and when its peer has moved. */
import type { SocketAddress } from "@l2tp/protocol";
import type { PeerAddress } from "./names.ts";
import { sameEnd, type Tunnel } from "./state.ts";

/** Whether datagrams from there may belong to the tunnel. */
export function acceptsFrom(tunnel: Tunnel, from: SocketAddress): boolean {
  if (tunnel.peer.address === from.address) {
    if (tunnel.peer.port === from.port || tunnel.settings.peerAddress !== "strict") return true;
    // The recipient of an SCCRQ "picks a free port on its own system" (RFC 2661 §8.1).
    return tunnel.originator && tunnel.peerTunnelId === 0;
  }
  if (tunnel.settings.peerAddress !== "roam") return false;
  // An SCCRP from elsewhere has to bring the answer to our challenge, or it ends the attempt.
  const awaited = tunnel.originator && tunnel.peerTunnelId === 0 && tunnel.challenge !== undefined;
  return awaited || (tunnel.authenticated && tunnel.state === "established");
}

/** Whether a datagram from there means that the peer has moved. */
export const hasMoved = (tunnel: Tunnel, from: PeerAddress): boolean =>
  !sameEnd(tunnel.peer, from) || tunnel.peer.local !== from.local || tunnel.peer.wire !== from.wire;
