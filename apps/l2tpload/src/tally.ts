/** What is counted and timed during a run, in one share and in all. */
import { Histogram, type HistogramData } from "./histogram.ts";

/** Everything whose time is taken. */
export const TIMED = {
  tunnel: "tunnel set-up (SCCRQ to SCCCN)",
  call: "call set-up (ICRQ to ICCN)",
  lcp: "PPP: LCP",
  authentication: "PPP: authentication",
  network: "PPP: IPCP",
  session: "session in all (ICRQ to IPCP)",
  ping: "ping through the session",
} as const;
/** See {@link TIMED}. */
export type Timed = keyof typeof TIMED;

/** Everything that is counted. */
export const COUNTED = [
  "tunnelsStarted",
  "tunnelsUp",
  "tunnelsFailed",
  "tunnelsLost",
  "callsStarted",
  "callsUp",
  "callsFailed",
  "pppUp",
  "pppFailed",
  "sessionsLost",
  "churned",
  "pingsAnswered",
  "pingsFailed",
  "stopsUnanswered",
  "datagramsSent",
  "datagramsReceived",
  "dataDatagramsSent",
  "dataDatagramsReceived",
  "retransmissions",
  "sendFailures",
  "strayData",
] as const;
/** See {@link COUNTED}. */
export type Counted = (typeof COUNTED)[number];

/** One reason why something failed or ended. */
export interface Reason {
  /** What it was that ended. */
  readonly what: "tunnel" | "call" | "PPP" | "ping" | "notice";
  readonly text: string;
  /** What a person may do about it. */
  readonly remedy: string;
  count: number;
}

/** The remedy where the set-up time was over. */
export const MORE_TIME =
  "allow more time (--set-up-time), or begin less at once (--tunnels-at-once, --sessions-at-once)";

/** A tally as plain data. */
export interface TallyData {
  readonly counts: Readonly<Record<Counted, number>>;
  readonly times: Readonly<Record<Timed, HistogramData>>;
  readonly reasons: readonly Reason[];
}

/** A peer with a different text each time must not fill our memory. */
const MAXIMUM_REASONS = 100;

/** See the file's head. */
export class Tally {
  readonly counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  readonly times = Object.fromEntries(Object.keys(TIMED).map((name) => [name, new Histogram()])) as Record<
    Timed,
    Histogram
  >;
  readonly #reasons = new Map<string, Reason>();

  reason(what: Reason["what"], text: string, remedy: string, count = 1): void {
    const key = `${what}\n${text}`;
    const known = this.#reasons.get(key);
    if (known !== undefined) known.count += count;
    else if (this.#reasons.size < MAXIMUM_REASONS) this.#reasons.set(key, { what, text, remedy, count });
    else if (text !== OTHER) this.#other(what, count);
  }

  #other(what: Reason["what"], count: number): void {
    const key = `${what}\n${OTHER}`;
    const known = this.#reasons.get(key);
    if (known !== undefined) known.count += count;
    else this.#reasons.set(key, { what, text: OTHER, remedy: "", count });
  }

  add(other: TallyData): void {
    for (const name of COUNTED) this.counts[name] += other.counts[name];
    for (const name of Object.keys(TIMED) as Timed[]) this.times[name].add(other.times[name]);
    for (const { what, text, remedy, count } of other.reasons) this.reason(what, text, remedy, count);
  }

  /** The most frequent first. */
  get reasons(): readonly Reason[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count);
  }

  data(): TallyData {
    return {
      counts: { ...this.counts },
      times: Object.fromEntries(
        Object.entries(this.times).map(([name, histogram]) => [name, histogram.data()]),
      ) as Record<Timed, HistogramData>,
      reasons: this.reasons,
    };
  }
}

const OTHER = "other reasons, not told apart any more";
