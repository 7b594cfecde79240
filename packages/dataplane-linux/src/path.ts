/** The way to a peer, as the routing of a network namespace has it now. */
import { link, NetlinkError, type NetlinkRunner, route } from "@l2tp/linux";
import type { IpAddress } from "@l2tp/protocol";

/** How packets to a peer leave. */
export interface Path {
  readonly interfaceIndex: number;
  readonly mtuOctets: number;
  /** Where they go first, unless the peer is on the link. */
  readonly gateway: IpAddress | undefined;
  /** The address that they leave from. */
  readonly source: IpAddress | undefined;
}

/** @returns `undefined` when there is no way. */
export async function pathTo(
  netlink: NetlinkRunner,
  to: IpAddress,
  source: IpAddress | undefined,
): Promise<Path | undefined> {
  try {
    const bare = (address: IpAddress) => address.replace(/%.*$/, "");
    const found = await netlink.run(
      route.lookUp(bare(to), source === undefined ? {} : { source: bare(source) }),
    );
    const { interfaceIndex } = found;
    if ((found.kind !== "unicast" && found.kind !== "local") || interfaceIndex === undefined)
      return undefined;
    const { mtuOctets = 1500 } = await netlink.run(link.get({ index: interfaceIndex }));
    return {
      interfaceIndex,
      mtuOctets: Math.min(found.mtuOctets ?? Number.POSITIVE_INFINITY, mtuOctets),
      gateway: found.gateway,
      source: found.preferredSource,
    };
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}
