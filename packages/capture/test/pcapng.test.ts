import { describe, expect, test } from "vitest";
import {
  block,
  concat,
  hex,
  IPV4_ZLB,
  interfaceBlock,
  numbers,
  packetBlock,
  sectionHeader,
  toHex,
} from "./octets.ts";
import { readAll } from "./read-all.ts";

test("a pcapng file, octet by octet as it is on disk", () => {
  const file = hex(`
    0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000   # section, little-endian
    01000000 14000000 0100 0000 00000000 14000000                    # interface 0: Ethernet
    06000000 24000000 00000000 240a0600 40222018 03000000 3c000000   # 3 of 60 octets
    aabbcc00 24000000
  `);
  expect(readAll(file)).toEqual({
    format: "pcapng",
    error: undefined,
    packets: [
      {
        frame: 1,
        timestamp: { seconds: 1_700_000_000, nanoseconds: 123_456_000 },
        linkType: 1,
        interfaceId: 0,
        originalLength: 60,
        data: hex("aabbcc"),
      },
    ],
  });
});

describe("both byte orders", () => {
  test.each([true, false])("little-endian: %s", (littleEndian) => {
    const file = concat(
      sectionHeader(littleEndian),
      interfaceBlock(101, { littleEndian }),
      packetBlock(0, IPV4_ZLB, { littleEndian, low: 3_000_001 }),
    );
    expect(readAll(file).packets).toMatchObject([
      { frame: 1, linkType: 101, timestamp: { seconds: 3, nanoseconds: 1000 }, data: IPV4_ZLB },
    ]);
  });
});

test("a new section has a byte order and interfaces of its own, frames are counted on", () => {
  const file = concat(
    sectionHeader(true),
    interfaceBlock(1),
    interfaceBlock(113),
    packetBlock(1, hex("01")),
    packetBlock(0, hex("02")),
    sectionHeader(false),
    interfaceBlock(276, { littleEndian: false }),
    packetBlock(0, hex("03"), { littleEndian: false }),
  );
  const { packets, error } = readAll(file);
  expect(error).toBeUndefined();
  expect(
    packets.map(({ frame, interfaceId, linkType, data }) => [frame, interfaceId, linkType, toHex(data)]),
  ).toEqual([
    [1, 1, 113, "01"],
    [2, 0, 1, "02"],
    [3, 0, 276, "03"],
  ]);
});

describe("if_tsresol and if_tsoffset", () => {
  const one = (options: string, high: number, low: number) => {
    const file = concat(
      sectionHeader(),
      interfaceBlock(1, { options: hex(options) }),
      packetBlock(0, hex("00"), { high, low }),
    );
    return readAll(file).packets[0]?.timestamp;
  };
  const nanoseconds = (seconds: bigint, rest: bigint): [number, number] => {
    const ticks = seconds * 1_000_000_000n + rest;
    return [Number(ticks >> 32n), Number(ticks & 0xffffffffn)];
  };

  test.each([
    [
      "10^-9",
      "0900 0100 09 000000",
      ...nanoseconds(1_700_000_000n, 123_456_789n),
      1_700_000_000,
      123_456_789,
    ],
    ["10^-3", "0900 0100 03 000000", 0, 12_345, 12, 345_000_000],
    ["10^0", "0900 0100 00 000000", 0, 12_345, 12_345, 0],
    ["2^-10", "0900 0100 8a 000000", 0, 1024 * 7 + 512, 7, 500_000_000],
    ["2^-32", "0900 0100 a0 000000", 9, 0x80000000, 9, 500_000_000],
    ["10^-127", "0900 0100 7f 000000", 0xffffffff, 0xffffffff, 0, 0],
    ["offset 1000 s", "0e00 0800 e803000000000000", 0, 5_000_000, 1005, 0],
    ["offset -1 s", "0e00 0800 ffffffffffffffff", 0, 5_000_000, 4, 0],
    ["default 10^-6, far future", "", 0xffffffff, 0xffffffff, 18_446_744_073_709, 551_615_000],
  ])("%s", (_, options, high, low, seconds, nanos) => {
    expect(one(options, high, low)).toEqual({ seconds, nanoseconds: nanos });
  });
});

test("simple packets have no time, and the snap length of interface 0 says how much is there", () => {
  const file = concat(
    sectionHeader(),
    interfaceBlock(1, { snapLength: 5 }),
    block(3, concat(numbers(true, [32, 60]), hex("0102030405 000000"))),
    block(3, concat(numbers(true, [32, 3]), hex("0102030000"))),
  );
  expect(readAll(file).packets).toEqual([
    {
      frame: 1,
      timestamp: undefined,
      linkType: 1,
      interfaceId: 0,
      originalLength: 60,
      data: hex("0102030405"),
    },
    { frame: 2, timestamp: undefined, linkType: 1, interfaceId: 0, originalLength: 3, data: hex("010203") },
  ]);
});

test("the obsolete packet block has 16 bits of interface and 16 of drops", () => {
  const body = concat(numbers(true, [16, 1], [16, 0xffff], [32, 0], [32, 7], [32, 2], [32, 9]), hex("aabb"));
  const file = concat(sectionHeader(), interfaceBlock(1), interfaceBlock(12), block(2, body));
  expect(readAll(file).packets).toEqual([
    {
      frame: 1,
      timestamp: { seconds: 0, nanoseconds: 7000 },
      linkType: 12,
      interfaceId: 1,
      originalLength: 9,
      data: hex("aabb"),
    },
  ]);
});

test("unknown blocks and options are passed over; the first comment is kept", () => {
  const options = concat(
    hex("0200 0400 01000000"), // epb_flags
    hex("ad0b 0300 010203 00"), // a custom option
    hex("0100 0500 68656c6c6f 000000"), // opt_comment "hello"
    hex("0100 0100 78 000000"),
    hex("0000 0000"),
    hex("0100 ffff"), // behind the end of the options: not looked at
  );
  const file = concat(
    sectionHeader(),
    block(5, hex("00112233")), // interface statistics, of an interface that comes later
    block(0x0bad, new Uint8Array(100_000)),
    interfaceBlock(1, { options: hex("0200 0400 65746830 ffff 0200 1234 0000") }),
    block(4, new Uint8Array(0)),
    packetBlock(0, hex("aabbccdd"), { options }),
  );
  for (const step of [1, 13, file.length]) {
    expect(readAll(file, step)).toMatchObject({
      error: undefined,
      packets: [{ frame: 1, comment: "hello" }],
    });
  }
});

test("a block whose length leaves out its padding is read all the same", () => {
  const padded = packetBlock(0, hex("aabbcc"));
  padded.set(numbers(true, [32, 35]), 4);
  padded.set(numbers(true, [32, 35]), padded.length - 4);
  const file = concat(sectionHeader(), interfaceBlock(1), padded, packetBlock(0, hex("dd")));
  expect(readAll(file).packets.map((packet) => toHex(packet.data))).toEqual(["aabbcc", "dd"]);
});

describe("what cannot be read says why, after what could be read", () => {
  const start = concat(sectionHeader(), interfaceBlock(1), packetBlock(0, hex("01")));

  test.each([
    ["a length shorter than a block", hex("06000000 0b000000 00000000"), "claims a length of 11 octets"],
    [
      "two lengths that differ",
      concat(block(6, new Uint8Array(24)).subarray(0, 32), hex("25000000")),
      "differ (36 and 37)",
    ],
    [
      "an interface that was not described",
      packetBlock(1, hex("01")),
      "a packet of interface 1, which was not described,",
    ],
    ["a packet block too short for its header", block(6, new Uint8Array(16)), "too short"],
    [
      "a packet longer than its block",
      block(6, concat(new Uint8Array(12), numbers(true, [32, 5], [32, 5]), hex("00000000"))),
      "claims 5 octets in a block of",
    ],
    ["an interface description too short", block(1, new Uint8Array(4)), "too short"],
    ["a block beyond any measure", hex("06000000 fcffffff 00000000"), "claims 4294967292 octets"],
    [
      "a section header without magic",
      hex("0a0d0d0a 1c000000 00000000 01000000 00000000 00000000 1c000000"),
      "magic",
    ],
  ])("%s", (_, rest, says) => {
    const { packets, error } = readAll(concat(start, rest));
    expect(packets).toHaveLength(1);
    expect(error).toMatchObject({
      code: "corrupt",
      offset: start.length,
      message: expect.stringContaining(says),
    });
    expect(error?.message).toContain(`octet ${start.length}`);
  });

  test("a simple packet before any interface", () => {
    expect(readAll(concat(sectionHeader(), block(3, new Uint8Array(8)))).error).toMatchObject({
      code: "corrupt",
    });
  });

  test("a major version nobody knows", () => {
    expect(readAll(sectionHeader(true, 2)).error).toMatchObject({ code: "unsupported-version" });
  });

  test("a file cut anywhere but between blocks is truncated", () => {
    const unknown = block(0x0bad, new Uint8Array(40));
    const file = concat(start, unknown);
    const ends = [28, 48, start.length];
    for (let length = 4; length < file.length; length += 1) {
      const { error, packets } = readAll(file.subarray(0, length));
      expect([length, error?.code]).toEqual([length, ends.includes(length) ? undefined : "truncated"]);
      expect(packets).toHaveLength(length < start.length ? 0 : 1);
    }
    expect(readAll(file.subarray(0, file.length - 4)).error?.message).toBe(
      `the file is cut short: it ends at octet ${file.length - 4}, 4 octets before the end of a block`,
    );
  });
});
