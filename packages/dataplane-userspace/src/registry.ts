/** The sessions of a wire by ID and by row of the statistics, and the statistics themselves. */
import { PlaneError, type PlaneStatistics, type StatisticsTable } from "@l2tp/dataplane";
import type { L2tpVersion } from "@l2tp/protocol";
import type { HostedSession } from "./host.ts";
import { RX, type Shared, TX } from "./worker/shared.ts";

/** Small integers that are given out and taken back; the smallest that were never used come last. */
export class IndexPool {
  readonly #limit: number;
  readonly #free: number[] = [];
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns an index below the limit, or -1 when all are in use. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.#used < this.#limit ? this.#used++ : -1;
  }

  give(index: number): void {
    this.#free.push(index);
  }
}

export class SessionRegistry {
  readonly #shared: Shared;
  readonly #limit: number;
  readonly #where: string;
  readonly #rows: IndexPool;
  /**
   * L2TPv3 by session ID, unique on the wire (RFC 3931 §4.1: the ID alone provides the context); L2TPv2 by the IDs of
   * tunnel and session.
   */
  readonly #sessions = new Map<number, HostedSession | undefined>();
  readonly #byRow: (HostedSession | undefined)[] = [];
  /** How often each row was given out. */
  readonly #generations: number[] = [];

  /**
   * @param limit - sessions at most.
   * @param where - the wire, for messages.
   */
  constructor(shared: Shared, limit: number, where: string) {
    this.#shared = shared;
    this.#limit = limit;
    this.#where = where;
    this.#rows = new IndexPool(limit);
  }

  /**
   * Takes a session ID and a row, which begins at zero.
   * @throws PlaneError `id-in-use`, `limit`
   */
  claim(version: L2tpVersion, sessionId: number, tunnelId: number): number {
    const key = keyOf(version, sessionId, tunnelId);
    if (this.#sessions.has(key)) {
      throw new PlaneError(
        "id-in-use",
        `tunnel ${tunnelId}: session ${sessionId} is there already on the wire on ${this.#where}` +
          (version === 2
            ? ""
            : "; in L2TPv3 the session ID alone tells sessions apart, also those of different tunnels"),
      );
    }
    const row = this.takeRow();
    this.#sessions.set(key, undefined);
    return row;
  }

  /**
   * A row by itself, which begins at zero.
   * @throws PlaneError `limit`
   */
  takeRow(): number {
    const row = this.#rows.take();
    if (row === -1) {
      const how = `the wire on ${this.#where} has its ${this.#limit} sessions (option maxSessions)`;
      throw new PlaneError("limit", how);
    }
    this.#generations[row] = ((this.#generations[row] ?? 0) + 1) >>> 0;
    this.#shared.clearRow(row);
    return row;
  }

  giveRow(row: number): void {
    this.#rows.give(row);
  }

  /** Which use of the row this is: what is in a ring may be for one before. */
  generation(row: number): number {
    return this.#generations[row] ?? 0;
  }

  /** The session carries packets from now on. */
  adopt(session: HostedSession): void {
    this.#sessions.set(keyOf(session.version, session.sessionId, session.tunnelId), session);
    this.#byRow[session.row] = session;
  }

  release(version: L2tpVersion, sessionId: number, tunnelId: number, row: number): void {
    this.#sessions.delete(keyOf(version, sessionId, tunnelId));
    this.#byRow[row] = undefined;
    this.giveRow(row);
  }

  byRow(row: number): HostedSession | undefined {
    return this.#byRow[row];
  }

  /** Those that carry packets. */
  all(): HostedSession[] {
    return [...this.#sessions.values()].filter((session) => session !== undefined);
  }

  /** Writes the statistics of all sessions. */
  writeStatistics(into: StatisticsTable): void {
    const row = { tunnelId: 0, sessionId: 0, ...this.statistics(0) };
    for (const session of this.#sessions.values()) {
      if (session === undefined) continue;
      row.tunnelId = session.tunnelId;
      row.sessionId = session.sessionId;
      this.#read(session.row, row);
      into.row(row);
    }
  }

  statistics(row: number): PlaneStatistics {
    const statistics = {} as PlaneStatistics;
    this.#read(row, statistics);
    return statistics;
  }

  #read(row: number, into: PlaneStatistics): void {
    const { rx } = this.#shared;
    const session = this.#byRow[row];
    const { out } = session ?? {};
    const { tx } = out?.wire.shared ?? this.#shared;
    const t = (out?.row ?? row) * TX.stride;
    const r = row * RX.stride;
    into.txPackets = tx[t + TX.packets] as number;
    into.txBytes = tx[t + TX.bytes] as number;
    into.txErrors = (tx[t + TX.errors] as number) + (session?.unsent ?? 0);
    into.rxPackets = rx[r + RX.packets] as number;
    into.rxBytes = rx[r + RX.bytes] as number;
    into.rxErrors = rx[r + RX.errors] as number;
    into.rxSeqDiscards = rx[r + RX.seqDiscards] as number;
    into.rxOosPackets = rx[r + RX.oosPackets] as number;
    into.rxCookieDiscards = rx[r + RX.cookieDiscards] as number;
    into.rxInvalid = rx[r + RX.invalid] as number;
  }
}

/** v3 IDs are below 2^32, v2 ones go beyond. */
const keyOf = (version: L2tpVersion, sessionId: number, tunnelId: number): number =>
  version === 3 ? sessionId : 0x1_0000_0000 + tunnelId * 0x1_0000 + sessionId;
