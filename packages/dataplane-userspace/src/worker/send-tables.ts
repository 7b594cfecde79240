/** What the sending thread knows: sessions, destinations, shared TUNs. It changes by commands only, between two packets. */
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { PrefixTable } from "../packet/prefix-table.ts";
import { SHARED_TUN } from "./loop.ts";
import type { DestinationRecord, LinkRecord, SendRecord } from "./messages.ts";
import { HeaderTemplate, NAMES, TEMPLATE, TxDestination, TxSession } from "./tx-session.ts";

/** A TUN that sessions share, and which of them has which addresses. */
export interface SharedTun {
  readonly tap: number;
  readonly table: PrefixTable;
}

/** The loop that waits for the interfaces. */
export interface Watcher {
  /** @returns a negative error number on failure. */
  watch(fd: number, data: number, events: number): number;
  unwatch(fd: number): void;
}

/** Octets of the arena for so many sessions and destinations. */
export const sendTablesArena = (rows: number): number => rows * (TEMPLATE + NAMES);

export class SendTables {
  /** By row. */
  readonly sessions: (TxSession | undefined)[] = [];
  /** By the number that the wire gave it. */
  readonly destinations: (TxDestination | undefined)[] = [];
  /** By the number that the data plane gave it. */
  readonly sharedTuns: (SharedTun | undefined)[] = [];
  readonly #arena: Arena;
  readonly #watcher: Watcher;
  readonly #templates: number;
  readonly #names: number;

  constructor(arena: Arena, rows: number, watcher: Watcher) {
    this.#arena = arena;
    this.#watcher = watcher;
    this.#templates = arena.take(rows * TEMPLATE);
    this.#names = arena.take(rows * NAMES);
  }

  /** @throws Error where its destination is not there, or its interface cannot be waited for */
  add(record: SendRecord): void {
    const destination = this.destinations[record.destination];
    if (destination === undefined) throw new Error(`no destination ${record.destination}`);
    const header = new HeaderTemplate(this.#arena, this.#templates + record.row * TEMPLATE, record.row);
    if (record.tap !== -1) this.#watch(record.tap, record.row);
    this.sessions[record.row] = new TxSession(record, header, destination);
  }

  remove(row: number): void {
    const session = this.sessions[row];
    if (session === undefined) return;
    if (session.tap !== -1) this.#watcher.unwatch(session.tap);
    const { ppp } = session;
    if (ppp !== undefined) {
      const table = this.sharedTuns[ppp.shared]?.table;
      for (const prefix of ppp.prefixes) table?.delete(prefix);
    }
    this.sessions[row] = undefined;
  }

  /**
   * What was agreed on a PPP link; where it shares a TUN, packets for its prefixes are its own.
   *
   * @param nowMs - when its limit of rate begins.
   */
  setLink(session: TxSession, link: LinkRecord, nowMs: number): void {
    const { ppp } = session;
    if (ppp === undefined) return;
    session.setMss(link.mss);
    ppp.set(link, nowMs);
    const table = this.sharedTuns[ppp.shared]?.table;
    if (table === undefined) return;
    for (const prefix of ppp.prefixes) table.delete(prefix);
    for (const prefix of link.prefixes) table.set(prefix, session.row);
    ppp.prefixes = link.prefixes;
  }

  /** @param tap - -1 when the TUN is not read any more. */
  setShared(index: number, tap: number): void {
    const old = this.sharedTuns[index];
    if (old !== undefined) this.#watcher.unwatch(old.tap);
    this.sharedTuns[index] = undefined;
    if (tap === -1) return;
    this.#watch(tap, SHARED_TUN + index);
    this.sharedTuns[index] = { tap, table: new PrefixTable() };
  }

  setDestination(index: number, record: DestinationRecord): void {
    const destination =
      this.destinations[index] ?? new TxDestination(record.tunnelId, this.#names + index * NAMES);
    destination.set(record, this.#arena);
    this.destinations[index] = destination;
  }

  #watch(tap: number, data: number): void {
    const result = this.#watcher.watch(tap, data, abi.EPOLLIN);
    if (result < 0) throw new Error(`epoll_ctl: errno ${-result}`);
  }
}
