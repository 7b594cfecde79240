/**
 * Wires shared by tunnels and listeners. A wire is opened once for each binding (encapsulation, local address, namespace),
 * and stays while somebody uses it. What happens on one is in shared-wire.ts.
 */
import { networkInterfaces } from "node:os";
import {
  type Binding,
  type ControlDatagram,
  type ControlMessageOut,
  type DataPlane,
  PlaneError,
  type Wire,
} from "@l2tp/dataplane";
import type { IpAddress, SocketAddress } from "@l2tp/protocol";
import type { Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";
import { DataWatch } from "./data-watch.ts";
import type { Logger } from "./log.ts";
import {
  type ControlMessageRecord,
  SharedWire,
  type StrayCounters,
  type WireEnvironment,
  type WireLease,
  type WireUser,
} from "./shared-wire.ts";

/** All wires of a context. */
export class WirePool {
  readonly #dataPlane: DataPlane;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #open = new Map<string, { shared: SharedWire; opened: Promise<Wire> }>();
  /** Wires that are being closed: their address is not free before. */
  readonly #closing = new Map<string, Promise<void>>();
  /** Wires by the number under which the endpoint knows them; a number is never given twice. */
  readonly #byNumber = new Map<
    number,
    { readonly key: string; readonly shared: SharedWire; readonly namespace: string | undefined }
  >();
  readonly #environment: WireEnvironment;
  #numbers = 0;

  constructor(
    dataPlane: DataPlane,
    logger: Logger,
    clock: Clock,
    alarms: Alarms,
    tap?: (record: ControlMessageRecord) => void,
  ) {
    this.#dataPlane = dataPlane;
    this.#logger = logger;
    this.#clock = clock;
    this.#alarms = alarms;
    this.#environment = { logger, now: () => clock.now(), tap };
  }

  /** From now on `endpoint` takes what is L2TPv2 and belongs to no configured tunnel. */
  attach(endpoint: (wire: number, message: ControlDatagram) => void): void {
    this.#environment.endpoint = endpoint;
  }

  /** Sends by the wire of this number; nothing happens when it has gone. */
  send(number: number, message: ControlMessageOut): void {
    this.#byNumber.get(number)?.shared.send(message);
  }

  /** What the wire of this number is bound to. */
  local(number: number): SocketAddress | undefined {
    return this.#byNumber.get(number)?.shared.wire?.local;
  }

  /**
   * Whether datagrams that come in by the wire `number` from there were sent by a wire of ours, in the same network
   * namespace. (No other host can have them come from such an address: systems drop what claims to be from themselves.)
   */
  isOwn(number: number, { address, port }: SocketAddress): boolean {
    const place = this.#byNumber.get(number)?.namespace;
    for (const { shared, namespace } of this.#byNumber.values()) {
      const local = shared.wire?.local;
      if (local === undefined || shared.lost || namespace !== place || local.port !== port) continue;
      if (local.address === address || (isWildcard(local.address) && isOfThisHost(address))) return true;
    }
    return false;
  }

  /** A lease of a wire that is open; undefined when it has gone, or is lost. */
  leaseOpen(number: number, user: WireUser): WireLease | undefined {
    const found = this.#byNumber.get(number);
    if (found?.shared.wire === undefined || found.shared.lost) return undefined;
    found.shared.leases.add(user);
    return this.#lease(found.key, found.shared, found.shared.wire, user);
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
    this.#numbers += 1;
    const shared = new SharedWire(this.#numbers, this.#environment);
    this.#byNumber.set(shared.number, { key, shared, namespace: binding.namespace });
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
      get number() {
        shared.dynamic = true;
        return shared.number;
      },
      send: (message) => shared.send(message),
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
      this.#byNumber.delete(shared.number);
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

const isWildcard = (address: IpAddress): boolean => address === "0.0.0.0" || address === "::";

/** In the network namespace of the process. */
function isOfThisHost(address: IpAddress): boolean {
  if (/^127\./.test(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return own.some((one) => one.address === address);
}

function keyOf({ encapsulation, local, namespace }: Binding): string {
  return JSON.stringify([encapsulation, local.family, local.address, local.port, namespace ?? null]);
}
