import { createCipheriv, createDecipheriv } from "node:crypto";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { DES_BLOCK_LENGTH, desDecrypt, desEncrypt, expandDesKey } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

/** OpenSSL 3 keeps triple DES outside its legacy provider; with one key three times it is DES. */
function openssl(encrypt: boolean, key: Uint8Array, block: Uint8Array): string {
  const triple = Buffer.concat([key, key, key]);
  const make = encrypt ? createCipheriv : createDecipheriv;
  const cipher = make("des-ede3-ecb", triple, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]).toString("hex");
}

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test("DES encrypts and decrypts any block with any key as OpenSSL does", () => {
  fc.assert(
    fc.property(octets(8), octets(8), (key, block) => {
      expect(toHex(desEncrypt(key, block))).toBe(openssl(true, key, block));
      expect(toHex(desDecrypt(key, block))).toBe(openssl(false, key, block));
    }),
    { numRuns: 300 },
  );
});

test("DES encrypts each single bit of key and block as OpenSSL does: no table has a wrong entry", () => {
  const zero = new Uint8Array(8);
  for (let bit = 0; bit < 64; bit++) {
    const one = new Uint8Array(8);
    one[bit >> 3] = 0x80 >> (bit & 7);
    expect(toHex(desEncrypt(one, zero)), `key bit ${bit}`).toBe(openssl(true, one, zero));
    expect(toHex(desEncrypt(zero, one)), `block bit ${bit}`).toBe(openssl(true, zero, one));
  }
});

test("a DES key is expanded with odd parity, as RFC 2759 §9.3 shows", () => {
  expect(toHex(expandDesKey(hex("fc156af7edcd6c")))).toBe("fd0b5b5e7f6e34d9");
  expect(toHex(expandDesKey(hex("0edde3337d427f")))).toBe("0e6e796737ea08fe");
});

test("an expanded key holds the 56 bits in order, and an odd number of ones in each octet", () => {
  fc.assert(
    fc.property(octets(7), (seven) => {
      const key = expandDesKey(seven);
      const bits = (from: Uint8Array) => [...from].map((octet) => octet.toString(2).padStart(8, "0"));
      expect(
        bits(key)
          .map((octet) => octet.slice(0, 7))
          .join(""),
      ).toBe(bits(seven).join(""));
      for (const octet of bits(key)) expect(octet.replaceAll("0", "").length % 2).toBe(1);
      const block = hex("0123456789abcdef");
      expect(desEncrypt(seven, block)).toEqual(desEncrypt(key, block));
    }),
  );
});

test("parity bits of a key change nothing", () => {
  const block = hex("0123456789abcdef");
  expect(desEncrypt(hex("0101010101010101"), block)).toEqual(desEncrypt(new Uint8Array(8), block));
});

test("a key or block of the wrong length is refused with what it should be", () => {
  expect(() => desEncrypt(new Uint8Array(6), new Uint8Array(8))).toThrow(
    "a DES key has 7 octets, or 8 with parity, not 6",
  );
  expect(() => desDecrypt(new Uint8Array(8), new Uint8Array(9))).toThrow(
    `has ${DES_BLOCK_LENGTH} octets, not 9`,
  );
  expect(() => expandDesKey(new Uint8Array(3))).toThrow("is made from 7 octets, not 3");
});
