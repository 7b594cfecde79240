/**
 * MD4 (RFC 1320): what Microsoft hashes passwords with (RFC 2433 §A.9, RFC 2759 §8.3). OpenSSL 3 has it in its
 * legacy provider only, browsers not at all. Broken as a hash for decades; no use but this.
 */

/** Octets of an MD4 digest. */
export const MD4_LENGTH = 16;

/** Octets of one block (RFC 1320 §3.4). */
const BLOCK_LENGTH = 64;

/** Shifts of the three rounds (RFC 1320 §3.4), four each, used cyclically. */
const SHIFTS = [3, 7, 11, 19, 3, 5, 9, 13, 3, 9, 11, 15] as const;

/** Which word of the block each of the sixteen steps of rounds 2 and 3 takes; round 1 takes them in order. */
const ORDER_2 = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15] as const;
const ORDER_3 = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15] as const;

/** What rounds 2 and 3 add: the square roots of 2 and 3, times 2^30. */
const ROOT_2 = 0x5a827999;
const ROOT_3 = 0x6ed9eba1;

/**
 * The MD4 digest of `message`.
 * @param message - octets, not changed and not kept.
 * @returns {@link MD4_LENGTH} octets.
 */
export function md4(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476);
  const words = new Int32Array(16);
  const whole = message.length - (message.length % BLOCK_LENGTH);
  for (let at = 0; at < whole; at += BLOCK_LENGTH) absorb(state, words, message, at);

  // Step 1 and 2: a one bit, zeros, and the length in bits as 64 bits, low octet first.
  const rest = message.length - whole;
  const last = new Uint8Array(rest + 9 > BLOCK_LENGTH ? 2 * BLOCK_LENGTH : BLOCK_LENGTH);
  last.set(message.subarray(whole));
  last[rest] = 0x80;
  let bits = message.length * 8;
  for (let at = last.length - 8; bits > 0; at++) {
    last[at] = bits % 256;
    bits = Math.floor(bits / 256);
  }
  for (let at = 0; at < last.length; at += BLOCK_LENGTH) absorb(state, words, last, at);

  const digest = new Uint8Array(MD4_LENGTH);
  for (let i = 0; i < MD4_LENGTH; i++) digest[i] = (state[i >> 2] as number) >>> (8 * (i & 3));
  return digest;
}

/** Steps 3 and 4 for one block; `words` is scratch. */
function absorb(state: Int32Array, words: Int32Array, octets: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) {
    words[i] =
      (octets[at] as number) |
      ((octets[at + 1] as number) << 8) |
      ((octets[at + 2] as number) << 16) |
      ((octets[at + 3] as number) << 24);
  }
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let step = 0; step < 48; step++) {
    const round = step >> 4;
    const i = step & 15;
    let sum = a;
    if (round === 0) sum += ((b & c) | (~b & d)) + (words[i] as number);
    else if (round === 1) {
      sum += ((b & c) | (b & d) | (c & d)) + (words[ORDER_2[i] as number] as number) + ROOT_2;
    } else sum += (b ^ c ^ d) + (words[ORDER_3[i] as number] as number) + ROOT_3;
    const shift = SHIFTS[4 * round + (i & 3)] as number;
    sum |= 0;
    a = d;
    d = c;
    c = b;
    b = (sum << shift) | (sum >>> (32 - shift));
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
}
