/** Datagrams that are almost right: where they begin, and how they are changed. */
import { readFileSync } from "node:fs";
import { fromHex } from "../src/index.ts";
import { readPcap } from "./pcap.ts";

/** mulberry32: 32 bits of state, the same everywhere. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Where mutation begins: the test vectors, the malformed datagrams, and what real peers sent. */
export function seedDatagrams(): Uint8Array[] {
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
export function mutate(
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
