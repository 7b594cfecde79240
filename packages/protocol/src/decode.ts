/** Decoding of datagrams: the header here, the rest by what the header says it is. Nothing throws on any octets. */
import type { ControlHeader, Datagram } from "./datagram.ts";
import { decodeControl } from "./decode-control.ts";
import { decodeData } from "./decode-data.ts";
import type { DecodeOptions } from "./decode-options.ts";
import { HEADER_FAULT_REASONS, HeaderCursor } from "./header.ts";
import { type Parsed, type RejectionReason, reject } from "./rejection.ts";

/** Reused: decoding does not re-enter itself. */
const cursor = new HeaderCursor();
/** Reasons of header faults, for people. */
const HEADER_TEXT: Partial<Record<RejectionReason, string>> = {
  truncated: "the datagram ends inside the header",
  "unsupported-version": "neither L2TPv2 nor L2TPv3 where it has to be one of them",
  "bad-flags": "header bits that this kind of message must not have, or lacks",
  "bad-length": "Length is smaller than the header or larger than the datagram",
  "bad-offset": "Offset Size points behind the end",
  "bad-id": "ID 0 on a data message",
};

/**
 * Decodes one datagram. What is returned borrows the octets: views into `datagram` that are good as long as
 * the caller does not reuse it; decode a copy (`new Uint8Array(datagram)`) to keep it.
 *
 * @returns the message, or why it is not taken and what the RFC wants done about it. Never throws on any octets.
 */
export function decodeDatagram(datagram: Uint8Array, options: DecodeOptions): Parsed<Datagram> {
  if (!cursor.read(datagram, 0, datagram.length, options.encapsulation === "ip")) {
    const reason = HEADER_FAULT_REASONS[cursor.fault] as RejectionReason;
    return reject({ reason, offset: cursor.faultAt, text: HEADER_TEXT[reason] as string, answer: "ignore" });
  }
  if (!cursor.control) return decodeData(cursor, datagram, options);
  const header: ControlHeader =
    cursor.version === 2
      ? {
          version: 2,
          flags: cursor.flags,
          length: cursor.length,
          tunnelId: cursor.tunnelId,
          sessionId: cursor.sessionId,
          ns: cursor.ns,
          nr: cursor.nr,
        }
      : {
          version: 3,
          flags: cursor.flags,
          length: cursor.length,
          controlConnectionId: cursor.tunnelId,
          ns: cursor.ns,
          nr: cursor.nr,
        };
  return decodeControl(cursor, datagram, header, options);
}
