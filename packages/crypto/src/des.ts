/**
 * DES (FIPS 46-3) on single blocks, as MS-CHAP uses it (RFC 2433 §A.5, RFC 2759 §8.6): three blocks to a response,
 * so written as the standard's tables read and not for speed. Bits are array elements, first bit first; bit
 * numbers in the tables are the standard's, from 1.
 */

/** Octets of a block. */
export const DES_BLOCK_LENGTH = 8;

// biome-ignore format: the tables keep the shape they have in the standard
const INITIAL_PERMUTATION = [
  58, 50, 42, 34, 26, 18, 10, 2,  60, 52, 44, 36, 28, 20, 12, 4,
  62, 54, 46, 38, 30, 22, 14, 6,  64, 56, 48, 40, 32, 24, 16, 8,
  57, 49, 41, 33, 25, 17,  9, 1,  59, 51, 43, 35, 27, 19, 11, 3,
  61, 53, 45, 37, 29, 21, 13, 5,  63, 55, 47, 39, 31, 23, 15, 7,
];
// biome-ignore format: as above
const FINAL_PERMUTATION = [
  40, 8, 48, 16, 56, 24, 64, 32,  39, 7, 47, 15, 55, 23, 63, 31,
  38, 6, 46, 14, 54, 22, 62, 30,  37, 5, 45, 13, 53, 21, 61, 29,
  36, 4, 44, 12, 52, 20, 60, 28,  35, 3, 43, 11, 51, 19, 59, 27,
  34, 2, 42, 10, 50, 18, 58, 26,  33, 1, 41,  9, 49, 17, 57, 25,
];
// biome-ignore format: as above
/** E: 32 bits of a half to the 48 that are mixed with a round's key. */
const EXPANSION = [
  32,  1,  2,  3,  4,  5,   4,  5,  6,  7,  8,  9,   8,  9, 10, 11, 12, 13,  12, 13, 14, 15, 16, 17,
  16, 17, 18, 19, 20, 21,  20, 21, 22, 23, 24, 25,  24, 25, 26, 27, 28, 29,  28, 29, 30, 31, 32,  1,
];
/** P: the output of the eight S-boxes. */
// biome-ignore format: as above
const PERMUTATION = [
  16, 7, 20, 21, 29, 12, 28, 17,  1, 15, 23, 26,  5, 18, 31, 10,
   2, 8, 24, 14, 32, 27,  3,  9, 19, 13, 30,  6, 22, 11,  4, 25,
];
/** PC-1: the 56 bits of a key that count; every eighth is parity and left out. */
// biome-ignore format: as above
const PERMUTED_CHOICE_1 = [
  57, 49, 41, 33, 25, 17,  9,   1, 58, 50, 42, 34, 26, 18,  10,  2, 59, 51, 43, 35, 27,  19, 11,  3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15,   7, 62, 54, 46, 38, 30, 22,  14,  6, 61, 53, 45, 37, 29,  21, 13,  5, 28, 20, 12,  4,
];
/** PC-2: the 48 bits of the shifted key that are a round's. */
// biome-ignore format: as above
const PERMUTED_CHOICE_2 = [
  14, 17, 11, 24,  1,  5,   3, 28, 15,  6, 21, 10,  23, 19, 12,  4, 26,  8,  16,  7, 27, 20, 13,  2,
  41, 52, 31, 37, 47, 55,  30, 40, 51, 45, 33, 48,  44, 49, 39, 56, 34, 53,  46, 42, 50, 36, 29, 32,
];
/** How far the halves of the key rotate left before each round. */
const ROTATIONS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/** S1 to S8, a hexadecimal digit an entry: four rows (bits 1 and 6 of the input) of sixteen (bits 2 to 5). */
const S_BOXES = [
  "e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d",
  "f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9",
  "a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c",
  "7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e",
  "2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453",
  "c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d",
  "4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c",
  "d2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b",
].map((box) => Uint8Array.from(box.replaceAll(" ", ""), (digit) => Number.parseInt(digit, 16)));

/** The bits of `from` that `table` names, in its order. */
function permute(from: Uint8Array, table: readonly number[]): Uint8Array {
  const bits = new Uint8Array(table.length);
  for (let i = 0; i < bits.length; i++) bits[i] = from[(table[i] as number) - 1] as number;
  return bits;
}

function toBits(octets: Uint8Array): Uint8Array {
  const bits = new Uint8Array(64);
  for (let i = 0; i < 64; i++) bits[i] = ((octets[i >> 3] as number) >> (7 - (i & 7))) & 1;
  return bits;
}

function fromBits(bits: Uint8Array): Uint8Array {
  const octets = new Uint8Array(DES_BLOCK_LENGTH);
  for (let i = 0; i < 64; i++) octets[i >> 3] = ((octets[i >> 3] as number) << 1) | (bits[i] as number);
  return octets;
}

/** The keys of the sixteen rounds, 48 bits each. */
function schedule(key: Uint8Array): Uint8Array[] {
  let bits = permute(toBits(key), PERMUTED_CHOICE_1);
  return ROTATIONS.map((by) => {
    const rotated = new Uint8Array(56);
    for (let i = 0; i < 28; i++) {
      rotated[i] = bits[(i + by) % 28] as number;
      rotated[28 + i] = bits[28 + ((i + by) % 28)] as number;
    }
    bits = rotated;
    return permute(bits, PERMUTED_CHOICE_2);
  });
}

/** The function f of the standard: expand, mix with the key, substitute, permute. */
function mix(half: Uint8Array, key: Uint8Array): Uint8Array {
  const input = permute(half, EXPANSION);
  for (let i = 0; i < 48; i++) input[i] = (input[i] as number) ^ (key[i] as number);
  const output = new Uint8Array(32);
  for (let box = 0; box < 8; box++) {
    let six = 0;
    for (let i = 0; i < 6; i++) six = (six << 1) | (input[6 * box + i] as number);
    const row = ((six >> 4) & 2) | (six & 1);
    const column = (six >> 1) & 15;
    const four = (S_BOXES[box] as Uint8Array)[16 * row + column] as number;
    for (let i = 0; i < 4; i++) output[4 * box + i] = (four >> (3 - i)) & 1;
  }
  return permute(output, PERMUTATION);
}

function run(keys: readonly Uint8Array[], block: Uint8Array): Uint8Array {
  if (block.length !== DES_BLOCK_LENGTH) {
    throw new RangeError(`a DES block has ${DES_BLOCK_LENGTH} octets, not ${block.length}`);
  }
  const bits = permute(toBits(block), INITIAL_PERMUTATION);
  let left = bits.subarray(0, 32);
  let right = bits.subarray(32);
  for (const key of keys) {
    const mixed = mix(right, key);
    for (let i = 0; i < 32; i++) mixed[i] = (mixed[i] as number) ^ (left[i] as number);
    left = right;
    right = mixed;
  }
  const swapped = new Uint8Array(64);
  swapped.set(right);
  swapped.set(left, 32);
  return fromBits(permute(swapped, FINAL_PERMUTATION));
}

/**
 * Spreads the 56 bits of a key over eight octets, seven bits each, with odd parity in the lowest (RFC 2433 §A.7).
 * @param seven - 7 octets; more are not looked at.
 * @throws RangeError - fewer than 7 octets.
 */
export function expandDesKey(seven: Uint8Array): Uint8Array {
  if (seven.length < 7) throw new RangeError(`a DES key is made from 7 octets, not ${seven.length}`);
  const key = new Uint8Array(8);
  for (let i = 0; i < 8; i++) {
    // The seven bits from bit 7i on lie across two octets, or in one at either end.
    const pair = ((i === 0 ? 0 : (seven[i - 1] as number)) << 8) | (i === 7 ? 0 : (seven[i] as number));
    const high = (pair >> (i + 1)) & 0x7f;
    let parity = 1;
    for (let bits = high; bits !== 0; bits >>= 1) parity ^= bits & 1;
    key[i] = (high << 1) | parity;
  }
  return key;
}

const eight = (key: Uint8Array): Uint8Array => {
  if (key.length === 7) return expandDesKey(key);
  if (key.length === 8) return key;
  throw new RangeError(`a DES key has 7 octets, or 8 with parity, not ${key.length}`);
};

/**
 * Encrypts one block.
 * @param key - 7 octets as MS-CHAP has them, or 8 with parity bits, which are not checked.
 * @param block - {@link DES_BLOCK_LENGTH} octets.
 * @throws RangeError - a key or block of another length.
 */
export function desEncrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  return run(schedule(eight(key)), block);
}

/** Decrypts one block; otherwise as {@link desEncrypt}. */
export function desDecrypt(key: Uint8Array, block: Uint8Array): Uint8Array {
  return run(schedule(eight(key)).reverse(), block);
}
