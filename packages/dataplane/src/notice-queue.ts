/** The notices of a wire, as the one reader that there is takes them. */
import type { PlaneNotice } from "./notice.ts";

/** Notices kept for a reader that is slow, or not there yet. */
const CAPACITY = 1024;

/** A bounded queue that is an async iterable; when it is full the oldest goes, and an `overrun` notice says so. */
export class NoticeQueue implements AsyncIterable<PlaneNotice> {
  readonly #waiting: PlaneNotice[] = [];
  #reader: ((result: IteratorResult<PlaneNotice>) => void) | undefined;
  #lost = 0;
  #ended = false;

  push(notice: PlaneNotice): void {
    if (this.#ended) return;
    if (this.#reader !== undefined) {
      const reader = this.#reader;
      this.#reader = undefined;
      reader({ done: false, value: notice });
      return;
    }
    if (this.#waiting.length >= CAPACITY) {
      this.#waiting.shift();
      this.#lost++;
    }
    this.#waiting.push(notice);
  }

  /** What is waiting is still delivered; then the iteration ends. */
  end(): void {
    this.#ended = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<PlaneNotice> {
    return {
      next: () => {
        if (this.#lost > 0) {
          const count = this.#lost;
          this.#lost = 0;
          return Promise.resolve({ done: false, value: { type: "overrun", count, where: "notices" } });
        }
        const value = this.#waiting.shift();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => {
          this.#reader = resolve;
        });
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }
}
