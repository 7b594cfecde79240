/**
 * Counters of one session, with the fields and the meaning that they have in the Linux kernel
 * (`L2TP_ATTR_STATS`). Bytes are those of the L2TP data message from its header on, without UDP and IP, so
 * that what one end sent is what the other received.
 */
export interface PlaneStatistics {
  txPackets: number;
  txBytes: number;
  /** Could not be sent. */
  txErrors: number;
  /** Handed to the interface. */
  rxPackets: number;
  rxBytes: number;
  /** Dropped on receipt, whatever the reason; those that follow are included. */
  rxErrors: number;
  /** Dropped because they came out of order, too late, or without the sequence number that is required. */
  rxSeqDiscards: number;
  /** Came out of order and were put in order by the reordering queue (`reorderMs` above 0). */
  rxOosPackets: number;
  /** Dropped because of a wrong cookie. */
  rxCookieDiscards: number;
  /** Dropped because they are too short for their header, or for a frame. */
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
