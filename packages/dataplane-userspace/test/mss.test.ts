import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { TCP } from "../src/packet/frame.ts";
import { MssClamp, mssLimits } from "../src/packet/mss.ts";
import { checksumsHold, tcpFrame } from "./support/frames.ts";

const arena = new Arena(10_000);
const clamp = new MssClamp(arena.view);
const AT = 101;
const mssOption = (mss: number) => [2, 4, mss >>> 8, mss & 0xff];

/** A SYN with these options, padded to four octets. */
function syn(options: readonly number[], change: Partial<Parameters<typeof tcpFrame>[0]> = {}): Uint8Array {
  const padded = Uint8Array.from({ length: Math.ceil(options.length / 4) * 4 }, (_, i) => options[i] ?? 0);
  return tcpFrame({
    family: 4,
    sequence: 1,
    flags: TCP.syn,
    payload: new Uint8Array(),
    options: padded,
    ...change,
  });
}

function clamped(frame: Uint8Array, ipv4 = 1_400, ipv6 = 1_380, partial = false) {
  arena.u8.set(frame, AT);
  const changed = clamp.clamp(AT, frame.length, ipv4, ipv6, partial);
  return { changed, frame: arena.u8.slice(AT, AT + frame.length) };
}

describe("MSS clamping", () => {
  test("lowers what is too much, and the checksum stays right", () => {
    for (const flags of [TCP.syn, TCP.syn | TCP.ack]) {
      expect(clamped(syn(mssOption(1_460), { flags }))).toEqual({
        changed: true,
        frame: syn(mssOption(1_400), { flags }),
      });
    }
    expect(clamped(syn(mssOption(1_440), { family: 6 }))).toEqual({
      changed: true,
      frame: syn(mssOption(1_380), { family: 6 }),
    });
  });

  test("leaves what is little enough, other segments, and SYNs without the option", () => {
    for (const frame of [
      syn(mssOption(1_400)),
      syn(mssOption(536)),
      syn(mssOption(1_460), { flags: TCP.ack }),
      syn([]),
      syn([1, 1, 4, 2]),
      syn([0, 2, 4, 0xff, 0xff]),
    ]) {
      expect(clamped(frame)).toEqual({ changed: false, frame });
    }
  });

  test("finds the option behind others and at odd places", () => {
    for (const before of [[1], [1, 1], [1, 1, 1], [3, 3, 7], [4, 2], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8]]) {
      const { changed, frame } = clamped(syn([...before, ...mssOption(9_000)]));
      expect(changed).toBe(true);
      expect(frame).toEqual(syn([...before, ...mssOption(1_400)]));
    }
  });

  test("leaves the checksum that the kernel has not finished", () => {
    const frame = syn(mssOption(1_460));
    const out = clamped(frame, 1_400, 1_380, true);
    expect(out.changed).toBe(true);
    expect(out.frame.subarray(50, 52)).toEqual(frame.subarray(50, 52));
  });

  test("broken options do no harm", () => {
    for (const options of [[2], [2, 0], [2, 1], [2, 4], [2, 40, 9, 9], [9, 0, 2, 4], [1, 1, 1, 2]]) {
      const frame = syn(options);
      expect(clamped(frame)).toEqual({ changed: false, frame });
    }
  });

  test("for any options the frame's checksum holds, and no MSS above the limit is left in front", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(4 as const, 6 as const),
        (options, limit, family) => {
          const { frame } = clamped(syn([...options], { family }), limit, limit);
          expect(checksumsHold(frame)).toBe(true);
          expect(clamped(frame, limit, limit).changed).toBe(false);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("the limits follow from the MTU, or are those that were said", () => {
    expect(mssLimits(true, 1_450)).toEqual({ ipv4: 1_410, ipv6: 1_390 });
    expect(mssLimits(1_300, 1_450)).toEqual({ ipv4: 1_300, ipv6: 1_300 });
    expect(mssLimits(false, 1_450)).toBeUndefined();
    expect(mssLimits(undefined, 1_450)).toBeUndefined();
  });
});
