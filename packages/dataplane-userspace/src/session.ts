/** A session: a TAP interface, and its entries in the two packet threads. */
import { close } from "node:fs";
import {
  checkSession,
  checkSessionChange,
  interfaceMtu,
  PlaneError,
  type PlaneStatistics,
  planeError,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
  USUAL_PATH_MTU,
} from "@l2tp/dataplane";
import { abi, interfaceIndex, openTun, type TunInterface } from "@l2tp/linux";
import type { IpAddress, SocketAddress } from "@l2tp/protocol";
import type { HostedSession, TunnelHost } from "./host.ts";
import { MAX_DATA_HEADER, writeDataHeader } from "./packet/data-header.ts";
import { type MssLimits, mssLimits } from "./packet/mss.ts";
import type { Fragmentation } from "./sockets.ts";

/** As the kernel names its own. */
const DEFAULT_NAME = "l2tpeth%d";

/** What a session needs of its tunnel. */
export interface SessionOwner {
  readonly tunnelId: number;
  readonly local: IpAddress | undefined;
  readonly peer: SocketAddress;
  /** The peer as a `sockaddr`. */
  readonly address: Uint8Array;
  destination(fragmentation: Fragmentation): Promise<number>;
}

export class UserspaceSession implements SessionPlane, HostedSession {
  readonly sessionId: number;
  readonly interfaceIndex: number;
  readonly row: number;
  readonly #wire: TunnelHost;
  readonly #tunnel: SessionOwner;
  readonly #parameters: SessionPlaneParameters;
  readonly #tap: TunInterface;
  readonly #onGone: (session: UserspaceSession) => void;
  #mtuOctets: number;
  #looping = false;
  #closing: Promise<void> | undefined;

  private constructor(
    wire: TunnelHost,
    tunnel: SessionOwner,
    parameters: SessionPlaneParameters,
    onGone: (session: UserspaceSession) => void,
    made: { row: number; tap: TunInterface; interfaceIndex: number; mtuOctets: number },
  ) {
    this.sessionId = parameters.sessionId;
    this.#wire = wire;
    this.#tunnel = tunnel;
    this.#parameters = parameters;
    this.#onGone = onGone;
    this.row = made.row;
    this.#tap = made.tap;
    this.interfaceIndex = made.interfaceIndex;
    this.#mtuOctets = made.mtuOctets;
  }

  /**
   * Makes the interface and begins to carry packets; on failure nothing is left.
   *
   * @param onGone - called once, when the session has ended for whatever reason.
   * @throws PlaneError
   */
  static async create(
    wire: TunnelHost,
    tunnel: SessionOwner,
    parameters: SessionPlaneParameters,
    onGone: (session: UserspaceSession) => void,
  ): Promise<UserspaceSession> {
    checkSession(parameters, 3, wire.capabilities);
    const { sessionId } = parameters;
    const what = `tunnel ${tunnel.tunnelId}, session ${sessionId}`;
    const row = wire.claim(sessionId, tunnel.tunnelId);
    let tap: TunInterface | undefined;
    try {
      wire.network.watch();
      const mtuOctets = parameters.mtu?.mtuOctets ?? (await pathMtu(wire, tunnel, parameters));
      const made = wire.inNamespace(() => {
        tap = openTap(wire, parameters.interface?.name ?? DEFAULT_NAME);
        return { row, tap, interfaceIndex: interfaceIndex(tap.name), mtuOctets };
      });
      await wire.network.setUp(made.interfaceIndex, mtuOctets, parameters.interface ?? {});
      await refuseLoop(wire, tunnel, made.interfaceIndex, made.tap.name);
      const session = new UserspaceSession(wire, tunnel, parameters, onGone, made);
      await session.#begin();
      wire.adopt(session);
      return session;
    } catch (error) {
      tap?.close();
      wire.release(sessionId, row);
      throw planeError(error, what, {
        EADDRNOTAVAIL: "invalid-parameters", // A MAC or IP address that no interface can have.
        EBUSY: "name-in-use",
        EEXIST: "name-in-use",
        EINVAL: "invalid-parameters",
        ENODEV: "not-available",
        ENOENT: "not-available",
        ENXIO: "not-available",
        ERANGE: "invalid-parameters",
      });
    }
  }

  /** The receiver first: what the peer answers must find its session. */
  async #begin(): Promise<void> {
    const { sessionId, row } = this;
    const p = this.#parameters;
    const sublayer = p.l2SpecificSublayer === "default";
    const mss = this.#mss();
    const tap = this.#tap.fd;
    const header = new Uint8Array(MAX_DATA_HEADER);
    const length = writeDataHeader(new DataView(header.buffer), 0, {
      encapsulation: this.#wire.encapsulation,
      peerSessionId: p.peerSessionId,
      peerCookie: p.peerCookie,
      sublayer,
    });
    const destination = await this.#tunnel.destination(p.mtu?.dontFragment ?? "path");
    await this.#wire.receiver.order({
      do: "add-receiver",
      session: {
        row,
        tap,
        sessionId,
        tunnelId: this.tunnelId,
        cookie: p.cookie.slice(),
        sublayer,
        receiveSequence: p.receiveSequence,
        reorderMs: p.reorderMs,
        mss,
        peer: this.#tunnel.address,
      },
    });
    try {
      await this.#wire.sender.order({
        do: "add-sender",
        session: {
          row,
          tap,
          destination,
          header: header.slice(0, length),
          sublayer,
          sequence: p.sendSequence,
          mss,
        },
      });
    } catch (error) {
      await this.#wire.receiver.order({ do: "remove", row }).catch(() => {});
      throw error;
    }
  }

  get tunnelId(): number {
    return this.#tunnel.tunnelId;
  }

  get peer(): SocketAddress {
    return this.#tunnel.peer;
  }

  get interfaceName(): string {
    return this.#tap.name;
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  #mss(): MssLimits | undefined {
    return mssLimits(this.#parameters.mtu?.clampMss, this.#mtuOctets);
  }

  #requireOpen(): void {
    this.#wire.requireOpen();
    if (this.#closing !== undefined) {
      throw new PlaneError(
        "closed",
        `tunnel ${this.tunnelId}, session ${this.sessionId} is closed in the data plane`,
      );
    }
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.#requireOpen();
    checkSessionChange(change, this.#parameters, 3);
    const { sender, receiver, network } = this.#wire;
    const { sendSequence, receiveSequence, reorderMs, mtuOctets } = change;
    const { row } = this;
    if (receiveSequence !== undefined || reorderMs !== undefined) {
      await receiver.order({
        do: "set-sequence",
        row,
        ...(receiveSequence === undefined ? {} : { receive: receiveSequence }),
        ...(reorderMs === undefined ? {} : { reorderMs }),
      });
    }
    if (sendSequence !== undefined) await sender.order({ do: "set-sequence", row, send: sendSequence });
    if (mtuOctets !== undefined) {
      try {
        await network.setMtu(this.interfaceIndex, mtuOctets);
      } catch (error) {
        throw planeError(error, `${this.interfaceName}: MTU ${mtuOctets}`, { EINVAL: "invalid-parameters" });
      }
      this.#mtuOctets = mtuOctets;
      const mss = this.#mss();
      await Promise.all([
        receiver.order({ do: "set-mss", row, mss }),
        sender.order({ do: "set-mss", row, mss }),
      ]);
    }
  }

  async statistics(): Promise<PlaneStatistics> {
    this.#requireOpen();
    return this.#wire.rowStatistics(this.row);
  }

  async setLooping(looping: boolean): Promise<void> {
    if (looping === this.#looping || this.#closing !== undefined) return;
    this.#looping = looping;
    await this.#wire.sender.order({ do: "block", row: this.row, blocked: looping }).catch(() => {});
    if (looping) {
      this.#wire.notice({
        type: "send-failed",
        tunnelId: this.tunnelId,
        code: "route-through-itself",
        count: 1,
      });
    }
  }

  async lost(reason: string): Promise<void> {
    if (this.#closing !== undefined) return;
    const { tunnelId, sessionId } = this;
    await this[Symbol.asyncDispose]();
    this.#wire.notice({ type: "session-lost", tunnelId, sessionId, reason });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The threads let go of the descriptor before it is closed, and its number given to another. */
  async #close(): Promise<void> {
    const { row, sessionId } = this;
    const { sender, receiver } = this.#wire;
    await Promise.all([
      sender.order({ do: "remove", row }).catch(() => {}),
      receiver.order({ do: "remove", row }).catch(() => {}),
    ]);
    await closeInBackground(this.#tap.fd);
    this.#wire.release(sessionId, row);
    this.#onGone(this);
  }
}

/** Taking an interface away takes the kernel some 20 ms: another thread waits for that. */
function closeInBackground(fd: number): Promise<void> {
  return new Promise((resolve) => {
    close(fd, () => resolve());
  });
}

/** Opens a TAP, with what the wire's step of offloads asks of it. */
function openTap(wire: TunnelHost, name: string): TunInterface {
  const { vnet } = wire.features;
  const tap = openTun({ kind: "tap", name, vnetHeader: vnet, exclusive: true });
  if (vnet) {
    const { TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN } = abi;
    for (const features of [
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
      TUN_F_CSUM,
    ]) {
      if (tap.setOffload(features)) break;
    }
  }
  return tap;
}

async function pathMtu(
  wire: TunnelHost,
  tunnel: SessionOwner,
  parameters: SessionPlaneParameters,
): Promise<number> {
  const path = await wire.network.path(tunnel.peer.address, source(wire, tunnel));
  return interfaceMtu(path?.mtuOctets ?? USUAL_PATH_MTU, {
    family: wire.local.family,
    encapsulation: wire.encapsulation,
    peerCookieLength: parameters.peerCookie.length,
    sublayer: parameters.l2SpecificSublayer === "default",
  });
}

/** The address that packets to the peer leave from, where the system does not choose it. */
function source(wire: TunnelHost, tunnel: SessionOwner): IpAddress | undefined {
  return tunnel.local ?? (wire.sockets.wildcard ? undefined : wire.local.address);
}

/** @throws PlaneError `route-through-itself` */
async function refuseLoop(
  wire: TunnelHost,
  tunnel: SessionOwner,
  index: number,
  name: string,
): Promise<void> {
  const path = await wire.network.path(tunnel.peer.address, source(wire, tunnel));
  if (path?.interfaceIndex !== index) return;
  throw new PlaneError(
    "route-through-itself",
    `with the addresses of ${name}, the route to the peer ${tunnel.peer.address} would lead through ${name} itself: ` +
      "each packet would be wrapped again and again. Give it addresses of another network, or a route to the peer " +
      "that is more specific",
  );
}
