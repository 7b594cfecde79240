/** What a program, or an authority, says to a caller that it refuses: as it fits into a message. */
import type { RefusalDecision } from "@l2tp/control";
import { ParameterError } from "../errors.ts";

/** Room for the Error Message in the Result Code AVP (RFC 2661 §4.4.2): 1023 octets, less header and codes. */
const TEXT_OCTETS = 1_013;
const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() };

/**
 * The refusal with a text that is not too long: the rest of it would not be worth a caller who hears nothing.
 * @throws ParameterError for codes that there cannot be
 */
export function sayable(why: RefusalDecision): RefusalDecision {
  for (const key of ["result", "error"] as const) {
    const code = why[key];
    if (code === undefined || (Number.isInteger(code) && code >= 0 && code <= 0xffff)) continue;
    throw new ParameterError(key, `a whole number from 0 to 65535 was expected, got ${code}`);
  }
  const { text } = why;
  if (text === undefined || text.length * 3 <= TEXT_OCTETS) return why;
  const octets = utf8.encode.encode(text);
  if (octets.length <= TEXT_OCTETS) return why;
  let end = TEXT_OCTETS;
  // Not in the middle of a character.
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end--;
  return { ...why, text: utf8.decode.decode(octets.subarray(0, end)) };
}
