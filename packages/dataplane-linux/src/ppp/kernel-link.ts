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
import { link as links, ppp } from "@l2tp/linux";
import type { Instant } from "@l2tp/protocol";
import { kernelError } from "../failure.ts";
import { FramePort } from "./frame-port.ts";
import type { PppHost } from "./host.ts";
import { Ipv6Control } from "./ipv6-control.ts";
import { LinkFrames } from "./link-frames.ts";
import { LinkNetwork } from "./link-network.ts";
import { checkAddresses, rateLimit } from "./link-settings.ts";
import { startMppe, stopMppe } from "./mppe.ts";
import { type Channel, createUnit, IPV4, IPV6, type Unit } from "./unit.ts";

/** From here on protocols are those of the link (LCP, authentication): the channel's; and those of single links. */
const LINK_PROTOCOLS = 0xc000;
const CCP_OF_A_LINK = 0x80fb;
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
  readonly #frames = new LinkFrames();
  #unit: Unit | undefined;
  #unitPort: FramePort | undefined;
  #network: LinkNetwork | undefined;
  /** The keys in use, or nothing. */
  #mppe = "";
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
      frame: (frame) => this.#frames.take(frame),
      gone: () => owner.lost("the PPP channel of the L2TP session is gone"),
    });
  }

  get unit(): Unit | undefined {
    return this.#unit;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#network?.addresses ?? [];
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
    return this.#frames.onFrame(handler);
  }

  /** A frame that the kernel did not take, see {@link LinkFrames.takeShort}. */
  receiveShort(frame: Uint8Array): void {
    if (this.#closing === undefined) this.#frames.takeShort(frame);
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
    await this.#network?.limit(configuration);
    await this.#encrypt(unit, configuration);
    await this.#network?.address(configuration);
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
        swallow: (frame) => this.#frames.swallow(frame),
        disconnect: () => ppp.disconnectChannelLater(this.#channel.fd),
        connect: async () => ppp.connectChannelLater(this.#channel.fd, await ppp.unitNumberLater(unit.fd)),
      },
      mppe,
    );
    this.#mppe = key;
  }

  async #makeUnit(): Promise<Unit> {
    const unit = await createUnit(this.#host, this.#channel.fd, this.#wantedName);
    if (this.#closing !== undefined) {
      await this.#host.kernel.units.remove(unit.fd, unit.index);
      this.#requireOpen();
    }
    this.#unit = unit;
    this.#madeAt = performance.now();
    this.#network = new LinkNetwork(this.#host, this.#settings, unit, (addresses) => {
      if (this.#closing === undefined) this.#host.addressesChanged(unit.name, addresses);
    });
    this.#openUnit(unit);
    this.ipv6Control.attach(unit);
    for (const protocol of ["ipv4", "ipv6"] as const) {
      if (this.#gates[protocol] === "pass") await ppp.setNetworkMode(unit.fd, NUMBERS[protocol], "pass");
    }
    return unit;
  }

  #openUnit(unit: Unit): void {
    this.#unitPort = new FramePort(unit.fd, {
      frame: (frame) => this.#frames.take(frame),
      gone: () => this.#owner.lost(`its interface ${unit.name} was deleted`),
    });
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
    return this.#frames.onMppeLost(handler);
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
      this.#frames.close();
      await this.#work;
      this.ipv6Control.close();
      this.#unitPort?.close();
      await this.#network?.clear();
      const unit = this.#unit;
      if (unit !== undefined) await this.#host.kernel.units.remove(unit.fd, unit.index);
    })();
    return this.#closing;
  }
}

/** Octets as text, for comparing. */
const plain = (value: unknown): unknown => (value instanceof Uint8Array ? value.join() : value);
