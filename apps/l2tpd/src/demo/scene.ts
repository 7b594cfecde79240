/**
 * Two network namespaces with a cable between them. They have no name: descriptors hold them, so that they are
 * gone with the processes that have those, however these end.
 */
import {
  address as addresses,
  createNamespace,
  link,
  type NetworkNamespace,
  nlabi,
  runNetlink,
} from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";

/** The cable's ends have this name in both namespaces. */
export const CABLE = "wan0";

/** An end of the cable. */
export interface Outer {
  readonly outer: Pick<SocketAddress, "family" | "address">;
}

/** Both namespaces, in the order of the ends. */
export interface Scene extends Disposable {
  readonly namespaces: readonly [NetworkNamespace, NetworkNamespace];
}

/** @throws SyscallError EPERM without CAP_SYS_ADMIN; NetlinkError when there is no veth driver. */
export function buildScene(ends: readonly [Outer, Outer]): Scene {
  const a = createNamespace();
  try {
    const b = createNamespace();
    try {
      const request = link.add({ kind: "veth", name: CABLE, peer: { name: CABLE, namespace: b.fd } });
      runNetlink(nlabi.NETLINK_ROUTE, request, { namespace: a.fd });
      furnish(a, ends[0]);
      furnish(b, ends[1]);
      return {
        namespaces: [a, b],
        [Symbol.dispose]: () => {
          a.close();
          b.close();
        },
      };
    } catch (error) {
      b.close();
      throw error;
    }
  } catch (error) {
    a.close();
    throw error;
  }
}

/** Gives an end of the cable its address, and brings it and the loopback interface up. */
function furnish(namespace: NetworkNamespace, { outer }: Outer): void {
  const options = { namespace: namespace.fd };
  const cable = runNetlink(nlabi.NETLINK_ROUTE, link.get({ name: CABLE }), options);
  const { address, family } = outer;
  const entry = {
    index: cable.index,
    address,
    prefixLength: family === 4 ? 24 : 64,
    ...(family === 6 && { noDuplicateDetection: true }),
  };
  runNetlink(nlabi.NETLINK_ROUTE, addresses.add(entry), options);
  for (const name of ["lo", CABLE]) {
    runNetlink(nlabi.NETLINK_ROUTE, link.set({ name }, { up: true }), options);
  }
}
