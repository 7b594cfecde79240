import { seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { type Datagram, Dissector } from "../src/index.ts";
import { captured, concat, hex, ipv4, ipv6, ipv6Fragment, numbers } from "./octets.ts";

/** A UDP datagram of `length` octets of payload, the octet at i being i modulo 251. */
function udp(length: number): Uint8Array {
  const payload = Uint8Array.from({ length }, (_, i) => i % 251);
  return concat(numbers(false, [16, 1701], [16, 1701], [16, 8 + length], [16, 0]), payload);
}

/** Cut into fragments of `size` octets, a multiple of 8. */
function cut(whole: Uint8Array, size: number): { offset: number; more: boolean; payload: Uint8Array }[] {
  const out = [];
  for (let offset = 0; offset < whole.length; offset += size) {
    out.push({ offset, more: offset + size < whole.length, payload: whole.subarray(offset, offset + size) });
  }
  return out;
}

function feed(dissector: Dissector, packet: Uint8Array, seconds = 0): Datagram | undefined {
  const result = dissector.dissect(captured(101, packet, seconds));
  if (typeof result === "object") return result;
  expect(result).toBe("fragment");
  return undefined;
}

/** A small generator, so that a seed says all. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  let state = seed * 2654435761 + 1;
  for (let i = out.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

const whole = udp(3000);
const asIpv4 = (fragment: { offset: number; more: boolean; payload: Uint8Array }, id = 1) =>
  ipv4({ id, ...fragment });

describe.each([
  [
    "IPv4",
    (fragment: { offset: number; more: boolean; payload: Uint8Array }, id: number) =>
      ipv4({ id, ...fragment }),
  ],
  [
    "IPv6",
    (fragment: { offset: number; more: boolean; payload: Uint8Array }, id: number) =>
      ipv6Fragment({ id, ...fragment }),
  ],
])("%s fragments", (_, fragment) => {
  test("in order give the datagram with the last one", () => {
    const dissector = new Dissector();
    const got = cut(whole, 1480).map((piece) => feed(dissector, fragment(piece, 1)));
    expect(got.slice(0, -1)).toEqual([undefined, undefined]);
    expect(got.at(-1)).toMatchObject({ reassembled: true, protocol: 17, sourcePort: 1701, missing: 0 });
    expect(got.at(-1)?.payload).toEqual(whole.subarray(8));
    expect(dissector.unfinished).toBe(0);
  });

  test("in any order, with duplicates, of several datagrams at once", () => {
    for (const seed of seeds(20)) {
      const dissector = new Dissector();
      const packets = [1, 2, 3].flatMap((id) => {
        const pieces = cut(udp(1000 + id), 104).map((piece) => fragment(piece, id));
        return shuffled([...pieces.slice(0, -1), ...pieces.slice(0, 3)], seed + id).concat(pieces.slice(-1));
      });
      const got = packets.flatMap((packet) => feed(dissector, packet) ?? []);
      expect(got.map((datagram) => datagram.payload.length).sort(), `L2TP_TEST_SEED=${seed}`).toEqual([
        1001, 1002, 1003,
      ]);
      for (const datagram of got) {
        expect(datagram.payload).toEqual(udp(datagram.payload.length).subarray(8));
      }
      const interleaved = shuffled(packets, seed);
      const again = new Dissector();
      const payloads = interleaved.flatMap((packet) => feed(again, packet)?.payload.length ?? []);
      expect(payloads.sort(), `L2TP_TEST_SEED=${seed}`).toEqual([1001, 1002, 1003]);
    }
  });

  test("that overlap spoil the datagram, and what follows of it (RFC 5722)", () => {
    const dissector = new Dissector();
    const [first, second, third] = cut(whole, 1480) as [never, never, never];
    feed(dissector, fragment(first, 1));
    feed(dissector, fragment({ offset: 1472, more: true, payload: new Uint8Array(1480) }, 1));
    expect(feed(dissector, fragment(second, 1))).toBeUndefined();
    expect(feed(dissector, fragment(third, 1))).toBeUndefined();
    expect(dissector.abandoned).toBe(1);
  });

  test("of the same place with other octets spoil the datagram", () => {
    const dissector = new Dissector();
    const pieces = cut(whole, 1480);
    for (const piece of pieces.slice(0, 2)) feed(dissector, fragment(piece, 1));
    feed(dissector, fragment({ offset: 0, more: true, payload: new Uint8Array(1480) }, 1));
    for (const piece of pieces) expect(feed(dissector, fragment(piece, 1))).toBeUndefined();
    expect(dissector.abandoned).toBe(1);
  });

  test.each([
    ["two different ends", { offset: 2960, more: false, payload: new Uint8Array(8) }],
    ["octets behind the end", { offset: 4000, more: true, payload: new Uint8Array(8) }],
    ["an end before octets that came", { offset: 8, more: false, payload: new Uint8Array(8) }],
    ["a length that is no multiple of 8", { offset: 1480, more: true, payload: new Uint8Array(1479) }],
    ["an end past 65,535", { offset: 65_528, more: true, payload: new Uint8Array(8) }],
    ["no octets", { offset: 1480, more: true, payload: new Uint8Array(0) }],
  ])("with %s spoil the datagram", (_name, odd) => {
    const dissector = new Dissector();
    const pieces = cut(whole, 1480);
    const [first, second, third] = pieces as [never, never, never];
    feed(dissector, fragment(first, 1));
    feed(dissector, fragment(third, 1));
    feed(dissector, fragment(odd, 1));
    expect(feed(dissector, fragment(second, 1))).toBeUndefined();
    expect(dissector.abandoned).toBe(1);
    expect(feed(dissector, fragment(first, 2))).toBeUndefined();
    expect(dissector.unfinished).toBe(1);
  });

  test("wait for 60 seconds of the capture's own time", () => {
    const dissector = new Dissector();
    const [first, second] = cut(udp(100), 64) as [never, never];
    feed(dissector, fragment(first, 1), 1000);
    expect(feed(dissector, fragment(second, 1), 1059)).toBeDefined();
    feed(dissector, fragment(first, 2), 2000);
    expect(feed(dissector, fragment(second, 2), 2060)).toBeUndefined();
    expect(dissector.abandoned).toBe(1);
  });
});

test("fragments of other addresses, protocols and VLANs are kept apart", () => {
  const [first, second] = cut(udp(100), 64) as [never, never];
  const tag = (vlan: string, packet: Uint8Array) =>
    concat(hex(`020000000002 020000000001 8100 ${vlan} 0800`), packet);
  const dissector = new Dissector();
  expect(dissector.dissect(captured(1, tag("0001", asIpv4(first))))).toBe("fragment");
  expect(dissector.dissect(captured(1, tag("0002", asIpv4(second))))).toBe("fragment");
  expect(
    dissector.dissect(captured(101, ipv4({ protocol: 115, offset: 64, payload: udp(100).subarray(64) }))),
  ).toBe("fragment");
  const swapped = asIpv4(second);
  swapped.set(hex("c0000202 c0000201"), 12);
  expect(dissector.dissect(captured(1, tag("0001", swapped)))).toBe("fragment");
  expect(dissector.unfinished).toBe(4);
  expect(dissector.dissect(captured(1, tag("0001", asIpv4(second))))).toMatchObject({
    vlans: [1],
    reassembled: true,
  });
});

test("extension headers before and behind the fragment header", () => {
  const inner = concat(hex("11 00 010400000000"), udp(100)); // destination options, then UDP
  const pieces = cut(inner, 64).map(({ offset, more, payload }) =>
    ipv6(
      0,
      concat(
        hex("2c 00 010400000000"),
        Uint8Array.of(60, 0),
        numbers(false, [16, offset | (more ? 1 : 0)], [32, 5]),
        payload,
      ),
    ),
  );
  const dissector = new Dissector();
  const got = pieces.map((packet) => feed(dissector, packet));
  expect(got.at(-1)).toMatchObject({ protocol: 17, sourcePort: 1701, payload: udp(100).subarray(8) });
});

test("a fragment inside a fragmented datagram is nobody's packet", () => {
  const inner = concat(hex("11 00 0009 00000001"), udp(100));
  const dissector = new Dissector();
  const results = cut(inner, 64).map(({ offset, more, payload }) =>
    dissector.dissect(captured(101, ipv6Fragment({ offset, more, payload, nextHeader: 44 }))),
  );
  expect(results.at(-1)).toBe("broken-ip");
});

test("a fragment that the capture cut spoils its datagram, not the capture", () => {
  const [first, second] = cut(udp(100), 64).map((piece) => asIpv4(piece)) as [Uint8Array, Uint8Array];
  const dissector = new Dissector();
  feed(dissector, first.subarray(0, first.length - 1));
  expect(feed(dissector, second)).toBeUndefined();
  expect(dissector.abandoned).toBe(1);
});

test("a flood of first fragments stays within the memory limit, the newest still complete", () => {
  const dissector = new Dissector({ memoryOctets: 100_000 });
  const [first, second] = cut(udp(1400), 1400) as [never, never];
  for (let id = 0; id < 20_000; id += 1) feed(dissector, asIpv4(first, id));
  expect(dissector.unfinished).toBeLessThanOrEqual(50);
  expect(dissector.unfinished).toBeGreaterThan(40);
  expect(feed(dissector, asIpv4(second, 19_999))).toBeDefined();
});

test("the largest datagram in the smallest fragments is put together", () => {
  const dissector = new Dissector();
  const pieces = cut(udp(65_000), 8).reverse();
  const got = pieces.map((piece) => feed(dissector, asIpv4(piece)));
  expect(got.at(-1)?.payload).toHaveLength(65_000);
});
