/**
 * The pcapng file format (draft-ietf-opsawg-pcapng): blocks, in sections with a byte order of their own.
 *
 *      block:   type, total length, body padded to 32 bits, total length again
 *      section: Section Header Block, then Interface Description Blocks and packets in any order
 *
 * Blocks that hold no packets are passed over without being held in memory.
 */
import type { ByteQueue } from "./byte-queue.ts";
import { CaptureError } from "./errors.ts";
import type { CapturedPacket, Timestamp } from "./packet.ts";
import { MAX_PACKET_OCTETS } from "./pcap.ts";

// The specification's numbers.
/** Section Header Block: the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d0d0a;
/** Interface Description Block. */
export const INTERFACE_DESCRIPTION = 1;
/** Packet Block, obsolete since 2007 and still met. */
export const PACKET = 2;
/** Simple Packet Block. */
const SIMPLE_PACKET = 3;
/** Enhanced Packet Block. */
export const ENHANCED_PACKET = 6;
/** The byte-order magic in the section header. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Options, the same number in different blocks. */
export const OPTION = { end: 0, comment: 1, ifName: 2, ifTsResol: 9, ifTsOffset: 14 } as const;

// Ours.
/** A block that has to be held in memory is not longer than this (Wireshark's limit as well). */
const MAX_BLOCK_OCTETS = 16 * 1024 * 1024;

/** What the section says of one interface. */
interface Interface {
  readonly linkType: number;
  /** 0 when there is no limit. */
  readonly snapLength: number;
  /** Ticks per second: `if_tsresol`, 10^6 when not given. */
  readonly ticksPerSecond: bigint;
  /** Seconds to add: `if_tsoffset`. */
  readonly offsetSeconds: number;
}

const MICROSECONDS = 1_000_000n;

/** Reads the packets of one pcapng file. */
export class PcapngParser {
  #littleEndian = true;
  #interfaces: Interface[] = [];
  #frame = 0;

  /** @returns the next packet, `undefined` when more octets are needed, or what is wrong. */
  next(queue: ByteQueue): CapturedPacket | CaptureError | undefined {
    for (;;) {
      if (queue.skipping > 0 || queue.length < 12) return undefined;
      const isSection = queue.u32(0, true) === SECTION_HEADER;
      if (isSection) {
        if (queue.u32(8, true) === BYTE_ORDER_MAGIC) this.#littleEndian = true;
        else if (queue.u32(8, false) === BYTE_ORDER_MAGIC) this.#littleEndian = false;
        else return this.#corrupt(queue, "the byte-order magic of the section header is wrong");
      }
      const type = queue.u32(0, this.#littleEndian);
      const claimed = queue.u32(4, this.#littleEndian);
      // Some writers leave the padding out of the length; the next block begins on a 32-bit boundary all the same.
      const total = claimed + ((4 - (claimed & 3)) & 3);
      if (claimed < (isSection ? 28 : 12)) {
        return this.#corrupt(queue, `block of type ${hex(type)} claims a length of ${claimed} octets`);
      }
      if (!isSection && !CONSUMED.has(type)) {
        queue.skip(total);
        continue;
      }
      if (claimed > MAX_BLOCK_OCTETS) {
        return this.#corrupt(queue, `block of type ${hex(type)} claims ${claimed} octets`);
      }
      if (queue.length < total) return undefined;
      const again = queue.u32(total - 4, this.#littleEndian);
      if (again !== claimed) {
        return this.#corrupt(queue, `the two lengths of a block differ (${claimed} and ${again})`);
      }
      const result = this.#block(queue, type, total - 4);
      if (result instanceof CaptureError) return result;
      queue.skip(total);
      if (result !== undefined) return result;
    }
  }

  #corrupt(queue: ByteQueue, what: string): CaptureError {
    return new CaptureError(
      "corrupt",
      queue.position,
      `${what} at octet ${queue.position}, after packet ${this.#frame}: the file is damaged from there on`,
    );
  }

  /** A whole block: its body is from 8 to `end`. */
  #block(queue: ByteQueue, type: number, end: number): CapturedPacket | CaptureError | undefined {
    switch (type) {
      case SECTION_HEADER:
        return this.#section(queue);
      case INTERFACE_DESCRIPTION:
        return this.#interface(queue, end);
      case SIMPLE_PACKET:
        return this.#simplePacket(queue, end);
      case PACKET:
      case ENHANCED_PACKET:
        return this.#packet(queue, type, end);
      default:
        return undefined;
    }
  }

  #section(queue: ByteQueue): CaptureError | undefined {
    const major = queue.u16(12, this.#littleEndian);
    const minor = queue.u16(14, this.#littleEndian);
    if (major !== 1) {
      const what = `pcapng version ${major}.${minor} at octet ${queue.position}; 1.0 is the one in use`;
      return new CaptureError("unsupported-version", queue.position, what);
    }
    this.#interfaces = [];
    return undefined;
  }

  #interface(queue: ByteQueue, end: number): CaptureError | undefined {
    if (end < 16) return this.#corrupt(queue, `an interface description of ${end + 4} octets is too short`);
    let ticksPerSecond = MICROSECONDS;
    let offsetSeconds = 0;
    for (const [code, from, to] of options(queue, 16, end, this.#littleEndian)) {
      if (code === OPTION.ifTsResol && to - from >= 1) {
        const resolution = queue.u8(from);
        ticksPerSecond = (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);
      } else if (code === OPTION.ifTsOffset && to - from >= 8) {
        const first = queue.u32(from, this.#littleEndian);
        const second = queue.u32(from + 4, this.#littleEndian);
        const [high, low] = this.#littleEndian ? [second, first] : [first, second];
        offsetSeconds = (high | 0) * 2 ** 32 + low;
      }
    }
    this.#interfaces.push({
      linkType: queue.u16(8, this.#littleEndian),
      snapLength: queue.u32(12, this.#littleEndian),
      ticksPerSecond,
      offsetSeconds,
    });
    return undefined;
  }

  /** Enhanced Packet Block, and the obsolete one, which has 16 bits for the interface and 16 for drops. */
  #packet(queue: ByteQueue, type: number, end: number): CapturedPacket | CaptureError {
    if (end < 28) return this.#corrupt(queue, `a packet block of ${end + 4} octets is too short`);
    const little = this.#littleEndian;
    const interfaceId = type === PACKET ? queue.u16(8, little) : queue.u32(8, little);
    const from = this.#interfaces[interfaceId];
    if (from === undefined) {
      return this.#corrupt(queue, `a packet of interface ${interfaceId}, which was not described,`);
    }
    const captured = queue.u32(20, little);
    if (captured > end - 28 || captured > MAX_PACKET_OCTETS) {
      return this.#corrupt(queue, `a packet claims ${captured} octets in a block of ${end + 4}`);
    }
    let comment: string | undefined;
    for (const [code, start, stop] of options(queue, 28 + ((captured + 3) & ~3), end, little)) {
      if (code !== OPTION.comment) continue;
      comment = new TextDecoder().decode(queue.slice(start, stop));
      break;
    }
    return {
      frame: ++this.#frame,
      timestamp: timestamp(from, queue.u32(12, little), queue.u32(16, little)),
      linkType: from.linkType,
      interfaceId,
      originalLength: Math.max(captured, queue.u32(24, little)),
      data: queue.slice(28, 28 + captured),
      ...(comment === undefined ? undefined : { comment }),
    };
  }

  #simplePacket(queue: ByteQueue, end: number): CapturedPacket | CaptureError {
    const from = this.#interfaces[0];
    if (end < 12) return this.#corrupt(queue, `a simple packet block of ${end + 4} octets is too short`);
    if (from === undefined) return this.#corrupt(queue, "a simple packet before any interface description");
    const original = queue.u32(8, this.#littleEndian);
    // The block does not say how much was captured: the snap length of interface 0 and the block's end do.
    const captured = Math.min(original, from.snapLength || original, end - 12);
    if (captured > MAX_PACKET_OCTETS) return this.#corrupt(queue, `a packet of ${captured} octets`);
    return {
      frame: ++this.#frame,
      timestamp: undefined,
      linkType: from.linkType,
      interfaceId: 0,
      originalLength: original,
      data: queue.slice(12, 12 + captured),
    };
  }
}

const CONSUMED: ReadonlySet<number> = new Set([
  INTERFACE_DESCRIPTION,
  PACKET,
  SIMPLE_PACKET,
  ENHANCED_PACKET,
]);

function hex(type: number): string {
  return `0x${type.toString(16).padStart(8, "0")}`;
}

/** Walks options: code, start and end of each value. Ends quietly at the first that does not fit. */
function* options(
  queue: ByteQueue,
  from: number,
  end: number,
  littleEndian: boolean,
): Generator<[code: number, start: number, stop: number]> {
  let at = from;
  while (at + 4 <= end) {
    const code = queue.u16(at, littleEndian);
    const stop = at + 4 + queue.u16(at + 2, littleEndian);
    if (code === OPTION.end || stop > end) return;
    yield [code, at + 4, stop];
    at = (stop + 3) & ~3;
  }
}

function timestamp(from: Interface, high: number, low: number): Timestamp {
  if (from.ticksPerSecond === MICROSECONDS && high < 0x20_0000) {
    const micros = high * 2 ** 32 + low; // exact: less than 2^53, until the year 2255
    return {
      seconds: Math.floor(micros / 1e6) + from.offsetSeconds,
      nanoseconds: (micros % 1e6) * 1000,
    };
  }
  const ticks = (BigInt(high) << 32n) | BigInt(low);
  return {
    seconds: Number(ticks / from.ticksPerSecond) + from.offsetSeconds,
    nanoseconds: Number(((ticks % from.ticksPerSecond) * 1_000_000_000n) / from.ticksPerSecond),
  };
}
