import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { Rc4 } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

/** The key stream of RC4 as RFC 6229 publishes it: key, offset, sixteen octets. */
const RFC_6229: [key: string, offset: number, stream: string][] = [
  ["0102030405", 0, "b2396305f03dc027ccc3524a0a1118a8"],
  ["0102030405", 16, "6982944f18fc82d589c403a47a0d0919"],
  ["0102030405", 240, "28cb1132c96ce286421dcaadb8b69eae"],
  ["0102030405", 4096, "ff25b58995996707e51fbdf08b34d875"],
  ["01020304050607", 0, "293f02d47f37c9b633f2af5285feb46b"],
  ["0102030405060708", 0, "97ab8a1bf0afb96132f2f67258da15a8"],
  ["0102030405060708090a0b0c0d0e0f10", 0, "9ac7cc9a609d1ef7b2932899cde41b97"],
  ["0102030405060708090a0b0c0d0e0f10", 4096, "a36a4c301ae8ac13610ccbc12256cacc"],
];

test("RC4 gives the key streams of RFC 6229, read or skipped to", () => {
  for (const [key, offset, stream] of RFC_6229) {
    const zeros = new Uint8Array(offset + 16);
    new Rc4(hex(key)).process(zeros);
    expect(toHex(zeros.subarray(offset)), `${key} at ${offset}`).toBe(stream);
    const skipped = new Rc4(hex(key));
    skipped.skip(offset);
    const sixteen = new Uint8Array(16);
    skipped.process(sixteen);
    expect(toHex(sixteen)).toBe(stream);
  }
});

/** RC4 as the textbook has it, on plain arrays. */
function slowRc4(key: Uint8Array, length: number): number[] {
  const s = [...Array(256).keys()];
  const swap = (a: number, b: number) => ([s[a], s[b]] = [s[b] as number, s[a] as number]);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (s[i] as number) + (key[i % key.length] as number)) % 256;
    swap(i, j);
  }
  let [i, j] = [0, 0];
  return Array.from({ length }, () => {
    i = (i + 1) % 256;
    j = (j + (s[i] as number)) % 256;
    swap(i, j);
    return s[((s[i] as number) + (s[j] as number)) % 256] as number;
  });
}

test("RC4 in pieces, into other buffers and in place is the textbook's stream", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 256 }),
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.nat(60), { maxLength: 12 }),
      (key, message, cuts) => {
        const expected = slowRc4(key, message.length).map((octet, i) => octet ^ (message[i] as number));
        const output = new Uint8Array(message.length + 3);
        const stream = new Rc4(hex("ff"));
        stream.rekey(key);
        let from = 0;
        for (const cut of [...cuts, message.length]) {
          const to = Math.min(message.length, from + cut);
          stream.process(message, output, from, to, from + 3);
          from = to;
        }
        expect([...output.subarray(3)]).toEqual(expected);
        const inPlace = message.slice();
        new Rc4(key).process(inPlace);
        expect([...inPlace]).toEqual(expected);
        new Rc4(key).process(inPlace);
        expect(inPlace).toEqual(message);
      },
    ),
  );
});

test("the result may overlap its source when it lies before it, as when a header is taken off", () => {
  const message = Uint8Array.from({ length: 40 }, (_, i) => i);
  const apart = new Uint8Array(36);
  new Rc4(hex("abcd")).process(message, apart, 4, 40, 0);
  new Rc4(hex("abcd")).process(message, message, 4, 40, 0);
  expect(message.subarray(0, 36)).toEqual(apart);
});

test("keys of no octets or too many, and ranges outside the buffers, are refused; the stream does not move", () => {
  expect(() => new Rc4(new Uint8Array(0))).toThrow("an RC4 key has 1 to 256 octets, not 0");
  expect(() => new Rc4(new Uint8Array(257))).toThrow("not 257");
  const stream = new Rc4(hex("0102030405"));
  const short = new Uint8Array(4);
  expect(() => stream.process(short, short, 0, 5)).toThrow(RangeError);
  expect(() => stream.process(short, new Uint8Array(3))).toThrow(RangeError);
  expect(() => stream.process(short, short, 3, 2)).toThrow(RangeError);
  expect(() => stream.process(short, short, -1, 2)).toThrow(RangeError);
  stream.process(short);
  expect(toHex(short)).toBe("b2396305");
  expect(`${stream} ${JSON.stringify(stream)}`).toBe("[rc4] {}");
});
