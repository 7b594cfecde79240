/** What PPP sessions have in the packet threads, one by one: frames, rate limits, and the rings to the main thread. */
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { isIpv6Control, isLinkEcho, PppFrame, packetLength } from "../src/packet/ppp-frame.ts";
import { TokenBucket } from "../src/packet/token-bucket.ts";
import { FrameRing } from "../src/worker/frame-ring.ts";

const viewOf = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset, octets.byteLength);

describe("a PPP frame", () => {
  const read = (...octets: number[]) => {
    const frame = new PppFrame(viewOf(Uint8Array.from(octets)));
    return frame.read(0, octets.length) ? [frame.protocol, frame.information] : undefined;
  };

  test("is read in every form (RFC 1661 §6.5, §6.6)", () => {
    expect(read(0xff, 0x03, 0x00, 0x21, 1)).toEqual([0x21, 4]);
    expect(read(0xff, 0x03, 0x21, 1)).toEqual([0x21, 3]);
    expect(read(0x00, 0x21, 1)).toEqual([0x21, 2]);
    expect(read(0x21, 1)).toEqual([0x21, 1]);
    expect(read(0xc0, 0x21)).toEqual([0xc021, 2]);
    // An FF that is no address: a protocol of one octet.
    expect(read(0xff, 0x04)).toEqual([0xff, 1]);
  });

  test("that has no protocol is none", () => {
    for (const octets of [[], [0xff, 0x03], [0xc0], [0xc0, 0x20], [0xff, 0x03, 0x00]]) {
      expect(read(...octets), octets.join()).toBeUndefined();
    }
  });

  test("never makes anything read beyond its end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (octets) => {
        const frame = new PppFrame(viewOf(octets));
        if (frame.read(0, octets.length)) expect(frame.information).toBeLessThanOrEqual(octets.length);
        for (const version of [4, 6]) expect(packetLength(viewOf(octets), 0, octets.length, version)).toBe(0);
      }),
    );
  });
});

test("the length of a packet is what its header says, if there is as much", () => {
  const ipv4 = new Uint8Array(30);
  ipv4.set([0x45, 0, 0, 24]);
  expect(packetLength(viewOf(ipv4), 0, 30, 4)).toBe(24);
  expect(packetLength(viewOf(ipv4), 0, 23, 4)).toBe(0);
  expect(packetLength(viewOf(ipv4), 0, 30, 6)).toBe(0);
  const ipv6 = new Uint8Array(50);
  ipv6.set([0x60, 0, 0, 0, 0, 8]);
  expect(packetLength(viewOf(ipv6), 0, 50, 6)).toBe(48);
  expect(packetLength(viewOf(ipv6), 0, 47, 6)).toBe(0);
});

test("IPv6 control packets are those that make addresses, on the link only (RFC 4861, RFC 8415)", () => {
  const packet = (to: number[], next: number, at40: number[]) => {
    const octets = new Uint8Array(60);
    octets.set([0x60, 0, 0, 0, 0, 20, next]);
    octets.set(to, 24);
    octets.set(at40, 40);
    return isIpv6Control(viewOf(octets), 0, octets.length);
  };
  const multicast = [0xff, 0x02];
  for (const type of [133, 134, 135, 136]) expect(packet(multicast, 58, [type])).toBe(true);
  for (const type of [1, 128, 132, 137]) expect(packet(multicast, 58, [type])).toBe(false);
  expect(packet([0xfe, 0x80], 17, [0, 0, 0x02, 0x22])).toBe(true);
  expect(packet([0xfe, 0x80], 17, [0, 0, 0x02, 0x23])).toBe(true);
  expect(packet([0xfe, 0x80], 17, [0, 0, 0x00, 0x35])).toBe(false);
  expect(packet([0x20, 0x01], 58, [133])).toBe(false);
  expect(packet([0xff, 0x05], 58, [133])).toBe(false);
});

test("an Echo Request to a link-local address is told from all others", () => {
  const packet = (to: number[], next: number, type: number, length = 60) => {
    const octets = new Uint8Array(60);
    octets.set([0x60, 0, 0, 0, 0, 20, next]);
    octets.set(to, 24);
    octets[40] = type;
    return isLinkEcho(viewOf(octets), 0, length);
  };
  expect(packet([0xfe, 0x80], 58, 128)).toBe(true);
  expect(packet([0xfe, 0xbf], 58, 128)).toBe(true);
  expect(packet([0xfe, 0xc0], 58, 128)).toBe(false);
  expect(packet([0xff, 0x02], 58, 128)).toBe(false);
  expect(packet([0x20, 0x01], 58, 128)).toBe(false);
  expect(packet([0xfe, 0x80], 58, 129)).toBe(false);
  expect(packet([0xfe, 0x80], 17, 128)).toBe(false);
  expect(packet([0xfe, 0x80], 58, 128, 47)).toBe(false);
});

describe("a rate limit", () => {
  test("lets pass what was said, over any time, and half a second's worth at once", () => {
    const bucket = new TokenBucket(8_000_000, 0);
    let passed = 0;
    while (bucket.take(1_000, 0)) passed += 1_000;
    expect(passed).toBe(500_000);
    passed = 0;
    for (let ms = 0; ms <= 10_000; ms += 0.5) if (bucket.take(1_000, ms)) passed += 1_000;
    expect(passed).toBeGreaterThan(9_900_000);
    expect(passed).toBeLessThan(10_100_000);
  });

  test("lets a packet larger than the burst pass, and holds up what comes after it", () => {
    const bucket = new TokenBucket(64_000, 0);
    expect(bucket.take(60_000, 0)).toBe(true);
    expect(bucket.take(100, 6_900)).toBe(false);
    expect(bucket.take(100, 7_100)).toBe(true);
  });
});

describe("the ring of frames", () => {
  test("gives back what was put in, in order, with whose it is, and says when it is full or the reader is to be woken", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant("next" as const)), {
          maxLength: 200,
        }),
        (steps) => {
          const buffer = new SharedArrayBuffer(64 + 1_024);
          const [writer, reader] = [new FrameRing(buffer), new FrameRing(buffer)];
          const model: Uint8Array[] = [];
          let row = 0;
          let read = 0;
          for (const step of steps) {
            if (step === "next") {
              const wanted = model.shift();
              expect(reader.next()).toBe(wanted !== undefined);
              if (wanted === undefined) continue;
              expect(reader.u8.slice(reader.offset, reader.offset + reader.length)).toEqual(wanted);
              expect([reader.row, reader.generation, reader.kind]).toEqual([read, read * 2, read % 3]);
              read++;
              continue;
            }
            const result = writer.push(row, row * 2, row % 3, step, 0, step.length);
            // What is at hand is given back with the next one, so a full ring may have one entry less than it seems.
            if (result === "full") expect(model.length).toBeGreaterThan(0);
            else {
              if (model.length === 0 && reader.next() === false) expect(result).toBe("first");
              else if (model.length === 0) {
                // The look above took it.
                expect(reader.u8.slice(reader.offset, reader.offset + reader.length)).toEqual(step);
                read++;
                row++;
                continue;
              }
              model.push(step);
              row++;
            }
          }
        },
      ),
    );
  });

  test("wakes the reader that has read everything, and no other", () => {
    const buffer = new SharedArrayBuffer(64 + 1_024);
    const [writer, reader] = [new FrameRing(buffer), new FrameRing(buffer)];
    const push = () => writer.push(0, 0, 0, Uint8Array.of(1, 2, 3), 0, 3);
    expect([push(), push()]).toEqual(["first", "more"]);
    expect([reader.next(), reader.next(), reader.next()]).toEqual([true, true, false]);
    expect(push()).toBe("first");
    expect(reader.next()).toBe(true);
    // The entry at hand is not given back yet: whoever has it will look again.
    expect(push()).toBe("more");
    expect([reader.next(), reader.next()]).toEqual([true, false]);
  });
});
