/** Portions of randomness: none is given twice, none is left behind, whatever their sizes. */
import { expect, test } from "vitest";
import { randomOctets } from "../../src/dynamic/random-octets.ts";

test("portions of any size are what the source gave, each once", () => {
  let next = 0;
  const filled: Uint8Array[] = [];
  const draw = randomOctets((into) => {
    filled.push(into);
    for (let i = 0; i < into.length; i++) into[i] = (next++ % 251) + 1;
  });
  const sizes = Array.from({ length: 500 }, (_, n) => (n * 7) % 70);
  const portions = sizes.map((size) => draw(size));
  expect(portions.map(({ length }) => length)).toEqual(sizes);
  for (const portion of portions) expect(portion.every((octet) => octet !== 0)).toBe(true);
  // The pool is the source's array that all small portions came from: what was given is not in it any more.
  const [pool] = filled as [Uint8Array];
  const last = portions.findLast(({ length }) => length > 0 && length <= 64) as Uint8Array;
  const rest = pool.subarray(pool.findIndex((octet) => octet !== 0));
  expect(rest[0]).toBe(((last.at(-1) as number) % 251) + 1);
  // A portion is the caller's own: writing into it changes no other.
  const [one, other] = [draw(4), draw(4)];
  one.fill(0);
  expect(other.every((octet) => octet !== 0)).toBe(true);
});
