/**
 * What a point-to-point interface puts into the system: addresses, routes, entries for which a host answers in place of
 * the peer (proxy ARP). Each new wish replaces the one before by its differences; what was made is taken away with it.
 */
import { SyscallError } from "./errors.ts";
import type { NetlinkRunner } from "./interface-settings.ts";
import { parseIp } from "./ip.ts";
import type { NetlinkMessage, NetlinkRequest } from "./netlink.ts";
import * as addresses from "./rtnetlink/address.ts";
import * as neighbours from "./rtnetlink/neighbour.ts";
import * as routes from "./rtnetlink/route.ts";

/** Destinations that are routes of their own wherever they lead. */
export type PointToPointRoute = { readonly destination: string } & (
  | { readonly gateway?: undefined }
  /** Not through the interface itself, and left where it is when somebody has made it already. */
  | { readonly gateway: string; readonly interfaceIndex: number }
);

/** The whole of what is wanted. */
export interface PointToPointWish {
  /** Of the interface; with `peer` the address of the other end. */
  readonly addresses: readonly {
    readonly address: string;
    readonly prefixLength: number;
    readonly peer?: string;
  }[];
  /** `10.0.0.0/8`, `2001:db8::/56`, `0.0.0.0/0`. */
  readonly routes: readonly PointToPointRoute[];
  /** Addresses to answer for on other interfaces. */
  readonly proxies: readonly { readonly address: string; readonly interfaceIndex: number }[];
}

/** One thing in the system. */
interface Item {
  readonly add: NetlinkRequest<void>;
  readonly remove: NetlinkRequest<void>;
  /** It goes with the interface. */
  readonly ofInterface: boolean;
  /** That it is there already is as good. */
  readonly mayExist: boolean;
}

/**
 * Addresses, routes and proxies of a point-to-point interface such as `ppp0`: each wish replaces the one before by its differences,
 * and what was there already is left alone.
 */
export class PointToPoint {
  readonly #netlink: NetlinkRunner;
  readonly #index: number;
  readonly #made = new Map<string, Item>();

  /** @param index - of the interface. */
  constructor(netlink: NetlinkRunner, index: number) {
    this.#netlink = netlink;
    this.#index = index;
  }

  /**
   * Makes it as wanted; on failure what was added is taken away again, and what was there before is there still.
   * @throws SyscallError: EEXIST for what somebody else has made; TypeError, RangeError for malformed addresses.
   */
  async replace(wish: PointToPointWish): Promise<void> {
    const wanted = this.#items(wish);
    const added: string[] = [];
    try {
      for (const [key, item] of wanted) {
        if (this.#made.has(key) || !(await this.#add(item))) continue;
        this.#made.set(key, item);
        added.push(key);
      }
    } catch (error) {
      for (const key of added.reverse()) await this.#take(key);
      throw error;
    }
    for (const key of [...this.#made.keys()]) if (!wanted.has(key)) await this.#take(key);
  }

  /** Takes away what does not go with the interface. */
  async clear(): Promise<void> {
    for (const [key, { ofInterface }] of [...this.#made]) {
      if (ofInterface) this.#made.delete(key);
      else await this.#take(key);
    }
  }

  #items(wish: PointToPointWish): Map<string, Item> {
    const items = new Map<string, Item>();
    const index = this.#index;
    for (const { address, prefixLength, peer } of wish.addresses) {
      const six = address.includes(":");
      const entry = {
        index,
        address,
        prefixLength,
        ...(peer !== undefined && { peer }),
        ...(six && { noDuplicateDetection: true }),
      };
      items.set(`address ${address}/${prefixLength} ${peer ?? ""}`, {
        add: addresses.add(entry),
        remove: addresses.remove(entry),
        ofInterface: true,
        mayExist: false,
      });
    }
    for (const route of wish.routes) {
      const { destination, gateway } = route;
      const entry =
        gateway === undefined
          ? { destination, interfaceIndex: index }
          : { destination, gateway, interfaceIndex: route.interfaceIndex };
      items.set(`route ${destination} ${gateway ?? ""} ${entry.interfaceIndex}`, {
        add: routes.add(entry),
        remove: routes.remove(entry),
        ofInterface: gateway === undefined,
        mayExist: gateway !== undefined,
      });
    }
    for (const { address, interfaceIndex } of wish.proxies) {
      const entry = { address, interfaceIndex, proxy: true };
      items.set(`proxy ${address} ${interfaceIndex}`, {
        add: neighbours.add(entry),
        remove: neighbours.remove(entry),
        ofInterface: false,
        mayExist: false,
      });
    }
    return items;
  }

  /** @returns whether it was added, and not there already. */
  async #add({ add, mayExist }: Item): Promise<boolean> {
    try {
      await this.#netlink.run(add);
      return true;
    } catch (error) {
      if (mayExist && error instanceof SyscallError && error.code === "EEXIST") return false;
      throw error;
    }
  }

  async #take(key: string): Promise<void> {
    const item = this.#made.get(key);
    this.#made.delete(key);
    // Somebody may have been faster, or the interface is gone.
    if (item !== undefined) await this.#netlink.run(item.remove).catch(() => {});
  }
}

/**
 * The interface whose own network has an address, for proxy ARP on it; `undefined` when none has.
 * @param except - index of the interface that leads to it.
 */
export async function interfaceOfNetwork(
  netlink: NetlinkRunner,
  address: string,
  except: number,
): Promise<number | undefined> {
  const wanted = parseIp(address).octets;
  let found: { readonly index: number; readonly prefixLength: number } | undefined;
  // One by one: a host may have ten thousand.
  const look = (message: NetlinkMessage) => {
    const one = addresses.decodeAddress(message);
    if (one === undefined || one.index === except || one.peer !== undefined) return;
    if (one.prefixLength <= (found?.prefixLength ?? -1) || one.prefixLength >= wanted.length * 8) return;
    if (isWithin(wanted, parseIp(one.address).octets, one.prefixLength)) found = one;
  };
  await netlink.run({ ...addresses.list(), each: look, decode: () => [] });
  return found?.index;
}

function isWithin(address: Uint8Array, network: Uint8Array, prefixLength: number): boolean {
  if (address.length !== network.length) return false;
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const mask = (0xff00 >> Math.min(8, prefixLength - bit)) & 0xff;
    if ((((address[bit / 8] ?? 0) ^ (network[bit / 8] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}
