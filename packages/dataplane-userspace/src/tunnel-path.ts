/** The way to a session's peer: how large its packets may be, and that they do not go round in circles. */
import { interfaceMtu, PlaneError, type SessionPlaneParameters, USUAL_PATH_MTU } from "@l2tp/dataplane";
import type { IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { TunnelHost } from "./host.ts";
import type { Fragmentation } from "./sockets.ts";
import type { DestinationRecord } from "./worker/messages.ts";

/** What a session needs of its tunnel. */
export interface SessionOwner {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly local: IpAddress | undefined;
  readonly peer: SocketAddress;
  /** The peer as a `sockaddr`. */
  readonly address: Uint8Array;
  /** The number that a wire's sending thread has for the peer, reached with this policy. */
  destination(fragmentation: Fragmentation, by: TunnelHost): Promise<number>;
  /** The same as any thread may use it. */
  destinationRecord(fragmentation: Fragmentation): DestinationRecord;
}

/** The MTU for the interface of a session that is not told one. */
export async function pathMtu(
  wire: TunnelHost,
  tunnel: SessionOwner,
  parameters: SessionPlaneParameters,
): Promise<number> {
  const path = await wire.network.path(tunnel.peer.address, source(wire, tunnel));
  return interfaceMtu(path?.mtuOctets ?? USUAL_PATH_MTU, {
    family: wire.local.family,
    encapsulation: wire.encapsulation,
    version: tunnel.version,
    pseudowire: parameters.pseudowire,
    peerCookieLength: parameters.peerCookie.length,
    sublayer: parameters.l2SpecificSublayer === "default",
    // Numbers can be turned on while the session is up.
    sequence: true,
  });
}

/** The address that packets to the peer leave from, where the system does not choose it. */
export function source(wire: TunnelHost, tunnel: SessionOwner): IpAddress | undefined {
  return tunnel.local ?? (wire.sockets.wildcard ? undefined : wire.local.address);
}

/** @throws PlaneError `route-through-itself` */
export async function refuseLoop(
  wire: TunnelHost,
  tunnel: SessionOwner,
  index: number,
  name: string,
): Promise<void> {
  // The interface is new, or has new routes.
  wire.network.forgetPaths();
  const path = await wire.network.path(tunnel.peer.address, source(wire, tunnel));
  if (path?.interfaceIndex !== index) return;
  throw new PlaneError(
    "route-through-itself",
    `with the addresses of ${name}, the route to the peer ${tunnel.peer.address} would lead through ${name} itself: ` +
      "each packet would be wrapped again and again. Give it addresses of another network, or a route to the peer " +
      "that is more specific",
  );
}
