/** The frame check sequences of RFC 1662 appendix C: 16 bits always, 32 where a line was told so. */

/** What an FCS over data and its own octets comes to (RFC 1662 §C.2, §C.3). */
export const GOOD_FCS_16 = 0xf0b8;
/** What the FCS-32 of a sound frame with its own FCS comes to (RFC 1662 §C.3). */
export const GOOD_FCS_32 = 0xdebb20e3;

function table(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, octet) => {
    let value = octet;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}
const TABLE_16 = /* @__PURE__ */ table(0x8408);
const TABLE_32 = /* @__PURE__ */ table(0xedb88320);

/** One octet into a 16-bit FCS that is under way; begin with 0xffff. */
export const fcs16Step = (fcs: number, octet: number): number =>
  (fcs >>> 8) ^ (TABLE_16[(fcs ^ octet) & 255] as number);

/** The 16-bit FCS of `octets`, not complemented; over a frame with its FCS it is {@link GOOD_FCS_16}. */
export function fcs16Raw(octets: Uint8Array): number {
  let fcs = 0xffff;
  for (const octet of octets) fcs = fcs16Step(fcs, octet);
  return fcs;
}

/** The 16-bit FCS of `octets` as it is sent: complemented, low octet first. */
export const fcs16 = (octets: Uint8Array): number => fcs16Raw(octets) ^ 0xffff;

/** The 32-bit FCS of `octets`, not complemented; over a frame with its FCS it is {@link GOOD_FCS_32}. */
export function fcs32Raw(octets: Uint8Array): number {
  let fcs = 0xffffffff;
  for (const octet of octets) fcs = (fcs >>> 8) ^ (TABLE_32[(fcs ^ octet) & 255] as number);
  return fcs >>> 0;
}

/** The 32-bit FCS of `octets` as it is sent: complemented, low octet first. */
export const fcs32 = (octets: Uint8Array): number => (fcs32Raw(octets) ^ 0xffffffff) >>> 0;
