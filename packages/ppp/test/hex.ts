/** Octets in tests are written in hexadecimal; blanks separate what belongs apart. */
export const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
export const toHex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
