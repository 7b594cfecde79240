import { spawnSync } from "node:child_process";
import { needs } from "@l2tp/testing";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { MD4_LENGTH, md4 } from "../src/index.ts";
import { toHex } from "./hex.ts";

const text = (value: string) => new TextEncoder().encode(value);

test("MD4 gives the test suite of RFC 1320 §A.5", () => {
  const suite = {
    "": "31d6cfe0d16ae931b73c59d7e0c089c0",
    a: "bde52cb31de33e46245e05fbdbd6fb24",
    abc: "a448017aaf21d8525fc10ae87aa6729d",
    "message digest": "d9130a8164549fe818874806e1c7014b",
    abcdefghijklmnopqrstuvwxyz: "d79e1c308aa5bbcdeea8ed63df412da9",
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: "043f8582f241db351ce627e153e7f0e4",
    [`${"1234567890".repeat(8)}`]: "e33b4ddc9c38f2199c3e7b164fcc0536",
  };
  for (const [message, digest] of Object.entries(suite)) {
    expect(toHex(md4(text(message))), message).toBe(digest);
  }
});

/**
 * MD4 once more, the slow way: the message padded as one string of octets, integers without a bound, the three
 * rounds written as RFC 1320 §3.4 lists them.
 */
function slowMd4(message: Uint8Array): string {
  const padding = (((55 - message.length) % 64) + 64) % 64;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length) * 8n);
  const octets = Buffer.concat([message, Buffer.of(0x80), Buffer.alloc(padding), length]);
  const M = 0xffffffffn;
  const state = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n];
  const f = (x: bigint, y: bigint, z: bigint) => (x & y) | ((x ^ M) & z);
  const g = (x: bigint, y: bigint, z: bigint) => (x & y) | (x & z) | (y & z);
  const h = (x: bigint, y: bigint, z: bigint) => x ^ y ^ z;
  const rounds = [
    {
      mix: f,
      add: 0n,
      order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
      by: [3n, 7n, 11n, 19n],
    },
    {
      mix: g,
      add: 0x5a827999n,
      order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
      by: [3n, 5n, 9n, 13n],
    },
    {
      mix: h,
      add: 0x6ed9eba1n,
      order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
      by: [3n, 9n, 11n, 15n],
    },
  ];
  for (let at = 0; at < octets.length; at += 64) {
    const x = state.slice();
    for (const { mix, add, order, by } of rounds) {
      for (const [step, k] of order.entries()) {
        // [ABCD], [DABC], [CDAB], [BCDA]: which register changes moves down by one each step.
        const reg = (n: number) => (4 - (step % 4) + n) % 4;
        const [a, b, c, d] = [0, 1, 2, 3].map((n) => x[reg(n)] as bigint) as [bigint, bigint, bigint, bigint];
        const sum = (a + mix(b, c, d) + BigInt(octets.readUInt32LE(at + 4 * k)) + add) & M;
        const shift = by[step % 4] as bigint;
        x[reg(0)] = ((sum << shift) | (sum >> (32n - shift))) & M;
      }
    }
    for (const [i, value] of x.entries()) state[i] = ((state[i] as bigint) + value) & M;
  }
  const digest = Buffer.alloc(MD4_LENGTH);
  for (const [i, value] of state.entries()) digest.writeUInt32LE(Number(value), 4 * i);
  return digest.toString("hex");
}

test("MD4 of every length about the block's edges is what a slow model gives", () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, i) => i * 7 + length);
    expect(toHex(md4(message)), `${length} octets`).toBe(slowMd4(message));
  }
});

test("MD4 of any octets is what a slow model gives, and leaves the octets as they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
      const before = toHex(message);
      expect(toHex(md4(message))).toBe(slowMd4(message));
      expect(toHex(message)).toBe(before);
    }),
  );
});

needs({ tool: "openssl" })(
  "MD4 agrees with OpenSSL's legacy provider, where that is installed",
  (context) => {
    const openssl = (input: Uint8Array) =>
      spawnSync("openssl", ["dgst", "-provider", "legacy", "-provider", "default", "-md4", "-r"], { input });
    if (openssl(new Uint8Array(0)).status !== 0) context.skip("needs OpenSSL's legacy provider");
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1000, 100_000]) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 31) >> 3);
      expect(openssl(message).stdout.toString().slice(0, 32), `${length} octets`).toBe(toHex(md4(message)));
    }
  },
);
