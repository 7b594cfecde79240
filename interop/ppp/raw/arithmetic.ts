/** CHAP, MS-CHAPv2 and MPPE written out once more, from the RFCs and with nothing of ours: MD4, RC4, DES by way of 3DES. */
import { createCipheriv, createHash } from "node:crypto";

const md5 = (...parts: readonly Uint8Array[]) => createHash("md5").update(Buffer.concat(parts)).digest();
const sha1 = (...parts: readonly Uint8Array[]) => createHash("sha1").update(Buffer.concat(parts)).digest();

/** RFC 1320. */
export function md4(data: Uint8Array): Buffer {
  const padded = Buffer.alloc(((data.length + 8) >> 6) * 64 + 64);
  padded.set(data);
  padded[data.length] = 0x80;
  padded.writeUInt32LE(data.length * 8, padded.length - 8);
  let [a, b, c, d] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  const turn = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  const rounds = [
    {
      add: 0,
      by: [3, 7, 11, 19],
      at: (i: number) => i,
      f: (x: number, y: number, z: number) => (x & y) | (~x & z),
    },
    {
      add: 0x5a827999,
      by: [3, 5, 9, 13],
      at: (i: number) => (i >> 2) | ((i & 3) << 2),
      f: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
    },
    {
      add: 0x6ed9eba1,
      by: [3, 9, 11, 15],
      at: (i: number) => [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15][i] as number,
      f: (x: number, y: number, z: number) => x ^ y ^ z,
    },
  ];
  for (let block = 0; block < padded.length; block += 64) {
    const before = [a, b, c, d] as const;
    for (const { add, by, at, f } of rounds) {
      for (let i = 0; i < 16; i++) {
        const word = padded.readUInt32LE(block + 4 * at(i));
        const next = turn((a + f(b, c, d) + word + add) | 0, by[i & 3] as number);
        [a, b, c, d] = [d, next, b, c];
      }
    }
    [a, b, c, d] = [(a + before[0]) | 0, (b + before[1]) | 0, (c + before[2]) | 0, (d + before[3]) | 0];
  }
  const digest = Buffer.alloc(16);
  for (const [i, word] of [a, b, c, d].entries()) digest.writeInt32LE(word | 0, 4 * i);
  return digest;
}

/** RC4, going on where it was. */
export class Rc4 {
  readonly #s = Uint8Array.from({ length: 256 }, (_, i) => i);
  #i = 0;
  #j = 0;
  constructor(key: Uint8Array) {
    for (let i = 0, j = 0; i < 256; i++) {
      j = (j + (this.#s[i] as number) + (key[i % key.length] as number)) & 255;
      this.#swap(i, j);
    }
  }
  #swap(i: number, j: number): void {
    [this.#s[i], this.#s[j]] = [this.#s[j] as number, this.#s[i] as number];
  }
  run(data: Uint8Array): Buffer {
    return Buffer.from(
      data.map((octet) => {
        this.#i = (this.#i + 1) & 255;
        this.#j = (this.#j + (this.#s[this.#i] as number)) & 255;
        this.#swap(this.#i, this.#j);
        return (
          octet ^ (this.#s[((this.#s[this.#i] as number) + (this.#s[this.#j] as number)) & 255] as number)
        );
      }),
    );
  }
}

/** DES of one block with 56 bits of key, as three times the same DES. */
function des(seven: Uint8Array, block: Uint8Array): Buffer {
  let bits = 0n;
  for (const octet of seven) bits = (bits << 8n) | BigInt(octet);
  const key = Buffer.from(
    Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(49 - 7 * i)) & 0x7fn) << 1),
  );
  const cipher = createCipheriv("des-ede3-cbc", Buffer.concat([key, key, key]), Buffer.alloc(8));
  return cipher.setAutoPadding(false).update(block);
}

const ntHash = (password: string) => md4(Buffer.from(password, "utf16le"));

/** RFC 1994 §4.1. */
export const chapMd5 = (id: number, secret: string | Uint8Array, challenge: Uint8Array): Buffer =>
  md5(Uint8Array.of(id), Buffer.from(secret as string), challenge);

/** L2TP's tunnel authentication (RFC 2661 §4.4.3). */
export const tunnelResponse = chapMd5;

/** RFC 2759: the value of a Response, what the Success has to say, and the master key of RFC 3079 §3.4. */
export function mschapV2(user: Uint8Array, password: string, challenge: Uint8Array, peer: Uint8Array) {
  const hash = ntHash(password);
  const eight = sha1(peer, challenge, user).subarray(0, 8);
  const keys = Buffer.concat([hash, Buffer.alloc(5)]);
  const response = Buffer.concat([0, 7, 14].map((at) => des(keys.subarray(at, at + 7), eight)));
  const inner = sha1(md4(hash), response, Buffer.from("Magic server to client signing constant"));
  const proof = sha1(inner, eight, Buffer.from("Pad to make it do more than one iteration"));
  const master = sha1(md4(hash), response, Buffer.from("This is the MPPE Master Key")).subarray(0, 16);
  return {
    value: Buffer.concat([peer, Buffer.alloc(8), response, Buffer.alloc(1)]),
    expected: `S=${proof.toString("hex").toUpperCase()}`,
    master,
  };
}

const PAD_1 = Buffer.alloc(40);
const PAD_2 = Buffer.alloc(40, 0xf2);
const SEND = "On the client side, this is the send key; on the server side, it is the receive key.";
const RECEIVE = "On the client side, this is the receive key; on the server side, it is the send key.";

/** One direction of MPPE at the client (RFC 3078, RFC 3079). */
export class Mppe {
  readonly #start: Buffer;
  readonly #bits: number;
  #session: Buffer;
  #stream: Rc4;

  constructor(master: Uint8Array, direction: "send" | "receive", bits: 40 | 56 | 128) {
    const whole = sha1(master, PAD_1, Buffer.from(direction === "send" ? SEND : RECEIVE), PAD_2).subarray(
      0,
      16,
    );
    this.#bits = bits;
    this.#start = whole.subarray(0, bits === 128 ? 16 : 8);
    this.#session = this.#weak(this.#sha(this.#start));
    this.#stream = new Rc4(this.#session);
  }
  #sha(key: Uint8Array): Buffer {
    return Buffer.from(sha1(this.#start, PAD_1, key, PAD_2).subarray(0, this.#start.length));
  }
  #weak(key: Buffer): Buffer {
    if (this.#bits === 40) key.set([0xd1, 0x26, 0x9e]);
    if (this.#bits === 56) key.set([0xd1]);
    return key;
  }
  /** The next session key, and the stream from its beginning. */
  change(): void {
    const interim = this.#sha(this.#session);
    this.#session = this.#weak(new Rc4(interim).run(interim));
    this.restart();
  }
  /** The stream from its beginning. */
  restart(): void {
    this.#stream = new Rc4(this.#session);
  }
  run(data: Uint8Array): Buffer {
    return this.#stream.run(data);
  }
}
