/**
 * A PPP link through `/dev/ppp`: frames of LCP and authentication on the descriptor of the session's channel, those of
 * network control protocols on that of its unit, the interface pppN, which carries the packets by itself.
 *
 * The unit is made when a network protocol is up: who cannot authenticate gets no interface, and a session that is bridged
 * to another needs none. Until then the channel's descriptor has the frames of all protocols.
 */
import {
  type InterfaceAddress,
  PlaneError,
  type PppLink,
  type PppLinkConfiguration,
  type PppLinkSettings,
  type PppNetworkProtocol,
} from "@l2tp/dataplane";
import {
  defaultDestinations,
  interfaceOfNetwork,
  link as links,
  PointToPoint,
  type PointToPointRoute,
  ppp,
} from "@l2tp/linux";
import type { Instant } from "@l2tp/protocol";
import { kernelError } from "../failure.ts";
import { pathTo } from "../path.ts";
import { FramePort } from "./frame-port.ts";
import type { PppHost } from "./host.ts";
import { Ipv6Control } from "./ipv6-control.ts";
import {
  addressesOf,
  checkAddresses,
  defaultFamilies,
  destinationsOf,
  rateLimit,
  sourcesOf,
} from "./link-settings.ts";
import { startMppe, stopMppe } from "./mppe.ts";
import { sourceFilter } from "./source-filter.ts";
import { type Channel, closeUnit, createUnit, IPV4, IPV6, setIpv6Switch, type Unit } from "./unit.ts";

/** Frames that are kept until there is a handler. */
const EARLY_FRAMES = 64;
/** From here on protocols are those of the link (LCP, authentication): the channel's; and those of single links. */
const LINK_PROTOCOLS = 0xc000;
const CCP_OF_A_LINK = 0x80fb;
/** What the decompressor did not take. */
const COMPRESSED = 0x00fd;
/** How long the kernel may take for a frame from a pseudo-terminal to its reader. */
const SWALLOW_MS = 5_000;
/** How old the answer to "when was data last received" may be. */
const IDLE_MS = 10_000;

const NUMBERS = { ipv4: IPV4, ipv6: IPV6 } as const;

/** What a link tells its session. */
export interface KernelLinkOwner {
  /** It has ended by itself. */
  lost(reason: string): void;
  /** MTU of the interface, as it was set. */
  mtuChanged(mtuOctets: number): void;
}

export class KernelPppLink implements PppLink {
  readonly #host: PppHost;
  readonly #settings: PppLinkSettings;
  readonly #wantedName: string | undefined;
  readonly #owner: KernelLinkOwner;
  readonly #channel: FramePort;
  readonly ipv6Control: Ipv6Control;
  readonly #gates: Record<PppNetworkProtocol, "pass" | "drop"> = { ipv4: "drop", ipv6: "drop" };
  #early: Uint8Array[] = [];
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onMppeLost: (() => void) | undefined;
  #unit: Unit | undefined;
  #unitPort: FramePort | undefined;
  #network: PointToPoint | undefined;
  #addresses: readonly InterfaceAddress[] = [];
  #sources = "";
  /** The keys in use, or nothing. */
  #mppe = "";
  /** A frame of our own that comes in, see {@link startMppe}. */
  #expected: { readonly frame: string; readonly done: () => void } | undefined;
  /** What is done to the system is done in the order in which it was asked for. */
  #work: Promise<unknown> = Promise.resolve();
  #lastData: Instant = Number.NEGATIVE_INFINITY;
  #idle: NodeJS.Timeout | undefined;
  #madeAt: Instant = 0;
  #closing: Promise<void> | undefined;

  /** @param channel - owned from here on. */
  constructor(
    host: PppHost,
    settings: PppLinkSettings,
    wantedName: string | undefined,
    channel: Channel,
    owner: KernelLinkOwner,
  ) {
    this.#host = host;
    this.#settings = settings;
    this.#wantedName = wantedName;
    this.#owner = owner;
    this.ipv6Control = new Ipv6Control(host, () => this.#gates.ipv6 === "pass");
    this.#channel = new FramePort(channel.fd, {
      frame: (frame) => this.#receive(frame),
      gone: () => owner.lost("the PPP channel of the L2TP session is gone"),
    });
  }

  get unit(): Unit | undefined {
    return this.#unit;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new PlaneError("closed", `${this.#host.what} is closed`);
  }

  sendFrame(frame: Uint8Array): void {
    const protocol = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
    const ofLink = protocol >= LINK_PROTOCOLS || protocol === CCP_OF_A_LINK;
    // What is lost is asked for again, as on any line.
    if (ofLink || this.#unitPort === undefined) this.#channel.write(frame);
    else this.#unitPort.write(frame);
  }

  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#onFrame = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
    return disposable(() => {
      if (this.#onFrame === handler) this.#onFrame = undefined;
    });
  }

  /**
   * A frame that the kernel did not take, as its message is shorter than its longest header: an IPCP Terminate-Ack without
   * FF 03, say. With FF 03 or without, and one octet of protocol or two.
   */
  receiveShort(frame: Uint8Array): void {
    if (this.#closing !== undefined) return;
    const bare = frame[0] === 0xff && frame[1] === 0x03 ? frame.subarray(2) : frame;
    const compressed = ((bare[0] ?? 0) & 1) === 1;
    if (bare.length < (compressed ? 1 : 2)) return;
    this.#receive(compressed ? Uint8Array.of(0, ...bare) : bare.slice());
  }

  #receive(frame: Uint8Array): void {
    const protocol = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
    if (this.#expected !== undefined && this.#expected.frame === frame.join()) {
      this.#expected.done();
      return;
    }
    if (protocol === COMPRESSED) {
      this.#onMppeLost?.();
      return;
    }
    // Data from a peer that is early: there is no interface yet.
    if (protocol === IPV4 || protocol === IPV6) return;
    if (this.#onFrame !== undefined) this.#onFrame(frame);
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame);
  }

  /** One after the other; what fails does not keep the next from being done. */
  #run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  configure(configuration: PppLinkConfiguration): Promise<void> {
    return this.#run(async () => {
      this.#requireOpen();
      try {
        await this.#configure(configuration);
      } catch (error) {
        this.#requireOpen();
        throw kernelError(error, `${this.#host.what}: its interface`, {
          EEXIST: "address-in-use",
          EINVAL: "invalid-parameters",
          ENODEV: "closed",
        });
      }
    });
  }

  async #configure(configuration: PppLinkConfiguration): Promise<void> {
    const { what } = this.#host;
    if (configuration.rateLimit !== undefined) throw rateLimit(what);
    const { ipv4, ipv6, mppe } = configuration;
    if (this.#unit === undefined && (ipv4 ?? ipv6 ?? mppe) === undefined) return;
    checkAddresses(what, configuration);
    const unit = this.#unit ?? (await this.#makeUnit());
    await ppp.setMru(unit.fd, configuration.mru);
    await this.#host.kernel.route.run(
      links.set({ index: unit.index }, { mtuOctets: configuration.mtu, up: true }),
    );
    this.#owner.mtuChanged(configuration.mtu);
    await this.#filter(unit, configuration);
    await this.#encrypt(unit, configuration);
    await this.#address(unit, configuration);
  }

  /** With the same keys it goes on: to begin anew would lose the place. */
  async #encrypt(unit: Unit, { mppe }: PppLinkConfiguration): Promise<void> {
    const key = mppe === undefined ? "" : JSON.stringify(mppe, (_, value) => plain(value));
    if (key === this.#mppe) return;
    this.#mppe = "";
    if (mppe === undefined) return stopMppe(unit);
    await startMppe(
      this.#host,
      {
        unit,
        write: (frame) => void this.#unitPort?.write(frame),
        swallow: (frame) => this.#swallow(frame),
        disconnect: () => ppp.disconnectChannelLater(this.#channel.fd),
        connect: async () => ppp.connectChannelLater(this.#channel.fd, await ppp.unitNumberLater(unit.fd)),
      },
      mppe,
    );
    this.#mppe = key;
  }

  /** Waits for a frame that is not the peer's, and hands it to nobody. */
  #swallow(frame: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#expected = undefined;
        reject(new Error("the kernel did not take its Configure-Ack"));
      }, SWALLOW_MS);
      const done = () => {
        clearTimeout(late);
        this.#expected = undefined;
        resolve();
      };
      this.#expected = { frame: frame.join(), done };
    });
  }

  async #makeUnit(): Promise<Unit> {
    const unit = await createUnit(this.#host, this.#channel.fd, this.#wantedName);
    if (this.#closing !== undefined) {
      await closeUnit(unit.fd);
      this.#requireOpen();
    }
    this.#unit = unit;
    this.#madeAt = performance.now();
    this.#network = new PointToPoint(this.#host.kernel.route, unit.index);
    this.#openUnit(unit);
    this.ipv6Control.attach(unit);
    for (const protocol of ["ipv4", "ipv6"] as const) {
      if (this.#gates[protocol] === "pass") await ppp.setNetworkMode(unit.fd, NUMBERS[protocol], "pass");
    }
    return unit;
  }

  #openUnit(unit: Unit): void {
    this.#unitPort = new FramePort(unit.fd, {
      frame: (frame) => this.#receive(frame),
      gone: () => this.#owner.lost(`its interface ${unit.name} was deleted`),
    });
  }

  /** Where only the peer's own addresses pass. */
  async #filter(unit: Unit, configuration: PppLinkConfiguration): Promise<void> {
    if (this.#settings.checkSource !== true) return;
    const sources = sourcesOf(configuration, this.#settings);
    if (this.#sources === sources.join()) return;
    await ppp.setFilter(unit.fd, sourceFilter(sources));
    this.#sources = sources.join();
  }

  async #address(unit: Unit, configuration: PppLinkConfiguration): Promise<void> {
    const { what } = this.#host;
    const addresses = addressesOf(what, configuration);
    if (configuration.ipv6 !== undefined) {
      this.#host.kernel.inNamespace(() => setIpv6Switch(unit.name, "disable_ipv6", "0"));
    }
    const destinations = destinationsOf(configuration, this.#settings);
    const routes: PointToPointRoute[] = [
      ...(await this.#defaultRoutes(unit, configuration, destinations)),
      ...destinations.map((destination) => ({ destination })),
    ];
    const { proxyArp = false } = this.#settings;
    const peer = configuration.ipv4?.peer;
    const proxies =
      proxyArp === false || peer === undefined
        ? []
        : [{ address: peer, interfaceIndex: await this.#proxyOn(proxyArp, peer, unit) }];
    await this.#network?.replace({ addresses, routes, proxies });
    try {
      await this.#host.refuseLoop(unit.index, unit.name);
    } catch (error) {
      await this.#network?.replace({ addresses: [], routes: [], proxies: [] });
      throw error;
    }
    const before = JSON.stringify(this.#addresses);
    this.#addresses = addresses;
    if (JSON.stringify(addresses) !== before && this.#closing === undefined) {
      this.#host.addressesChanged(unit.name, addresses);
    }
  }

  async #defaultRoutes(
    unit: Unit,
    configuration: PppLinkConfiguration,
    destinations: readonly string[],
  ): Promise<PointToPointRoute[]> {
    const { kernel, carrier } = this.#host;
    const families = defaultFamilies(configuration, this.#settings);
    const own = carrier.peer.family;
    const swallowed = families.includes(own) || destinations.includes(own === 4 ? "0.0.0.0/0" : "::/0");
    const routes = swallowed ? await this.#aroundItself(unit) : [];
    for (const family of families) {
      const destinations = await defaultDestinations(kernel.route, family, unit.index);
      routes.push(...destinations.map((destination) => ({ destination })));
    }
    return routes;
  }

  /** The default route is to lead into the tunnel, but not for the tunnel's own packets. */
  async #aroundItself({ index }: Unit): Promise<PointToPointRoute[]> {
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

  async #proxyOn(proxyArp: true | string, peer: string, unit: Unit): Promise<number> {
    const { kernel, what } = this.#host;
    const fail = (text: string, cause?: unknown) =>
      new PlaneError("invalid-parameters", `${what}: proxy ARP for ${peer}: ${text}`, { cause });
    if (proxyArp !== true) {
      const found = await kernel.route.run(links.get({ name: proxyArp })).catch((error: unknown) => {
        throw fail(`there is no interface ${proxyArp}`, error);
      });
      return found.index;
    }
    const found = await interfaceOfNetwork(kernel.route, peer, unit.index);
    if (found === undefined) {
      throw fail("no interface has a network with this address; name the one to answer on");
    }
    return found;
  }

  /** @throws SyscallError */
  async setMtu(mtuOctets: number): Promise<void> {
    await this.#run(async () => {
      if (this.#unit === undefined) return;
      await this.#host.kernel.route.run(links.set({ index: this.#unit.index }, { mtuOctets }));
    });
  }

  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void {
    if (this.#closing !== undefined) return;
    this.#gates[protocol] = mode;
    const unit = this.#unit;
    if (unit === undefined) return;
    // Not behind what is being configured: gates close at once. The call fails only for a unit that is gone.
    void ppp.setNetworkMode(unit.fd, NUMBERS[protocol], mode).catch(() => {});
    if (mode === "pass") this.#idle ??= setInterval(() => this.#askIdle(), IDLE_MS).unref();
  }

  /** Asked for ahead of the question: the answer waits for a lock of the kernel's. */
  #askIdle(): void {
    const unit = this.#unit;
    if (unit === undefined) return;
    ppp.secondsSinceReceived(unit.fd).then(
      (seconds) => {
        const last = performance.now() - seconds * 1000;
        // The kernel counts from when the unit was made.
        if (last > this.#madeAt + 1000) this.#lastData = last;
      },
      () => {},
    );
  }

  resetMppe(): void {
    // The kernel sees the Reset-Ack that is sent, and begins anew by itself.
  }

  onMppeLost(handler: () => void): Disposable {
    this.#onMppeLost = handler;
    return disposable(() => {
      if (this.#onMppeLost === handler) this.#onMppeLost = undefined;
    });
  }

  lastDataReceived(): Instant {
    return this.#lastData;
  }

  /** Takes the channel from its unit, for a bridge. @throws SyscallError by rejection */
  detach(): Promise<void> {
    return this.#run(async () => {
      this.#requireOpen();
      if (this.#unit === undefined) return;
      // A unit without a channel reads as ended.
      this.#unitPort?.close();
      await ppp.disconnectChannelLater(this.#channel.fd);
    });
  }

  /** Gives it back. */
  attach(): Promise<void> {
    return this.#run(async () => {
      const unit = this.#unit;
      if (this.#closing !== undefined || unit === undefined) return;
      await ppp.connectChannelLater(this.#channel.fd, await ppp.unitNumberLater(unit.fd));
      this.#openUnit(unit);
    });
  }

  /** Takes the interface away, and what was made with it; the channel's descriptor stays the caller's. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      clearInterval(this.#idle);
      this.ipv6Control.close();
      this.#channel.close();
      this.#unitPort?.close();
      this.#onFrame = undefined;
      this.#onMppeLost = undefined;
      this.#early = [];
      await this.#work;
      this.ipv6Control.close();
      this.#unitPort?.close();
      await this.#network?.clear();
      if (this.#unit !== undefined) await closeUnit(this.#unit.fd);
    })();
    return this.#closing;
  }
}

/** Octets as text, for comparing. */
const plain = (value: unknown): unknown => (value instanceof Uint8Array ? value.join() : value);

const disposable = (dispose: () => void): Disposable => ({ [Symbol.dispose]: dispose });
