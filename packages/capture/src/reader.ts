/**
 * Reads a capture file of either format as it arrives. Nothing is opened here: octets go in, packets come out.
 */
import { ByteQueue } from "./byte-queue.ts";
import { CaptureError } from "./errors.ts";
import type { CapturedPacket } from "./packet.ts";
import { isPcap, PCAP_HEADER_LENGTH, PcapParser } from "./pcap.ts";
import { PcapngParser, SECTION_HEADER } from "./pcapng.ts";

/**
 * A pcap or pcapng file, pushed in pieces of any size. Memory is that of one piece and one packet.
 *
 * ```ts
 * reader.push(piece);
 * for (let packet = reader.read(); packet; packet = reader.read()) use(packet);
 * // … after the last piece:
 * reader.end();
 * if (reader.error) report(reader.error);
 * ```
 */
export class CaptureReader {
  readonly #queue = new ByteQueue();
  #parser: PcapParser | PcapngParser | undefined;
  #error: CaptureError | undefined;
  #ended = false;

  /** `pcap` or `pcapng`, as soon as the first octets tell. */
  get format(): "pcap" | "pcapng" | undefined {
    if (this.#parser === undefined) return undefined;
    return this.#parser instanceof PcapParser ? "pcap" : "pcapng";
  }

  /** Why nothing more is read. Packets before the place in question have been given by {@link read}. */
  get error(): CaptureError | undefined {
    return this.#error;
  }

  /** Appends octets of the file. The reader keeps a reference: the caller must not change them afterwards. */
  push(piece: Uint8Array): void {
    if (this.#error === undefined) this.#queue.push(piece);
  }

  /** Says that the file has no more octets; the next {@link read} that finds no whole packet sets {@link error}. */
  end(): void {
    this.#ended = true;
  }

  /** @returns the next packet; `undefined` when more octets are needed, at the end, and after an error. */
  read(): CapturedPacket | undefined {
    if (this.#error !== undefined) return undefined;
    this.#parser ??= this.#begin();
    const next = this.#parser?.next(this.#queue);
    if (next instanceof CaptureError) this.#error = next;
    else if (next !== undefined) return next;
    else if (this.#ended) this.#error ??= this.#unfinished();
    return undefined;
  }

  #begin(): PcapParser | PcapngParser | undefined {
    const queue = this.#queue;
    if (queue.length < 4) return undefined;
    const magic = queue.u32(0, false);
    if (magic === SECTION_HEADER) return new PcapngParser();
    if (isPcap(magic)) {
      if (queue.length < PCAP_HEADER_LENGTH) return undefined;
      try {
        return new PcapParser(queue);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        this.#error = error;
        return undefined;
      }
    }
    this.#error = notACapture(queue.slice(0, 4));
    return undefined;
  }

  #unfinished(): CaptureError | undefined {
    const { length, position, skipping } = this.#queue;
    if (this.#parser === undefined) {
      if (length === 0) return new CaptureError("not-a-capture", 0, "the file is empty");
      if (length < 4) return notACapture(this.#queue.slice(0, length));
      return new CaptureError(
        "truncated",
        0,
        `the file ends after ${length} octets, within its first header`,
      );
    }
    if (length === 0 && skipping === 0) return undefined;
    const where =
      skipping > 0
        ? `${skipping} octets before the end of a block`
        : `in the middle of the record that begins at octet ${position}`;
    return new CaptureError(
      "truncated",
      position,
      `the file is cut short: it ends at octet ${position + length}, ${where}`,
    );
  }
}

/** First octets of what people mistake for a capture, and what to do about it. */
const KNOWN: readonly (readonly [octets: readonly number[], what: string])[] = [
  [[0x1f, 0x8b], "this is gzip data: decompress it first, as in `gunzip -c FILE |`"],
  [[0x28, 0xb5, 0x2f, 0xfd], "this is zstd data: decompress it first, as in `zstd -dc FILE |`"],
  [[0xfd, 0x37, 0x7a, 0x58], "this is xz data: decompress it first, as in `xz -dc FILE |`"],
  [[0x73, 0x6e, 0x6f, 0x6f], "this is a snoop file: convert it, as in `editcap -F pcapng FILE OUT`"],
];

function notACapture(start: Uint8Array): CaptureError {
  const known = KNOWN.find(([octets]) => octets.every((octet, i) => start[i] === octet));
  const hex = Array.from(start, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
  const what =
    known?.[1] ?? `it begins with ${hex}, a pcap file with d4 c3 b2 a1, a pcapng file with 0a 0d 0d 0a`;
  return new CaptureError("not-a-capture", 0, `not a pcap or pcapng file: ${what}`);
}

/**
 * The packets of a capture that arrives as pieces (a file's stream, a fetch body, an array).
 *
 * @throws {@link CaptureError} after the last packet that could be read.
 */
export async function* readCapture(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<CapturedPacket, void, undefined> {
  const reader = new CaptureReader();
  for await (const piece of pieces) {
    reader.push(piece);
    for (let packet = reader.read(); packet; packet = reader.read()) yield packet;
    if (reader.error !== undefined) throw reader.error;
  }
  reader.end();
  for (let packet = reader.read(); packet; packet = reader.read()) yield packet;
  if (reader.error !== undefined) throw reader.error;
}
