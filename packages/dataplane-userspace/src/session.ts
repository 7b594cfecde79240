/** A session: a TAP interface, and its entries in the two packet threads. */
import {
  type Bridge,
  checkSession,
  checkSessionChange,
  PlaneError,
  type PlaneStatistics,
  planeError,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { interfaceIndex, type TunInterface } from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";
import { type Bridgeable, type Bridged, bridgeSessions } from "./bridging.ts";
import { headerRecord } from "./header-record.ts";
import type { HostedSession, TunnelHost } from "./host.ts";
import { type MssLimits, mssLimits } from "./packet/mss.ts";
import { closeInBackground, openInterface } from "./tun-interface.ts";
import { pathMtu, refuseLoop, type SessionOwner } from "./tunnel-path.ts";

/** As the kernel names its own. */
const DEFAULT_NAME = "l2tpeth%d";

export class UserspaceSession implements SessionPlane, HostedSession, Bridgeable {
  readonly version = 3;
  readonly carries = "eth";
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  bridged: Bridged | undefined;
  readonly sessionId: number;
  readonly interfaceIndex: number;
  readonly row: number;
  readonly #wire: TunnelHost;
  readonly #tunnel: SessionOwner;
  #parameters: SessionPlaneParameters;
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
    this.wire = wire;
    this.owner = tunnel;
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
    checkSession(parameters, tunnel.version, wire.capabilities);
    const { sessionId } = parameters;
    const what = `tunnel ${tunnel.tunnelId}, session ${sessionId}`;
    const row = wire.claim(3, sessionId, tunnel.tunnelId);
    let tap: TunInterface | undefined;
    try {
      wire.network.watch();
      const mtuOctets = parameters.mtu?.mtuOctets ?? (await pathMtu(wire, tunnel, parameters));
      const made = wire.inNamespace(() => {
        tap = openInterface("tap", parameters.interface?.name ?? DEFAULT_NAME, wire.features.vnet);
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
      wire.release(3, sessionId, tunnel.tunnelId, row);
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
    const destination = await this.#tunnel.destination(p.mtu?.dontFragment ?? "path", this.#wire);
    await this.#wire.receiver.order({
      do: "add-receiver",
      session: {
        row,
        tap,
        version: 3,
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
          header: headerRecord(this.#wire.encapsulation, this.#tunnel, p),
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
    if (sendSequence !== undefined) {
      this.#parameters = { ...this.#parameters, sendSequence };
      const header = headerRecord(this.#wire.encapsulation, this.#tunnel, this.#parameters);
      await sender.order({ do: "set-header", row, header });
      await this.bridged?.refresh();
    }
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

  get parameters(): SessionPlaneParameters {
    return this.#parameters;
  }

  async bridge(other: SessionPlane): Promise<Bridge> {
    this.#requireOpen();
    return bridgeSessions(this, other);
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
    await this.bridged?.end();
    await Promise.all([
      sender.order({ do: "remove", row }).catch(() => {}),
      receiver.order({ do: "remove", row }).catch(() => {}),
    ]);
    await closeInBackground(this.#tap.fd);
    this.#wire.release(3, sessionId, this.tunnelId, row);
    this.#onGone(this);
  }
}
