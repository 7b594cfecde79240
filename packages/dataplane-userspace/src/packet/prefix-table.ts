/**
 * From an IPv4 or IPv6 address to the session that has it, by the longest prefix: which way a packet for subscribers
 * goes, and whether one from them may have its source address.
 *
 * One hash table of typed arrays holds all prefixes with their lengths; a look-up probes it once for each length that is in
 * use, the longest first: once or twice where subscribers have an address, or a /64. Adding and removing cost as much.
 */

const EMPTY = -1;
const DELETED = -2;
const LEAST = 16;
/** Odd constants that spread their factors over 32 bits (Knuth's, and those of MurmurHash3). */
const MIX = [0x9e37_79b1, 0x85eb_ca6b, 0xc2b2_ae35, 0x27d4_eb2f, 0x1656_67b1] as const;

/** A prefix, or an address by itself, as the table takes it: network order, IPv4 in the first word. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly length: number;
  readonly words: readonly [number, number, number, number];
}

/** The first `bits` (0 to 32) of a word. */
const masked = (word: number, bits: number): number =>
  bits <= 0 ? 0 : bits >= 32 ? word >>> 0 : (word & (0xffff_ffff << (32 - bits))) >>> 0;

/** Prefixes of one family → integers of 0 or more. */
class FamilyTable {
  readonly #words: 1 | 4;
  readonly #bits: number;
  /** Entries: the words of the prefix, then its length. */
  #keys: Uint32Array;
  readonly #stride: number;
  #values: Int32Array;
  #used = 0;
  #size = 0;
  /** How many prefixes there are of each length, and the lengths in use, the longest first. */
  readonly #count: Int32Array;
  #lengths: number[] = [];
  /** The prefix at hand, masked. */
  #w0 = 0;
  #w1 = 0;
  #w2 = 0;
  #w3 = 0;

  constructor(words: 1 | 4) {
    this.#words = words;
    this.#bits = words * 32;
    this.#stride = words + 1;
    this.#keys = new Uint32Array(LEAST * this.#stride);
    this.#values = new Int32Array(LEAST).fill(EMPTY);
    this.#count = new Int32Array(this.#bits + 1);
  }

  get size(): number {
    return this.#size;
  }

  /** The value of the longest prefix around the address, or -1. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const lengths = this.#lengths;
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i] as number;
      this.#mask(w0, w1, w2, w3, length);
      const slot = this.#slot(length);
      if (slot !== -1) return this.#values[slot] as number;
    }
    return -1;
  }

  set({ words: [w0, w1, w2, w3], length }: Prefix, value: number): void {
    this.#mask(w0, w1, w2, w3, length);
    const slot = this.#slot(length);
    if (slot !== -1) {
      this.#values[slot] = value;
      return;
    }
    if ((this.#used + 1) * 2 > this.#values.length) {
      this.#rebuild();
      this.#mask(w0, w1, w2, w3, length);
    }
    this.#insert(length, value);
    this.#count[length] = (this.#count[length] as number) + 1;
    if (this.#count[length] === 1) this.#lengths = [...this.#lengths, length].sort((a, b) => b - a);
  }

  delete({ words: [w0, w1, w2, w3], length }: Prefix): boolean {
    this.#mask(w0, w1, w2, w3, length);
    const slot = this.#slot(length);
    if (slot === -1) return false;
    this.#values[slot] = DELETED;
    this.#size--;
    this.#count[length] = (this.#count[length] as number) - 1;
    if (this.#count[length] === 0) this.#lengths = this.#lengths.filter((other) => other !== length);
    return true;
  }

  #mask(w0: number, w1: number, w2: number, w3: number, length: number): void {
    this.#w0 = masked(w0, length);
    if (this.#words === 1) return;
    this.#w1 = masked(w1, length - 32);
    this.#w2 = masked(w2, length - 64);
    this.#w3 = masked(w3, length - 96);
  }

  #hash(length: number): number {
    let hash = Math.imul(this.#w0, MIX[0]) ^ Math.imul(length + 1, MIX[4]);
    if (this.#words === 4) {
      hash ^= Math.imul(this.#w1, MIX[1]) ^ Math.imul(this.#w2, MIX[2]) ^ Math.imul(this.#w3, MIX[3]);
    }
    hash ^= hash >>> 15;
    hash = Math.imul(hash, MIX[1]);
    return hash ^ (hash >>> 13);
  }

  /** Where the prefix at hand is, or -1. */
  #slot(length: number): number {
    const mask = this.#values.length - 1;
    for (let i = this.#hash(length) & mask; ; i = (i + 1) & mask) {
      const value = this.#values[i] as number;
      if (value === EMPTY) return -1;
      if (value !== DELETED && this.#isAt(i, length)) return i;
    }
  }

  #isAt(i: number, length: number): boolean {
    const keys = this.#keys;
    const at = i * this.#stride;
    if (keys[at] !== this.#w0 || keys[at + this.#words] !== length) return false;
    return (
      this.#words === 1 ||
      (keys[at + 1] === this.#w1 && keys[at + 2] === this.#w2 && keys[at + 3] === this.#w3)
    );
  }

  #insert(length: number, value: number): void {
    const mask = this.#values.length - 1;
    let i = this.#hash(length) & mask;
    while (this.#values[i] !== EMPTY) i = (i + 1) & mask;
    const at = i * this.#stride;
    this.#keys[at] = this.#w0;
    if (this.#words === 4) {
      this.#keys[at + 1] = this.#w1;
      this.#keys[at + 2] = this.#w2;
      this.#keys[at + 3] = this.#w3;
    }
    this.#keys[at + this.#words] = length;
    this.#values[i] = value;
    this.#used++;
    this.#size++;
  }

  /** Twice the room if it is needed, and no trace of what was deleted. */
  #rebuild(): void {
    const keys = this.#keys;
    const values = this.#values;
    let capacity = LEAST;
    while (capacity < (this.#size + 1) * 4) capacity *= 2;
    this.#keys = new Uint32Array(capacity * this.#stride);
    this.#values = new Int32Array(capacity).fill(EMPTY);
    this.#used = 0;
    this.#size = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value < 0) continue;
      const at = i * this.#stride;
      this.#w0 = keys[at] as number;
      if (this.#words === 4) {
        this.#w1 = keys[at + 1] as number;
        this.#w2 = keys[at + 2] as number;
        this.#w3 = keys[at + 3] as number;
      }
      this.#insert(keys[at + this.#words] as number, value);
    }
  }
}

/** Prefixes of both families. */
export class PrefixTable {
  readonly #v4 = new FamilyTable(1);
  readonly #v6 = new FamilyTable(4);

  get size(): number {
    return this.#v4.size + this.#v6.size;
  }

  /** @param value - 0 or more. A prefix that is there gets the new value. */
  set(prefix: Prefix, value: number): void {
    (prefix.family === 4 ? this.#v4 : this.#v6).set(prefix, value);
  }

  delete(prefix: Prefix): boolean {
    return (prefix.family === 4 ? this.#v4 : this.#v6).delete(prefix);
  }

  /** The value for the IPv4 address at `at`, or -1. */
  find4(view: DataView, at: number): number {
    return this.#v4.find(view.getUint32(at), 0, 0, 0);
  }

  /** The value for the IPv6 address at `at`, or -1. */
  find6(view: DataView, at: number): number {
    const w0 = view.getUint32(at);
    return this.#v6.find(w0, view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12));
  }
}
