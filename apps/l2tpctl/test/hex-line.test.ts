import { expect, test } from "vitest";
import { lines, parseHexLine } from "../src/decode/hex-line.ts";

test.each([
  ["c802000c", [0xc8, 0x02, 0x00, 0x0c]],
  ["C8 02 00 0C", [0xc8, 0x02, 0x00, 0x0c]],
  ["c8:02:00:0c\r", [0xc8, 0x02, 0x00, 0x0c]],
  ["\tc802 000c  # a ZLB", [0xc8, 0x02, 0x00, 0x0c]],
  ["\ufeff00", [0]],
])("%j is hex", (text, octets) => {
  expect(Array.from(parseHexLine(text, 1) ?? [])).toEqual(octets);
});

test.each(["", "  ", "\r"])("%j is an empty datagram", (text) => {
  expect(parseHexLine(text, 1)).toEqual(new Uint8Array(0));
});

test.each(["# c802", "   # nothing"])("%j has no datagram", (text) => {
  expect(parseHexLine(text, 1)).toBeUndefined();
});

test.each([
  ["c80x", /line 7, column 4: "x" is not a hex digit/],
  ["😀", /line 7, column 1: "😀"/],
  ["\u001b[31m", /column 1: "\\u001b"/],
  ["c80", /line 7 has 3 hex digits/],
])("%j is refused with the place", (text, says) => {
  expect(() => parseHexLine(text, 7)).toThrow(says);
});

async function collect(pieces: readonly string[]): Promise<string[]> {
  const input = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece);
  })();
  const out: string[] = [];
  for await (const group of lines(input)) out.push(...group);
  return out;
}

test("lines come whole however they are cut, the last one without its line feed too", async () => {
  expect(await collect(["ab", "cd\nef", "\n\n", "01"])).toEqual(["abcd", "ef", "", "01"]);
  expect(await collect(["ab\n"])).toEqual(["ab"]);
  expect(await collect([])).toEqual([]);
});

test("a line without end is not gathered for ever", async () => {
  await expect(collect(Array.from({ length: 10 }, () => "0".repeat(65_536)))).rejects.toThrow(
    /no datagram in hex/,
  );
});
