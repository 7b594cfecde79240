/** A tunnel: who its peer is, and its sessions. It has no state in the packet threads but that of its sessions. */
import {
  PlaneError,
  type SessionPlane,
  type SessionPlaneParameters,
  type TunnelPlane,
  type TunnelPlaneParameters,
} from "@l2tp/dataplane";
import { encodeControl, packetInfoControl } from "@l2tp/linux";
import type { IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { type TunnelHost, tell } from "./host.ts";
import { UserspacePppSession } from "./ppp-session.ts";
import { PtySession } from "./pty-session.ts";
import { UserspaceSession } from "./session.ts";
import { encodeDestination, type Fragmentation } from "./sockets.ts";
import type { SessionOwner } from "./tunnel-path.ts";
import type { DestinationRecord } from "./worker/messages.ts";

export class UserspaceTunnel implements TunnelPlane, SessionOwner {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** Source address of what is sent; `undefined` when the wire or the system decides. */
  readonly local: IpAddress | undefined;
  readonly #wire: TunnelHost;
  readonly #checksum: boolean;
  readonly #sessions = new Set<UserspaceSession | UserspacePppSession | PtySession>();
  /**
   * Sending threads know a destination per fragmentation policy, as that is a property of the socket. Mostly there is one
   * thread, that of the wire.
   */
  readonly #destinations = new Map<TunnelHost, Map<Fragmentation, number>>();
  readonly #control: Uint8Array;
  #peer: SocketAddress;
  #closing: Promise<void> | undefined;

  /** @throws PlaneError `invalid-parameters` when an address is none. */
  constructor(wire: TunnelHost, parameters: TunnelPlaneParameters) {
    this.version = parameters.version;
    this.tunnelId = parameters.tunnelId;
    this.peerTunnelId = parameters.peerTunnelId;
    this.#wire = wire;
    this.#peer = parameters.peer;
    this.#checksum = parameters.udpChecksum ?? true;
    this.local = wire.sourceFor(parameters.local);
    this.#encode(parameters.peer);
    try {
      this.#control =
        this.local === undefined
          ? new Uint8Array(0)
          : encodeControl([packetInfoControl({ address: this.local, interfaceIndex: 0 })]);
    } catch (error) {
      throw new PlaneError("invalid-parameters", `tunnel ${this.tunnelId}: local address: ${String(error)}`, {
        cause: error,
      });
    }
  }

  get peer(): SocketAddress {
    return this.#peer;
  }

  #encode(peer: SocketAddress): Uint8Array {
    // The name of a scope (fe80::1%eth0) is one of the wire's namespace.
    return this.#wire.inNamespace(() => encodeDestination(peer, this.#wire.encapsulation));
  }

  #requireOpen(): void {
    this.#wire.requireOpen();
    if (this.#closing !== undefined)
      throw new PlaneError("closed", `tunnel ${this.tunnelId} is closed in the data plane`);
  }

  async update(change: { readonly peer?: SocketAddress }): Promise<void> {
    this.#requireOpen();
    if (change.peer === undefined) return;
    const { peer } = change;
    if (peer.family !== this.#wire.local.family) {
      throw new PlaneError(
        "invalid-parameters",
        `tunnel ${this.tunnelId}: the peer ${peer.address} is IPv${peer.family}, the wire IPv${this.#wire.local.family}`,
      );
    }
    const address = this.#encode(peer);
    this.#peer = peer;
    await this.#wire.receiver.order({ do: "set-peer", tunnelId: this.tunnelId, peer: address });
    for (const [by, numbers] of this.#destinations) {
      for (const [fragmentation, index] of numbers) await this.#setDestination(by, fragmentation, index);
    }
    await Promise.all([...this.#sessions].map((session) => session.bridged?.refresh()));
  }

  /** The peer as a `sockaddr`, for the receiving thread. */
  get address(): Uint8Array {
    return this.#encode(this.#peer);
  }

  async destination(fragmentation: Fragmentation, by: TunnelHost): Promise<number> {
    const numbers = this.#destinations.get(by) ?? new Map<Fragmentation, number>();
    this.#destinations.set(by, numbers);
    const known = numbers.get(fragmentation);
    if (known !== undefined) return known;
    const index = by.takeDestination();
    numbers.set(fragmentation, index);
    try {
      await this.#setDestination(by, fragmentation, index);
    } catch (error) {
      numbers.delete(fragmentation);
      by.releaseDestination(index);
      throw error;
    }
    return index;
  }

  #setDestination(by: TunnelHost, fragmentation: Fragmentation, index: number): Promise<void> {
    const destination = this.destinationRecord(fragmentation);
    return by.sender.order({ do: "set-destination", index, destination });
  }

  destinationRecord(fragmentation: Fragmentation): DestinationRecord {
    const udp = this.#wire.encapsulation === "udp";
    return {
      tunnelId: this.tunnelId,
      socket: this.#wire.sockets.sender(fragmentation, this.#checksum),
      address: this.#encode(this.#peer),
      control: this.#control,
      // The kernel cuts a GSO message only when it writes the checksums.
      gso: udp && this.#checksum && this.#wire.features.gso,
    };
  }

  /** One for all its sessions. */
  readonly #forget = (gone: UserspaceSession | UserspacePppSession | PtySession): void => {
    this.#sessions.delete(gone);
  };

  async createSession(parameters: SessionPlaneParameters): Promise<SessionPlane> {
    this.#requireOpen();
    const ofPpp = parameters.pppLink === undefined ? PtySession : UserspacePppSession;
    const made = parameters.pseudowire === "ppp" ? ofPpp : UserspaceSession;
    const session: UserspaceSession | UserspacePppSession | PtySession = await made.create(
      this.#wire,
      this,
      parameters,
      this.#forget,
    );
    this.#sessions.add(session);
    if (this.#closing !== undefined) {
      await session[Symbol.asyncDispose]();
      throw new PlaneError("closed", `tunnel ${this.tunnelId} was closed meanwhile`);
    }
    return session;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session[Symbol.asyncDispose]()));
    for (const [by, numbers] of this.#destinations) {
      for (const index of numbers.values()) {
        await tell(by.sender, { do: "set-destination", index, destination: undefined });
        by.releaseDestination(index);
      }
    }
    this.#wire.forgetTunnel(this.tunnelId);
  }
}
