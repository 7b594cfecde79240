/** What the interface of a link has in the system: addresses, routes, proxy ARP; which packets pass, and how large TCP's are. */
import {
  type InterfaceAddress,
  PlaneError,
  type PppLinkConfiguration,
  type PppLinkSettings,
} from "@l2tp/dataplane";
import {
  defaultDestinations,
  interfaceOfNetwork,
  link as links,
  PointToPoint,
  type PointToPointRoute,
  ppp,
} from "@l2tp/linux";
import { pathTo } from "../path.ts";
import type { PppHost } from "./host.ts";
import { addressesOf, defaultFamilies, destinationsOf, sourcesOf } from "./link-settings.ts";
import { sourceFilter } from "./source-filter.ts";
import { setIpv6Switch, type Unit } from "./unit.ts";

/** Kernels of which it was said that they cannot check sources: once, and not of each session. */
const told = new WeakSet<PppHost["kernel"]>();

export class LinkNetwork {
  readonly #host: PppHost;
  readonly #settings: PppLinkSettings;
  readonly #unit: Unit;
  readonly #changed: (addresses: readonly InterfaceAddress[]) => void;
  readonly #system: PointToPoint;
  readonly #setFilter: typeof ppp.setFilter;
  #addresses: readonly InterfaceAddress[] = [];
  #sources = "";
  /** Limits of the MSS in force, or nothing. */
  #mss = "";

  /** @param changed - its addresses have. @param setFilter - for tests. */
  constructor(
    host: PppHost,
    settings: PppLinkSettings,
    unit: Unit,
    changed: (addresses: readonly InterfaceAddress[]) => void,
    setFilter: typeof ppp.setFilter = ppp.setFilter,
  ) {
    this.#setFilter = setFilter;
    this.#host = host;
    this.#settings = settings;
    this.#unit = unit;
    this.#changed = changed;
    this.#system = new PointToPoint(host.kernel.route, unit.index);
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  /** Which packets pass: before there are addresses. @throws SyscallError */
  async limit(configuration: PppLinkConfiguration): Promise<void> {
    await this.#clamp(configuration.tcpMss);
    await this.#filter(configuration);
  }

  /** What TCP announces that is forwarded into the link and out of it. */
  async #clamp(limits: PppLinkConfiguration["tcpMss"]): Promise<void> {
    const after = limits === undefined ? "" : `${limits.ipv4} ${limits.ipv6}`;
    if (this.#mss === after) return;
    this.#mss = after;
    const { kernel } = this.#host;
    await kernel.mss.limit(this.#unit.index, limits, (why) => this.#host.missing("mss-clamp", why));
  }

  /** Where only the peer's own addresses pass. */
  async #filter(configuration: PppLinkConfiguration): Promise<void> {
    const { checkSource = false } = this.#settings;
    if (checkSource === false) return;
    const sources = sourcesOf(configuration, this.#settings);
    if (this.#sources === sources.join()) return;
    try {
      await this.#setFilter(this.#unit.fd, sourceFilter(sources));
    } catch (error) {
      await this.#goWithout(checkSource, error);
    }
    this.#sources = sources.join();
  }

  /** @throws PlaneError `unsupported` where it must not be gone without */
  async #goWithout(checkSource: true | "if-possible", cause: unknown): Promise<void> {
    const { kernel, what } = this.#host;
    const why =
      `the peer's packets cannot be held to its addresses: ${cause instanceof Error ? cause.message : cause}. ` +
      "That takes a kernel with CONFIG_PPP_FILTER, and a few hundred prefixes at most; the userspace data plane can do it";
    if (checkSource === true) throw new PlaneError("unsupported", `${what}: ${why}`, { cause });
    // What was there before would drop what is allowed now.
    if (this.#sources !== "") await this.#setFilter(this.#unit.fd, new Uint8Array(0)).catch(() => undefined);
    if (told.has(kernel)) return;
    told.add(kernel);
    this.#host.missing("check-source", why);
  }

  /** Addresses, routes and proxies. @throws PlaneError `route-through-itself`, `invalid-parameters`; SyscallError */
  async address(configuration: PppLinkConfiguration): Promise<void> {
    const unit = this.#unit;
    const { what } = this.#host;
    const addresses = addressesOf(what, configuration);
    if (configuration.ipv6 !== undefined) {
      this.#host.kernel.inNamespace(() => setIpv6Switch(unit.name, "disable_ipv6", "0"));
    }
    const destinations = destinationsOf(configuration, this.#settings);
    const routes: PointToPointRoute[] = [
      ...(await this.#defaultRoutes(configuration, destinations)),
      ...destinations.map((destination) => ({ destination })),
    ];
    const { proxyArp = false } = this.#settings;
    const peer = configuration.ipv4?.peer;
    const proxies =
      proxyArp === false || peer === undefined
        ? []
        : [{ address: peer, interfaceIndex: await this.#proxyOn(proxyArp, peer) }];
    await this.#system.replace({ addresses, routes, proxies });
    try {
      await this.#host.refuseLoop(unit.index, unit.name);
    } catch (error) {
      await this.#system.replace({ addresses: [], routes: [], proxies: [] });
      throw error;
    }
    const before = JSON.stringify(this.#addresses);
    this.#addresses = addresses;
    if (JSON.stringify(addresses) !== before) this.#changed(addresses);
  }

  async #defaultRoutes(
    configuration: PppLinkConfiguration,
    destinations: readonly string[],
  ): Promise<PointToPointRoute[]> {
    const { kernel, carrier } = this.#host;
    const families = defaultFamilies(configuration, this.#settings);
    const own = carrier.peer.family;
    const swallowed = families.includes(own) || destinations.includes(own === 4 ? "0.0.0.0/0" : "::/0");
    const routes = swallowed ? await this.#aroundItself() : [];
    for (const family of families) {
      const destinations = await defaultDestinations(kernel.route, family, this.#unit.index);
      routes.push(...destinations.map((destination) => ({ destination })));
    }
    return routes;
  }

  /** The default route is to lead into the tunnel, but not for the tunnel's own packets. */
  async #aroundItself(): Promise<PointToPointRoute[]> {
    const { index } = this.#unit;
    const { kernel, carrier } = this.#host;
    const { address } = carrier.peer;
    const path = await pathTo(kernel.route, address, undefined);
    // Without a gateway it is on the link, or local: more specific than a default route anyway.
    if (path?.gateway === undefined || path.interfaceIndex === index) return [];
    return [
      {
        destination: address.replace(/%.*$/, ""),
        gateway: path.gateway,
        interfaceIndex: path.interfaceIndex,
      },
    ];
  }

  async #proxyOn(proxyArp: true | string, peer: string): Promise<number> {
    const { kernel, what } = this.#host;
    const fail = (text: string, cause?: unknown) =>
      new PlaneError("invalid-parameters", `${what}: proxy ARP for ${peer}: ${text}`, { cause });
    if (proxyArp !== true) {
      const found = await kernel.route.run(links.get({ name: proxyArp })).catch((error: unknown) => {
        throw fail(`there is no interface ${proxyArp}`, error);
      });
      return found.index;
    }
    const found = await interfaceOfNetwork(kernel.route, peer, this.#unit.index);
    if (found === undefined) {
      throw fail("no interface has a network with this address; name the one to answer on");
    }
    return found;
  }

  /** Takes away what does not go with the interface. */
  async clear(): Promise<void> {
    await Promise.all([this.#system.clear(), this.#clamp(undefined)]);
  }
}
