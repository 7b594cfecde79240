/** Files as an attacker makes them: whatever the octets, reading ends, without an exception, in bounds. */
import { processorMs, seeds } from "@l2tp/testing";
import { expect, test } from "vitest";
import { CaptureReader, Dissector } from "../src/index.ts";
import {
  block,
  concat,
  hex,
  IPV4_ZLB,
  IPV6_ZLB,
  interfaceBlock,
  ipv4,
  ipv6,
  ipv6Fragment,
  packetBlock,
  pcap,
  sectionHeader,
  UDP_ZLB,
} from "./octets.ts";

const ethernet = (packet: Uint8Array, type = "0800") =>
  concat(hex(`020000000002 020000000001 8100 0001 ${type}`), packet);
const big = concat(UDP_ZLB, new Uint8Array(100));
const frames = [
  ethernet(IPV4_ZLB),
  ethernet(IPV6_ZLB, "86dd"),
  ethernet(ipv4({ more: true, payload: big.subarray(0, 64) })),
  ethernet(ipv4({ offset: 64, payload: big.subarray(64) })),
  ethernet(ipv6Fragment({ offset: 0, more: true, payload: big.subarray(0, 64) }), "86dd"),
  ethernet(ipv6Fragment({ offset: 64, more: false, payload: big.subarray(64) }), "86dd"),
  ethernet(ipv6(0, concat(hex("3c 00 050200000100 2b 00 010400000000 33 00 000000000000"), UDP_ZLB)), "86dd"),
];
const files = [
  pcap(frames),
  pcap(frames, { littleEndian: false, magic: 0xa1b23c4d }),
  concat(
    sectionHeader(),
    interfaceBlock(1, { options: hex("0900 0100 09 000000 0e00 0800 0100000000000000 0000 0000") }),
    ...frames.map((frame) => packetBlock(0, frame, { options: hex("0100 0200 6869 0000") })),
    block(3, hex("0a000000 00000000000000000000 0000")),
    sectionHeader(false),
    interfaceBlock(1, { littleEndian: false }),
    ...frames.map((frame) => packetBlock(0, frame, { littleEndian: false })),
  ),
];

/** xorshift32: a seed says all. */
function generator(seed: number): (below: number) => number {
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const EXTREMES = [0, 1, 3, 4, 0x7f, 0x80, 0xfe, 0xff];

function mutate(file: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = file.slice();
  for (let n = 1 + random(8); n > 0; n -= 1) {
    const at = random(bytes.length);
    const what = random(5);
    if (what === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    else if (what === 1) bytes[at] = random(256);
    else if (what === 2) bytes.fill(EXTREMES[random(EXTREMES.length)] ?? 0, at, at + 1 + random(8));
    else if (what === 3) bytes.copyWithin(at, random(bytes.length), random(bytes.length));
    else return bytes.subarray(0, at);
  }
  return bytes;
}

test("60,000 mutated files are read to an end or an error, and every frame is taken apart or passed over", () => {
  const outcomes = { whole: 0, broken: 0, packets: 0, datagrams: 0 };
  for (const seed of seeds(60)) {
    const random = generator(seed);
    for (let round = 0; round < 1000; round += 1) {
      const file = mutate(files[random(files.length)] as Uint8Array, random);
      const reader = new CaptureReader();
      const dissector = new Dissector();
      let packets = 0;
      const drain = () => {
        for (let packet = reader.read(); packet; packet = reader.read()) {
          packets += 1;
          expect(packet.frame).toBe(packets);
          if (packet.data.length > file.length)
            throw new Error(`seed ${seed}: more octets than the file has`);
          const result = dissector.dissect(packet);
          if (typeof result === "object") {
            outcomes.datagrams += 1;
            if (result.payload.length > 65_535) throw new Error(`seed ${seed}: a payload too long`);
          }
        }
      };
      const split = random(file.length + 1);
      try {
        for (const piece of [file.subarray(0, split), file.subarray(split)]) {
          reader.push(piece);
          drain();
        }
        reader.end();
        drain();
      } catch (error) {
        throw new Error(`L2TP_TEST_SEED=${seed}, round ${round}: ${Buffer.from(file).toString("hex")}`, {
          cause: error,
        });
      }
      outcomes.packets += packets;
      if (reader.error === undefined) outcomes.whole += 1;
      else outcomes.broken += 1;
    }
  }
  // The mutations reach both ends: files that pass and files that do not.
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(seeds(60).length * 50);
});

test("a block that claims 4 GiB and does not come costs nothing", () => {
  const reader = new CaptureReader();
  reader.push(concat(sectionHeader(), hex("99000000 fcffffff 00000000")));
  expect(reader.read()).toBeUndefined();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 1000; i += 1) {
    reader.push(new Uint8Array(65_536));
    reader.read();
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * 1024 * 1024); // the pieces, before collection
  reader.end();
  reader.read();
  expect(reader.error).toMatchObject({ code: "truncated" });
});

test("a packet of the largest size that arrives octet by octet takes linear time", () => {
  const file = pcap([new Uint8Array(262_144)]);
  const reader = new CaptureReader();
  let packets = 0;
  const cost = processorMs(() => {
    for (let at = 0; at < file.length; at += 1) {
      reader.push(file.subarray(at, at + 1));
      if (reader.read()) packets += 1;
    }
  });
  expect(packets).toBe(1);
  // Tenths of a second; to copy all that there is for each octet would be 34 GB.
  expect(cost).toBeLessThan(5_000);
});
