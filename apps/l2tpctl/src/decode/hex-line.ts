/**
 * Lines of text out of pieces of octets, and octets out of lines of hex.
 */
import { UsageError } from "../errors.ts";

/** The largest datagram in hex with separators, and some room for a comment. */
const MAX_LINE_CHARACTERS = 65_535 * 3 + 4096;

/**
 * Lines without their ends (LF or CRLF), in groups as they arrive, so that what is printed can go out before
 * the next ones are waited for.
 *
 * @throws {@link UsageError} for a line that no datagram can need
 */
export async function* lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of input) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) {
      throw new UsageError(
        `decode: a line of more than ${MAX_LINE_CHARACTERS} characters is no datagram in hex`,
      );
    }
    if (parts.length > 0) yield parts;
  }
  rest += decoder.decode();
  if (rest !== "") yield [rest];
}

/**
 * @returns the octets of one line: none for an empty one, which is an empty datagram, so that output and input
 * lines pair up; `undefined` for a line with a comment only.
 * @throws {@link UsageError} with line and column for what is not hex
 */
export function parseHexLine(text: string, lineNumber: number): Uint8Array | undefined {
  const comment = text.indexOf("#");
  const end = comment === -1 ? text.length : comment;
  const octets = new Uint8Array(end >> 1);
  let digits = 0;
  for (let i = 0; i < end; i += 1) {
    const character = text.charCodeAt(i);
    // Space, tab, carriage return, byte order mark, colon.
    if (character === 32 || character === 9 || character === 13 || character === 0xfeff || character === 58)
      continue;
    const digit = hexDigit(character);
    if (digit < 0) {
      const shown = JSON.stringify(String.fromCodePoint(text.codePointAt(i) ?? 0));
      throw new UsageError(
        `decode --hex: line ${lineNumber}, column ${i + 1}: ${shown} is not a hex digit; write one datagram per line, as in c802000c0007000000010002`,
      );
    }
    const at = digits >> 1;
    octets[at] = ((octets[at] ?? 0) << 4) | digit;
    digits += 1;
  }
  if (digits === 0 && comment !== -1) return undefined;
  if (digits % 2 !== 0) {
    throw new UsageError(`decode --hex: line ${lineNumber} has ${digits} hex digits, half an octet too many`);
  }
  return octets.subarray(0, digits / 2);
}

function hexDigit(character: number): number {
  if (character >= 48 && character <= 57) return character - 48;
  const lower = character | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
