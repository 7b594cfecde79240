/** What a PPP session needs of the system: addresses and routes of its interface, and proxies for its peer. */
import { PlaneError, type PppLinkConfiguration, type PppLinkSettings } from "@l2tp/dataplane";
import {
  address as addresses,
  defaultDestinations,
  link as links,
  neighbour as neighbours,
  route as routes,
} from "@l2tp/linux";
import { Applied, type Item } from "./applied.ts";
import type { SharedInterface, TunnelHost } from "./host.ts";
import { covers, type NamedPrefix, parsePrefix } from "./prefixes.ts";
import { splitAddress } from "./shared-tun.ts";
import { trySwitch } from "./sysctl.ts";
import { refuseLoop, type SessionOwner, source } from "./tunnel-path.ts";

/** fe80::/64: what is on the link. */
const LINK_LOCAL_LENGTH = 64;

/** The interface that packets go through: the session's own, or one that it shares. */
export interface PppInterface {
  readonly name: string;
  readonly index: number;
  readonly shared: SharedInterface | undefined;
  /** Bring it up. */
  readonly up: boolean;
}

export class PppNetwork {
  readonly #wire: TunnelHost;
  readonly #tunnel: SessionOwner;
  readonly #at: PppInterface;
  readonly #settings: PppLinkSettings;
  /** Made for the first item: most of those that share an interface put nothing into the system. */
  #applied: Applied | undefined;
  #mtuOctets: number;
  #isUp = false;

  constructor(
    wire: TunnelHost,
    tunnel: SessionOwner,
    at: PppInterface,
    settings: PppLinkSettings,
    mtuOctets: number,
  ) {
    this.#wire = wire;
    this.#tunnel = tunnel;
    this.#at = at;
    this.#settings = settings;
    this.#mtuOctets = mtuOctets;
  }

  /**
   * Makes the system as the link is.
   * @param prefixes - of the peer.
   * @throws PlaneError
   */
  async configure(configuration: PppLinkConfiguration, prefixes: readonly NamedPrefix[]): Promise<void> {
    const { network } = this.#wire;
    const { index, name, shared, up } = this.#at;
    const { mtu, ipv6 } = configuration;
    if (shared === undefined) {
      if (ipv6 !== undefined) this.#switch("disable_ipv6", "0");
      if (mtu !== this.#mtuOctets) {
        await network.run(links.set({ index }, { mtuOctets: mtu }));
        this.#mtuOctets = mtu;
      }
      if (up && !this.#isUp) {
        await network.run(links.set({ index }, { up: true }));
        this.#isUp = true;
      }
    }
    const items = [
      ...(shared === undefined ? this.#addresses(configuration) : []),
      ...this.#routes(configuration, prefixes),
      ...(await this.#defaultRoute(configuration)),
      ...(await this.#proxies(configuration)),
    ];
    if (items.length === 0 && this.#applied === undefined) return;
    this.#applied ??= new Applied(network);
    await this.#applied.replace(items);
    if (items.length === 0) return;
    try {
      await refuseLoop(this.#wire, this.#tunnel, index, name);
    } catch (error) {
      await this.#applied.replace([]);
      throw error;
    }
  }

  /** The interface is new: it makes no addresses of its own, and asks nobody for any. */
  quiet(): void {
    this.#switch("addr_gen_mode", "1");
    this.#switch("accept_ra", "0");
    this.#switch("router_solicitations", "0");
  }

  #switch(name: string, value: string): void {
    this.#wire.inNamespace(() => trySwitch(`ipv6/conf/${this.#at.name}/${name}`, value));
  }

  async close(): Promise<void> {
    await this.#applied?.clear();
  }

  #addresses({ ipv4, ipv6 }: PppLinkConfiguration): Item[] {
    const { index } = this.#at;
    const item = (entry: Parameters<typeof addresses.add>[0]): Item => ({
      key: `address ${entry.address}/${entry.prefixLength} ${entry.peer ?? ""}`,
      what: `the address ${entry.address} of ${this.#at.name}`,
      add: () => addresses.add(entry),
      remove: () => addresses.remove(entry),
      ofInterface: true,
    });
    const own = (address: string, prefixLength: number) =>
      item({ index, address, prefixLength, noDuplicateDetection: address.includes(":") });
    const list: Item[] = [];
    if (ipv4?.local !== undefined) {
      const { local, peer } = ipv4;
      list.push(item({ index, address: local, prefixLength: 32, ...(peer !== undefined && { peer }) }));
    }
    if (ipv6 !== undefined) {
      list.push(own(ipv6.local, LINK_LOCAL_LENGTH));
      for (const text of ipv6.addresses ?? []) {
        const { address, prefixLength } = splitAddress(text);
        list.push(own(address, prefixLength));
      }
    }
    return list;
  }

  /** To all that is behind the link, but what the system makes by itself or the routes of a pool have already. */
  #routes({ ipv4 }: PppLinkConfiguration, prefixes: readonly NamedPrefix[]): Item[] {
    const { shared } = this.#at;
    const peer = ipv4?.peer === undefined ? undefined : parsePrefix(ipv4.peer).text;
    return prefixes
      .filter((prefix) => {
        if (shared !== undefined) return !shared.routes.some((route) => covers(route, prefix));
        return prefix.text !== peer || ipv4?.local === undefined;
      })
      .map(({ text }) => this.#route({ destination: text, interfaceIndex: this.#at.index }, true));
  }

  #route(entry: Parameters<typeof routes.add>[0], ofInterface: boolean): Item {
    return {
      key: `route ${entry.destination} ${entry.gateway ?? ""} ${entry.interfaceIndex}`,
      what: `the route ${entry.destination}`,
      add: () => routes.add(entry),
      remove: () => routes.remove(entry),
      ofInterface: ofInterface && this.#at.shared === undefined,
    };
  }

  /** And one to the tunnel's peer, which must not go into the tunnel. */
  async #defaultRoute({ ipv4, ipv6 }: PppLinkConfiguration): Promise<Item[]> {
    if (this.#settings.defaultRoute !== true) return [];
    const interfaceIndex = this.#at.index;
    const families = [
      ...(ipv4 === undefined ? [] : [4 as const]),
      ...(ipv6 === undefined ? [] : [6 as const]),
    ];
    const to = this.#tunnel.peer;
    const items: Item[] = [];
    if (families.includes(to.family)) {
      const path = await this.#wire.network.path(to.address, source(this.#wire, this.#tunnel));
      // On the link, or local: more specific than a default route anyway.
      if (path?.gateway !== undefined && path.interfaceIndex !== interfaceIndex) {
        const { gateway } = path;
        const route = this.#route(
          { destination: to.address, gateway, interfaceIndex: path.interfaceIndex as number },
          false,
        );
        items.push({ ...route, sharedWithOthers: true });
      }
    }
    for (const family of families) {
      for (const destination of await defaultDestinations(this.#wire.network, family, interfaceIndex)) {
        items.push(this.#route({ destination, interfaceIndex }, true));
      }
    }
    return items;
  }

  /** Answers ARP for the peer on another interface. */
  async #proxies({ ipv4 }: PppLinkConfiguration): Promise<Item[]> {
    const { proxyArp = false } = this.#settings;
    const address = ipv4?.peer;
    if (proxyArp === false || address === undefined) return [];
    const name = proxyArp === true ? await this.#interfaceOf(address) : proxyArp;
    const { index } = await this.#wire.network.run(links.get({ name })).catch((error: unknown) => {
      throw new PlaneError("invalid-parameters", `proxy ARP for ${address}: no interface ${name}`, {
        cause: error,
      });
    });
    const entry = { interfaceIndex: index, address };
    return [
      {
        key: `proxy ${index} ${address}`,
        what: `the proxy ARP entry for ${address} on ${name}`,
        add: () => neighbours.add({ ...entry, proxy: true }),
        remove: () => neighbours.remove({ ...entry, proxy: true }),
      },
    ];
  }

  /** The interface that has the subnet of the address. */
  async #interfaceOf(address: string): Promise<string> {
    const wanted = parsePrefix(address);
    const { network } = this.#wire;
    const found = (await network.run(addresses.list())).find(
      ({ index, address: own, prefixLength, peer, family }) =>
        index !== this.#at.index &&
        family === 4 &&
        peer === undefined &&
        prefixLength < 32 &&
        covers(parsePrefix(`${own}/${prefixLength}`), wanted),
    );
    if (found === undefined) {
      throw new PlaneError(
        "invalid-parameters",
        `proxy ARP for ${address}: no interface has a network with this address; name the one to answer on`,
      );
    }
    return (await network.run(links.get({ index: found.index }))).name;
  }
}
