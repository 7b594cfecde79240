/** A message that the peer has not acknowledged yet, and the order in which datagrams leave. */
import type { Instant } from "@l2tp/protocol";
import type { ChannelId } from "./events.ts";
import type { MessageClass } from "./settings.ts";

/** One message of a channel's queue; plain data, there from `send` to its acknowledgement. */
export interface Outgoing {
  readonly channel: ChannelId;
  readonly row: number;
  readonly of: MessageClass;
  /** The transport's own copy, header and all. */
  readonly message: Uint8Array;
  /** Given at the first transmission; changed only when the channel is re-based. */
  ns: number;
  /** When it was last sent; retransmissions keep to the schedule, however late the timer. */
  sentAt: Instant;
  transmissions: number;
  /** Stands in the outbox. */
  leaving: boolean;
  /** Acknowledged, or its channel gone: what still stands in the outbox is not sent. */
  done: boolean;
  next: Outgoing | undefined;
}

/** First in, first out; the array is used again once it is empty. */
export class Fifo<T> {
  readonly #items: (T | undefined)[] = [];
  #from = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#from === this.#items.length) return undefined;
    const item = this.#items[this.#from];
    this.#items[this.#from++] = undefined;
    if (this.#from === this.#items.length) {
      this.#items.length = 0;
      this.#from = 0;
    } else if (this.#from > 1024 && this.#from * 2 > this.#items.length) {
      this.#items.splice(0, this.#from);
      this.#from = 0;
    }
    return item;
  }
}
