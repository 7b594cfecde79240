import { expect, test } from "vitest";
import {
  type Datagram,
  type DecodeOptions,
  decodeDatagram,
  formatDatagram,
  formatRejection,
  HeaderCursor,
  Inspector,
  type Parsed,
  readRejected,
  SharedSecret,
  toJson,
} from "../src/index.ts";
import { mutate, random, seedDatagrams } from "./mutation.ts";

/** `L2TP_TEST_SEED=N` replays one seed; a failure names it. */
const SEED = Number(process.env["L2TP_TEST_SEED"] ?? 1);
const MILLION = 1_000_000;

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
}, 600_000);

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
