/** A PPP session: its link, its entries in the two packet threads, and an interface of its own, a shared one, or none. */
import {
  type Bridge,
  checkSession,
  checkSessionChange,
  type InterfaceAddress,
  PlaneError,
  type PlaneStatistics,
  type PppLinkConfiguration,
  type PppLinkSettings,
  planeError,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { interfaceIndex, type TunInterface } from "@l2tp/linux";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { type Bridgeable, type Bridged, bridgeSessions } from "./bridging.ts";
import type { HostedSession, SendSide, TunnelHost } from "./host.ts";
import { addEntries, changeSequencing, removeEntries } from "./ppp-entries.ts";
import { type LinkOwner, UserspacePppLink } from "./ppp-link.ts";
import { type PppInterface, PppNetwork } from "./ppp-network.ts";
import type { NamedPrefix } from "./prefixes.ts";
import { closeInBackground, openInterface } from "./tun-interface.ts";
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

export class UserspacePppSession implements SessionPlane, HostedSession, Bridgeable, LinkOwner {
  readonly version: L2tpVersion;
  readonly carries = "ppp";
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly sessionId: number;
  readonly row: number;
  readonly generation: number;
  /** Sessions of several wires may share an interface: then the wire that reads it sends for all of them. */
  readonly out: SendSide;
  readonly link: UserspacePppLink;
  declare readonly interfaceName?: string;
  bridged: Bridged | undefined;
  #parameters: SessionPlaneParameters;
  readonly #attached: Attached;
  readonly #network: PppNetwork | undefined;
  readonly #onGone: (session: UserspacePppSession) => void;
  #prefixes: readonly NamedPrefix[] = [];
  #configuration: PppLinkConfiguration | undefined;
  #mtuOctets: number;
  #looping = false;
  #closing: Promise<void> | undefined;

  private constructor(
    wire: TunnelHost,
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    row: number,
    attached: Attached,
    out: SendSide,
    onGone: (session: UserspacePppSession) => void,
  ) {
    this.version = owner.version;
    this.wire = wire;
    this.owner = owner;
    this.sessionId = parameters.sessionId;
    this.row = row;
    this.generation = wire.generation(row);
    this.out = out;
    this.#parameters = parameters;
    this.#attached = attached;
    this.#mtuOctets = attached.mtuOctets;
    this.#onGone = onGone;
    const settings = parameters.pppLink as PppLinkSettings;
    const { at } = attached;
    if (at !== undefined) {
      this.interfaceName = at.name;
      this.#network = new PppNetwork(wire, owner, at, settings, attached.mtuOctets);
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
      out = sendSide(wire, row, attached);
      const session = new UserspacePppSession(wire, owner, parameters, row, attached, out, onGone);
      await session.#begin();
      wire.adopt(session);
      attached.at?.shared?.users.add(session);
      return session;
    } catch (error) {
      attached?.tun?.close();
      if (out !== undefined && out.wire !== wire) out.wire.giveRow(out.row);
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
    const { to } = (this.#parameters.pppLink as PppLinkSettings).attach;
    await addEntries(this, this.#parameters, {
      path: to,
      shared: at?.shared?.number ?? -1,
      // Who shares an interface writes to it, too, and does not read it.
      tap: { write: tun?.fd ?? at?.shared?.tun.fd ?? -1, read: tun?.fd ?? -1 },
    });
  }

  /** For messages. */
  get what(): string {
    return `tunnel ${this.tunnelId}, session ${this.sessionId}`;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  get tunnelId(): number {
    return this.owner.tunnelId;
  }

  get peer(): SocketAddress {
    return this.owner.peer;
  }

  get interfaceIndex(): number {
    return this.#attached.at?.index ?? -1;
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  get parameters(): SessionPlaneParameters {
    return this.#parameters;
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

  /** @internal For its link. */
  async apply(configuration: PppLinkConfiguration, prefixes: readonly NamedPrefix[]): Promise<void> {
    const { at } = this.#attached;
    const before = this.#prefixes;
    at?.shared?.own(this, this.what, before, prefixes);
    this.#prefixes = prefixes;
    try {
      await this.#network?.configure(configuration, prefixes);
    } catch (error) {
      at?.shared?.own(this, this.what, prefixes, before);
      this.#prefixes = before;
      throw planeError(error, `${this.what}: ${this.interfaceName ?? "its link"}`, {
        EINVAL: "invalid-parameters",
        ERANGE: "invalid-parameters",
        EADDRNOTAVAIL: "invalid-parameters",
        ENODEV: "closed",
      });
    }
    this.#configuration = configuration;
    this.#mtuOctets = configuration.mtu;
  }

  arrived(kind: number, octets: Uint8Array): void {
    if (this.#closing === undefined) this.link.arrived(kind, octets);
  }

  mppeLost(): void {
    if (this.#closing === undefined) this.link.mppeLost();
  }

  #requireOpen(): void {
    this.wire.requireOpen();
    if (this.#closing !== undefined) {
      throw new PlaneError("closed", `${this.what} is closed in the data plane`);
    }
  }

  /** Follows the LNS, unless numbers have come to be required since. */
  numbered(on: boolean): void {
    if (this.#closing !== undefined || this.#parameters.receiveSequence) return;
    // What fails, with the wire or the session gone, is as good as done.
    void this.update({ sendSequence: on }).catch(() => {});
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.#requireOpen();
    checkSessionChange(change, this.#parameters, this.version);
    const { mtuOctets, ...sequencing } = change;
    this.#parameters = { ...this.#parameters, ...sequencing };
    await changeSequencing(this, this.#parameters, sequencing);
    if (sequencing.sendSequence !== undefined) await this.bridged?.refresh();
    if (mtuOctets !== undefined) {
      await this.link.setMtu(mtuOctets);
      this.#mtuOctets = mtuOctets;
    }
  }

  async bridge(other: SessionPlane): Promise<Bridge> {
    this.#requireOpen();
    return bridgeSessions(this, other);
  }

  async statistics(): Promise<PlaneStatistics> {
    this.#requireOpen();
    return this.wire.rowStatistics(this.row);
  }

  async setLooping(looping: boolean): Promise<void> {
    const at = this.#attached.at;
    if (at === undefined || looping === this.#looping || this.#closing !== undefined) return;
    this.#looping = looping;
    if (this.bridged !== undefined) return;
    const { wire, row } = this.out;
    await wire.sender.order({ do: "block", row, blocked: looping }).catch(() => {});
    if (!looping) return;
    const { tunnelId } = this;
    this.wire.notice({ type: "send-failed", tunnelId, code: "route-through-itself", count: 1 });
  }

  async lost(reason: string): Promise<void> {
    if (this.#closing !== undefined) return;
    const { tunnelId, sessionId } = this;
    await this[Symbol.asyncDispose]();
    this.wire.notice({ type: "session-lost", tunnelId, sessionId, reason });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The threads let go of the descriptor before it is closed, and its number given to another. */
  async #close(): Promise<void> {
    const { row, sessionId, wire, tunnelId, version, out } = this;
    const { at, tun } = this.#attached;
    at?.shared?.users.delete(this);
    await this.bridged?.end();
    await this.link.settled();
    await removeEntries(this);
    await this.#network?.close();
    at?.shared?.disown(this, this.#prefixes);
    if (tun !== undefined) await closeInBackground(tun.fd);
    if (out.wire !== wire) out.wire.giveRow(out.row);
    wire.release(version, sessionId, tunnelId, row);
    this.#onGone(this);
  }
}

/** Who sends for the session: its wire, or the one that reads the interface that it shares. */
function sendSide(wire: TunnelHost, row: number, { at }: Attached): SendSide {
  const other = at?.shared?.wire;
  if (other === undefined || other === wire) return { wire, row, generation: wire.generation(row) };
  const outRow = other.takeRow();
  return { wire: other, row: outRow, generation: other.generation(outRow) };
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
    const { name, interfaceIndex: index } = shared;
    return { at: { name, index, shared, up: true }, tun: undefined, mtuOctets: shared.mtuOctets };
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
