/** Counters of one session, with the fields that the Linux kernel has (`L2TP_ATTR_STATS`). */
export interface PlaneStatistics {
  txPackets: number;
  txBytes: number;
  txErrors: number;
  rxPackets: number;
  rxBytes: number;
  rxErrors: number;
  /** Dropped because they came out of order and too late. */
  rxSeqDiscards: number;
  /** Came out of order, whether dropped or put right. */
  rxOosPackets: number;
  rxCookieDiscards: number;
  /** Too short or without the sublayer that was agreed. */
  rxInvalid: number;
}

/** One row of a {@link StatisticsTable}. */
export interface SessionStatistics extends PlaneStatistics {
  tunnelId: number;
  sessionId: number;
}

/** Takes the statistics of many sessions without an object for each reading. */
export interface StatisticsTable {
  /** Called once per session; the row may be reused by the caller afterwards, so copy what is kept. */
  row(statistics: Readonly<SessionStatistics>): void;
}

/** All zero. */
export function emptyStatistics(): PlaneStatistics {
  return {
    txPackets: 0,
    txBytes: 0,
    txErrors: 0,
    rxPackets: 0,
    rxBytes: 0,
    rxErrors: 0,
    rxSeqDiscards: 0,
    rxOosPackets: 0,
    rxCookieDiscards: 0,
    rxInvalid: 0,
  };
}
