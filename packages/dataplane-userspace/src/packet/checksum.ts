/**
 * The Internet checksum (RFC 1071): the one's complement sum of big-endian 16-bit words. All sums here are
 * kept modulo 65,535, so that zero has one form, and sums of parts that begin at even distances simply add.
 */
import { type WasmMemory, wasm } from "../webassembly.ts";
import { CHECKSUM_SCALAR, CHECKSUM_SIMD, type WasmModule } from "./checksum-wasm.ts";

/** Sums octets of one memory. */
export interface Checksum {
  /** What computes it, for the status. */
  readonly using: "WebAssembly SIMD" | "WebAssembly" | "JavaScript";
  /** The sum of `length` octets from `offset`, modulo 65,535; an odd last octet counts as if 0 followed. */
  sum(offset: number, length: number): number;
}

/** The checksum field for a sum: never "negative zero", as the sum of a header is never 0. */
export function complement(sum: number): number {
  const folded = sum % 65_535;
  return folded === 0 ? 0 : 65_535 - folded;
}

/**
 * Finishes a checksum that the kernel left to the device: the field holds the sum of the pseudo-header.
 *
 * @param virtio - where the `virtio_net_hdr` lies, which says where it begins and where the field is.
 * @returns false when the header points beyond the frame.
 */
export function completeChecksum(
  view: DataView,
  checksum: Checksum,
  virtio: number,
  frame: number,
  length: number,
): boolean {
  const start = view.getUint16(virtio + 6, true);
  const offset = view.getUint16(virtio + 8, true);
  if (start + offset + 2 > length) return false;
  const sum = complement(checksum.sum(frame + start, length - start));
  // In UDP 0 means "no checksum" (RFC 768); 0xffff is the same sum, and as good in TCP.
  view.setUint16(frame + start + offset, sum === 0 ? 0xffff : sum);
  return true;
}

/** Bytes swapped: what turns a sum of little-endian words into one of big-endian words. */
function swap(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

/** In JavaScript, by 32-bit words and floats; every other implementation is tested against it. */
export function checksumInJavaScript(u8: Uint8Array): Checksum {
  // A typed array over the same octets is several times as fast as a DataView here. It reads words in the
  // machine's order, which on every platform with TUN and koffi is little-endian.
  const u32 = new Uint32Array(u8.buffer, u8.byteOffset, u8.length >>> 2);
  const octet = (at: number) => u8[at] as number;

  /** The sum of little-endian words from a 4-octet boundary. */
  function aligned(offset: number, length: number): number {
    let word = offset >>> 2;
    const end = word + (length >>> 2);
    const endOfFours = end - ((end - word) & 3);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (; word < endOfFours; word += 4) {
      a += u32[word] as number;
      b += u32[word + 1] as number;
      c += u32[word + 2] as number;
      d += u32[word + 3] as number;
    }
    for (; word < end; word++) a += u32[word] as number;
    let rest = offset + (length & ~3);
    if ((length & 2) !== 0) {
      a += octet(rest) | (octet(rest + 1) << 8);
      rest += 2;
    }
    if ((length & 1) !== 0) a += octet(rest);
    return (a + b + c + d) % 65_535;
  }

  function sum(offset: number, length: number): number {
    const head = Math.min((4 - (offset & 3)) & 3, length);
    if (head === 0) return swap(aligned(offset, length));
    let first = 0;
    for (let i = 0; i < head; i++) first += (i & 1) === 0 ? octet(offset + i) << 8 : octet(offset + i);
    const rest = aligned(offset + head, length - head);
    // After an odd head the words of the rest straddle the boundaries: their sum is the swapped one.
    return (first + ((head & 1) === 0 ? swap(rest) : rest)) % 65_535;
  }

  return { using: "JavaScript", sum };
}

/** `sum` of one of our modules over a memory; `undefined` where the platform cannot run it. */
function instantiate(module: WasmModule, memory: WasmMemory): Checksum["sum"] | undefined {
  if (wasm === undefined) return undefined;
  try {
    const octets = Uint8Array.from(atob(module.base64), (letter) => letter.charCodeAt(0));
    const instance = new wasm.Instance(new wasm.Module(octets), { arena: { memory } });
    return instance.exports["sum"] as Checksum["sum"];
  } catch {
    return undefined; // A CompileError: no SIMD, or code generation is not allowed.
  }
}

/**
 * The best that runs here: WebAssembly with SIMD, without, then JavaScript.
 *
 * @param best - where to begin, to force a lesser one.
 */
export function bestChecksum(
  memory: WasmMemory | undefined,
  u8: Uint8Array,
  best: Checksum["using"] = "WebAssembly SIMD",
): Checksum {
  if (memory !== undefined && best !== "JavaScript") {
    const simd = best === "WebAssembly SIMD" ? instantiate(CHECKSUM_SIMD, memory) : undefined;
    if (simd !== undefined) return { using: "WebAssembly SIMD", sum: simd };
    const scalar = instantiate(CHECKSUM_SCALAR, memory);
    if (scalar !== undefined) return { using: "WebAssembly", sum: scalar };
  }
  return checksumInJavaScript(u8);
}
