/**
 * The receiving side of data sequencing (RFC 3931 §4.6, RFC 2661 §5.4), as the Linux kernel does it (`l2tp_recv_data_seq`,
 * `l2tp_recv_queue_skb`, `l2tp_recv_dequeue`): without reordering a message that is not the expected one is
 * dropped, and after five that follow one another the session takes the sender's numbering; with reordering it
 * waits in a queue for those before it, and what has waited too long is dropped when the next one comes.
 *
 * Two things are better than in the kernel: numbers that wrap are queued in their real order, and a sender that
 * began anew at 0 (far outside the window) is followed after five messages, too (RFC 3931, Appendix C).
 */

/** 2^24 sequence numbers in L2TPv3; L2TPv2 has 2^16 (RFC 2661 §3.1). */
const MASK_V3 = 0xff_ffff;
/** The kernel's `nr_oos_count_max`: more than so many in sequence after the first are a new start. */
const OUT_OF_SEQUENCE_LIMIT = 4;
/** How long a message without number may sit behind those that wait. */
const UNNUMBERED_HOLD_MS = 1_000;

/** What became of a message. */
export const VERDICT = {
  /** Deliver it now, then look at {@link Sequence.release}. */
  deliver: 0,
  /** It waits in the queue; look at {@link Sequence.release}. */
  held: 1,
  /** Dropped: not the expected one; counted as a sequence discard. */
  outOfSequence: 2,
  /** Dropped: too old, or twice the same. */
  outsideWindow: 3,
  /** Should wait, and all slots are taken: nothing was changed. Make room and ask again, or drop it. */
  noRoom: 4,
} as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/** Where messages wait: a fixed number of slots, shared by the sessions of a wire. Nothing is allocated later. */
export class HoldingSlots {
  /** Next slot in the queue or in the free list; -1 ends either. */
  readonly next: Int32Array;
  /** Sequence number, -1 for a message without. */
  readonly ns: Int32Array;
  readonly expiresMs: Float64Array;
  #free = 0;

  constructor(count: number) {
    this.next = new Int32Array(count);
    this.ns = new Int32Array(count);
    this.expiresMs = new Float64Array(count);
    for (let i = 0; i < count; i++) this.next[i] = i + 1 < count ? i + 1 : -1;
  }

  /** @returns a slot, or -1 when all are in use. */
  take(): number {
    const slot = this.#free;
    if (slot !== -1) this.#free = this.next[slot] as number;
    return slot;
  }

  give(slot: number): void {
    this.next[slot] = this.#free;
    this.#free = slot;
  }
}

/** Counts messages whose numbers follow one another. */
class Run {
  readonly #mask: number;
  #last = 0;
  #count = 0;

  constructor(mask: number) {
    this.#mask = mask;
  }

  /** Whether the message is the last of as many as make a new start. */
  goesOn(ns: number): boolean {
    this.#count = ns === ((this.#last + 1) & this.#mask) ? this.#count + 1 : 0;
    this.#last = ns;
    return this.#count > OUT_OF_SEQUENCE_LIMIT;
  }
}

/** One session's receive sequence. */
export class Sequence {
  /** Came before one that had come earlier; the caller reads and counts on. */
  reordered = 0;
  /** Dropped after waiting too long; the caller reads and counts on. */
  expired = 0;
  /** Where the message that {@link accept} held waits: copy it there. */
  heldIn = -1;
  readonly #slots: HoldingSlots;
  #expected = 0;
  /** Nothing was received yet: whatever number comes is right. */
  #fresh = true;
  /** Take the number of the next message in the window as it is: after a loss that was waited out. */
  #skip = true;
  /** Messages that follow one another though not from where we are: ahead of it, and behind. */
  readonly #ahead: Run;
  readonly #behind: Run;
  /** The largest number. */
  readonly #mask: number;
  /** Numbers up to this far ahead are new ones, all others old (the kernel's `nr_window_size`). */
  readonly #window: number;
  #head = -1;

  /** @param mask - the largest number, all ones. */
  constructor(slots: HoldingSlots, mask = MASK_V3) {
    this.#slots = slots;
    this.#mask = mask;
    this.#window = mask >>> 1;
    this.#ahead = new Run(mask);
    this.#behind = new Run(mask);
  }

  /**
   * Judges a message.
   *
   * @param ns - its sequence number, or -1 when it has none.
   * @param reorderMs - how long it may wait; 0 for no reordering.
   */
  accept(ns: number, nowMs: number, reorderMs: number): Verdict {
    if (ns === -1) {
      if (this.#head === -1) return VERDICT.deliver;
      return this.#hold(-1, nowMs + UNNUMBERED_HOLD_MS);
    }
    if (!this.#fresh && ((ns - this.#expected) & this.#mask) >= this.#window) {
      if (!this.#behind.goesOn(ns)) return VERDICT.outsideWindow;
      this.#drop();
    }
    this.#fresh = false;
    if (this.#head === -1 && (this.#skip || ns === this.#expected)) {
      this.#skip = false;
      this.#expected = (ns + 1) & this.#mask;
      return VERDICT.deliver;
    }
    if (reorderMs > 0) return this.#hold(ns, nowMs + reorderMs);
    if (this.#head !== -1) return this.#hold(ns, nowMs); // Reordering was just switched off: drain in order.
    if (!this.#ahead.goesOn(ns)) return VERDICT.outOfSequence;
    this.#skip = false;
    this.#expected = (ns + 1) & this.#mask;
    return VERDICT.deliver;
  }

  /**
   * The next message whose turn has come.
   *
   * @returns its slot, to be delivered and given back to the {@link HoldingSlots}; -1 when none can go.
   */
  release(nowMs: number): number {
    const slots = this.#slots;
    for (let slot = this.#head; slot !== -1; slot = this.#head) {
      if (nowMs > (slots.expiresMs[slot] as number)) {
        this.#head = slots.next[slot] as number;
        slots.give(slot);
        this.#skip = true;
        this.expired++;
        continue;
      }
      const ns = slots.ns[slot] as number;
      if (ns !== -1) {
        if (this.#skip) {
          this.#skip = false;
          this.#expected = ns;
        }
        if (ns !== this.#expected) return -1;
        this.#expected = (this.#expected + 1) & this.#mask;
      }
      this.#head = slots.next[slot] as number;
      return slot;
    }
    return -1;
  }

  /** Whether messages wait. */
  get waiting(): boolean {
    return this.#head !== -1;
  }

  /** Gives up all that waits: the session ends. */
  clear(): void {
    this.#drop();
    this.expired = 0;
  }

  #drop(): void {
    for (let slot = this.#head; slot !== -1; ) {
      const next = this.#slots.next[slot] as number;
      this.#slots.give(slot);
      this.expired++;
      slot = next;
    }
    this.#head = -1;
    this.#skip = true;
  }

  /** Puts a message into the queue, in order of its number; one without goes last. */
  #hold(ns: number, expiresMs: number): Verdict {
    const slots = this.#slots;
    if (ns === this.#expected) {
      // It is what the others wait for, and needs no slot to go before them.
      this.#expected = (ns + 1) & this.#mask;
      this.reordered++;
      return VERDICT.deliver;
    }
    const distance = (ns - this.#expected) & this.#mask;
    let before = -1;
    let after = this.#head;
    for (; after !== -1; after = slots.next[after] as number) {
      const other = slots.ns[after] as number;
      if (ns !== -1 && other !== -1) {
        const otherDistance = (other - this.#expected) & this.#mask;
        if (otherDistance === distance) return VERDICT.outsideWindow; // Twice the same.
        if (otherDistance > distance) break;
      }
      before = after;
    }
    const slot = slots.take();
    if (slot === -1) return VERDICT.noRoom;
    if (after !== -1) this.reordered++;
    slots.ns[slot] = ns;
    slots.expiresMs[slot] = expiresMs;
    slots.next[slot] = after;
    if (before === -1) this.#head = slot;
    else slots.next[before] = slot;
    this.heldIn = slot;
    return VERDICT.held;
  }
}
