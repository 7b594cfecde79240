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
  const reader = new CaptureReader();
  const dissector = new Dissector();
  const printer = new CapturePrinter(options, io);
  const tally = { printed: 0, malformed: 0 };
  /** Frames of link types that cannot be taken apart, by link type. */
  const unsupported = new Map<number, number>();
  let frames = 0;

  const drain = (): void => {
    for (let packet = reader.read(); packet; packet = reader.read()) {
      frames += 1;
      printer.begin(packet.timestamp);
      const result = dissector.dissect(packet);
      if (typeof result === "object") {
        if (isL2tp(result, options.ports)) print(packet, result);
      } else if (result === "unsupported-link-type") {
        unsupported.set(packet.linkType, (unsupported.get(packet.linkType) ?? 0) + 1);
      }
    }
  };
  const print = (packet: CapturedPacket, datagram: Datagram): void => {
    const { text, malformed } = printer.print(packet, datagram);
    output.line(text);
    tally.printed += 1;
    if (malformed) tally.malformed += 1;
  };

  for await (const piece of input) {
    reader.push(piece);
    drain();
    await output.flush(); // before waiting for more: the capture may be a live one
    if (output.closed) return tally;
    if (reader.error !== undefined) break;
  }
  reader.end();
  drain();
  await output.flush();
  if (output.closed) return tally;

  const name = options.file ?? "standard input";
  const say = (text: string) => io.stderr.write(`l2tpctl: ${name}: ${text}\n`);
  for (const [linkType, count] of unsupported) {
    say(
      `${plural(count, "frame")} of link type ${linkType} passed over: it is not one that can be read here`,
    );
  }
  const incomplete = dissector.unfinished + dissector.abandoned;
  if (incomplete > 0) {
    say(`${plural(incomplete, "IP datagram")} not put together: fragments are missing, cut, or overlap`);
  }
  if (reader.error !== undefined) throw unreadable(name, reader.error);
  if (tally.printed === 0) {
    const ports = [...options.ports].join(", ");
    say(
      `no L2TP in ${plural(frames, "frame")}: looked for UDP port ${ports} and IP protocol 115 (see --port)`,
    );
  }
  return tally;
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
