/**
 * The receiving side of data sequencing, as in the Linux kernel (`l2tp_recv_data_seq`, `l2tp_recv_queue_skb`,
 * `l2tp_recv_dequeue`): a window of half the number space, no reordering by default with a new start after five
 * messages in sequence, and a queue in order of Ns when reordering. One thing is better than there: numbers that
 * lie behind the expected one start anew just as those ahead of it, so that a peer that was restarted is heard.
 */
import type { Instant, L2tpVersion } from "@l2tp/protocol";

/** What the kernel calls `nr_oos_count_max`: more than so many in sequence after a gap are a new start. */
const OUT_OF_SEQUENCE_LIMIT = 4;
/** How long an unnumbered message may sit in the queue; it is delivered at once unless numbered ones wait. */
const UNORDERED_HOLD_MS = 1_000;

interface Held<T> {
  readonly ns: number | undefined;
  readonly expires: Instant;
  readonly message: T;
}

/** What the receiver reports; counting is the session's. */
export interface SequencingSink<T> {
  deliver(message: T): void;
  /** Was dropped. */
  discard(): void;
  /** Was put before one that had come earlier. */
  reordered(): void;
}

/** One session's receive sequence; what a message is, is the session's business. */
export class ReceiveSequence<T> {
  readonly #largest: number;
  readonly #sink: SequencingSink<T>;
  #expected = 0;
  #lastOutOfSequence = 0;
  #inSequenceSince = 0;
  #newStart = false;
  #queue: Held<T>[] = [];

  constructor(version: L2tpVersion, sink: SequencingSink<T>) {
    this.#largest = version === 2 ? 0xffff : 0xff_ffff;
    this.#sink = sink;
  }

  /** Takes one message, `ns` when it is numbered, and delivers all that can be delivered now. */
  receive(now: Instant, ns: number | undefined, message: T, reorderMs: number): void {
    const held: Held<T> = { ns, message, expires: now + (reorderMs > 0 ? reorderMs : UNORDERED_HOLD_MS) };
    if (ns === undefined) this.#queue.push(held);
    else if (ns === this.#expected) this.#insert(held, ns);
    else if (reorderMs > 0 && this.#inWindow(ns)) this.#insert(held, ns);
    else if (this.#startsAnew(ns)) this.#restart(held);
    else this.#sink.discard();
    this.flush(now);
  }

  /** Delivers what is in order, and drops what has waited too long. Without it messages wait for the next. */
  flush(now: Instant): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (now > head.expires) {
        this.#queue.shift();
        this.#newStart = true;
        this.#sink.discard();
        continue;
      }
      if (head.ns !== undefined) {
        if (this.#newStart) {
          this.#newStart = false;
          this.#expected = head.ns;
        }
        if (head.ns !== this.#expected) return;
        this.#expected = (this.#expected + 1) & this.#largest;
      }
      this.#queue.shift();
      this.#sink.deliver(head.message);
    }
  }

  #inWindow(ns: number): boolean {
    return ((ns - this.#expected) & this.#largest) < this.#largest >> 1;
  }

  /** Counts messages that follow one another though not from where we are. */
  #startsAnew(ns: number): boolean {
    const follows = ns === ((this.#lastOutOfSequence + 1) & this.#largest);
    this.#inSequenceSince = follows ? this.#inSequenceSince + 1 : 0;
    this.#lastOutOfSequence = ns;
    if (this.#inSequenceSince > OUT_OF_SEQUENCE_LIMIT) this.#newStart = true;
    return this.#newStart;
  }

  /** Nothing that was held belongs to the new numbering. */
  #restart(first: Held<T>): void {
    for (const _ of this.#queue) this.#sink.discard();
    this.#queue = [first];
  }

  /** In order of the number, as the kernel does it: plainly, also where the numbers wrap. */
  #insert(held: Held<T>, ns: number): void {
    const before = this.#queue.findIndex((other) => other.ns !== undefined && other.ns > ns);
    if (before === -1) this.#queue.push(held);
    else {
      this.#queue.splice(before, 0, held);
      this.#sink.reordered();
    }
  }
}
