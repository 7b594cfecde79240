/** Octets as numbers, text and hexadecimal, and put together. */

/** Nothing. */
export const NO_OCTETS = new Uint8Array(0);

/** Unsigned 16 bits in network order. The caller has checked that both octets are there. */
export const u16At = (octets: Uint8Array, at: number): number =>
  ((octets[at] as number) << 8) | (octets[at + 1] as number);

/** Unsigned 32 bits in network order. The caller has checked that all four octets are there. */
export const u32At = (octets: Uint8Array, at: number): number =>
  u16At(octets, at) * 0x10000 + u16At(octets, at + 2);

/** Unsigned 16 bits as octets in network order. */
export const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value);

/** Unsigned 32 bits as octets in network order. */
export const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

/** Writes unsigned 16 bits in network order. */
export function putU16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/** All `parts`, one after the other, in an array of their own. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two octet strings are the same; for what is no secret. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether all octets are zero. */
export const isZero = (octets: Uint8Array): boolean => octets.every((octet) => octet === 0);

/** Hexadecimal, of either case. */
export function toHex(octets: Uint8Array, upper = false): string {
  let hex = "";
  for (const octet of octets) hex += octet.toString(16).padStart(2, "0");
  return upper ? hex.toUpperCase() : hex;
}

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD. */
export function textOctets(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    let point = character.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) octets.push(point);
    else if (point < 0x800) octets.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) {
      octets.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    } else {
      octets.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63),
      );
    }
  }
  return Uint8Array.from(octets);
}

/** Text of a peer's for a log: control characters are spaces, and none is at either end. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, " ").trim();

/** Text of octets: UTF-8, and U+FFFD for each octet that is no part of any. Never throws. */
export function textOf(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; ) {
    const first = octets[at] as number;
    const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : 3;
    let point = first < 0x80 ? first : first & (0x3f >> more);
    let good = first < 0x80 || (first >= 0xc2 && first < 0xf5);
    for (let i = 1; good && i <= more; i++) {
      const next = octets[at + i] ?? 0;
      good = (next & 0xc0) === 0x80;
      point = (point << 6) | (next & 63);
    }
    // Overlong forms, surrogates and what is past the last plane are no characters.
    const least = [0, 0x80, 0x800, 0x10000][more] as number;
    good &&= point >= least && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    text += good ? String.fromCodePoint(point) : "\ufffd";
    at += good ? more + 1 : 1;
  }
  return text;
}
