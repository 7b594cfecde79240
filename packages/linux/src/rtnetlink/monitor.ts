/**
 * What changes of interfaces, addresses, routes and neighbours: rtnetlink's multicast groups, as `ip monitor`.
 */
import {
  NETLINK_ROUTE,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
} from "../abi-netlink.ts";
import type { NetlinkMessage } from "../netlink.ts";
import { type NetlinkOptions, NetlinkSocket } from "../netlink-socket.ts";
import { decodeAddress, type InterfaceAddressEntry, list as listAddresses } from "./address.ts";
import { decodeLink, type Link, list as listLinks } from "./link.ts";
import { decodeNeighbour, list as listNeighbours, type Neighbour } from "./neighbour.ts";
import { decodeRoute, list as listRoutes, type Route } from "./route.ts";

/** What to watch. */
export type MonitorSubject = "link" | "address" | "route" | "neighbour";

const GROUPS: Readonly<Record<MonitorSubject, readonly number[]>> = {
  link: [RTNLGRP_LINK],
  address: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
  route: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
  neighbour: [RTNLGRP_NEIGH],
};

/** `known`: read again after an overrun; it may be new or not. */
export type MonitorAction = "changed" | "removed" | "known";

/** One change. After `overrun` come all entries that there are as `known`, then `resynchronized`: what was not among them is gone. */
export type MonitorEvent =
  | { readonly type: "link"; readonly action: MonitorAction; readonly link: Link }
  | { readonly type: "address"; readonly action: MonitorAction; readonly address: InterfaceAddressEntry }
  | { readonly type: "route"; readonly action: MonitorAction; readonly route: Route }
  | { readonly type: "neighbour"; readonly action: MonitorAction; readonly neighbour: Neighbour }
  | { readonly type: "overrun" }
  | { readonly type: "resynchronized" };

/** Options of {@link Monitor}. */
export interface MonitorOptions extends NetlinkOptions {
  readonly subjects: readonly MonitorSubject[];
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /** Events that may wait for the reader; beyond, they are dropped and it is an overrun. Default 4096. */
  readonly maxWaiting?: number;
}

const REMOVALS = new Set([RTM_DELLINK, RTM_DELADDR, RTM_DELROUTE, RTM_DELNEIGH]);

/**
 * Watches from its construction on: make it first, then read the tables, and no change is missed.
 *
 *     await using monitor = new Monitor({ subjects: ["link", "address"] });
 *     for await (const event of monitor) …
 */
export class Monitor implements AsyncIterable<MonitorEvent>, AsyncDisposable {
  readonly #subjects: readonly MonitorSubject[];
  readonly #socket: NetlinkSocket;
  /** Asks for the tables after an overrun: dumps on the listening socket would compete for its buffer. */
  readonly #tables: NetlinkSocket;
  readonly #maxWaiting: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.close();
  #waiting: MonitorEvent[] = [];
  /** What came while the tables were read again: told after them, as it may be newer. */
  #held: MonitorEvent[] = [];
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;
  #resyncing = false;
  #overrunAgain = false;

  /** @throws {@link SyscallError}, {@link UnsupportedError} */
  constructor(options: MonitorOptions) {
    this.#subjects = options.subjects;
    this.#maxWaiting = options.maxWaiting ?? 4096;
    this.#signal = options.signal;
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, {
      ...options,
      listener: {
        onNotification: (message) => this.#notify(message),
        onOverrun: () => this.#overrun(),
        onFailure: (error) => this.#fail(error),
      },
    });
    this.#tables = new NetlinkSocket(NETLINK_ROUTE, { namespace: options.namespace });
    try {
      for (const subject of options.subjects) for (const group of GROUPS[subject]) this.#socket.join(group);
    } catch (error) {
      void this.close();
      throw error;
    }
    if (this.#signal?.aborted) void this.close();
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MonitorEvent, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed !== undefined) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends the iteration after what is waiting. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#signal?.removeEventListener("abort", this.#onAbort);
      this.#wakeUp();
      await Promise.all([this.#socket.close(), this.#tables.close()]);
    })();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #notify(message: NetlinkMessage): void {
    const event = decodeEvent(message, REMOVALS.has(message.type) ? "removed" : "changed");
    // Bridge and other families share the link group: what was not subscribed to is not told.
    if (event !== undefined && (this.#subjects as readonly string[]).includes(event.type)) this.#push(event);
  }

  #push(event: MonitorEvent): void {
    if (this.#closed !== undefined) return;
    const queue = this.#resyncing ? this.#held : this.#waiting;
    if (queue.length >= this.#maxWaiting) {
      this.#overrun();
      return;
    }
    queue.push(event);
    this.#wakeUp();
  }

  #overrun(): void {
    if (this.#resyncing) {
      this.#overrunAgain = true;
      return;
    }
    void this.#resynchronize();
  }

  async #resynchronize(): Promise<void> {
    this.#resyncing = true;
    try {
      do {
        this.#overrunAgain = false;
        // What is waiting is older than the tables that follow.
        this.#waiting = [{ type: "overrun" }];
        this.#held = [];
        this.#wakeUp();
        const known = await this.#readTables();
        // The tables may be longer than what may wait: they are bounded by what the kernel holds.
        for (const event of known) this.#waiting.push(event);
        this.#waiting.push({ type: "resynchronized" });
      } while (this.#overrunAgain && this.#closed === undefined);
      this.#waiting.push(...this.#held.splice(0));
      this.#wakeUp();
    } catch (error) {
      if (this.#closed === undefined) this.#fail(error as Error);
    } finally {
      this.#resyncing = false;
    }
  }

  async #readTables(): Promise<MonitorEvent[]> {
    const events: MonitorEvent[] = [];
    const action = "known";
    for (const type of this.#subjects) {
      if (type === "link") {
        for (const link of await this.#tables.run(listLinks())) events.push({ type, action, link });
      } else if (type === "address") {
        for (const address of await this.#tables.run(listAddresses())) events.push({ type, action, address });
      } else if (type === "route") {
        for (const route of await this.#tables.run(listRoutes())) events.push({ type, action, route });
      } else {
        for (const neighbour of await this.#tables.run(listNeighbours()))
          events.push({ type, action, neighbour });
      }
    }
    return events;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    void this.close();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function decodeEvent(message: NetlinkMessage, action: MonitorAction): MonitorEvent | undefined {
  const link = decodeLink(message);
  if (link !== undefined) return { type: "link", action, link };
  const address = decodeAddress(message);
  if (address !== undefined) return { type: "address", action, address };
  const route = decodeRoute(message);
  if (route !== undefined) return { type: "route", action, route };
  const neighbour = decodeNeighbour(message);
  return neighbour === undefined ? undefined : { type: "neighbour", action, neighbour };
}
