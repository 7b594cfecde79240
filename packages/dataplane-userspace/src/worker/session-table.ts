/** Finds a session by its 32-bit ID: open addressing in typed arrays, so that a lookup allocates nothing. */

/** Knuth's multiplicative hash: 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e37_79b1;
const EMPTY = -1;
const DELETED = -2;

/** Session ID → a small integer, such as an index into an array of sessions. Grows on insertion only. */
export class SessionTable {
  #keys = new Uint32Array(16);
  #values = new Int32Array(16).fill(EMPTY);
  #shift = 28;
  #used = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the value, or -1. */
  get(id: number): number {
    const mask = this.#keys.length - 1;
    for (let i = Math.imul(id, GOLDEN) >>> this.#shift; ; i = (i + 1) & mask) {
      const value = this.#values[i] as number;
      if (value === EMPTY) return -1;
      if (value !== DELETED && this.#keys[i] === id >>> 0) return value;
    }
  }

  /** @param value - 0 or more. */
  set(id: number, value: number): void {
    this.delete(id);
    if ((this.#used + 1) * 2 > this.#keys.length) this.#rebuild();
    const mask = this.#keys.length - 1;
    let i = Math.imul(id, GOLDEN) >>> this.#shift;
    while (this.#values[i] !== EMPTY) i = (i + 1) & mask;
    this.#keys[i] = id;
    this.#values[i] = value;
    this.#used++;
    this.#size++;
  }

  delete(id: number): boolean {
    const mask = this.#keys.length - 1;
    for (let i = Math.imul(id, GOLDEN) >>> this.#shift; ; i = (i + 1) & mask) {
      const value = this.#values[i] as number;
      if (value === EMPTY) return false;
      if (value === DELETED || this.#keys[i] !== id >>> 0) continue;
      this.#values[i] = DELETED;
      this.#size--;
      return true;
    }
  }

  /** Twice the room if it is needed, and no trace of what was deleted. */
  #rebuild(): void {
    const keys = this.#keys;
    const values = this.#values;
    let capacity = 16;
    while (capacity < (this.#size + 1) * 4) capacity *= 2;
    this.#keys = new Uint32Array(capacity);
    this.#values = new Int32Array(capacity).fill(EMPTY);
    this.#shift = 32 - Math.log2(capacity);
    this.#used = 0;
    this.#size = 0;
    for (let i = 0; i < keys.length; i++) {
      const value = values[i] as number;
      if (value >= 0) this.set(keys[i] as number, value);
    }
  }
}
