/**
 * The pcap file format (draft-ietf-opsawg-pcap): one header, then records.
 *
 *      file header: magic, major, minor (16 bits each), reserved, reserved, snap length, link type
 *      record:      seconds, fraction of a second, captured length, original length, octets
 *
 * The magic gives the byte order of the whole file and the unit of the fraction.
 */
import type { ByteQueue } from "./byte-queue.ts";
import { CaptureError } from "./errors.ts";
import type { CapturedPacket } from "./packet.ts";

/** Octets of the file header. */
export const PCAP_HEADER_LENGTH = 24;

/** What Wireshark and libpcap take at most; more is taken for a broken length, not for a packet. */
export const MAX_PACKET_OCTETS = 262_144;

/** What a magic number says, read in the order big-endian. */
interface Flavour {
  readonly littleEndian: boolean;
  /** Nanoseconds per unit of the fraction. */
  readonly unit: number;
  /** Octets of a record's header. */
  readonly record: number;
}

const FLAVOURS: ReadonlyMap<number, Flavour> = new Map([
  [0xa1b2c3d4, { littleEndian: false, unit: 1000, record: 16 }],
  [0xd4c3b2a1, { littleEndian: true, unit: 1000, record: 16 }],
  [0xa1b23c4d, { littleEndian: false, unit: 1, record: 16 }],
  [0x4d3cb2a1, { littleEndian: true, unit: 1, record: 16 }],
  // Alexey Kuznetsov's variant of old Linux systems: 8 more octets in each record's header.
  [0xa1b2cd34, { littleEndian: false, unit: 1000, record: 24 }],
  [0x34cdb2a1, { littleEndian: true, unit: 1000, record: 24 }],
]);

/** Whether a file that begins with `magic` (big-endian) is a pcap file. */
export function isPcap(magic: number): boolean {
  return FLAVOURS.has(magic);
}

/** Reads the records of one pcap file. */
export class PcapParser {
  readonly #flavour: Flavour;
  readonly #linkType: number;
  /** libpcap before 0.4 wrote the two lengths of a record the other way round. */
  readonly #swapped: "no" | "yes" | "maybe";
  #frame = 0;

  /**
   * @param queue - holds the file header, {@link PCAP_HEADER_LENGTH} octets, which is consumed.
   * @throws {@link CaptureError} `unsupported-version`
   */
  constructor(queue: ByteQueue) {
    const flavour = FLAVOURS.get(queue.u32(0, false));
    if (flavour === undefined) throw new CaptureError("not-a-capture", 0, "not a pcap file");
    this.#flavour = flavour;
    const { littleEndian } = flavour;
    const major = queue.u16(4, littleEndian);
    const minor = queue.u16(6, littleEndian);
    if (major !== 2) {
      throw new CaptureError(
        "unsupported-version",
        0,
        `pcap version ${major}.${minor}; 2.4 is the one in use`,
      );
    }
    this.#swapped = minor < 3 ? "yes" : minor === 3 ? "maybe" : "no";
    // The upper 6 bits say how long a frame check sequence is, which the IP length cuts off anyway.
    this.#linkType = queue.u32(20, littleEndian) & 0x03ffffff;
    queue.skip(PCAP_HEADER_LENGTH);
  }

  /** @returns the next packet, or `undefined` when more octets are needed for it. */
  next(queue: ByteQueue): CapturedPacket | CaptureError | undefined {
    const { littleEndian, unit, record } = this.#flavour;
    if (queue.length < record) return undefined;
    let captured = queue.u32(8, littleEndian);
    let original = queue.u32(12, littleEndian);
    if (this.#swapped === "yes" || (this.#swapped === "maybe" && captured > original)) {
      [captured, original] = [original, captured];
    }
    if (captured > MAX_PACKET_OCTETS) {
      return new CaptureError(
        "corrupt",
        queue.position,
        `packet ${this.#frame + 1} at octet ${queue.position} claims ${captured} octets, more than ${MAX_PACKET_OCTETS}: the file is damaged from there on`,
      );
    }
    if (queue.length < record + captured) return undefined;
    const fraction = queue.u32(4, littleEndian) * unit;
    const packet: CapturedPacket = {
      frame: ++this.#frame,
      timestamp: {
        seconds: queue.u32(0, littleEndian) + Math.floor(fraction / 1e9),
        nanoseconds: fraction % 1e9,
      },
      linkType: this.#linkType,
      interfaceId: 0,
      originalLength: Math.max(original, captured),
      data: queue.slice(record, record + captured),
    };
    queue.skip(record + captured);
    return packet;
  }
}
