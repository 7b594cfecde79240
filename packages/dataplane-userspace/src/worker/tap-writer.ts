/**
 * Writes received frames to TAP interfaces, and packets to TUN interfaces. With a virtio header, TCP segments of one flow that came together are
 * joined and written as one large frame; everything else goes as it came, and always in the order of arrival.
 */
import { abi, type RawSyscalls } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import type { Checksum } from "../packet/checksum.ts";
import { MssClamp } from "../packet/mss.ts";
import { TcpCoalescer } from "../packet/tcp-coalesce.ts";
import { RX } from "./shared.ts";

const IOV = abi.iovec.size;
const VIRTIO = abi.virtio_net_hdr.size;
/** The virtio header, and the slices of the longest run. */
const IOVECS = 130;

/** Where a frame goes. */
export interface TapTarget {
  readonly row: number;
  readonly tap: number;
  /** A TUN: packets without Ethernet header. */
  readonly bare: boolean;
  readonly clamp: boolean;
  readonly mss4: number;
  readonly mss6: number;
}

export class TapWriter {
  readonly #arena: Arena;
  readonly #sys: RawSyscalls;
  readonly #rx: Float64Array;
  readonly #vnet: boolean;
  readonly #run: TcpCoalescer;
  readonly #clamp: MssClamp;
  readonly #iov: number;
  readonly #virtio: number;
  readonly #noVirtio: number;
  /** Whose the open run is, and what is to be counted when it is written. */
  #target: TapTarget | undefined;
  #packets = 0;
  #octets = 0;

  /**
   * @param rx - the receiving statistics.
   * @param vnet - the TAPs have a virtio header.
   */
  constructor(arena: Arena, sys: RawSyscalls, rx: Float64Array, vnet: boolean, checksum: Checksum) {
    this.#arena = arena;
    this.#sys = sys;
    this.#rx = rx;
    this.#vnet = vnet;
    this.#run = new TcpCoalescer(arena.view, checksum);
    this.#clamp = new MssClamp(arena.view);
    this.#iov = arena.take(IOVECS * IOV);
    this.#virtio = arena.take(16);
    this.#noVirtio = arena.take(16);
  }

  /**
   * Writes a frame, or keeps it for a run. It must stay where it is until {@link flush}.
   *
   * @param octets - of the whole data message, for the statistics.
   * @param more - more follows in this batch, so gathering may pay: a frame that comes alone is written as it is,
   * and the kernel checks it by itself.
   */
  deliver(target: TapTarget, frame: number, length: number, octets: number, more: boolean): void {
    if (target.clamp) this.#clamp.clamp(frame, length, target.mss4, target.mss6, false, target.bare);
    if (!this.#vnet) {
      this.#count(target, this.#sys.write(target.tap, this.#arena.base + frame, length), 1, octets);
      return;
    }
    const run = this.#run;
    if (this.#target !== undefined) {
      const joined = this.#target === target ? run.join(frame, length, target.bare) : -1;
      if (joined === 2) {
        this.#packets++;
        this.#octets += octets;
        if (run.closed) this.flush();
        return;
      }
      this.flush();
      if (joined === 0) {
        this.#alone(target, frame, length, octets);
        return;
      }
      if (joined === 1 && more) {
        run.restart(frame, length);
        this.#begin(target, octets);
        return;
      }
    }
    if (more && run.begin(frame, length, target.bare)) this.#begin(target, octets);
    else this.#alone(target, frame, length, octets);
  }

  #begin(target: TapTarget, octets: number): void {
    this.#target = target;
    this.#packets = 1;
    this.#octets = octets;
    if (this.#run.closed) this.flush();
  }

  /** Writes the run, if there is one. */
  flush(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    const run = this.#run;
    const arena = this.#arena;
    const slices = run.finish(this.#virtio);
    this.#slice(0, this.#virtio, VIRTIO);
    for (let i = 0; i < slices; i++) this.#slice(i + 1, run.offsets[i] as number, run.lengths[i] as number);
    const result = this.#sys.writev(target.tap, arena.base + this.#iov, slices + 1);
    this.#count(target, result, this.#packets, this.#octets);
  }

  #alone(target: TapTarget, frame: number, length: number, octets: number): void {
    this.#slice(0, this.#noVirtio, VIRTIO);
    this.#slice(1, frame, length);
    this.#count(target, this.#sys.writev(target.tap, this.#arena.base + this.#iov, 2), 1, octets);
  }

  #slice(i: number, offset: number, length: number): void {
    this.#arena.pointer(this.#iov + i * IOV, offset);
    this.#arena.size(this.#iov + i * IOV + 8, length);
  }

  /** @param result - of the write; negative when the interface is down (EIO), deleted (EBADFD), or its queue full. */
  #count(target: TapTarget, result: number, packets: number, octets: number): void {
    const rx = this.#rx;
    const at = target.row * RX.stride;
    if (result < 0) {
      rx[at + RX.errors] = (rx[at + RX.errors] as number) + packets;
      return;
    }
    rx[at + RX.packets] = (rx[at + RX.packets] as number) + packets;
    rx[at + RX.bytes] = (rx[at + RX.bytes] as number) + octets;
  }
}
