/** First in, first out. */
export class Queue<T> {
  #items: T[] = [];
  #from = 0;

  get size(): number {
    return this.#items.length - this.#from;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#from];
    if (item === undefined) return undefined;
    this.#items[this.#from++] = undefined as T;
    if (this.#from === this.#items.length) {
      this.#items = [];
      this.#from = 0;
    }
    return item;
  }
}
