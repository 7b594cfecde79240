/**
 * Data is a sign of life, too: while it flows, no Hello is due (RFC 2661 §5.5, RFC 3931 §4.4). Data never enters
 * the control plane, so this looks at the data plane's counters: one question to a wire for all of its tunnels,
 * a few times in each silence that a Hello waits for, and nothing per packet.
 */
import type { StatisticsTable, Wire } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import type { Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";

/** Looks in the silence before one Hello. Data is dated by the look before, so a Hello is early by this part at most. */
const LOOKS_PER_SILENCE = 8;

/** One tunnel whose data somebody wants to know of. */
interface Watched {
  readonly everyMs: number;
  readonly heard: (at: Instant) => void;
  /** Packets received by its sessions up to the last look; undefined before the first. */
  received: number | undefined;
  /** The same, as the look that goes on adds it up; undefined when it began without this tunnel. */
  sum: number | undefined;
}

/** Watches the data that arrives on one wire. */
export class DataWatch {
  readonly #clock: Clock;
  readonly #alarm: ReturnType<Alarms["create"]>;
  readonly #watched = new Map<number, Watched>();
  readonly #table: StatisticsTable = {
    row: ({ tunnelId, rxPackets }) => {
      const watched = this.#watched.get(tunnelId);
      if (watched?.sum !== undefined) watched.sum += rxPackets;
    },
  };
  #lookedAt: Instant = 0;
  #looking = false;
  /** When the alarm rings, and how often it has to for the most impatient of them. */
  #ringsAt: Instant = Number.POSITIVE_INFINITY;
  #everyMs = Number.POSITIVE_INFINITY;

  constructor(wire: Wire, clock: Clock, alarms: Alarms) {
    this.#clock = clock;
    this.#alarm = alarms.create(() => void this.#look(wire));
  }

  /**
   * Calls `heard` after each look that found new data, until the result is disposed of.
   *
   * @param silenceMs - how long a silence matters.
   * @param heard - takes a moment before which the data did not arrive: the look before. So a silence is never
   *   thought to have begun later than it did, and a peer that is gone is found out in time.
   */
  add(tunnelId: number, silenceMs: number, heard: (at: Instant) => void): Disposable {
    const watched = { everyMs: silenceMs / LOOKS_PER_SILENCE, heard, received: undefined, sum: undefined };
    this.#watched.set(tunnelId, watched);
    // One that is no more impatient than the others changes nothing: thousands may come at once.
    if (watched.everyMs < this.#everyMs) this.#everyMs = watched.everyMs;
    if (this.#clock.now() + watched.everyMs < this.#ringsAt) this.#arm();
    return {
      [Symbol.dispose]: () => {
        if (this.#watched.get(tunnelId) !== watched) return;
        this.#watched.delete(tunnelId);
        if (this.#watched.size > 0) return;
        this.#alarm.clear();
        this.#ringsAt = Number.POSITIVE_INFINITY;
        this.#everyMs = Number.POSITIVE_INFINITY;
      },
    };
  }

  /** The wire closes. */
  [Symbol.dispose](): void {
    this.#watched.clear();
    this.#alarm[Symbol.dispose]();
  }

  /** For the tunnel that is the most impatient; the others are served the better. */
  #arm(): void {
    if (this.#looking || this.#watched.size === 0) return;
    this.#ringsAt = this.#clock.now() + this.#everyMs;
    this.#alarm.set(this.#ringsAt);
  }

  async #look(wire: Wire): Promise<void> {
    const now = this.#clock.now();
    this.#ringsAt = Number.POSITIVE_INFINITY;
    this.#everyMs = Number.POSITIVE_INFINITY;
    for (const watched of this.#watched.values()) {
      watched.sum = 0;
      this.#everyMs = Math.min(this.#everyMs, watched.everyMs);
    }
    this.#looking = true;
    try {
      await wire.statistics(this.#table);
      this.#compare();
      this.#lookedAt = now;
    } catch {
      // A wire that is lost says so itself; otherwise the next look finds what this one did not.
    }
    this.#looking = false;
    this.#arm();
  }

  /** A sum that is smaller than before has lost a session: it says nothing, and the next begins with it. */
  #compare(): void {
    for (const watched of this.#watched.values()) {
      const { sum, received } = watched;
      if (sum === undefined) continue;
      watched.received = sum;
      if (received !== undefined && sum > received) watched.heard(this.#lookedAt);
    }
  }
}
