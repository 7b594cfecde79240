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
import type { TunnelHost } from "./host.ts";
import { UserspacePppSession } from "./ppp-session.ts";
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
  readonly #sessions = new Set<UserspaceSession | UserspacePppSession>();
  /** Sending threads know a destination per fragmentation policy, as that is a property of the socket. */
  readonly #destinations = new Map<Fragmentation, number>();
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
    for (const fragmentation of this.#destinations.keys()) await this.#setDestination(fragmentation);
    await Promise.all([...this.#sessions].map((session) => session.bridged?.refresh()));
  }

  /** The peer as a `sockaddr`, for the receiving thread. */
  get address(): Uint8Array {
    return this.#encode(this.#peer);
  }

  /** The sending thread's number for the peer, reached with this policy. */
  async destination(fragmentation: Fragmentation): Promise<number> {
    if (!this.#destinations.has(fragmentation)) {
      const index = this.#wire.takeDestination();
      this.#destinations.set(fragmentation, index);
      try {
        await this.#setDestination(fragmentation);
      } catch (error) {
        this.#destinations.delete(fragmentation);
        this.#wire.releaseDestination(index);
        throw error;
      }
    }
    return this.#destinations.get(fragmentation) as number;
  }

  #setDestination(fragmentation: Fragmentation): Promise<void> {
    return this.#wire.sender.order({
      do: "set-destination",
      index: this.#destinations.get(fragmentation) as number,
      destination: this.destinationRecord(fragmentation),
    });
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

  async createSession(parameters: SessionPlaneParameters): Promise<SessionPlane> {
    this.#requireOpen();
    const made = parameters.pseudowire === "ppp" ? UserspacePppSession : UserspaceSession;
    const session: UserspaceSession | UserspacePppSession = await made.create(
      this.#wire,
      this,
      parameters,
      (gone) => {
        this.#sessions.delete(gone);
      },
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
    for (const index of this.#destinations.values()) {
      await this.#wire.sender.order({ do: "set-destination", index, destination: undefined }).catch(() => {});
      this.#wire.releaseDestination(index);
    }
    this.#wire.forgetTunnel(this.tunnelId);
  }
}
