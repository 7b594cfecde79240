/** A PPP session: its link, its entries in the two packet threads, and an interface of its own, a shared one, or none. */
import {
  type Bridge,
  checkSession,
  type InterfaceAddress,
  type PppLinkConfiguration,
  type PppLinkSettings,
  planeError,
  type SessionPlane,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { interfaceIndex, type TunInterface } from "@l2tp/linux";
import type { SessionParts } from "./base-session.ts";
import { type Bridgeable, type Bridged, bridgeSessions } from "./bridging.ts";
import type { SendSide, SharedInterface, TunnelHost } from "./host.ts";
import { PppBaseSession } from "./ppp-base-session.ts";
import { addEntries, removeEntries } from "./ppp-entries.ts";
import { type LinkOwner, UserspacePppLink } from "./ppp-link.ts";
import { type PppInterface, PppNetwork } from "./ppp-network.ts";
import { type NamedPrefix, prefixesOf } from "./prefixes.ts";
import { openInterface } from "./tun-interface.ts";
import { pathMtu, type SessionOwner } from "./tunnel-path.ts";

/** As the TUN driver names its own. */
const DEFAULT_NAME = "tun%d";

/** Where a session's packets go: absent parts for a session that ends in the program. */
interface Attached {
  readonly at: PppInterface | undefined;
  /** An interface of its own. */
  readonly tun: TunInterface | undefined;
  readonly mtuOctets: number;
}

export class UserspacePppSession
  extends PppBaseSession<UserspacePppSession>
  implements SessionPlane, Bridgeable, LinkOwner
{
  readonly carries = "ppp";
  readonly link: UserspacePppLink;
  declare readonly interfaceName?: string;
  bridged: Bridged | undefined;
  readonly #attached: Attached;
  readonly #network: PppNetwork | undefined;
  #configuration: PppLinkConfiguration | undefined;

  private constructor(parts: SessionParts<UserspacePppSession>, attached: Attached) {
    super(parts);
    this.#attached = attached;
    const { wire, owner, parameters, mtuOctets } = parts;
    const settings = parameters.pppLink as PppLinkSettings;
    const { at } = attached;
    if (at !== undefined) {
      this.interfaceName = at.name;
      this.#network = new PppNetwork(wire, owner, at, settings, mtuOctets);
      if (at.shared === undefined) this.#network.quiet();
    }
    this.link = new UserspacePppLink(this, settings);
  }

  /**
   * Makes the interface, if it has one of its own, and begins to carry frames; on failure nothing is left.
   *
   * @param parameters - with `pppLink`.
   * @param onGone - called once, when the session has ended for whatever reason.
   * @throws PlaneError
   */
  static async create(
    wire: TunnelHost,
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    onGone: (session: UserspacePppSession) => void,
  ): Promise<UserspacePppSession> {
    checkSession(parameters, owner.version, wire.capabilities);
    const { sessionId } = parameters;
    const what = `tunnel ${owner.tunnelId}, session ${sessionId}`;
    const settings = parameters.pppLink as PppLinkSettings;
    const row = wire.claim(owner.version, sessionId, owner.tunnelId);
    let attached: Attached | undefined;
    let out: SendSide | undefined;
    try {
      wire.network.watch();
      attached = await attach(wire, owner, parameters, settings);
      out = sendSide(wire, attached);
      const { mtuOctets } = attached;
      const parts = { wire, owner, parameters, row, mtuOctets, onGone, ...(out !== undefined && { out }) };
      const session = new UserspacePppSession(parts, attached);
      await session.#begin();
      wire.adopt(session);
      attached.at?.shared?.users.add(session);
      return session;
    } catch (error) {
      attached?.tun?.close();
      out?.wire.giveRow(out.row);
      wire.release(owner.version, sessionId, owner.tunnelId, row);
      throw planeError(error, what, {
        EBUSY: "name-in-use",
        EEXIST: "name-in-use",
        EINVAL: "invalid-parameters",
        ENODEV: "not-available",
        ENOENT: "not-available",
        ENXIO: "not-available",
      });
    }
  }

  async #begin(): Promise<void> {
    const { at, tun } = this.#attached;
    const { to } = (this.parameters.pppLink as PppLinkSettings).attach;
    await addEntries(this, this.parameters, {
      path: to,
      shared: at?.shared?.number ?? -1,
      // Who shares an interface writes to it, too, and does not read it.
      tap: { write: tun?.fd ?? at?.shared?.tun.fd ?? -1, read: tun?.fd ?? -1 },
    });
  }

  get interfaceIndex(): number {
    return this.#attached.at?.index ?? -1;
  }

  get unsent(): number {
    return this.link.unsent;
  }

  get addresses(): readonly InterfaceAddress[] {
    const { ipv4, ipv6 } = this.#configuration ?? {};
    return [
      ...(ipv4?.local === undefined
        ? []
        : [{ address: ipv4.local, prefixLength: 32, ...(ipv4.peer !== undefined && { peer: ipv4.peer }) }]),
      ...(ipv6 === undefined ? [] : [{ address: ipv6.local, prefixLength: 64, peer: ipv6.peer }]),
      ...(ipv6?.addresses ?? []).map((text) => {
        const [address = "", length] = text.split("/");
        return { address, prefixLength: Number(length ?? 128) };
      }),
    ];
  }

  /** Of the peer, by the configuration that there is: read from it again, as there are thousands of sessions. */
  get #prefixes(): readonly NamedPrefix[] {
    const settings = this.parameters.pppLink as PppLinkSettings;
    return this.#configuration === undefined ? [] : prefixesOf(this.#configuration, settings).prefixes;
  }

  /** @internal For its link. */
  async apply(configuration: PppLinkConfiguration, prefixes: readonly NamedPrefix[]): Promise<void> {
    const { at } = this.#attached;
    const before = this.#prefixes;
    at?.shared?.own(this, before, prefixes);
    try {
      await this.#network?.configure(configuration, prefixes);
    } catch (error) {
      at?.shared?.own(this, prefixes, before);
      throw planeError(error, `${this.what}: ${this.interfaceName ?? "its link"}`, {
        EINVAL: "invalid-parameters",
        ERANGE: "invalid-parameters",
        EADDRNOTAVAIL: "invalid-parameters",
        ENODEV: "closed",
      });
    }
    this.#configuration = configuration;
    this.mtuOctets_ = configuration.mtu;
  }

  arrived(kind: number, octets: Uint8Array): void {
    if (!this.closed) this.link.arrived(kind, octets);
  }

  mppeLost(): void {
    if (!this.closed) this.link.mppeLost();
  }

  protected setMtu(mtuOctets: number): Promise<void> {
    return this.link.setMtu(mtuOctets);
  }

  async bridge(other: SessionPlane): Promise<Bridge> {
    this.requireOpen();
    return bridgeSessions(this, other);
  }

  /** Without an interface nothing comes back by it. */
  override async setLooping(looping: boolean): Promise<void> {
    if (this.#attached.at !== undefined) await super.setLooping(looping);
  }

  /** The threads let go of the descriptor before it is closed, and its number given to another. */
  protected async takeDown(): Promise<void> {
    const { wire, out } = this;
    const { at, tun } = this.#attached;
    at?.shared?.users.delete(this);
    await this.bridged?.end();
    await this.link.settled();
    await removeEntries(this);
    await this.#network?.close();
    at?.shared?.disown(this, this.#prefixes);
    if (tun !== undefined && at !== undefined) await wire.network.remove(tun.fd, at.index);
    if (out.wire !== wire) out.wire.giveRow(out.row);
  }
}

/** Who sends for the session: the wire that reads the interface that it shares, where that is not its own. */
function sendSide(wire: TunnelHost, { at }: Attached): SendSide | undefined {
  const other = at?.shared?.wire;
  if (other === undefined || other === wire) return undefined;
  const outRow = other.takeRow();
  return { wire: other, row: outRow, generation: other.generation(outRow) };
}

/** One for all sessions of an interface. */
const attachedToShared = new WeakMap<SharedInterface, Attached>();

function toShared(shared: SharedInterface): Attached {
  const { name, interfaceIndex: index, mtuOctets } = shared;
  const attached = attachedToShared.get(shared) ?? {
    at: { name, index, shared, up: true },
    tun: undefined,
    mtuOctets,
  };
  attachedToShared.set(shared, attached);
  return attached;
}

/** The interface that the settings ask for. */
async function attach(
  wire: TunnelHost,
  owner: SessionOwner,
  parameters: SessionPlaneParameters,
  settings: PppLinkSettings,
): Promise<Attached> {
  const mtuOctets = parameters.mtu?.mtuOctets ?? (await pathMtu(wire, owner, parameters));
  const { attach: to } = settings;
  if (to.to === "program") return { at: undefined, tun: undefined, mtuOctets };
  if (to.to === "shared") {
    const shared = await wire.sharedTuns.get(wire, to, mtuOctets);
    return toShared(shared);
  }
  const { tun, index } = wire.inNamespace(() => {
    const made = openInterface("tun", parameters.interface?.name ?? DEFAULT_NAME, wire.features.vnet);
    return { tun: made, index: interfaceIndex(made.name) };
  });
  try {
    await wire.network.setUp(index, mtuOctets, { up: false });
  } catch (error) {
    tun.close();
    throw error;
  }
  const up = parameters.interface?.up ?? true;
  return { at: { name: tun.name, index, shared: undefined, up }, tun, mtuOctets };
}
