/**
 * The receiving half of all channels: order, duplicates, messages before their turn, and the acknowledgements that are
 * owed for them (RFC 2661 §5.8, RFC 3931 §4.2).
 */
import type { Instant } from "@l2tp/protocol";
import { COUNTER, type Columns, FLAG, STATE } from "./columns.ts";
import type { ChannelId, Receipt, TransportEvent } from "./events.ts";
import type { MessageKind } from "./header.ts";
import type { Fifo } from "./outgoing.ts";
import { advance, distance, isDuplicate } from "./sequence.ts";
import { TIMER, timerKey } from "./timers.ts";
import type { TimerWheel } from "./wheel.ts";

export class Receiver {
  readonly #columns: Columns;
  readonly #wheel: TimerWheel;
  readonly #owing: Fifo<ChannelId>;
  readonly #events: Fifo<TransportEvent>;

  constructor(columns: Columns, wheel: TimerWheel, owing: Fifo<ChannelId>, events: Fifo<TransportEvent>) {
    this.#columns = columns;
    this.#wheel = wheel;
    this.#owing = owing;
    this.#events = events;
  }

  /** Sets a row to the beginning: Nr 0, nothing held, nothing owed. */
  reset(row: number): void {
    const c = this.#columns;
    c.nr[row] = 0;
    c.held[row] = undefined;
    this.acknowledged(row);
  }

  /** Takes a message that has a sequence number, that is any but a ZLB or an ACK. */
  receive(row: number, now: Instant, ns: number, message: Uint8Array, kind: MessageKind): Receipt {
    const c = this.#columns;
    const expected = c.nr[row] as number;
    if (ns === expected) {
      this.#accept(row, message.slice());
      this.#deliverHeld(row);
      // "A peer MUST NOT withhold acknowledgment": the second message does not wait as well.
      if (c.has(row, FLAG.ackOwed)) this.#owe(row);
      else this.#oweSoon(row, now);
      return "accepted";
    }
    const last = advance(expected, -1);
    if (kind === "hello" && c.has(row, FLAG.rebase) && ns !== last) {
      this.#rebase(row, ns, message);
      return "rebased";
    }
    if (isDuplicate(ns, last)) {
      c.count(row, COUNTER.duplicates);
      this.#owe(row);
      return "duplicate";
    }
    return this.#hold(row, ns, message);
  }

  /** An acknowledgement has left with whatever was just sent. */
  acknowledged(row: number): void {
    this.#columns.clear(row, FLAG.ackOwed);
    this.#wheel.cancel(timerKey(row, TIMER.acknowledge));
  }

  /** The delay of an acknowledgement is over. */
  expired(row: number): void {
    if (this.#columns.has(row, FLAG.ackOwed)) this.#owe(row);
  }

  #accept(row: number, message: Uint8Array): void {
    const c = this.#columns;
    c.nr[row] = advance(c.nr[row] as number, 1);
    c.count(row, COUNTER.messagesReceived);
    // A closing channel still acknowledges, but nobody is there to act on what comes.
    if (c.state[row] !== STATE.open) return;
    this.#events.push({ type: "message", channel: c.idOf(row), message });
  }

  #deliverHeld(row: number): void {
    const c = this.#columns;
    const held = c.held[row];
    if (held === undefined) return;
    for (;;) {
      const ns = c.nr[row] as number;
      const message = held.get(ns);
      if (message === undefined) break;
      held.delete(ns);
      this.#accept(row, message);
    }
    if (held.size === 0) c.held[row] = undefined;
  }

  /** Keeps a copy of a message that came before its turn, if it lies within the window that we advertise. */
  #hold(row: number, ns: number, message: Uint8Array): Receipt {
    const c = this.#columns;
    if (distance(c.nr[row] as number, ns) >= c.settingsOf(row).windowSize) {
      c.count(row, COUNTER.discardedOutOfWindow);
      return "out-of-window";
    }
    c.held[row] ??= new Map();
    const held = c.held[row];
    if (held.has(ns)) {
      c.count(row, COUNTER.duplicates);
      this.#owe(row);
      return "duplicate";
    }
    held.set(ns, message.slice());
    c.count(row, COUNTER.outOfOrder);
    this.#owe(row);
    return "held";
  }

  /** The peer began anew and says so with a Hello: its numbers go on from there. */
  #rebase(row: number, ns: number, message: Uint8Array): void {
    const c = this.#columns;
    this.#events.push({
      type: "rebased",
      channel: c.idOf(row),
      side: "receive",
      expected: c.nr[row] as number,
      received: ns,
    });
    c.count(row, COUNTER.rebases);
    c.held[row] = undefined;
    c.nr[row] = ns;
    this.#accept(row, message.slice());
    this.#owe(row);
  }

  /** Owes an acknowledgement that may wait for a message to ride on. */
  #oweSoon(row: number, now: Instant): void {
    const delay = this.#columns.settingsOf(row).ackDelayMs;
    if (delay === 0) {
      this.#owe(row);
      return;
    }
    this.#columns.set(row, FLAG.ackOwed);
    this.#wheel.arm(timerKey(row, TIMER.acknowledge), now + delay);
  }

  /** Owes an acknowledgement that leaves with the next poll, alone or on a message before it. */
  #owe(row: number): void {
    const c = this.#columns;
    c.set(row, FLAG.ackOwed);
    if (c.has(row, FLAG.ackQueued)) return;
    c.set(row, FLAG.ackQueued);
    this.#owing.push(c.idOf(row));
  }
}
