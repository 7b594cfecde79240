/**
 * One wire and who uses it: each control message and notice goes to the tunnel that it names. What is L2TPv2 and
 * belongs to no configured tunnel is the endpoint's, where it has an interest in the wire: it knows tunnels by ID
 * whatever socket the system chose for a datagram.
 */
import type { ControlDatagram, ControlMessageOut, PlaneNotice, Wire } from "@l2tp/dataplane";
import type { Instant, IpAddress, SocketAddress } from "@l2tp/protocol";
import { controlTarget } from "./control-header.ts";
import type { DataWatch } from "./data-watch.ts";
import type { Logger } from "./log.ts";

/** What a tunnel is told by its wire. */
export interface WireUser {
  /** While it is on its way out for good: resolves when its ID is free. */
  readonly leaving: Promise<void> | undefined;
  /** A control message with the tunnel's own ID; the bytes are valid only during the call. */
  control(message: ControlDatagram): void;
  /** A notice that names the tunnel. */
  notice(notice: PlaneNotice): void;
  /** The wire carries nothing more; whoever wants to go on leases another. */
  wireLost(reason: string): void;
}

/** A tunnel's part in a wire. Release it when the tunnel's own part of the data plane is gone. */
export interface WireLease {
  readonly wire: Wire;
  /** From now on control messages and notices for `tunnelId` reach the user. @throws PlaneError `id-in-use` */
  register(tunnelId: number): Promise<void>;
  /** Sends a control message, and shows it to whoever traces them. */
  send(message: ControlMessageOut): void;
  /** The number by which the endpoint knows the wire; taking it makes the wire one of the endpoint's. */
  readonly number: number;
  /** Watches the data of one tunnel, see {@link DataWatch.add}; to be disposed of before the release. */
  watchData(tunnelId: number, silenceMs: number, heard: (at: Instant) => void): Disposable;
  release(): Promise<void>;
}

/** One control message, for a trace. The octets are valid only during the call. */
export interface ControlMessageRecord {
  /** On the context's clock. */
  readonly at: Instant;
  readonly direction: "received" | "sent";
  /** Our end; where the system chooses the address on its own it is `0.0.0.0` or `::`. */
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly datagram: Uint8Array;
}

/** What all wires of a context share. */
export interface WireEnvironment {
  readonly logger: Logger;
  now(): Instant;
  readonly tap?: ((record: ControlMessageRecord) => void) | undefined;
  /** The endpoint takes what is L2TPv2 and belongs to no configured tunnel. */
  endpoint?: ((wire: number, message: ControlDatagram) => void) | undefined;
}

/** What arrived at a wire and belongs to no tunnel here. */
export interface StrayCounters {
  /** Control messages that are no L2TP header of version 2 or 3. */
  malformed: number;
  /** Control messages for an ID that no tunnel here has. */
  unknownTunnel: number;
}

/** How often a stray of one kind is logged on one wire: the first, then when the count has a new power of ten. */
const isLogged = (count: number): boolean => Number.isInteger(Math.log10(count));

/** One wire and who uses it. */
export class SharedWire {
  readonly strays: StrayCounters = { malformed: 0, unknownTunnel: 0 };
  readonly users = new Map<number, WireUser>();
  readonly leases = new Set<WireUser>();
  readonly number: number;
  readonly #environment: WireEnvironment;
  readonly #logger: Logger;
  #strayDataCount = 0;
  wire: Wire | undefined;
  watch: DataWatch | undefined;
  lost = false;
  /** The endpoint has tunnels here, or a listener. */
  dynamic = false;

  constructor(number: number, environment: WireEnvironment) {
    this.number = number;
    this.#environment = environment;
    this.#logger = environment.logger;
  }

  /** Copied before it returns; what cannot be sent is lost, as on any wire. */
  send(message: ControlMessageOut): void {
    if (this.wire === undefined || this.lost) return;
    this.#tap("sent", message.from, message.to, message.datagram);
    this.wire.send(message);
  }

  #tap(
    direction: "received" | "sent",
    ours: IpAddress | undefined,
    remote: SocketAddress,
    datagram: Uint8Array,
  ): void {
    const { tap } = this.#environment;
    if (tap === undefined || this.wire === undefined) return;
    const { family, address, port } = this.wire.local;
    const local = { family, address: ours ?? address, port };
    try {
      tap({ at: this.#environment.now(), direction, local, remote, datagram });
    } catch (error) {
      this.#logger.error({ error }, "onControlMessage threw");
    }
  }

  readonly onControl = (message: ControlDatagram): void => {
    this.#tap("received", message.to, message.from, message.datagram);
    const tunnelId = controlTarget(message.datagram);
    if (tunnelId === undefined) {
      this.#stray("malformed", message, "a control message that is no L2TP was ignored");
      return;
    }
    const user = this.users.get(tunnelId);
    const { endpoint } = this.#environment;
    if (user) user.control(message);
    else if (endpoint && this.dynamic && isVersion2(message.datagram)) endpoint(this.number, message);
    else
      this.#stray(
        "unknownTunnel",
        message,
        `a control message for tunnel ${tunnelId}, unknown here, was ignored`,
      );
  };

  #stray(kind: keyof StrayCounters, message: ControlDatagram, text: string): void {
    this.strays[kind] += 1;
    if (!isLogged(this.strays[kind])) return;
    this.#logger.warn(
      { from: message.from.address, port: message.from.port, count: this.strays[kind] },
      text,
    );
  }

  /** Reads what the data plane tells, until the wire closes. */
  async follow(wire: Wire, onLost: (reason: string) => void): Promise<void> {
    try {
      for await (const notice of wire.notices) {
        if (notice.type === "wire-lost") return onLost(notice.reason);
        this.#dispatch(notice);
      }
    } catch (error) {
      onLost(error instanceof Error ? error.message : String(error));
    }
  }

  #dispatch(notice: PlaneNotice): void {
    if ("tunnelId" in notice) {
      this.users.get(notice.tunnelId)?.notice(notice);
      return;
    }
    // What no tunnel is to blame for.
    if (notice.type === "stray-data") this.#strayData(notice);
    else if (notice.type === "overrun") {
      const { count, where } = notice;
      this.#logger.warn({ count, where }, `${count} datagrams were lost in a full buffer: ${where}`);
    } else if (notice.type === "feature-missing") {
      const { feature, why } = notice;
      this.#logger.warn({ feature }, `sessions go on without ${feature}: ${why}`);
    }
  }

  /** While one end comes up before the other there are always some: the log has the first, the tenth, the hundredth. */
  #strayData({ from, sessionId, count }: Extract<PlaneNotice, { type: "stray-data" }>): void {
    const before = this.#strayDataCount;
    this.#strayDataCount += count;
    if (before > 0 && magnitude(before) === magnitude(this.#strayDataCount)) return;
    this.#logger.info(
      { from: from.address, port: from.port, sessionId, count: this.#strayDataCount },
      `data messages arrive for sessions unknown here, such as ${sessionId}`,
    );
  }
}

const isVersion2 = (datagram: Uint8Array): boolean => ((datagram[1] ?? 0) & 0x0f) === 2;

const magnitude = (count: number): number => Math.floor(Math.log10(count));
