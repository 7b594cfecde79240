/**
 * Writes a pcapng file as octets for the caller to store: one section, little-endian, times in nanoseconds.
 */
import type { Timestamp } from "./packet.ts";
import {
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  OPTION,
  SECTION_HEADER,
} from "./pcapng.ts";

/** Option numbers of the section header (draft-ietf-opsawg-pcapng §4.1). */
const SHB_OPTION = { hardware: 2, os: 3, application: 4 } as const;
/** `epb_flags` and its two lowest bits (§4.3.1). */
const EPB_FLAGS = 2;
const DIRECTION = { inbound: 1, outbound: 2 } as const;
/** `if_tsresol`: 10^-9 s. */
const NANOSECONDS = 9;

/** What the file says of itself. */
export interface SectionDescription {
  /** The program that writes it, with its version. */
  readonly application?: string;
  readonly os?: string;
  readonly hardware?: string;
  readonly comment?: string;
}

/** One interface of the file. */
export interface InterfaceDescription {
  /** See `LINK_TYPE`. */
  readonly linkType: number;
  readonly name?: string;
  /** Octets kept of each packet; 0, the default, for all. */
  readonly snapLength?: number;
  readonly comment?: string;
}

/** One packet to write. */
export interface PacketToWrite {
  /** As {@link PcapngWriter.addInterface} numbered it. */
  readonly interfaceId: number;
  readonly timestamp: Timestamp;
  /** From the link layer on; only read. */
  readonly data: Uint8Array;
  /** Octets on the wire, when `data` is cut; by default all of it is there. */
  readonly originalLength?: number;
  readonly direction?: keyof typeof DIRECTION;
  readonly comment?: string;
}

/**
 * ```ts
 * const writer = new PcapngWriter();
 * file.write(writer.begin({ application: "l2tpd 1.0" }));
 * file.write(writer.addInterface({ linkType: LINK_TYPE.RAW, name: "wire0" }));
 * file.write(writer.packet({ interfaceId: 0, timestamp, data, comment: "retransmission 2" }));
 * ```
 */
export class PcapngWriter {
  #interfaces = 0;

  /** The Section Header Block, which comes first (and begins a new section, with interfaces of its own, later). */
  begin(description: SectionDescription = {}): Uint8Array {
    this.#interfaces = 0;
    const block = new Block(SECTION_HEADER);
    block.u32(BYTE_ORDER_MAGIC);
    block.u16(1); // version 1.0
    block.u16(0);
    block.u32(0xffffffff); // section length: not known
    block.u32(0xffffffff);
    block.text(OPTION.comment, description.comment);
    block.text(SHB_OPTION.hardware, description.hardware);
    block.text(SHB_OPTION.os, description.os);
    block.text(SHB_OPTION.application, description.application);
    return block.finish();
  }

  /** An Interface Description Block. Interfaces are numbered from 0 in the order of these calls. */
  addInterface(description: InterfaceDescription): Uint8Array {
    this.#interfaces += 1;
    const block = new Block(INTERFACE_DESCRIPTION);
    block.u16(description.linkType);
    block.u16(0);
    block.u32(description.snapLength ?? 0);
    block.text(OPTION.comment, description.comment);
    block.text(OPTION.ifName, description.name);
    block.option(OPTION.ifTsResol, Uint8Array.of(NANOSECONDS));
    return block.finish();
  }

  /**
   * An Enhanced Packet Block.
   *
   * @throws RangeError when the interface was not described before.
   */
  packet(packet: PacketToWrite): Uint8Array {
    const { interfaceId, timestamp, data, direction } = packet;
    if (!(interfaceId >= 0 && interfaceId < this.#interfaces)) {
      throw new RangeError(`interface ${interfaceId} has not been described: call addInterface first`);
    }
    const ticks = BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(timestamp.nanoseconds);
    const block = new Block(ENHANCED_PACKET, data.length + 64);
    block.u32(interfaceId);
    block.u32(Number((ticks >> 32n) & 0xffffffffn));
    block.u32(Number(ticks & 0xffffffffn));
    block.u32(data.length);
    block.u32(packet.originalLength ?? data.length);
    block.bytes(data);
    block.text(OPTION.comment, packet.comment);
    if (direction !== undefined) block.option(EPB_FLAGS, Uint8Array.of(DIRECTION[direction], 0, 0, 0));
    return block.finish();
  }
}

/** The longest value of an option: its length has 16 bits. */
const MAX_OPTION_OCTETS = 0xffff;

/** One block in the making. */
class Block {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 8;
  #hasOptions = false;

  constructor(type: number, expected = 128) {
    this.#bytes = new Uint8Array(expected);
    this.#view = new DataView(this.#bytes.buffer);
    this.#view.setUint32(0, type, true);
  }

  /** Makes room for `count` octets and returns where they go. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u16(value: number): void {
    const at = this.#reserve(2); // first: it may replace the view
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#reserve(4); // first: it may replace the view
    this.#view.setUint32(at, value, true);
  }

  /** Octets, padded to 32 bits. */
  bytes(value: Uint8Array): void {
    const at = this.#reserve((value.length + 3) & ~3);
    this.#bytes.set(value, at);
  }

  option(code: number, value: Uint8Array): void {
    this.#hasOptions = true;
    this.u16(code);
    this.u16(value.length);
    this.bytes(value);
  }

  /** A text option, cut where it is too long, left out where it is undefined. */
  text(code: number, value: string | undefined): void {
    if (value === undefined) return;
    this.option(code, new TextEncoder().encode(value).subarray(0, MAX_OPTION_OCTETS));
  }

  finish(): Uint8Array {
    if (this.#hasOptions) this.u32(OPTION.end);
    const total = this.#length + 4;
    this.u32(total);
    this.#view.setUint32(4, total, true);
    return this.#bytes.subarray(0, total);
  }
}
