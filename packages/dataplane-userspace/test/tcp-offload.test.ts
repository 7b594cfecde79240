/** Cutting large TCP frames and joining small ones: each against frames made slowly, and against one another. */
import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../src/arena.ts";
import { bestChecksum, checksumInJavaScript } from "../src/packet/checksum.ts";
import { TCP } from "../src/packet/frame.ts";
import { TcpCoalescer } from "../src/packet/tcp-coalesce.ts";
import { TcpCutter } from "../src/packet/tcp-cut.ts";
import { checksumsHold, type Segment, tcpFrame } from "./support/frames.ts";

const arena = new Arena(400_000);
const checksum = bestChecksum(arena.memory, arena.u8);
const FRAMES = 1_024;
const HEADERS = 300_000;

const pattern = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i * 7) & 0xff);

/** All segments of a large frame, as the cutter makes them. */
function cut(large: Uint8Array, size: number): Uint8Array[] {
  arena.u8.set(large, FRAMES);
  const cutter = new TcpCutter(arena.view, checksum);
  if (!cutter.begin(FRAMES, large.length, size)) return [];
  return Array.from({ length: cutter.segments }, (_, i) => {
    cutter.header(i, HEADERS);
    return Uint8Array.of(
      ...arena.u8.subarray(HEADERS, HEADERS + cutter.headerLength),
      ...arena.u8.subarray(cutter.payloadOffset, cutter.payloadOffset + cutter.payloadLength),
    );
  });
}

/** What cutting must give: the segments as a host without offloads would send them. */
function expectedSegments(whole: Segment, size: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(whole.payload.length / size));
  return Array.from({ length: count }, (_, i) => {
    const last = i === count - 1;
    let { flags } = whole;
    if (!last) flags &= ~(TCP.fin | TCP.psh);
    if (i > 0) flags &= ~TCP.cwr;
    return tcpFrame({
      ...whole,
      flags,
      sequence: (whole.sequence + i * size) >>> 0,
      id: ((whole.id ?? 7) + i) & 0xffff,
      payload: whole.payload.subarray(i * size, (i + 1) * size),
    });
  });
}

const segment = (): fc.Arbitrary<Segment> =>
  fc.record(
    {
      family: fc.constantFrom(4 as const, 6 as const),
      sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
      acknowledgement: fc.integer({ min: 0, max: 0xffff_ffff }),
      flags: fc.constantFrom(TCP.ack, TCP.ack | TCP.psh, TCP.ack | TCP.fin | TCP.psh, TCP.ack | TCP.cwr),
      id: fc.integer({ min: 0, max: 0xffff }),
      window: fc.integer({ min: 0, max: 0xffff }),
      payload: fc.integer({ min: 1, max: 9_000 }).map((length) => pattern(length, length)),
      options: fc.constantFrom(new Uint8Array(), pattern(12, 1), pattern(40, 1)),
      vlan: fc.integer({ min: 1, max: 4_094 }),
    },
    {
      requiredKeys: ["family", "sequence", "acknowledgement", "flags", "id", "window", "payload", "options"],
    },
  );

describe("cutting", () => {
  test("gives the frames that a host without offloads would send", () => {
    fc.assert(
      fc.property(segment(), fc.integer({ min: 1, max: 3_000 }), (whole, size) => {
        const large = tcpFrame(whole);
        // The kernel leaves only the pseudo-header's sum: whatever the fields hold must not matter.
        const field = large.length - whole.payload.length - (whole.options?.length ?? 0) - 4;
        large[field] = 0x12;
        large[field + 1] = 0x34;
        expect(cut(large, size)).toEqual(expectedSegments(whole, size));
      }),
      { numRuns: 150 },
    );
  });

  test("refuses what is no TCP frame, and a segment size of 0", () => {
    const good = tcpFrame({ family: 4, sequence: 1, flags: TCP.ack, payload: pattern(100) });
    expect(cut(good, 50)).toHaveLength(2);
    expect(cut(good, 0)).toEqual([]);
    for (let length = 0; length < 54; length++) expect(cut(good.subarray(0, length), 50)).toEqual([]);
    expect(cut(good.with(23, 17), 50), "UDP").toEqual([]);
    expect(cut(good.with(20, 0x20), 50), "a fragment").toEqual([]);
    expect(cut(good.with(46, 0xf0), 500), "a TCP header beyond the end").toHaveLength(1);
    expect(cut(good.with(46, 0x10), 50), "a TCP header of 4 octets").toEqual([]);
  });
});

/** Puts frames one behind another, offers them, and gives back what would be written: virtio header and frame. */
function join(frames: readonly Uint8Array[], sum = checksum): { virtio: DataView; frame: Uint8Array }[] {
  const out: { virtio: DataView; frame: Uint8Array }[] = [];
  const run = new TcpCoalescer(arena.view, sum);
  const VIRTIO = 64;
  const finish = () => {
    if (run.count === 0) return;
    const slices = run.finish(VIRTIO);
    const frame = Array.from({ length: slices }, (_, i) => {
      const offset = run.offsets[i] as number;
      return [...arena.u8.subarray(offset, offset + (run.lengths[i] as number))];
    }).flat();
    out.push({
      virtio: new DataView(arena.u8.slice(VIRTIO, VIRTIO + 10).buffer),
      frame: Uint8Array.from(frame),
    });
  };
  const alone = (frame: Uint8Array) => out.push({ virtio: new DataView(new ArrayBuffer(10)), frame });
  let at = FRAMES;
  for (const frame of frames) {
    arena.u8.set(frame, at);
    const joined = run.count === 0 ? -1 : run.join(at, frame.length);
    if (joined !== 2) {
      finish();
      if (joined === 1) run.restart(at, frame.length);
      else if (joined === 0 || !run.begin(at, frame.length)) alone(frame);
    }
    if (run.closed) finish();
    at += frame.length + 13; // At odd places, too.
  }
  finish();
  return out;
}

describe("joining", () => {
  const base: Segment = { family: 4, sequence: 1_000, flags: TCP.ack, payload: pattern(100), id: 20 };
  const next = (s: Segment, change: Partial<Segment> = {}): Segment => ({
    ...s,
    sequence: (s.sequence + s.payload.length) >>> 0,
    id: ((s.id ?? 7) + 1) & 0xffff,
    ...change,
  });

  test("undoes cutting: the large frame comes out again, with what the kernel needs to cut it once more", () => {
    fc.assert(
      fc.property(segment(), fc.integer({ min: 200, max: 2_000 }), (whole, size) => {
        // FIN and CWR are left for the kernel to see one by one.
        const large = { ...whole, flags: whole.flags & ~(TCP.fin | TCP.cwr) };
        const pieces = expectedSegments(large, size);
        const [only, ...rest] = join(pieces);
        expect(rest).toEqual([]);
        const frame = only?.frame as Uint8Array;
        const expected = tcpFrame(large);
        const field = expected.length - large.payload.length - (large.options?.length ?? 0) - 4;
        if (pieces.length > 1) {
          const header = only?.virtio as DataView;
          expect(header.getUint8(0)).toBe(1);
          expect(header.getUint8(1)).toBe(large.family === 4 ? 1 : 4);
          expect(header.getUint16(2, true)).toBe(expected.length - large.payload.length);
          expect(header.getUint16(4, true)).toBe(size);
          expect(header.getUint16(6, true)).toBe(field - 16);
          expect(header.getUint16(8, true)).toBe(16);
          // Adding the sum of what lies behind the pseudo-header must give the right checksum.
          const tcp = frame.slice(field - 16);
          const full = checksumInJavaScript(tcp).sum(0, tcp.length);
          const want = ((expected[field] as number) << 8) | (expected[field + 1] as number);
          expect((65_535 - full) % 65_535).toBe(want % 65_535);
        }
        expect(frame.with(field, 0).with(field + 1, 0)).toEqual(expected.with(field, 0).with(field + 1, 0));
      }),
      { numRuns: 150 },
    );
  });

  test.each<[string, Partial<Segment>]>([
    ["a gap", { sequence: 1_101 }],
    ["another port", { sourcePort: 40_001 }],
    ["another acknowledgement", { acknowledgement: 2 }],
    ["another window", { window: 501 }],
    ["another time to live", { ttl: 63 }],
    ["an identification that does not follow", { id: 30 }],
    ["another VLAN", { vlan: 5 }],
    ["options that were not there", { options: pattern(12) }],
    ["a longer payload", { payload: pattern(101) }],
    ["the other family", { family: 6 }],
  ])("%s begins a new run", (_, change) => {
    const second = next(base, change);
    const out = join([tcpFrame(base), tcpFrame(second)]);
    expect(out.map(({ frame }) => frame)).toEqual([tcpFrame(base), tcpFrame(second)]);
    expect(out.every(({ virtio }) => virtio.getUint8(0) === 0)).toBe(true);
  });

  test.each<[string, Partial<Segment>]>([
    ["SYN", { flags: TCP.ack | TCP.syn }],
    ["FIN", { flags: TCP.ack | TCP.fin }],
    ["RST", { flags: TCP.rst }],
    ["URG", { flags: TCP.ack | TCP.urg }],
    ["no payload", { payload: new Uint8Array() }],
  ])("a segment with %s stays alone, and order is kept", (_, change) => {
    const [first, odd] = [base, next(base, change)];
    const last = next(odd, { flags: TCP.ack, payload: pattern(100), id: 22 });
    const frames = [first, odd, last].map(tcpFrame);
    expect(join(frames).map(({ frame }) => frame)).toEqual(frames);
  });

  test("PSH and a short segment end a run", () => {
    const pushed = next(base, { flags: TCP.ack | TCP.psh });
    const third = next(pushed, { flags: TCP.ack });
    const short = next(third, { payload: pattern(50) });
    const out = join([base, pushed, third, short, next(short)].map(tcpFrame));
    expect(out.map(({ frame }) => frame.length - 54)).toEqual([200, 150, 50]);
    expect((out[0]?.frame[47] as number) & TCP.psh).toBe(TCP.psh);
  });

  test("a frame with a wrong checksum is left for the kernel to refuse", () => {
    const good = [base, next(base), next(next(base))].map(tcpFrame);
    for (const [where, at] of [
      ["IP", 24],
      ["TCP", 50],
      ["payload", 80],
    ] as const) {
      const second = good[1] as Uint8Array;
      const bad = [
        good[0] as Uint8Array,
        second.with(at, (second[at] as number) ^ 0x55),
        good[2] as Uint8Array,
      ];
      expect(
        join(bad).map(({ frame }) => frame),
        where,
      ).toEqual(bad);
    }
  });

  test("a frame with padding behind its packet is left alone", () => {
    const padded = Uint8Array.of(...tcpFrame({ ...base, payload: pattern(2) }), 0, 0, 0, 0);
    expect(join([padded, padded]).map(({ frame }) => frame)).toEqual([padded, padded]);
  });

  test("a run never grows beyond what an IP header can say", () => {
    const frames: Uint8Array[] = [];
    for (let i = 0, s: Segment = { ...base, payload: pattern(1_460) }; i < 60; i++, s = next(s))
      frames.push(tcpFrame(s));
    const out = join(frames);
    expect(out.length).toBe(2);
    expect(out.every(({ frame }) => frame.length - 14 <= 65_535)).toBe(true);
    expect(out.reduce((sum, { frame }) => sum + frame.length - 54, 0)).toBe(60 * 1_460);
  });

  test("any octets are judged without harm, and come out as they went in", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 14, maxLength: 120 }), { maxLength: 5 }), (frames) => {
        expect(join(frames).map(({ frame }) => frame)).toEqual(frames);
      }),
      { numRuns: 300 },
    );
  });

  test("one octet changed anywhere in a frame never gives a frame with a right checksum and wrong content", () => {
    const [first, second] = [tcpFrame(base), tcpFrame(next(base))];
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: second.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const changed = second.with(at, (second[at] as number) ^ flip);
          const out = join([first, changed]);
          if (out.length === 2) expect(out.map(({ frame }) => frame)).toEqual([first, changed]);
          else expect(checksumsHold(changed)).toBe(true);
        },
      ),
    );
  });
});
