/** What a channel tells about itself. */
import type { Instant } from "@l2tp/protocol";
import { COUNTERS, type Columns, type CounterName, STATE } from "./columns.ts";

/** `open`; `closing`: after {@link Transport.close}; `failed`: silent until reset or released. */
export type ChannelState = "open" | "closing" | "failed";

/** Counters since the channel was opened (they wrap at 2^32), and what it is like now. */
export interface ChannelStatistics extends Readonly<Record<CounterName, number>> {
  readonly state: ChannelState;
  /** Ns of the next message that is sent. */
  readonly ns: number;
  /** Ns that is expected from the peer. */
  readonly nr: number;
  /** Ns of our oldest message that the peer has not acknowledged: the Nr that it last sent. */
  readonly peerNr: number;
  /** CWND, in messages (RFC 2661 appendix A). */
  readonly cwnd: number;
  /** SSTHRESH, in messages. */
  readonly ssthresh: number;
  /** The peer's receive window, limited by ours. */
  readonly window: number;
  /** Messages not acknowledged, sent or not. */
  readonly queued: number;
  /** Of these, messages on their way. */
  readonly inFlight: number;
  /** Messages received before their turn. */
  readonly held: number;
  /** How often the oldest message on its way was sent again. */
  readonly retries: number;
  /** Round trip time, smoothed; undefined before the first measurement. */
  readonly rttMs: number | undefined;
  readonly rttVariationMs: number | undefined;
  /** When something was last heard of the peer; the opening of the channel before that. */
  readonly lastHeardAt: Instant;
}

export function statisticsOf(c: Columns, row: number): ChannelStatistics {
  const counters = {} as Record<CounterName, number>;
  COUNTERS.forEach((name, at) => {
    counters[name] = c.counters[row * COUNTERS.length + at] as number;
  });
  const rtt = c.rtt[row] as number;
  return {
    ...counters,
    state: c.state[row] === STATE.open ? "open" : c.state[row] === STATE.closing ? "closing" : "failed",
    ns: c.highest[row] as number,
    nr: c.nr[row] as number,
    peerNr: c.unacknowledged[row] as number,
    cwnd: c.cwnd[row] as number,
    ssthresh: c.ssthresh[row] as number,
    window: c.window[row] as number,
    queued: c.queued[row] as number,
    inFlight: c.inFlight[row] as number,
    held: c.held[row]?.size ?? 0,
    retries: Math.max(0, (c.first[row]?.transmissions ?? 0) - 1),
    rttMs: rtt === 0 ? undefined : rtt,
    rttVariationMs: rtt === 0 ? undefined : (c.rttVariation[row] as number),
    lastHeardAt: c.lastHeard[row] as number,
  };
}
