/** Decoding of data messages: RFC 2661 §3.1, RFC 3931 §4.1 and §4.6. */
import { FLAG, SUBLAYER } from "./constants.ts";
import type { DataDatagram } from "./datagram.ts";
import type { DecodeOptions } from "./decode-options.ts";
import type { HeaderCursor } from "./header.ts";
import { equalConstantTime, u16At, u32At } from "./octets.ts";
import { type Parsed, reject } from "./rejection.ts";

/** The data message whose header `cursor` has just read. */
export function decodeData(
  cursor: HeaderCursor,
  datagram: Uint8Array,
  options: DecodeOptions,
): Parsed<DataDatagram> {
  const { version, flags, sessionId, bodyEnd, trailing } = cursor;
  let at = cursor.bodyStart;
  if (version === 2) {
    const header = {
      version: 2 as const,
      flags,
      ...(cursor.length >= 0 && { length: cursor.length }),
      tunnelId: cursor.tunnelId,
      sessionId,
      ...(cursor.ns >= 0 && { ns: cursor.ns, nr: cursor.nr }),
      ...(cursor.offsetSize >= 0 && { offsetSize: cursor.offsetSize }),
      priority: (flags & FLAG.P) !== 0,
    };
    return { ok: true, value: { kind: "data", header, payload: datagram.subarray(at, bodyEnd), trailing } };
  }
  const layout = options.session
    ? options.session(sessionId)
    : { cookie: options.cookieSize ?? 0, sublayer: options.sublayer ?? "none" };
  const overIp = options.encapsulation === "ip";
  if (!layout) {
    return reject({
      reason: "unknown-session",
      offset: overIp ? 0 : 4,
      text: `no session ${sessionId}`,
      answer: "ignore",
    });
  }
  const size = typeof layout.cookie === "number" ? layout.cookie : layout.cookie.length;
  const cookie = datagram.subarray(at, Math.min(at + size, bodyEnd));
  if (
    cookie.length < size ||
    (typeof layout.cookie !== "number" && size > 0 && !equalConstantTime(cookie, layout.cookie))
  ) {
    return reject({
      reason: "bad-cookie",
      offset: at,
      text: cookie.length < size ? "the datagram ends inside the cookie" : "not the cookie of this session",
      answer: "ignore",
    });
  }
  at += size;
  let sublayer: { word: number; sequenced: boolean; sequence: number } | undefined;
  if (layout.sublayer === "default") {
    if (bodyEnd - at < 4) {
      return reject({
        reason: "truncated",
        offset: bodyEnd,
        text: "the datagram ends inside the L2-specific sublayer",
        answer: "ignore",
      });
    }
    const word = u32At(datagram, at);
    sublayer = { word, sequenced: (word & SUBLAYER.S) !== 0, sequence: word & SUBLAYER.sequence };
    at += 4;
  }
  const header = {
    version: 3 as const,
    encapsulation: options.encapsulation,
    ...(!overIp && { flags, reserved: u16At(datagram, 2) }),
    sessionId,
    cookie,
    ...(sublayer && { sublayer }),
  };
  return { ok: true, value: { kind: "data", header, payload: datagram.subarray(at, bodyEnd), trailing } };
}
