/** From a file's octets to a document's text. TOML is UTF-8, and nothing else. */
import { ConfigError } from "./problem.ts";

const strict = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param octets - of the file; a byte order mark at its beginning may stay.
 * @param file - for the message.
 * @throws ConfigError with the place of the first octet that is not UTF-8.
 */
export function documentText(octets: Uint8Array, file: string): string {
  const isUtf16 = (octets[0] === 0xff && octets[1] === 0xfe) || (octets[0] === 0xfe && octets[1] === 0xff);
  if (isUtf16) throw problem(file, 1, 1, "this file is in UTF-16");
  try {
    return strict().decode(octets);
  } catch {
    return throwAtFirst(octets, file);
  }
}

function throwAtFirst(octets: Uint8Array, file: string): never {
  let line = 1;
  for (let begin = 0; begin <= octets.length; line++) {
    const found = octets.indexOf(0x0a, begin);
    const end = found < 0 ? octets.length : found;
    const good = wellFormed(octets.subarray(begin, end));
    if (good !== undefined) {
      const octet = (octets[begin + good.octets] ?? 0).toString(16).padStart(2, "0");
      throw problem(file, line, good.characters + 1, `octet ${octet} is not UTF-8`);
    }
    begin = end + 1;
  }
  throw problem(file, 1, 1, "the file is not UTF-8");
}

/** How much of the beginning of a line is UTF-8; undefined: all. */
function wellFormed(line: Uint8Array): { octets: number; characters: number } | undefined {
  const decoder = strict();
  let characters = 0;
  let octets = 0;
  try {
    for (let at = 0; at < line.length; at++) {
      const text = decoder.decode(line.subarray(at, at + 1), { stream: true });
      if (text === "") continue;
      characters += text.length;
      octets = at + 1;
    }
    decoder.decode();
    return undefined;
  } catch {
    return { octets, characters };
  }
}

function problem(file: string, line: number, column: number, reason: string): ConfigError {
  const remedy = "Save it as UTF-8: iconv -f latin1 -t utf-8, or the encoding that it is in.";
  return new ConfigError([
    { severity: "error", code: "syntax", file, line, column, path: [], key: "", reason, remedy },
  ]);
}
