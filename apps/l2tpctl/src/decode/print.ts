/**
 * One L2TP packet of a capture as a line of text, as a line with its AVPs below, or as a line of JSON.
 *
 * Two views are joined: the inspector shows everything that is there and remembers challenges and nonces;
 * the decoder says whether a receiver would take it.
 */
import {
  type CapturedPacket,
  type Datagram,
  formatIpAddress,
  IP_PROTOCOL,
  type Timestamp,
} from "@l2tp/capture";
import {
  decodeDatagram,
  formatDatagram,
  formatRejection,
  type InspectedPacket,
  Inspector,
  type InspectSource,
  type Datagram as L2tpDatagram,
  type Parsed,
  type Rejection,
  readRejected,
  SharedSecret,
} from "@l2tp/protocol";
import type { Io } from "../io.ts";
import { wantsColour } from "../io.ts";
import { type Paint, painter } from "../paint.ts";
import type { DecodeOptions } from "./options.ts";
import { wireOptions } from "./wire.ts";

/** What came of one packet. */
export interface Printed {
  /** One line, or several with line feeds between them. */
  readonly text: string;
  readonly malformed: boolean;
}

/** Prints the packets of one capture, in their order. */
export class CapturePrinter {
  readonly #format: DecodeOptions["format"];
  readonly #secret: SharedSecret | undefined;
  readonly #options: DecodeOptions;
  readonly #inspector: Inspector;
  readonly #paint: Paint;
  #first: Timestamp | undefined;

  constructor(options: DecodeOptions, io: Io) {
    this.#options = options;
    this.#format = options.format;
    this.#secret = options.secret && new SharedSecret(options.secret);
    this.#inspector = new Inspector(wireOptions(options, this.#secret));
    this.#paint = painter(options.format !== "json" && wantsColour(io.stdout, io.env));
  }

  /** Notes when the capture began: every frame counts, L2TP or not. */
  begin(at: Timestamp | undefined): void {
    this.#first ??= at;
  }

  print(packet: CapturedPacket, datagram: Datagram): Printed {
    const overUdp = datagram.protocol === IP_PROTOCOL.udp;
    const source: InspectSource = {
      encapsulation: overUdp ? "udp" : "ip",
      src: formatIpAddress(datagram.source),
      dst: formatIpAddress(datagram.destination),
      ...(overUdp && { srcPort: datagram.sourcePort, dstPort: datagram.destinationPort }),
      frame: packet.frame,
    };
    const parsed = decodeDatagram(datagram.payload, {
      ...wireOptions(this.#options, this.#secret),
      encapsulation: source.encapsulation,
      authentication: false, // shown, with the nonces of the conversation, as `digests`
    });
    if (this.#format === "json") return this.#json(datagram, source, parsed);
    return this.#text(packet, datagram, source, parsed);
  }

  #json(datagram: Datagram, source: InspectSource, parsed: Parsed<L2tpDatagram>): Printed {
    const inspected = this.#inspector.inspect(datagram.payload, source);
    const malformed = whatIsMalformed(datagram, inspected, parsed);
    const { frame, src, dst, encapsulation: encap, ...ports } = source;
    const { vlans, ipVersion, reassembled } = datagram;
    const { malformed: _, ...members } = inspected;
    const value = {
      frame,
      ipVersion,
      src,
      dst,
      ...(vlans.length > 0 && { vlans }),
      encap,
      ...ports,
      ...(reassembled && { ipReassembled: true }),
      ...members,
      malformed,
    };
    return { text: JSON.stringify(value), malformed: malformed !== null };
  }

  #text(
    packet: CapturedPacket,
    datagram: Datagram,
    source: InspectSource,
    parsed: Parsed<L2tpDatagram>,
  ): Printed {
    const { src, dst, srcPort, dstPort } = source;
    const head = `${this.#paint.dim(this.#stamp(packet))}  ${withPort(src, srcPort)} > ${withPort(dst, dstPort)}  `;
    if (parsed.ok && parsed.value.kind === "data" && datagram.fault === undefined) {
      // The most there is of, and nothing in it that the inspector would have to remember.
      return { text: head + formatDatagram(parsed.value) + this.#captureNotes(datagram), malformed: false };
    }
    const inspected = this.#inspector.inspect(datagram.payload, source);
    const malformed = whatIsMalformed(datagram, inspected, parsed);
    const text =
      head +
      this.#describe(datagram, source.encapsulation, parsed, inspected, malformed) +
      this.#conversationNotes(inspected) +
      this.#captureNotes(datagram);
    return { text, malformed: malformed !== null };
  }

  /** Frame number, and seconds since the first frame. */
  #stamp({ frame, timestamp }: CapturedPacket): string {
    const number = String(frame).padStart(5);
    if (timestamp === undefined) return `${number}           -`;
    const { seconds, nanoseconds } = this.#first ?? timestamp;
    const since = timestamp.seconds - seconds + (timestamp.nanoseconds - nanoseconds) / 1e9;
    return `${number} ${since.toFixed(6).padStart(11)}`;
  }

  #describe(
    { payload, fault }: Datagram,
    encapsulation: "udp" | "ip",
    parsed: Parsed<L2tpDatagram>,
    inspected: InspectedPacket,
    malformed: string | null,
  ): string {
    const paint = this.#paint;
    const style = this.#format === "verbose" ? "full" : "line";
    const format = { style, ...(this.#secret && { secret: this.#secret }) } as const;
    const readable = parsed.ok ? parsed.value : readRejected(payload, encapsulation, parsed.rejection);
    let text = readable === undefined ? "" : formatDatagram(readable, format);
    if (readable?.kind === "control") text = emphasize(text, readable.message.type, paint);
    const refusal = parsed.ok ? "" : formatRejection(parsed.rejection);
    if (malformed === null) {
      const worthSaying = !parsed.ok && parsed.rejection.reason !== "hidden-without-secret";
      return worthSaying ? text + this.#note(paint.bad(refusal)) : text;
    }
    const why = paint.bad(`malformed${fault === undefined ? `, ${refusal}` : `: ${fault}`}`);
    if (text === "") return style === "full" ? [why, ...rawAvps(inspected)].join("\n") : why;
    return style === "full" ? insertAfterFirstLine(text, `  ${why}`) : `${why}; ${text}`;
  }

  /** What only the messages before it tell. */
  #conversationNotes({ authentication, digests }: InspectedPacket): string {
    const verdict = (what: string, valid: boolean) =>
      this.#note(valid ? this.#paint.good(`${what} is right`) : this.#paint.bad(`${what} is wrong`));
    let text = "";
    if (authentication) {
      text += verdict(
        `response to the challenge of frame ${authentication.challengeFrame}`,
        authentication.valid,
      );
    }
    for (const digest of digests ?? []) text += verdict("message digest", digest.valid);
    return text;
  }

  /** What only the frames around it tell. */
  #captureNotes({ vlans, reassembled, missing }: Datagram): string {
    let text = "";
    if (vlans.length > 0) text += this.#note(`VLAN ${vlans.join(", ")}`);
    if (reassembled) text += this.#note("put together of IP fragments");
    if (missing > 0) text += this.#note(this.#paint.bad(`the capture lacks the last ${missing} octets`));
    return text;
  }

  #note(text: string): string {
    return `${this.#format === "verbose" ? "\n  " : " "}[${text}]`;
  }
}

/** The AVPs of a message without a type to know them by. */
function rawAvps({ avps = [] }: InspectedPacket): string[] {
  return avps.map(({ mandatory, hidden, vendor, type, name, valueHex }) => {
    const what = name === undefined ? `AVP ${vendor}/${type}` : name;
    return `  ${mandatory ? "M" : "-"}${hidden ? "H" : "-"} ${vendor}/${type} ${what}: ${valueHex || "(empty)"}`;
  });
}

/**
 * Reasons to refuse a message whose octets are in order: it asks too much, says too little, or says something
 * that cannot be read here without the secret. Real peers send such messages; they are shown as refused.
 */
const WELL_FORMED: ReadonlySet<Rejection["reason"]> = new Set([
  "unknown-message-type",
  "unknown-mandatory-avp",
  "missing-avp",
  "duplicate-avp",
  "hidden-without-secret",
]);

function whatIsMalformed(
  datagram: Datagram,
  inspected: InspectedPacket,
  parsed: Parsed<L2tpDatagram>,
): string | null {
  if (datagram.fault !== undefined) return datagram.fault;
  if (parsed.ok || WELL_FORMED.has(parsed.rejection.reason)) return null;
  const why = inspected.malformed ?? parsed.rejection.text;
  return datagram.missing > 0 ? `${why} (the capture lacks the last ${datagram.missing} octets)` : why;
}

function withPort(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Makes the name of the message stand out: it ends the header's part of the first line. */
function emphasize(text: string, type: string, paint: Paint): string {
  const at = text.indexOf(` ${type}`);
  if (at === -1) return text;
  return `${text.slice(0, at + 1)}${paint.strong(type)}${text.slice(at + 1 + type.length)}`;
}

function insertAfterFirstLine(text: string, line: string): string {
  const at = text.indexOf("\n");
  return at === -1 ? `${text}\n${line}` : `${text.slice(0, at)}\n${line}${text.slice(at)}`;
}
