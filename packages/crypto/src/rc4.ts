/**
 * RC4 as a stream, for MPPE (RFC 3078). The state is 256 octets and two counters, so that a session at rest costs
 * little, and keying again allocates nothing: stateless MPPE does it for every packet. Broken as a cipher
 * (RFC 7465); no use but this.
 */

/** One direction of an RC4 stream. Encrypting and decrypting are the same operation. */
export class Rc4 {
  readonly #state = new Uint8Array(256);
  #i = 0;
  #j = 0;

  /** @param key - 1 to 256 octets; not kept. */
  constructor(key: Uint8Array) {
    this.rekey(key);
  }

  /**
   * Starts the stream anew.
   * @param key - 1 to 256 octets; not kept.
   * @throws RangeError - a key of another length.
   */
  rekey(key: Uint8Array): void {
    const length = key.length;
    if (length === 0 || length > 256) throw new RangeError(`an RC4 key has 1 to 256 octets, not ${length}`);
    const state = this.#state;
    for (let i = 0; i < 256; i++) state[i] = i;
    for (let i = 0, j = 0, k = 0; i < 256; i++) {
      const at = state[i] as number;
      j = (j + at + (key[k] as number)) & 255;
      state[i] = state[j] as number;
      state[j] = at;
      if (++k === length) k = 0;
    }
    this.#i = 0;
    this.#j = 0;
  }

  /**
   * Mixes the next octets of the key stream into `input[from..to)`.
   * @param input - what to encrypt or decrypt.
   * @param output - where the result goes; may be `input` itself, at the same place or before it.
   * @param at - index in `output` of the first octet of the result.
   * @throws RangeError - the octets are not all in `input`, or the result does not fit `output`.
   */
  process(input: Uint8Array, output = input, from = 0, to = input.length, at = from): void {
    if (!(from >= 0 && from <= to && to <= input.length && at >= 0 && at + to - from <= output.length)) {
      throw new RangeError(`octets ${from} to ${to} of ${input.length}, to ${at} of ${output.length}`);
    }
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let n = from; n < to; n++) {
      i = (i + 1) & 255;
      const a = state[i] as number;
      j = (j + a) & 255;
      const b = state[j] as number;
      state[i] = b;
      state[j] = a;
      output[at++] = (input[n] as number) ^ (state[(a + b) & 255] as number);
    }
    this.#i = i;
    this.#j = j;
  }

  /** Goes `octets` forward in the key stream, as {@link process} would with octets nobody needs. */
  skip(octets: number): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let n = 0; n < octets; n++) {
      i = (i + 1) & 255;
      const a = state[i] as number;
      j = (j + a) & 255;
      state[i] = state[j] as number;
      state[j] = a;
    }
    this.#i = i;
    this.#j = j;
  }

  toString(): string {
    return "[rc4]";
  }
}
