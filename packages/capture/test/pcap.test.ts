import { describe, expect, test } from "vitest";
import { CaptureError, readCapture } from "../src/index.ts";
import { concat, hex, IPV4_ZLB, numbers, pcap, toHex } from "./octets.ts";
import { readAll } from "./read-all.ts";

test("a pcap file, octet by octet as it is on disk", () => {
  const file = hex(`
    d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000   # little-endian, 2.4, snap length 262144, raw IP
    80ee3465 40e20100 04000000 3c000000 45000028             # 4 of 60 octets
    81ee3465 00000000 00000000 00000000                      # an empty packet
  `);
  expect(readAll(file)).toEqual({
    format: "pcap",
    error: undefined,
    packets: [
      {
        frame: 1,
        timestamp: { seconds: 0x6534ee80, nanoseconds: 123_456_000 },
        linkType: 101,
        interfaceId: 0,
        originalLength: 60,
        data: hex("45000028"),
      },
      {
        frame: 2,
        timestamp: { seconds: 0x6534ee81, nanoseconds: 0 },
        linkType: 101,
        interfaceId: 0,
        originalLength: 0,
        data: new Uint8Array(0),
      },
    ],
  });
});

describe("both byte orders and both units of time", () => {
  test.each([
    ["little-endian, microseconds", true, 0xa1b2c3d4, 5000],
    ["big-endian, microseconds", false, 0xa1b2c3d4, 5000],
    ["little-endian, nanoseconds", true, 0xa1b23c4d, 5],
    ["big-endian, nanoseconds", false, 0xa1b23c4d, 5],
  ])("%s", (_, littleEndian, magic, nanoseconds) => {
    const { packets, error } = readAll(pcap([IPV4_ZLB, IPV4_ZLB], { littleEndian, magic }));
    expect(error).toBeUndefined();
    expect(packets.map((packet) => packet.timestamp)).toEqual([
      { seconds: 1, nanoseconds },
      { seconds: 2, nanoseconds },
    ]);
    expect(packets.map((packet) => toHex(packet.data))).toEqual([toHex(IPV4_ZLB), toHex(IPV4_ZLB)]);
    expect(packets.map((packet) => packet.frame)).toEqual([1, 2]);
  });
});

test("a fraction of more than a second is carried over", () => {
  const file = concat(pcap([]), numbers(true, [32, 10], [32, 2_500_000], [32, 0], [32, 0]));
  expect(readAll(file).packets[0]?.timestamp).toEqual({ seconds: 12, nanoseconds: 500_000_000 });
});

test("the snap length cuts packets, and the original length says so", () => {
  const { packets } = readAll(pcap([IPV4_ZLB], { snapLength: 24 }));
  expect(packets[0]).toMatchObject({ originalLength: 40, data: IPV4_ZLB.subarray(0, 24) });
});

test("records of Kuznetsov's variant have 8 more octets", () => {
  const record = concat(numbers(true, [32, 1], [32, 2], [32, 3], [32, 3], [32, 9], [32, 9]), hex("aabbcc"));
  const { packets } = readAll(concat(pcap([], { magic: 0xa1b2cd34 }), record, record));
  expect(packets.map((packet) => toHex(packet.data))).toEqual(["aabbcc", "aabbcc"]);
});

test("before version 2.3 the two lengths of a record are the other way round", () => {
  const record = concat(numbers(true, [32, 1], [32, 2], [32, 60], [32, 3]), hex("aabbcc"));
  expect(readAll(concat(pcap([], { minor: 2 }), record)).packets[0]).toMatchObject({
    originalLength: 60,
    data: hex("aabbcc"),
  });
});

test("the frame check sequence bits above the link type are not part of it", () => {
  expect(readAll(pcap([IPV4_ZLB], { linkType: 0x54000001 })).packets[0]?.linkType).toBe(1);
});

test("pieces of any size give the same packets", () => {
  const file = pcap([IPV4_ZLB, new Uint8Array(0), IPV4_ZLB.subarray(0, 7), new Uint8Array(3000).fill(9)]);
  const whole = readAll(file);
  expect(whole.packets).toHaveLength(4);
  for (const step of [1, 2, 3, 7, 16, 25, 1000]) expect(readAll(file, step)).toEqual(whole);
});

test("packets read before stay as they are while more is pushed", () => {
  const packets = [11, 22, 33].map((octet) => new Uint8Array(100).fill(octet));
  expect(readAll(pcap(packets), 150).packets.map((packet) => packet.data)).toEqual(packets);
});

describe("what cannot be read says why, after what could be read", () => {
  const file = pcap([IPV4_ZLB, IPV4_ZLB]);

  test("a file cut inside a packet", () => {
    const { packets, error } = readAll(file.subarray(0, file.length - 1));
    expect(packets).toHaveLength(1);
    expect(error).toMatchObject({ code: "truncated", offset: 80 });
    expect(error?.message).toBe(
      "the file is cut short: it ends at octet 135, in the middle of the record that begins at octet 80",
    );
  });

  test("a file cut anywhere but between packets is truncated", () => {
    for (let length = 4; length < file.length; length += 1) {
      const { packets, error } = readAll(file.subarray(0, length));
      const between = length === 24 || length === 80;
      expect([length, error?.code]).toEqual([length, between ? undefined : "truncated"]);
      expect(packets).toHaveLength(length < 80 ? 0 : 1);
    }
  });

  test("a packet longer than any", () => {
    const { packets, error } = readAll(
      concat(file, numbers(true, [32, 0], [32, 0], [32, 262_145], [32, 262_145])),
    );
    expect(packets).toHaveLength(2);
    expect(error).toMatchObject({ code: "corrupt", offset: 136 });
    expect(error?.message).toContain("packet 3 at octet 136 claims 262145 octets");
  });

  test("a version nobody knows", () => {
    const odd = pcap([]);
    odd[4] = 3;
    expect(readAll(odd).error).toMatchObject({
      code: "unsupported-version",
      message: expect.stringMatching(/3\.4/),
    });
  });

  test.each([
    ["nothing at all", "", "the file is empty"],
    ["two octets", "d4c3", "it begins with d4 c3"],
    ["text", "68656c6c6f0a", "it begins with 68 65 6c 6c"],
    ["gzip", "1f8b0800", "gunzip -c"],
    ["zstd", "28b52ffd00", "zstd -dc"],
  ])("no capture: %s", (_, octets, says) => {
    const { packets, error } = readAll(hex(octets));
    expect(packets).toEqual([]);
    expect(error).toMatchObject({ code: "not-a-capture", message: expect.stringContaining(says) });
  });

  test("readCapture throws the error behind the last packet", async () => {
    const seen: number[] = [];
    const reading = (async () => {
      for await (const packet of readCapture([file.subarray(0, 50), file.subarray(50, 90)]))
        seen.push(packet.frame);
    })();
    await expect(reading).rejects.toThrow(CaptureError);
    expect(seen).toEqual([1]);
  });

  test("readCapture of a whole file ends without an error", async () => {
    const seen: number[] = [];
    for await (const packet of readCapture([file])) seen.push(packet.frame);
    expect(seen).toEqual([1, 2]);
  });
});
