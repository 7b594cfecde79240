/** How a network interface is to be, set through rtnetlink in an order that works. */
import { SyscallError } from "./errors.ts";
import type { NetlinkRequest } from "./netlink.ts";
import * as addresses from "./rtnetlink/address.ts";
import * as links from "./rtnetlink/link.ts";

/** An address with the length of its network. */
export interface SettingsAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** The other end of a point-to-point link. */
  readonly peer?: string;
}

/** What is wanted of an interface; what is not mentioned stays as it is. */
export interface InterfaceSettings {
  readonly mtuOctets?: number;
  readonly macAddress?: string;
  /** Name of the bridge to be a port of. */
  readonly bridge?: string;
  readonly addresses?: readonly SettingsAddress[];
  readonly up?: boolean;
}

/** The bridge is not there, or is none. */
export class BridgeError extends Error {
  override readonly name = "BridgeError";
  readonly code = "ERR_NO_BRIDGE";
}

/** What runs requests, such as a `NetlinkSocket` of NETLINK_ROUTE. */
export interface NetlinkRunner {
  run<T>(request: NetlinkRequest<T>): Promise<T>;
}

/**
 * Sets an interface up: MTU and address first, then the bridge, its IP addresses, and up at last, so that nothing is
 * sent by a half-made one. In as few requests as there are differences.
 *
 * @throws {@link BridgeError}, or `SyscallError` with the request's name
 */
export async function applyInterfaceSettings(
  netlink: NetlinkRunner,
  which: { readonly index: number },
  settings: InterfaceSettings,
): Promise<void> {
  const { mtuOctets, macAddress, bridge, up } = settings;
  const ips = settings.addresses ?? [];
  const master = bridge === undefined ? undefined : await bridgeIndex(netlink, bridge);
  const first = {
    ...(mtuOctets !== undefined && { mtuOctets }),
    ...(macAddress !== undefined && { address: macAddress }),
  };
  // One request where nothing lies between.
  const together = up !== undefined && master === undefined && ips.length === 0;
  if (together || Object.keys(first).length > 0) {
    await netlink.run(links.set(which, { ...first, ...(together && { up }) }));
  }
  if (together) return;
  if (master !== undefined) await netlink.run(links.set(which, { master }));
  for (const { address, prefixLength, peer } of ips) {
    const entry = { index: which.index, address, prefixLength, ...(peer !== undefined && { peer }) };
    await netlink.run(addresses.add(entry));
  }
  if (up !== undefined) await netlink.run(links.set(which, { up }));
}

async function bridgeIndex(netlink: NetlinkRunner, name: string): Promise<number> {
  try {
    const found = await netlink.run(links.get({ name }));
    if (found.kind === "bridge") return found.index;
    throw new BridgeError(`${name} is no bridge but ${found.kind ?? "a network interface"}`);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "ENODEV") throw error;
    throw new BridgeError(`there is no bridge ${name}; ip link add ${name} type bridge makes one`, {
      cause: error,
    });
  }
}
