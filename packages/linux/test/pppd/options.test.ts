import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { pppd } from "../../src/index.ts";
import { checkPppdOptions, formatPppdOptions, parsePppdOptions } from "../../src/pppd/options.ts";
import { interfaceOptions } from "../../src/pppd/session.ts";

const parse = (text: string): string[] => parsePppdOptions(text, "options");

describe("a file of options", () => {
  test.each<[string, string, string[]]>([
    [
      "words parted by blanks, tabs and lines",
      "noauth mtu\t1400\n\n  mru 1400 ",
      ["noauth", "mtu", "1400", "mru", "1400"],
    ],
    [
      "one option a line, as go-l2tp's pppd_args",
      "noauth\n10.0.0.1:10.0.0.2\n",
      ["noauth", "10.0.0.1:10.0.0.2"],
    ],
    ["comments, but no # inside a word", "a # b c\n#d\ne#f", ["a", "e#f"]],
    ["quotes of both kinds", `name "Jane Doe" 'a "b"' ""`, ["name", "Jane Doe", 'a "b"', ""]],
    ["backslashes", String.raw`a\ b \"c\\ \101\s`, ["a b", '"c\\', "A "]],
    ["a line that goes on", "a\\\nb", ["ab"]],
    ["nothing at all", " # only a comment", []],
  ])("has %s", (_, text, words) => {
    expect(parse(text)).toEqual(words);
  });

  test("with a quote that is not closed is refused, with the line", () => {
    expect(() => parse('noauth\nname "Jane\nmtu 1400')).toThrow(
      /options, line 2: a quote \("\) is not closed/,
    );
  });
});

test("words come back as they went in: what is written for pppd reads as it was meant", () => {
  const word = fc.string({ unit: fc.constantFrom(...`ab "'\\#$;&|01sn\té`) });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      expect(parse(new TextDecoder().decode(formatPppdOptions(words)))).toEqual(words);
    }),
  );
});

test.each([
  ["a line feed", "a\nconnect /bin/sh"],
  ["NUL", "a\0b"],
  ["an escape", "\u001b[2J"],
  ["a line separator", "a\u2028b"],
])("a word with %s is refused without being repeated", (_, word) => {
  const check = () => checkPppdOptions(["noauth", word], "pppd_options");
  expect(check).toThrow(pppd.PppdError);
  expect(check).toThrow(/pppd_options, word 2 has the control character U\+/);
  expect(check).not.toThrow(/connect|2J/);
});

test("a word that pppd would cut, and more words than a pipe holds, are refused", () => {
  expect(() => checkPppdOptions(["x".repeat(1023)], "f")).not.toThrow();
  expect(() => checkPppdOptions(["é".repeat(512)], "f")).toThrow(
    /f, word 1 has 1024 octets: pppd takes at most 1023/,
  );
  expect(() => formatPppdOptions(Array.from({ length: 100 }, () => "x".repeat(1000)))).toThrow(
    /100300 octets/,
  );
});

describe("the settings of a PPP interface", () => {
  test("are pppd's where it has them", () => {
    expect(interfaceOptions({})).toEqual([]);
    expect(interfaceOptions({ name: "ppp%d", up: true })).toEqual([]);
    expect(
      interfaceOptions({
        name: "wan0",
        addresses: [{ address: "10.0.0.1", prefixLength: 32, peer: "10.0.0.2" }],
      }),
    ).toEqual(["ifname", "wan0", "10.0.0.1:10.0.0.2"]);
    expect(interfaceOptions({ addresses: [{ address: "10.0.0.1", prefixLength: 32 }] })).toEqual([
      "10.0.0.1:",
    ]);
  });

  test.each([
    [{ macAddress: "02:00:00:00:00:01" }, /no MAC address/],
    [{ bridge: "br0" }, /joins no bridge/],
    [{ up: false }, /"up" cannot be false/],
    [{ name: "wan%d" }, /pppd wants a whole name/],
    [{ addresses: [{ address: "fd00::1", prefixLength: 64 }] }, /one IPv4 address/],
  ])("are refused where PPP has none: %o", (wanted, message) => {
    expect(() => interfaceOptions(wanted)).toThrow(message);
  });
});
