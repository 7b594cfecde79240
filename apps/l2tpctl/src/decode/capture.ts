/**
 * A capture: frames to datagrams, those of L2TP to lines. What could not be looked at is counted and said at
 * the end on standard error, so that silence means there was nothing.
 */
import {
  type CapturedPacket,
  type CaptureError,
  CaptureReader,
  type Datagram,
  Dissector,
  IP_PROTOCOL,
} from "@l2tp/capture";
import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { LineOutput } from "../output.ts";
import type { DecodeOptions, Tally } from "./options.ts";
import { CapturePrinter } from "./print.ts";

/** @throws {@link UsageError} when the input is no capture, or is cut short; what came before is printed. */
export async function decodeCapture(
  input: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  io: Io,
  output: LineOutput,
): Promise<Tally> {
  const decoding = new CaptureDecoding(options, io, output);
  for await (const piece of input) {
    decoding.push(piece);
    await output.flush(); // before waiting for more: the capture may be a live one
    if (output.closed) return decoding.tally;
    if (decoding.error !== undefined) break;
  }
  decoding.end();
  await output.flush();
  if (output.closed) return decoding.tally;

  const name = options.file ?? "standard input";
  for (const text of decoding.passedOver()) io.stderr.write(`l2tpctl: ${name}: ${text}\n`);
  if (decoding.error !== undefined) throw unreadable(name, decoding.error);
  if (decoding.tally.printed === 0) io.stderr.write(`l2tpctl: ${name}: ${decoding.nothing()}\n`);
  return decoding.tally;
}

/** One capture, from octets to lines. */
class CaptureDecoding {
  readonly tally = { printed: 0, malformed: 0 };
  readonly #ports: ReadonlySet<number>;
  readonly #output: LineOutput;
  readonly #printer: CapturePrinter;
  readonly #reader = new CaptureReader();
  readonly #dissector = new Dissector();
  /** Frames of link types that cannot be taken apart, by link type. */
  readonly #unsupported = new Map<number, number>();
  #frames = 0;

  constructor(options: DecodeOptions, io: Io, output: LineOutput) {
    this.#ports = options.ports;
    this.#output = output;
    this.#printer = new CapturePrinter(options, io);
  }

  /** Why no more can be read. */
  get error(): CaptureError | undefined {
    return this.#reader.error;
  }

  push(piece: Uint8Array): void {
    this.#reader.push(piece);
    this.#drain();
  }

  end(): void {
    this.#reader.end();
    this.#drain();
  }

  /** What could not be looked at. */
  *passedOver(): Iterable<string> {
    for (const [linkType, count] of this.#unsupported) {
      yield `${plural(count, "frame")} of link type ${linkType} passed over: it is not one that can be read here`;
    }
    const incomplete = this.#dissector.unfinished + this.#dissector.abandoned;
    if (incomplete > 0) {
      yield `${plural(incomplete, "IP datagram")} not put together: fragments are missing, cut, or overlap`;
    }
  }

  /** What is said where nothing was printed. */
  nothing(): string {
    const ports = [...this.#ports].join(", ");
    return `no L2TP in ${plural(this.#frames, "frame")}: looked for UDP port ${ports} and IP protocol 115 (see --port)`;
  }

  #drain(): void {
    for (let packet = this.#reader.read(); packet; packet = this.#reader.read()) {
      this.#frames += 1;
      this.#printer.begin(packet.timestamp);
      const result = this.#dissector.dissect(packet);
      if (typeof result === "object") {
        if (isL2tp(result, this.#ports)) this.#print(packet, result);
      } else if (result === "unsupported-link-type") {
        this.#unsupported.set(packet.linkType, (this.#unsupported.get(packet.linkType) ?? 0) + 1);
      }
    }
  }

  #print(packet: CapturedPacket, datagram: Datagram): void {
    const { text, malformed } = this.#printer.print(packet, datagram);
    this.#output.line(text);
    this.tally.printed += 1;
    if (malformed) this.tally.malformed += 1;
  }
}

function isL2tp(datagram: Datagram, ports: ReadonlySet<number>): boolean {
  if (datagram.protocol === IP_PROTOCOL.l2tp) return true;
  return (
    datagram.protocol === IP_PROTOCOL.udp &&
    (ports.has(datagram.sourcePort) || ports.has(datagram.destinationPort))
  );
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function unreadable(name: string, error: CaptureError): UsageError {
  return new UsageError(`${name}: ${error.message}`, { cause: error });
}
