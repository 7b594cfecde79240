import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import { LINK_TYPE, PcapngWriter } from "../src/index.ts";
import { concat, hex, IPV4_ZLB, IPV6_ZLB, toHex } from "./octets.ts";
import { readAll } from "./read-all.ts";

/** Two interfaces, three packets. */
function sample(): Uint8Array {
  const writer = new PcapngWriter();
  return concat(
    writer.begin({ application: "l2tp test", os: "Linux", hardware: "none", comment: "a section" }),
    writer.addInterface({ linkType: LINK_TYPE.RAW, name: "wire0", comment: "an interface" }),
    writer.addInterface({ linkType: LINK_TYPE.IPV6, snapLength: 96 }),
    writer.packet({
      interfaceId: 0,
      timestamp: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      data: IPV4_ZLB,
      comment: "a retransmission — the 2nd",
      direction: "outbound",
    }),
    writer.packet({
      interfaceId: 1,
      timestamp: { seconds: 1_700_000_001, nanoseconds: 1 },
      data: IPV6_ZLB,
      direction: "inbound",
    }),
    writer.packet({
      interfaceId: 0,
      timestamp: { seconds: 1_700_000_002, nanoseconds: 0 },
      data: IPV4_ZLB.subarray(0, 33),
      originalLength: 40,
    }),
  );
}

test("the blocks, octet by octet", () => {
  const writer = new PcapngWriter();
  expect(toHex(writer.begin())).toBe(
    toHex(hex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000")),
  );
  expect(toHex(writer.addInterface({ linkType: 1, name: "eth0" }))).toBe(
    toHex(
      hex(`01000000 28000000 0100 0000 00000000
           0200 0400 65746830      # if_name
           0900 0100 09000000      # if_tsresol: nanoseconds
           0000 0000 28000000`),
    ),
  );
  const packet = writer.packet({
    interfaceId: 0,
    timestamp: { seconds: 4, nanoseconds: 294_967_297 }, // 2^32 + 1 ns
    data: hex("aabbccddee"),
    originalLength: 60,
    comment: "x",
  });
  expect(toHex(packet)).toBe(
    toHex(
      hex(`06000000 34000000 00000000 01000000 01000000 05000000 3c000000
           aabbccddee 000000
           0100 0100 78000000
           0000 0000 34000000`),
    ),
  );
});

test("what is written is read back", () => {
  const { packets, error } = readAll(sample());
  expect(error).toBeUndefined();
  expect(packets).toEqual([
    {
      frame: 1,
      timestamp: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      linkType: LINK_TYPE.RAW,
      interfaceId: 0,
      originalLength: 40,
      data: IPV4_ZLB,
      comment: "a retransmission — the 2nd",
    },
    {
      frame: 2,
      timestamp: { seconds: 1_700_000_001, nanoseconds: 1 },
      linkType: LINK_TYPE.IPV6,
      interfaceId: 1,
      originalLength: 60,
      data: IPV6_ZLB,
    },
    {
      frame: 3,
      timestamp: { seconds: 1_700_000_002, nanoseconds: 0 },
      linkType: LINK_TYPE.RAW,
      interfaceId: 0,
      originalLength: 40,
      data: IPV4_ZLB.subarray(0, 33),
    },
  ]);
});

test("a packet of an interface that was not described is the caller's mistake", () => {
  const writer = new PcapngWriter();
  writer.begin();
  const packet = { interfaceId: 0, timestamp: { seconds: 0, nanoseconds: 0 }, data: hex("00") };
  expect(() => writer.packet(packet)).toThrow(/addInterface/);
  writer.addInterface({ linkType: 1 });
  expect(writer.packet(packet)).toHaveLength(36);
  writer.begin();
  expect(() => writer.packet(packet)).toThrow(RangeError);
});

test("a comment too long for an option is cut", () => {
  const writer = new PcapngWriter();
  const file = concat(
    writer.begin(),
    writer.addInterface({ linkType: 1 }),
    writer.packet({
      interfaceId: 0,
      timestamp: { seconds: 0, nanoseconds: 0 },
      data: hex("00"),
      comment: "c".repeat(70_000),
    }),
  );
  expect(readAll(file).packets[0]?.comment).toBe("c".repeat(65_535));
});

needs({ tool: "tshark" })("tshark reads the same", () => {
  const directory = mkdtempSync(join(tmpdir(), "l2tp-capture-"));
  try {
    const file = join(directory, "sample.pcapng");
    writeFileSync(file, sample());
    const fields = [
      "frame.number",
      "frame.time_epoch",
      "frame.len",
      "frame.cap_len",
      "frame.comment",
      "l2tp.Nr",
    ];
    const done = spawnSync(
      "tshark",
      ["-n", "-r", file, "-T", "fields", "-E", "separator=|", ...fields.flatMap((field) => ["-e", field])],
      { encoding: "utf8" },
    );
    expect(done.stdout.trimEnd().split("\n")).toEqual([
      "1|1700000000.123456789|40|40|a retransmission — the 2nd|2",
      "2|1700000001.000000001|60|60||2",
      "3|1700000002.000000000|40|33||",
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
