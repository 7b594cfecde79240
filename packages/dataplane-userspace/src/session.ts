/** A session: a TAP interface, and its entries in the two packet threads. */
import {
  type Bridge,
  checkSession,
  checkSessionChange,
  planeError,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { interfaceIndex, type TunInterface } from "@l2tp/linux";
import { BaseSession, type SessionParts } from "./base-session.ts";
import { type Bridgeable, type Bridged, bridgeSessions } from "./bridging.ts";
import { headerRecord } from "./header-record.ts";
import { type TunnelHost, tell } from "./host.ts";
import { type MssLimits, mssLimits } from "./packet/mss.ts";
import { openInterface } from "./tun-interface.ts";
import { pathMtu, refuseLoop, type SessionOwner } from "./tunnel-path.ts";

/** As the kernel names its own. */
const DEFAULT_NAME = "l2tpeth%d";

export class UserspaceSession extends BaseSession<UserspaceSession> implements SessionPlane, Bridgeable {
  readonly carries = "eth";
  bridged: Bridged | undefined;
  readonly interfaceIndex: number;
  readonly #tap: TunInterface;

  private constructor(
    parts: SessionParts<UserspaceSession>,
    { tap, interfaceIndex }: { readonly tap: TunInterface; readonly interfaceIndex: number },
  ) {
    super(parts);
    this.#tap = tap;
    this.interfaceIndex = interfaceIndex;
  }

  /**
   * Makes the interface and begins to carry packets; on failure nothing is left.
   *
   * @param onGone - called once, when the session has ended for whatever reason.
   * @throws PlaneError
   */
  static async create(
    wire: TunnelHost,
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    onGone: (session: UserspaceSession) => void,
  ): Promise<UserspaceSession> {
    checkSession(parameters, owner.version, wire.capabilities);
    const { sessionId } = parameters;
    const what = `tunnel ${owner.tunnelId}, session ${sessionId}`;
    const row = wire.claim(3, sessionId, owner.tunnelId);
    let tap: TunInterface | undefined;
    try {
      wire.network.watch();
      const mtuOctets = parameters.mtu?.mtuOctets ?? (await pathMtu(wire, owner, parameters));
      const made = wire.inNamespace(() => {
        tap = openInterface("tap", parameters.interface?.name ?? DEFAULT_NAME, wire.features.vnet);
        return { tap, interfaceIndex: interfaceIndex(tap.name) };
      });
      await wire.network.setUp(made.interfaceIndex, mtuOctets, parameters.interface ?? {});
      await refuseLoop(wire, owner, made.interfaceIndex, made.tap.name);
      const session = new UserspaceSession({ wire, owner, parameters, row, mtuOctets, onGone }, made);
      await session.#begin();
      wire.adopt(session);
      return session;
    } catch (error) {
      tap?.close();
      wire.release(3, sessionId, owner.tunnelId, row);
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
    const p = this.parameters;
    const sublayer = p.l2SpecificSublayer === "default";
    const mss = this.#mss();
    const tap = this.#tap.fd;
    const destination = await this.owner.destination(p.mtu?.dontFragment ?? "path", this.wire);
    await this.wire.receiver.order({
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
        peer: this.owner.address,
      },
    });
    try {
      await this.wire.sender.order({
        do: "add-sender",
        session: {
          row,
          tap,
          destination,
          header: headerRecord(this.wire.encapsulation, this.owner, p),
          mss,
        },
      });
    } catch (error) {
      await tell(this.wire.receiver, { do: "remove", row });
      throw error;
    }
  }

  get interfaceName(): string {
    return this.#tap.name;
  }

  #mss(): MssLimits | undefined {
    return mssLimits(this.parameters.mtu?.clampMss, this.mtuOctets);
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.requireOpen();
    checkSessionChange(change, this.parameters, 3);
    const { sender, receiver, network } = this.wire;
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
      this.parameters_ = { ...this.parameters, sendSequence };
      const header = headerRecord(this.wire.encapsulation, this.owner, this.parameters);
      await sender.order({ do: "set-header", row, header });
      await this.bridged?.refresh();
    }
    if (mtuOctets !== undefined) {
      try {
        await network.setMtu(this.interfaceIndex, mtuOctets);
      } catch (error) {
        throw planeError(error, `${this.interfaceName}: MTU ${mtuOctets}`, { EINVAL: "invalid-parameters" });
      }
      this.mtuOctets_ = mtuOctets;
      const mss = this.#mss();
      await Promise.all([
        receiver.order({ do: "set-mss", row, mss }),
        sender.order({ do: "set-mss", row, mss }),
      ]);
    }
  }

  async bridge(other: SessionPlane): Promise<Bridge> {
    this.requireOpen();
    return bridgeSessions(this, other);
  }

  /** The threads let go of the descriptor before it is closed, and its number given to another. */
  protected async takeDown(): Promise<void> {
    const { row } = this;
    const { sender, receiver } = this.wire;
    await this.bridged?.end();
    await Promise.all([tell(sender, { do: "remove", row }), tell(receiver, { do: "remove", row })]);
    await this.wire.network.remove(this.#tap.fd, this.interfaceIndex);
  }
}
