/**
 * Frames as L2TP carries them: `[FF 03] protocol information`, no flags, no FCS (RFC 2661 §5.4, RFC 1661 §2). The
 * address and control fields, and the high octet of a protocol below 0x0100, may be missing, negotiated or not.
 */

/** A frame taken apart; `information` is a view into it. */
export interface Frame {
  readonly protocol: number;
  readonly information: Uint8Array;
}

/**
 * Reads a frame.
 * @param frame - borrowed.
 * @returns `undefined` when it has no protocol: an odd high octet or an even low one, or nothing at all.
 */
export function decodeFrame(frame: Uint8Array): Frame | undefined {
  let at = frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0;
  const first = frame[at];
  if (first === undefined) return undefined;
  // An odd first octet is a whole protocol number (RFC 1661 §6.5).
  if ((first & 1) === 1) return { protocol: first, information: frame.subarray(at + 1) };
  const second = frame[at + 1];
  if (second === undefined || (second & 1) === 0) return undefined;
  at += 2;
  return { protocol: (first << 8) | second, information: frame.subarray(at) };
}

/** How frames to the peer are written. */
export interface FrameOptions {
  /** Without FF 03: agreed by ACFC, or added by whoever sends on. */
  readonly bare?: boolean;
  /** Protocols below 0x0100 as one octet, agreed by PFC. LCP is never compressed. */
  readonly compressProtocol?: boolean;
}

/** Writes a frame: FF 03, two octets of protocol, information; see {@link FrameOptions} for less. */
export function encodeFrame(
  protocol: number,
  information: Uint8Array,
  options: FrameOptions = {},
): Uint8Array {
  const short = options.compressProtocol === true && protocol < 0x100;
  const lead = (options.bare === true ? 0 : 2) + (short ? 1 : 2);
  const frame = new Uint8Array(lead + information.length);
  let at = 0;
  if (options.bare !== true) {
    frame[at++] = 0xff;
    frame[at++] = 0x03;
  }
  if (!short) frame[at++] = protocol >> 8;
  frame[at++] = protocol;
  frame.set(information, at);
  return frame;
}
