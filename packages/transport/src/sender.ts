/**
 * The sending half of all channels: the queue of messages not acknowledged, the peer's window, slow start and
 * congestion avoidance, and retransmission (RFC 2661 §5.8 and appendix A, RFC 3931 §4.2 and appendix A).
 *
 * The messages on their way are always the first `inFlight` of the queue. When the oldest is not acknowledged in time,
 * it alone is sent again; those behind it follow as acknowledgements open the window, unless the peer has kept them.
 */
import type { Instant } from "@l2tp/protocol";
import { COUNTER, type Columns, FLAG } from "./columns.ts";
import type { TransportEvent } from "./events.ts";
import type { Fifo, Outgoing } from "./outgoing.ts";
import { advance, distance, isAfter } from "./sequence.ts";
import { type MessageClass, maximumTransmissions, retransmissionWaitMs } from "./settings.ts";
import { TIMER, timerKey } from "./timers.ts";
import type { TimerWheel } from "./wheel.ts";

/** RFC 6298 §2.3: the weights of a new sample in the round trip time and in its variation. */
const RTT_WEIGHT = 1 / 8;
const RTT_VARIATION_WEIGHT = 1 / 4;

/** A retransmission that is late by more than this (the process was stopped) starts a new schedule. */
const LATE_MS = 1_000;

/**
 * What an Nr says about our messages: some are newly acknowledged; nothing new; an old one that came late; or more than
 * was ever sent, which is "clearly invalid" (RFC 3931 §4.2).
 */
export type NrVerdict = "advanced" | "unchanged" | "behind" | "invalid";

export class Sender {
  readonly #columns: Columns;
  readonly #wheel: TimerWheel;
  readonly #outbox: Fifo<Outgoing>;
  readonly #events: Fifo<TransportEvent>;

  constructor(columns: Columns, wheel: TimerWheel, outbox: Fifo<Outgoing>, events: Fifo<TransportEvent>) {
    this.#columns = columns;
    this.#wheel = wheel;
    this.#outbox = outbox;
    this.#events = events;
  }

  /** Sets a row to the beginning: Ns 0, an empty queue, slow start. */
  reset(row: number): void {
    const c = this.#columns;
    this.drop(row);
    c.window[row] = Math.min(c.peerWindow[row] as number, c.settingsOf(row).sendWindowLimit);
    c.unacknowledged[row] = 0;
    c.highest[row] = 0;
    c.cwnd[row] = 1;
    c.cwndAcks[row] = 0;
    c.ssthresh[row] = c.window[row] as number;
    c.rtt[row] = 0;
    c.rttVariation[row] = 0;
  }

  /** The peer's window or our limit of it has changed; SSTHRESH starts there, and CWND never exceeds it. */
  setWindow(row: number, now: Instant): void {
    const c = this.#columns;
    const window = Math.min(c.peerWindow[row] as number, c.settingsOf(row).sendWindowLimit);
    const untouched = c.cwnd[row] === 1 && c.ssthresh[row] === c.window[row];
    c.window[row] = window;
    c.cwnd[row] = Math.min(c.cwnd[row] as number, window);
    c.ssthresh[row] = untouched ? window : Math.min(c.ssthresh[row] as number, window);
    this.#fillWindow(row, now);
  }

  /** Queues a message, which is the transport's own from here on, and sends it when the window allows. */
  enqueue(row: number, now: Instant, message: Uint8Array, of: MessageClass): void {
    const c = this.#columns;
    const entry: Outgoing = {
      channel: c.idOf(row),
      row,
      of,
      message,
      ns: 0,
      sentAt: now,
      transmissions: 0,
      leaving: false,
      done: false,
      next: undefined,
    };
    const last = c.last[row];
    if (last === undefined) c.first[row] = entry;
    else last.next = entry;
    c.last[row] = entry;
    c.unsent[row] ??= entry;
    c.queued[row] = (c.queued[row] as number) + 1;
    this.#fillWindow(row, now);
  }

  /** Takes the Nr of any message from the peer: flushes what it acknowledges, and sends what the window then allows. */
  acknowledge(row: number, now: Instant, nr: number): NrVerdict {
    const c = this.#columns;
    const acknowledged = distance(c.unacknowledged[row] as number, nr);
    const outstanding = distance(c.unacknowledged[row] as number, c.highest[row] as number);
    if (acknowledged === 0) return "unchanged";
    if (acknowledged > outstanding) return isAfter(nr, c.highest[row] as number) ? "invalid" : "behind";
    this.#flush(row, now, acknowledged);
    c.unacknowledged[row] = nr;
    this.#openWindow(row);
    this.#fillWindow(row, now);
    this.#armRetransmission(row);
    return "advanced";
  }

  /**
   * Re-bases: the peer expects `nr`, which is no acknowledgement of anything outstanding, so that is where our numbers
   * go on. An Nr ahead of us comes from a peer that remembers more than we do; it answers, so what was sent counts as
   * received. One behind us comes from a peer that began anew; what it has not seen is sent again under new numbers.
   *
   * @returns whether messages of ours count as acknowledged.
   */
  adopt(row: number, now: Instant, nr: number): boolean {
    const c = this.#columns;
    const ahead = isAfter(nr, c.highest[row] as number);
    let sent = distance(c.unacknowledged[row] as number, c.highest[row] as number);
    const received = ahead && sent > 0;
    if (received) {
      this.#flush(row, now, sent);
      sent = 0;
    }
    c.unacknowledged[row] = nr;
    c.highest[row] = advance(nr, sent);
    let ns = nr;
    for (let entry = c.first[row]; entry !== undefined && sent > 0; entry = entry.next, sent--) {
      entry.ns = ns;
      ns = advance(ns, 1);
    }
    c.count(row, COUNTER.rebases);
    this.#fillWindow(row, now);
    this.#armRetransmission(row);
    return received;
  }

  /** The retransmission timer of a row has expired. @returns the message that was given up, when the channel failed. */
  expired(row: number, now: Instant): Outgoing | undefined {
    const c = this.#columns;
    const oldest = c.first[row];
    if (oldest === undefined || oldest.transmissions === 0) return undefined;
    const settings = c.settingsOf(row);
    const due = oldest.sentAt + retransmissionWaitMs(settings, oldest.transmissions);
    if (due > now) {
      this.#armRetransmission(row);
      return undefined;
    }
    if (oldest.transmissions >= maximumTransmissions(settings, oldest.of)) return oldest;
    // "When congestion occurs (indicated by the triggering of a retransmission) one half of the CWND is saved in
    // SSTHRESH, and CWND is set to one" (appendix A).
    c.ssthresh[row] = Math.max(1, (c.cwnd[row] as number) >>> 1);
    c.cwnd[row] = 1;
    c.cwndAcks[row] = 0;
    c.inFlight[row] = 0;
    c.unsent[row] = oldest;
    this.#fillWindow(row, now - due > LATE_MS ? now : due);
    return undefined;
  }

  /** Empties the queue: nothing of it is sent any more. */
  drop(row: number): void {
    const c = this.#columns;
    for (let entry = c.first[row]; entry !== undefined; entry = entry.next) entry.done = true;
    c.first[row] = undefined;
    c.last[row] = undefined;
    c.unsent[row] = undefined;
    c.queued[row] = 0;
    c.inFlight[row] = 0;
    this.#wheel.cancel(timerKey(row, TIMER.retransmit));
  }

  /** Takes the oldest `count` messages, which are acknowledged, from the queue. */
  #flush(row: number, now: Instant, count: number): void {
    const c = this.#columns;
    let entry = c.first[row];
    let sample = -1;
    for (let left = count; left > 0 && entry !== undefined; left--, entry = entry.next) {
      entry.done = true;
      // Karn: what was sent twice says nothing about the round trip.
      if (entry.transmissions === 1) sample = now - entry.sentAt;
    }
    if (sample >= 0) this.#measure(row, sample);
    const inFlight = c.inFlight[row] as number;
    c.first[row] = entry;
    if (entry === undefined) c.last[row] = undefined;
    if (count > inFlight) c.unsent[row] = entry;
    c.inFlight[row] = Math.max(0, inFlight - count);
    c.queued[row] = (c.queued[row] as number) - count;
    if (c.has(row, FLAG.peerReached)) return;
    c.set(row, FLAG.peerReached);
    this.#events.push({ type: "peer-reached", channel: c.idOf(row) });
  }

  /** One acknowledgement of something new has come: CWND grows by one, or by one part of itself (appendix A). */
  #openWindow(row: number): void {
    const c = this.#columns;
    const cwnd = c.cwnd[row] as number;
    if (cwnd >= (c.window[row] as number)) return;
    if (cwnd < (c.ssthresh[row] as number)) {
      c.cwnd[row] = cwnd + 1;
      return;
    }
    const acks = (c.cwndAcks[row] as number) + 1;
    c.cwndAcks[row] = acks >= cwnd ? 0 : acks;
    if (acks >= cwnd) c.cwnd[row] = cwnd + 1;
  }

  #fillWindow(row: number, at: Instant): void {
    const c = this.#columns;
    const limit = Math.min(c.cwnd[row] as number, c.window[row] as number);
    let entry = c.unsent[row];
    while (entry !== undefined && (c.inFlight[row] as number) < limit) {
      this.#transmit(row, at, entry);
      entry = entry.next;
    }
    c.unsent[row] = entry;
  }

  #transmit(row: number, at: Instant, entry: Outgoing): void {
    const c = this.#columns;
    if (entry.transmissions === 0) {
      entry.ns = c.highest[row] as number;
      c.highest[row] = advance(entry.ns, 1);
      c.count(row, COUNTER.messagesSent);
      if (entry.of === "hello") c.count(row, COUNTER.hellosSent);
    } else {
      c.count(row, COUNTER.retransmits);
    }
    entry.transmissions++;
    entry.sentAt = at;
    c.inFlight[row] = (c.inFlight[row] as number) + 1;
    if (!entry.leaving) {
      entry.leaving = true;
      this.#outbox.push(entry);
    }
    if (entry === c.first[row]) this.#armRetransmission(row);
  }

  /** The timer follows the oldest message on its way. */
  #armRetransmission(row: number): void {
    const c = this.#columns;
    const key = timerKey(row, TIMER.retransmit);
    const oldest = c.first[row];
    if (oldest === undefined || c.inFlight[row] === 0) this.#wheel.cancel(key);
    else this.#wheel.arm(key, oldest.sentAt + retransmissionWaitMs(c.settingsOf(row), oldest.transmissions));
  }

  #measure(row: number, sample: number): void {
    const c = this.#columns;
    const rtt = c.rtt[row] as number;
    if (rtt === 0) {
      c.rtt[row] = sample;
      c.rttVariation[row] = sample / 2;
      return;
    }
    const variation = c.rttVariation[row] as number;
    c.rttVariation[row] = variation + RTT_VARIATION_WEIGHT * (Math.abs(rtt - sample) - variation);
    c.rtt[row] = rtt + RTT_WEIGHT * (sample - rtt);
  }
}
