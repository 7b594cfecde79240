/**
 * One block of memory per thread, laid out by hand: packets, iovecs and msghdrs live here and the kernel reads
 * and writes them in place. It never grows, so an address taken once stays good.
 */

import { type WasmMemory, wasm } from "./webassembly.ts";

/** 64 KiB, the page of WebAssembly. */
const PAGE = 65_536;
/** Where a cache line begins, and what the widest load wants. */
const LINE = 64;

/** Memory that never moves, with a bump allocator for what lives as long as the thread. */
export class Arena {
  /** Absent where the platform has no WebAssembly (`--jitless`). */
  readonly memory: WasmMemory | undefined;
  readonly u8: Uint8Array;
  readonly view: DataView;
  /** The address of octet 0; kept with the memory it points into, for an address alone keeps nothing alive. */
  readonly base: number;
  #used = LINE;

  /**
   * @param octets - how much; rounded up to pages.
   * @param addressOf - gives the address of a buffer's first octet; tests without system calls leave it out.
   */
  constructor(octets: number, addressOf: (buffer: Uint8Array) => number = () => 0) {
    const pages = Math.ceil((octets + LINE) / PAGE);
    this.memory = wasm === undefined ? undefined : new wasm.Memory({ initial: pages, maximum: pages });
    this.u8 = new Uint8Array(this.memory?.buffer ?? new ArrayBuffer(pages * PAGE));
    this.view = new DataView(this.u8.buffer);
    this.base = addressOf(this.u8);
  }

  /** Sets octets aside for good and returns their offset, at a cache line. */
  take(octets: number): number {
    const offset = this.#used;
    this.#used = Math.ceil((offset + octets) / LINE) * LINE;
    if (this.#used > this.u8.length) throw new RangeError(`arena of ${this.u8.length} octets is too small`);
    return offset;
  }

  /** Stores the address of `offset` as the C pointer at `at`. */
  pointer(at: number, offset: number): void {
    const address = this.base + offset;
    this.view.setUint32(at, address, true);
    this.view.setUint32(at + 4, address / 4_294_967_296, true);
  }

  /** Stores a `size_t` below 2^32 at `at`. */
  size(at: number, value: number): void {
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, 0, true);
  }
}
