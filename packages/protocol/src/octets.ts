/**
 * Octets as numbers, hexadecimal and text. Shifts over a `Uint8Array` rather than a `DataView`: making one
 * costs more than reading a whole header.
 */

/** Nothing. */
export const NO_OCTETS = new Uint8Array(0);

/** Unsigned 16 bits in network order. The caller has checked that both octets are there. */
export function u16At(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 8) | (octets[at + 1] as number);
}

/** Unsigned 32 bits in network order. The caller has checked that all four octets are there. */
export function u32At(octets: Uint8Array, at: number): number {
  return (
    (((octets[at] as number) << 24) |
      ((octets[at + 1] as number) << 16) |
      ((octets[at + 2] as number) << 8) |
      (octets[at + 3] as number)) >>>
    0
  );
}

/** Writes unsigned 16 bits in network order. */
export function putU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/** Writes unsigned 32 bits in network order. */
export function putU32(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = value >>> 16;
  octets[at + 2] = value >>> 8;
  octets[at + 3] = value;
}

/**
 * A copy of `octets[from..to)`. Not `octets.slice()`: that of a Node `Buffer`, which is a `Uint8Array` too, is
 * a view.
 */
export function copyOf(octets: Uint8Array, from = 0, to = octets.length): Uint8Array {
  return new Uint8Array(octets.subarray(from, to));
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal of `octets[from..to)`. */
export function toHex(octets: Uint8Array, from = 0, to = octets.length): string {
  let hex = "";
  for (let i = from; i < to; i++) hex += HEX[octets[i] as number];
  return hex;
}

/** Octets of a hexadecimal string of either case; `undefined` when it is none, or has an odd length. */
export function fromHex(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex)) return undefined;
  const octets = new Uint8Array(hex.length / 2);
  for (let i = 0; i < octets.length; i++) octets[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return octets;
}

/**
 * Whether two octet strings are equal, in a time that depends on their lengths only. Strings of different
 * length are unequal; so are two empty ones, because an empty response must never match an empty secret's.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/**
 * Text of `octets[at..end)`: UTF-8, and every octet that is not part of well-formed UTF-8 becomes the lone
 * surrogate U+DC00 + octet. So any octets are a string, and {@link putText} gives the same octets back.
 */
export function textAt(octets: Uint8Array, at: number, end: number): string {
  let text = "";
  // Nearly all text is ASCII, and eight characters at once take a third of the time of one at a time.
  for (; end - at >= 8; at += 8) {
    const a = octets[at] as number;
    const b = octets[at + 1] as number;
    const c = octets[at + 2] as number;
    const d = octets[at + 3] as number;
    const e = octets[at + 4] as number;
    const f = octets[at + 5] as number;
    const g = octets[at + 6] as number;
    const h = octets[at + 7] as number;
    if ((a | b | c | d | e | f | g | h) >= 0x80) return text + mixedTextAt(octets, at, end);
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  if (end - at >= 4) {
    const a = octets[at] as number;
    const b = octets[at + 1] as number;
    const c = octets[at + 2] as number;
    const d = octets[at + 3] as number;
    if ((a | b | c | d) >= 0x80) return text + mixedTextAt(octets, at, end);
    text += String.fromCharCode(a, b, c, d);
    at += 4;
  }
  return at === end ? text : text + mixedTextAt(octets, at, end);
}

function mixedTextAt(octets: Uint8Array, at: number, end: number): string {
  let text = "";
  while (at < end) {
    const first = octets[at] as number;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      at += 1;
      continue;
    }
    const size = sequenceLength(octets, at, end);
    if (size === 0) {
      text += String.fromCharCode(0xdc00 + first);
      at += 1;
      continue;
    }
    let point = first & (0x7f >> size);
    for (let i = 1; i < size; i++) point = (point << 6) | ((octets[at + i] as number) & 0x3f);
    text += String.fromCodePoint(point);
    at += size;
  }
  return text;
}

/** Octets of the well-formed UTF-8 sequence at `at` (2 to 4), or 0 (Unicode, table 3-7). */
function sequenceLength(octets: Uint8Array, at: number, end: number): number {
  const first = octets[at] as number;
  const size =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0;
  if (size === 0 || end - at < size) return 0;
  const second = octets[at + 1] as number;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < size; i++) if (((octets[at + i] as number) & 0xc0) !== 0x80) return 0;
  return size;
}

/**
 * Writes text as {@link textAt} read it, and returns the offset behind it. Octets past the end of `octets`
 * are not written, but counted.
 */
export function putText(octets: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return putMixedText(octets, at, text, i);
    octets[at++] = unit;
  }
  return at;
}

function putMixedText(octets: Uint8Array, at: number, text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      octets[at++] = unit;
      continue;
    }
    if (unit >= 0xdc80 && unit <= 0xdcff) {
      octets[at++] = unit - 0xdc00;
      continue;
    }
    let point = text.codePointAt(i) as number;
    if (point > 0xffff) i += 1;
    // A surrogate that stands for nothing has no octets: U+FFFD, as TextEncoder writes.
    else if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x800) octets[at++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x10000) octets[at++] = 0xe0 | (point >> 12);
      else {
        octets[at++] = 0xf0 | (point >> 18);
        octets[at++] = 0x80 | ((point >> 12) & 0x3f);
      }
      octets[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    octets[at++] = 0x80 | (point & 0x3f);
  }
  return at;
}

/** The octets of a text, as {@link putText} writes them. */
export function textOctets(text: string): Uint8Array {
  const octets = new Uint8Array(3 * text.length);
  return octets.subarray(0, putText(octets, 0, text));
}

/**
 * Text made safe for one line of a log or terminal: control characters, bidirectional overrides and the
 * stand-ins of {@link textAt} are written as escapes.
 */
export function printable(text: string): string {
  let out = "";
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") out += `\\${character}`;
    else if (point >= 0xdc80 && point <= 0xdcff) out += `\\x${(point - 0xdc00).toString(16)}`;
    else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
      out += `\\x${point.toString(16).padStart(2, "0")}`;
    else if (HIDDEN_CHARACTER.test(character)) out += `\\u{${point.toString(16)}}`;
    else out += character;
  }
  return out;
}

/** Format characters (bidirectional overrides, zero width), line separators and lone surrogates. */
const HIDDEN_CHARACTER = /[\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/u;
