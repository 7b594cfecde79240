/** Notices on their way to their one reader. */
import type { PlaneNotice } from "@l2tp/dataplane";

/** Nobody reading: the oldest goes first. */
const LIMIT = 1_000;

/** A bounded queue that is read as an async iterable, and ends when it is closed. */
export class NoticeQueue implements AsyncIterable<PlaneNotice> {
  readonly #queue: PlaneNotice[] = [];
  #closed = false;
  #wake: (() => void) | undefined;

  push(notice: PlaneNotice): void {
    if (this.#closed) return;
    this.#queue.push(notice);
    if (this.#queue.length > LIMIT) this.#queue.shift();
    this.#wake?.();
  }

  /** What is queued is still read; then the iteration ends. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PlaneNotice, void, undefined> {
    for (;;) {
      for (let notice = this.#queue.shift(); notice !== undefined; notice = this.#queue.shift()) yield notice;
      if (this.#closed) return;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
      this.#wake = undefined;
    }
  }
}
