/**
 * Wires shared by tunnels. A wire is opened once for each binding (encapsulation, local address, namespace),
 * stays while a tunnel uses it, and hands each control message and notice to the tunnel that it names.
 */
import {
  type Binding,
  type ControlDatagram,
  type DataPlane,
  PlaneError,
  type PlaneNotice,
  type Wire,
} from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import type { Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";
import { controlTarget } from "./control-header.ts";
import { DataWatch } from "./data-watch.ts";
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
  /** Watches the data of one tunnel, see {@link DataWatch.add}; to be disposed of before the release. */
  watchData(tunnelId: number, silenceMs: number, heard: (at: Instant) => void): Disposable;
  release(): Promise<void>;
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
class SharedWire {
  readonly strays: StrayCounters = { malformed: 0, unknownTunnel: 0 };
  readonly users = new Map<number, WireUser>();
  readonly leases = new Set<WireUser>();
  readonly #logger: Logger;
  #strayDataCount = 0;
  wire: Wire | undefined;
  watch: DataWatch | undefined;
  lost = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  readonly onControl = (message: ControlDatagram): void => {
    const tunnelId = controlTarget(message.datagram);
    if (tunnelId === undefined) {
      this.#stray("malformed", message, "a control message that is no L2TP was ignored");
      return;
    }
    const user = this.users.get(tunnelId);
    if (user) user.control(message);
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

const magnitude = (count: number): number => Math.floor(Math.log10(count));

/** All wires of a context. */
export class WirePool {
  readonly #dataPlane: DataPlane;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #open = new Map<string, { shared: SharedWire; opened: Promise<Wire> }>();
  /** Wires that are being closed: their address is not free before. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(dataPlane: DataPlane, logger: Logger, clock: Clock, alarms: Alarms) {
    this.#dataPlane = dataPlane;
    this.#logger = logger;
    this.#clock = clock;
    this.#alarms = alarms;
  }

  /** The wires that are open now, with what arrived at them and belonged to nobody. */
  *wires(): Generator<{ wire: Wire; strays: Readonly<StrayCounters> }> {
    for (const { shared } of this.#open.values()) {
      if (shared.wire) yield { wire: shared.wire, strays: shared.strays };
    }
  }

  /** @throws PlaneError when the wire cannot be opened. */
  async lease(binding: Binding, user: WireUser): Promise<WireLease> {
    const key = keyOf(binding);
    for (;;) {
      const closing = this.#closing.get(key);
      if (!closing) break;
      await closing;
    }
    const entry = this.#open.get(key) ?? this.#start(key, binding);
    const { shared } = entry;
    shared.leases.add(user);
    try {
      const wire = await entry.opened;
      if (shared.lost) throw new PlaneError("closed", "the wire was lost while the tunnel was being made");
      return this.#lease(key, shared, wire, user);
    } catch (error) {
      await this.#leave(key, shared, user);
      throw error;
    }
  }

  #start(key: string, binding: Binding): { shared: SharedWire; opened: Promise<Wire> } {
    const shared = new SharedWire(this.#logger);
    const opened = this.#dataPlane.open(binding, shared.onControl).then((wire) => {
      shared.wire = wire;
      const { address, port } = wire.local;
      this.#logger.debug({ address, port, encapsulation: wire.encapsulation }, "wire opened");
      void shared.follow(wire, (reason) => this.#lose(key, shared, reason));
      return wire;
    });
    const entry = { shared, opened };
    this.#open.set(key, entry);
    return entry;
  }

  #lease(key: string, shared: SharedWire, wire: Wire, user: WireUser): WireLease {
    let registered: number | undefined;
    let released: Promise<void> | undefined;
    return {
      wire,
      async register(tunnelId) {
        const other = shared.users.get(tunnelId);
        if (other?.leaving) await other.leaving;
        if (shared.users.has(tunnelId)) {
          throw new PlaneError(
            "id-in-use",
            `tunnel ID ${tunnelId} is that of another tunnel on the same local address`,
          );
        }
        shared.users.set(tunnelId, user);
        registered = tunnelId;
      },
      watchData: (tunnelId, silenceMs, heard) => {
        shared.watch ??= new DataWatch(wire, this.#clock, this.#alarms);
        return shared.watch.add(tunnelId, silenceMs, heard);
      },
      release: () => {
        released ??= (() => {
          if (registered !== undefined) shared.users.delete(registered);
          return this.#leave(key, shared, user);
        })();
        return released;
      },
    };
  }

  #lose(key: string, shared: SharedWire, reason: string): void {
    if (shared.lost) return;
    shared.lost = true;
    this.#logger.error({ reason }, `a wire was lost: ${reason}`);
    for (const user of [...shared.leases]) user.wireLost(reason);
    void this.#retire(key, shared);
  }

  /** The last who leaves closes the wire. */
  async #leave(key: string, shared: SharedWire, user: WireUser): Promise<void> {
    shared.leases.delete(user);
    if (shared.leases.size === 0) await this.#retire(key, shared);
  }

  /** Takes the wire out of the pool and closes it when nobody uses it any more. */
  async #retire(key: string, shared: SharedWire): Promise<void> {
    const entry = this.#open.get(key);
    if (entry?.shared === shared) {
      this.#open.delete(key);
      shared.watch?.[Symbol.dispose]();
      const done = entry.opened.then(
        (wire) => this.#close(wire),
        () => undefined, // it never opened: nothing to close
      );
      const closing = done.finally(() => {
        if (this.#closing.get(key) === closing) this.#closing.delete(key);
      });
      this.#closing.set(key, closing);
    }
    await this.#closing.get(key);
  }

  async #close(wire: Wire): Promise<void> {
    try {
      await wire[Symbol.asyncDispose]();
      this.#logger.debug({ address: wire.local.address, port: wire.local.port }, "wire closed");
    } catch (error) {
      this.#logger.error({ error }, "a wire did not close cleanly");
    }
  }
}

function keyOf({ encapsulation, local, namespace }: Binding): string {
  return JSON.stringify([encapsulation, local.family, local.address, local.port, namespace ?? null]);
}
