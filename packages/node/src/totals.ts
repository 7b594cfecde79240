/** What sessions have carried, put together. */
import { emptyStatistics, type PlaneStatistics, type SessionPlane } from "@l2tp/dataplane";

const COUNTERS = Object.keys(emptyStatistics()) as readonly (keyof PlaneStatistics)[];

/** Adds `more` to `sum`. */
function add(sum: PlaneStatistics, more: Readonly<PlaneStatistics>): void {
  for (const name of COUNTERS) sum[name] += more[name];
}

/** The last word of a session that is about to leave the data plane; undefined where that does not answer any more. */
export async function lastStatistics(plane: SessionPlane): Promise<PlaneStatistics | undefined> {
  try {
    return await plane.statistics();
  } catch {
    // It is lost already, which its reason tells.
    return undefined;
  }
}

/** What the sessions of one tunnel have carried, those included that have ended. */
export class TunnelTotals {
  #ended: PlaneStatistics | undefined;

  /** A session has left. */
  ended(data: PlaneStatistics | undefined): void {
    if (data === undefined) return;
    this.#ended ??= emptyStatistics();
    add(this.#ended, data);
  }

  /** @param sessions - the counters of those that there are. */
  with(sessions: readonly Readonly<PlaneStatistics>[]): PlaneStatistics {
    const sum = { ...emptyStatistics(), ...this.#ended };
    for (const session of sessions) add(sum, session);
    return sum;
  }
}
