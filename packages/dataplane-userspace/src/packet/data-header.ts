/**
 * Data messages on the wire (RFC 3931 §4.1.1.1, §4.1.2.1, §4.6):
 *
 *     over UDP   0x0003 | reserved 0x0000 | session ID | cookie 0/4/8 | sublayer 0/4 | frame
 *     over IP                               session ID | cookie 0/4/8 | sublayer 0/4 | frame
 */
import type { Encapsulation } from "@l2tp/protocol";

/** T = 0 and version 3, then 16 reserved bits. */
const UDP_DATA_V3 = 0x0003_0000;
/** S bit of the default L2-specific sublayer: the sequence number is valid. */
export const SUBLAYER_S = 0x4000_0000;
export const SEQUENCE_MASK = 0xff_ffff;
/** The longest header: UDP, 8 octets of cookie, sublayer. */
export const MAX_DATA_HEADER = 20;
/** The T bit of the first octet: a control message (RFC 3931 §3.2.1). */
export const T_BIT = 0x80;
/** Destination, source and type: the least an Ethernet frame has. */
export const ETHERNET_HEADER = 14;

/** What decides the header of a session's data messages. */
export interface DataHeaderShape {
  readonly encapsulation: Encapsulation;
  readonly peerSessionId: number;
  readonly peerCookie: Uint8Array;
  readonly sublayer: boolean;
}

/** Octets of the header. */
export function dataHeaderLength(
  encapsulation: Encapsulation,
  cookieLength: number,
  sublayer: boolean,
): number {
  return (encapsulation === "udp" ? 8 : 4) + cookieLength + (sublayer ? 4 : 0);
}

/**
 * Writes a session's header at `at`. The sublayer, if any, is its last four octets: S and the sequence number
 * are patched in for each message.
 *
 * @returns its length in octets.
 */
export function writeDataHeader(view: DataView, at: number, shape: DataHeaderShape): number {
  let end = at;
  if (shape.encapsulation === "udp") {
    view.setUint32(end, UDP_DATA_V3);
    end += 4;
  }
  view.setUint32(end, shape.peerSessionId);
  end += 4;
  for (const octet of shape.peerCookie) view.setUint8(end++, octet);
  if (shape.sublayer) {
    view.setUint32(end, 0);
    end += 4;
  }
  return end - at;
}

/** A cookie of 0, 4 or 8 octets as two words, to be compared without a loop. */
export function cookieWords(cookie: Uint8Array): readonly [number, number] {
  const view = new DataView(cookie.buffer, cookie.byteOffset, cookie.byteLength);
  return [cookie.length >= 4 ? view.getUint32(0) : 0, cookie.length >= 8 ? view.getUint32(4) : 0];
}
