import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Datagram,
  type DecodeOptions,
  decodeDatagram,
  formatDatagram,
  formatRejection,
  fromHex,
  HeaderCursor,
  Inspector,
  type Parsed,
  readRejected,
  SharedSecret,
  toJson,
} from "../src/index.ts";
import { readPcap } from "./pcap.ts";

/** `L2TP_TEST_SEED=N` replays one seed; a failure names it. */
const SEED = Number(process.env["L2TP_TEST_SEED"] ?? 1);
const MILLION = 1_000_000;

/** mulberry32: 32 bits of state, the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Where mutation begins: the test vectors, the malformed datagrams, and what real peers sent. */
function seedDatagrams(): Uint8Array[] {
  const found: Uint8Array[] = [];
  const add = (hex: unknown) => {
    const octets = typeof hex === "string" ? fromHex(hex) : undefined;
    if (octets && octets.length > 0 && octets.length < 1200) found.push(octets);
  };
  const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
  for (const { input } of read("./vectors/test-vectors.json").vectors) {
    add(input.messageHex);
    add(input.packetHex);
  }
  for (const { hex } of read("./captures/malformed.json").cases) add(hex);
  for (const { file } of read("./captures/index.json").captures) {
    for (const { octets } of readPcap(new URL(`./captures/${file}`, import.meta.url)).slice(0, 12))
      found.push(octets);
  }
  return found;
}

/** Changes `octets[from..from+size)` and returns its new size; there is room for more behind it. */
function mutate(
  octets: Uint8Array,
  from: number,
  size: number,
  seeds: readonly Uint8Array[],
  below: (n: number) => number,
): number {
  for (let times = 1 + below(4); times > 0 && size > 0; times--) {
    const at = from + below(size);
    switch (below(8)) {
      case 0:
        octets[at] = (octets[at] as number) ^ (1 << below(8));
        break;
      case 1:
        octets[at] = below(256);
        break;
      case 2:
        octets[at] = [0, 1, 5, 6, 7, 0x7f, 0x80, 0xff][below(8)] as number;
        break;
      case 3:
        size = below(size + 1);
        break;
      case 4:
        size = Math.min(size + below(40), 1300);
        break;
      case 5: {
        const other = seeds[below(seeds.length)] as Uint8Array;
        const start = below(other.length);
        const end = Math.min(other.length, start + below(64), start + from + size - at);
        octets.set(other.subarray(start, end), at);
        break;
      }
      case 6:
        // An AVP header where one may be: flags and a length, IETF, a low type.
        octets.set(
          [[0x80, 0x00, 0xc0, 0x84][below(4)] as number, below(20), 0, 0, 0, below(110)].slice(
            0,
            from + size - at,
          ),
          at,
        );
        break;
      default:
        octets.copyWithin(at, from + below(size), from + size);
    }
  }
  // Most with a Length that holds, so that the mutation is reached.
  if (size >= 12 && below(4) !== 0) {
    const start = octets[from] === 0 && octets[from + 1] === 0 ? from + 4 : from;
    octets[start] = (octets[start] as number) | 0xc8;
    octets[start + 2] = (size - (start - from)) >> 8;
    octets[start + 3] = size - (start - from);
  }
  return size;
}

const SECRET = new SharedSecret("hide me please");
const OPTIONS: readonly DecodeOptions[] = [
  { encapsulation: "udp" },
  { encapsulation: "udp", secret: SECRET, authentication: false },
  { encapsulation: "ip" },
  { encapsulation: "udp", cookieSize: 8, sublayer: "default" },
  { encapsulation: "ip", cookieSize: 4, quirks: { tolerateMissing: true, tolerateUnknownMandatory: true } },
];

function everyView(value: unknown, look: (view: Uint8Array) => void): void {
  if (value instanceof Uint8Array) look(value);
  else if (typeof value === "object" && value !== null)
    for (const one of Object.values(value)) everyView(one, look);
}

test(`a million mutated datagrams neither throw nor hang nor read what is not theirs (seed ${SEED})`, () => {
  const seeds = seedDatagrams();
  expect(seeds.length).toBeGreaterThan(400);
  const below = random(SEED);
  // The datagram is a view in the middle of a larger buffer; what is around it would be seen in the results.
  const arena = new Uint8Array(4096);
  const margin = 1024;
  const cursor = new HeaderCursor();
  const inspector = new Inspector({ secret: SECRET });
  const source = { encapsulation: "udp", src: "192.0.2.1", dst: "192.0.2.2", frame: 1 } as const;
  let taken = 0;
  const begin = performance.now();
  for (let i = 0; i < MILLION; i++) {
    const seed = seeds[below(seeds.length)] as Uint8Array;
    arena.set(seed, margin);
    const size = mutate(arena, margin, seed.length, seeds, below);
    const datagram = arena.subarray(margin, margin + size);
    const options = OPTIONS[i % OPTIONS.length] as DecodeOptions;
    let stage = "decode";
    try {
      const parsed = decodeDatagram(datagram, options);
      if (parsed.ok) taken += 1;
      else if (parsed.rejection.offset > size)
        throw new Error(`offset ${parsed.rejection.offset} of ${size}`);
      if (cursor.read(arena, margin, margin + size, options.encapsulation === "ip")) {
        if (
          cursor.bodyStart < margin ||
          cursor.bodyEnd > margin + size ||
          cursor.bodyStart > cursor.bodyEnd
        ) {
          throw new Error("the cursor's body is outside the datagram");
        }
      } else if (parsed.ok) throw new Error("the cursor refuses what the decoder takes");
      if (i % 16 !== 0) continue;
      stage = "print";
      checkTaken(parsed, arena, margin, size);
      const rest = parsed.ok ? undefined : readRejected(datagram, options.encapsulation, parsed.rejection);
      if (rest) formatDatagram(rest, { style: "full", secret: SECRET });
      inspector.inspect(datagram, source);
      stage = "surroundings";
      const before = JSON.stringify(toJson(parsed));
      arena.fill(0xa5, 0, margin);
      arena.fill(0x5a, margin + size);
      expect(JSON.stringify(toJson(decodeDatagram(datagram, options)))).toBe(before);
      arena.fill(0);
    } catch (error) {
      const hex = Buffer.from(datagram).toString("hex");
      throw new Error(`seed ${SEED}, number ${i}, ${stage} of ${hex}: ${error}`, { cause: error });
    }
  }
  // Mutation that only makes rubbish would test nothing behind the header.
  expect(taken).toBeGreaterThan(MILLION / 20);
  expect((performance.now() - begin) / 1000).toBeLessThan(50);
}, 60_000);

function checkTaken(parsed: Parsed<Datagram>, arena: Uint8Array, margin: number, size: number): void {
  if (!parsed.ok) {
    expect(formatRejection(parsed.rejection)).not.toMatch(/\p{Cc}/u);
    return;
  }
  const { value } = parsed;
  for (const style of ["line", "full"] as const) {
    expect(formatDatagram(value, { style, secret: SECRET }).replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  }
  everyView(value.kind === "data" ? value : value.message, (view) => {
    if (view.buffer !== arena.buffer || view.length === 0) return;
    expect(view.byteOffset >= margin && view.byteOffset + view.length <= margin + size).toBe(true);
  });
}

test(`no index past the end of a datagram is ever read (seed ${SEED})`, () => {
  const seeds = seedDatagrams();
  const below = random(SEED + 1);
  const work = new Uint8Array(2048);
  for (let i = 0; i < 30_000; i++) {
    const seed = seeds[below(seeds.length)] as Uint8Array;
    work.set(seed, 0);
    const size = mutate(work, 0, seed.length, seeds, below);
    const octets = work.slice(0, size);
    const guarded: Uint8Array = new Proxy(octets, {
      get(target, property) {
        if (typeof property === "string" && /^\d+$/.test(property) && Number(property) >= target.length) {
          throw new Error(`octet ${property} of ${target.length} was read (seed ${SEED}, number ${i})`);
        }
        const member: unknown = Reflect.get(target, property, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    decodeDatagram(guarded, OPTIONS[i % OPTIONS.length] as DecodeOptions);
  }
});
