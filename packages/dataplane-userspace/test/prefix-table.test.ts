/** The table of subscribers' addresses against a slow model, and with as many of them as a large concentrator has. */
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { type Prefix, PrefixTable } from "../src/packet/prefix-table.ts";
import { covers, parsePrefix, prefixesOf } from "../src/prefixes.ts";

const memory = new DataView(new ArrayBuffer(16));
/** Where an address is looked up: its octets are put there. */
function find(table: PrefixTable, address: string): number {
  const { family, words } = parsePrefix(address);
  for (const [i, word] of words.entries()) memory.setUint32(i * 4, word);
  return family === 4 ? table.find4(memory, 0) : table.find6(memory, 0);
}

test("the longest prefix wins, and what is gone makes place for the shorter one", () => {
  const table = new PrefixTable();
  const set = (text: string, value: number) => table.set(parsePrefix(text), value);
  set("10.0.0.0/8", 1);
  set("10.1.0.0/16", 2);
  set("10.1.2.3", 3);
  set("0.0.0.0/0", 4);
  set("2001:db8::/56", 5);
  set("2001:db8:0:7::/64", 6);
  set("2001:db8:0:7::1", 7);
  const all = (...addresses: string[]) => addresses.map((address) => find(table, address));
  expect(all("10.9.9.9", "10.1.9.9", "10.1.2.3", "192.0.2.1")).toEqual([1, 2, 3, 4]);
  expect(all("2001:db8:0:9::1", "2001:db8:0:7::2", "2001:db8:0:7::1", "2001:db8:1::")).toEqual([5, 6, 7, -1]);
  table.delete(parsePrefix("10.1.0.0/16"));
  table.delete(parsePrefix("0.0.0.0/0"));
  expect(all("10.1.9.9", "10.1.2.3", "192.0.2.1")).toEqual([1, 3, -1]);
  expect(table.delete(parsePrefix("10.1.0.0/16"))).toBe(false);
  expect(table.size).toBe(5);
});

test("it does what a list that is searched from end to end does", () => {
  // Few bits, so that prefixes lie within each other and are met again.
  const bits = fc.integer({ min: 0, max: 7 });
  const prefix = fc
    .tuple(bits, fc.constantFrom(0, 8, 30, 31, 32))
    .map(([low, length]) => `10.0.0.${low}/${length}`);
  const prefix6 = fc
    .tuple(bits, bits, fc.constantFrom(16, 61, 63, 64, 96, 125, 128))
    .map(([high, low, length]) => `2001:db8:0:${high}::${low}/${length}`);
  const address = fc.oneof(
    bits.map((low) => `10.0.0.${low}`),
    fc.tuple(bits, bits).map(([high, low]) => `2001:db8:0:${high}::${low}`),
  );
  const step = fc.tuple(fc.constantFrom("set", "delete"), fc.oneof(prefix, prefix6), fc.nat({ max: 99 }));
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(address, { maxLength: 20 }),
      (steps, addresses) => {
        const table = new PrefixTable();
        const model = new Map<string, number>();
        for (const [what, text, value] of steps) {
          const parsed = parsePrefix(text);
          if (what === "set") {
            table.set(parsed, value);
            model.set(parsed.text, value);
          } else expect(table.delete(parsed)).toBe(model.delete(parsed.text));
          expect(table.size).toBe(model.size);
        }
        for (const one of addresses) {
          const around = [...model].map(([text, value]) => ({ prefix: parsePrefix(text), value }));
          const fit = around.filter(({ prefix: p }) => covers(p, parsePrefix(one)));
          const best = fit.sort((a, b) => b.prefix.length - a.prefix.length)[0];
          expect(find(table, one)).toBe(best?.value ?? -1);
        }
      },
    ),
  );
});

test("100,000 subscribers of both families come, are found, go, and come again", () => {
  const table = new PrefixTable();
  const v4 = (i: number): Prefix => ({ family: 4, length: 32, words: [0x0a00_0000 + i, 0, 0, 0] });
  const v6 = (i: number): Prefix => ({ family: 6, length: 64, words: [0x2001_0db8, i, 0, 0] });
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 100_000; i++) {
      table.set(v4(i), i);
      table.set(v6(i), i);
    }
    expect(table.size).toBe(200_000);
    expect([find(table, "10.1.134.159"), find(table, "2001:db8:1:869f:1:2:3:4")]).toEqual([99_999, 99_999]);
    for (let i = 0; i < 100_000; i++) {
      table.delete(v4(i));
      table.delete(v6(i));
    }
    expect([table.size, find(table, "10.0.0.1")]).toEqual([0, -1]);
  }
});

describe("prefixes as people write them", () => {
  test("have one spelling, without host bits", () => {
    expect(parsePrefix("10.1.2.3/16").text).toBe("10.1.0.0/16");
    expect(parsePrefix("2001:DB8:0:0::7/61").text).toBe("2001:db8::/61");
    expect(parsePrefix("192.0.2.1").text).toBe("192.0.2.1/32");
    for (const wrong of ["10.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "", "a/8", "10.0.0.0/1e1"]) {
      expect(() => parsePrefix(wrong), wrong).toThrow(/neither an address nor|length of a prefix/);
    }
  });

  test("of a session: addresses and all that is behind them, but link-local ones, which each link has for itself", () => {
    const { prefixes, peerLinkLocal } = prefixesOf(
      {
        sendAccm: 0,
        receiveAccm: 0,
        pfc: false,
        acfc: false,
        mru: 1_500,
        mtu: 1_400,
        ipv4: { peer: "10.0.0.2", routes: ["10.1.0.0/16"] },
        ipv6: { local: "fe80::1", peer: "fe80::2", routes: ["2001:db8::/56"] },
      },
      { attach: { to: "program" }, routes: ["10.1.0.0/16", "192.0.2.0/24"] },
    );
    expect(prefixes.map(({ text }) => text)).toEqual([
      "10.0.0.2/32",
      "10.1.0.0/16",
      "2001:db8::/56",
      "192.0.2.0/24",
    ]);
    expect(peerLinkLocal).toEqual([0xfe80_0000, 0, 0, 2]);
  });
});
