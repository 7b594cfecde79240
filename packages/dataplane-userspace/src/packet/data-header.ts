/**
 * Data messages on the wire (RFC 3931 §4.1.1.1, §4.1.2.1, §4.6; RFC 2661 §3.1):
 *
 *     v3 over UDP   0x0003 | reserved 0x0000 | session ID | cookie 0/4/8 | sublayer 0/4 | frame
 *     v3 over IP                               session ID | cookie 0/4/8 | sublayer 0/4 | frame
 *     v2            flags, version 2 | tunnel ID | session ID | [Ns | Nr] | frame
 *
 * In both versions the four octets before the frame have the sequence number, where there is one.
 */
import type { Encapsulation, L2tpVersion } from "@l2tp/protocol";

/** T = 0 and version 3, then 16 reserved bits. */
const UDP_DATA_V3 = 0x0003_0000;
/** T = 0 and version 2; S: Ns and Nr are there. */
const DATA_V2 = 0x0002;
const S_V2 = 0x0800;
/** S bit of the default L2-specific sublayer: the sequence number is valid. */
export const SUBLAYER_S = 0x4000_0000;
export const SEQUENCE_MASK = 0xff_ffff;
export const SEQUENCE_MASK_V2 = 0xffff;
/** The longest header: v3 over UDP, 8 octets of cookie, sublayer. */
export const MAX_DATA_HEADER = 20;
/** The T bit of the first octet: a control message (RFC 3931 §3.2.1). */
export const T_BIT = 0x80;
/** Bits of the first octet of a v2 header that say what follows (RFC 2661 §3.1). */
const V2_FLAG = { length: 0x40, sequence: 0x08, offset: 0x02 } as const;
/** Destination, source and type: the least an Ethernet frame has. */
export const ETHERNET_HEADER = 14;

/** What decides the header of a session's data messages. */
export interface DataHeaderShape {
  /** Default 3. */
  readonly version?: L2tpVersion;
  readonly encapsulation: Encapsulation;
  /** Of v2 only. */
  readonly peerTunnelId?: number;
  readonly peerSessionId: number;
  readonly peerCookie: Uint8Array;
  readonly sublayer: boolean;
  /** Of v2 only: Ns and Nr are there. In v3 they are a matter of the sublayer, which is there or not. */
  readonly sequence?: boolean;
}

/**
 * Writes a session's header at `at`. The number's place, if any, is its last four octets: S and the sequence number
 * are patched in for each message.
 *
 * @returns its length in octets.
 */
export function writeDataHeader(view: DataView, at: number, shape: DataHeaderShape): number {
  let end = at;
  if (shape.version === 2) {
    view.setUint16(at, shape.sequence === true ? DATA_V2 | S_V2 : DATA_V2);
    view.setUint16(at + 2, shape.peerTunnelId ?? 0);
    view.setUint16(at + 4, shape.peerSessionId);
    if (shape.sequence !== true) return 6;
    view.setUint32(at + 6, 0);
    return 10;
  }
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

/** The header of a v2 data message (RFC 2661 §3.1), read anew by each {@link read}; reused, so that nothing is allocated. */
export class DataHeaderV2 {
  tunnelId = 0;
  sessionId = 0;
  /** -1 where the message has no number. */
  ns = 0;
  /** Where the frame begins, and one past its last octet: an offset in the memory. */
  start = 0;
  end = 0;
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  /**
   * @param at - the datagram, of eight octets at least.
   * @returns false when the header, or the message that it says there is, does not fit into the datagram.
   */
  read(at: number, length: number): boolean {
    const view = this.#view;
    const flags = view.getUint8(at);
    let end = at + length;
    let next = at + 2;
    if ((flags & V2_FLAG.length) !== 0) {
      end = at + view.getUint16(next);
      if (end > at + length) return false;
      next += 2;
    }
    this.tunnelId = view.getUint16(next);
    this.sessionId = view.getUint16(next + 2);
    next += 4;
    this.ns = -1;
    if ((flags & V2_FLAG.sequence) !== 0) {
      if (next + 4 <= end) this.ns = view.getUint16(next);
      next += 4;
    }
    if ((flags & V2_FLAG.offset) !== 0) {
      next += next + 2 <= end ? 2 + view.getUint16(next) : 2;
    }
    this.start = next;
    this.end = end;
    return next <= end;
  }
}

/** A cookie of 0, 4 or 8 octets as two words, to be compared without a loop. */
export function cookieWords(cookie: Uint8Array): readonly [number, number] {
  const view = new DataView(cookie.buffer, cookie.byteOffset, cookie.byteLength);
  return [cookie.length >= 4 ? view.getUint32(0) : 0, cookie.length >= 8 ? view.getUint32(4) : 0];
}
