/** What can still be read of a control message that was refused: for people to look at, not to act on. */
import { CONTROL_HEADER } from "./constants.ts";
import { ControlDatagram } from "./datagram.ts";
import { type AnyMessage, messageName } from "./messages.ts";
import type { Rejection } from "./rejection.ts";
import type { Encapsulation } from "./types.ts";

/**
 * A refused control message whose header and Message Type were sound, in the shape that `describeAvps` and
 * `formatDatagram` print; its AVPs are those before the first that breaks the frame. The message is empty
 * but for `type` (the RFC's name, or `type 255` where there is none): nothing in it may be acted on.
 *
 * @param datagram - what `decodeDatagram` was given; borrowed, as there.
 * @returns `undefined` when there is no such header or type.
 */
export function readRejected(
  datagram: Uint8Array,
  encapsulation: Encapsulation,
  { header, messageType }: Rejection,
): ControlDatagram | undefined {
  if (header === undefined || messageType === undefined) return undefined;
  const start = encapsulation === "ip" ? 4 : 0; // the zero Session ID (RFC 3931 §4.1.1.2)
  const end = Math.min(start + header.length, datagram.length);
  const type = messageName(messageType) ?? `type ${messageType}`;
  const message = { version: header.version, type } as unknown as AnyMessage;
  const trailing = datagram.length - end;
  return new ControlDatagram(header, message, "absent", trailing, datagram, start + CONTROL_HEADER, end);
}
