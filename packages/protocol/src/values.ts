/** Values whose octets need more than a plain list of fields. */
import { type Field, optional, record, reserved, text, u8, u16, u32, type ValueOf } from "./field.ts";

const result = record(
  ["resultCode", u16()],
  ["errorCode", optional(u16())],
  ["errorMessage", optional(text())],
);

/**
 * A Result Code (RFC 2661 §4.4.2): 2 octets, 4 with the Error Code (MikroTik leaves it out), and the text.
 * `swapped` is set where a peer (old Apple clients) wrote both numbers in the wrong byte order, which shows
 * in a Result Code that is a multiple of 256; the numbers here are the ones it meant.
 */
export type ResultValue = ValueOf<typeof result> & { readonly swapped?: true };

const swap = (value: number): number => ((value & 0xff) << 8) | (value >> 8);

function swapBoth<T extends ResultValue>(value: T): T {
  return {
    ...value,
    resultCode: swap(value.resultCode),
    ...(value.errorCode !== undefined && { errorCode: swap(value.errorCode) }),
  };
}

/** See {@link ResultValue}. */
export const resultValue: Field<ResultValue> = {
  ...result,
  read(octets, at, end) {
    const value = result.read(octets, at, end);
    if (value.resultCode === 0 || (value.resultCode & 0xff) !== 0) return value;
    return { ...swapBoth(value), swapped: true };
  },
  write: (octets, at, value) => result.write(octets, at, value.swapped ? swapBoth(value) : value),
  print: (value) => result.print(value) + (value.swapped ? " (in the wrong byte order on the wire)" : ""),
};

const versionAndRevision = record(["version", u8()], ["revision", u8()]);

/**
 * Protocol Version (RFC 2661 §4.4.3). It is of every SCCRQ and SCCRP, and read with its names written out: a
 * record stores by names in variables, which takes a tenth of the whole decoding of an SCCRQ.
 */
export const protocolVersionValue: typeof versionAndRevision = {
  ...versionAndRevision,
  read: (octets, at) => ({ version: octets[at] as number, revision: octets[at + 1] as number }),
  write(octets, at, value) {
    const { version, revision } = value ?? {};
    if ((version & 0xff) !== version || (revision & 0xff) !== revision)
      return versionAndRevision.write(octets, at, value);
    octets[at] = version;
    octets[at + 1] = revision;
    return at + 2;
  },
};

/** The counters of Call Errors (RFC 2661 §4.4.6). */
export const errorCounters = record(
  reserved(2),
  ["crcErrors", u32()],
  ["framingErrors", u32()],
  ["hardwareOverruns", u32()],
  ["bufferOverruns", u32()],
  ["timeoutErrors", u32()],
  ["alignmentErrors", u32()],
);

/** Octets of the four counters that the figure of RFC 3931 §5.4.5 draws, with the reserved ones before them. */
const DRAWN = 18;

/**
 * Circuit Errors (RFC 3931 §5.4.5). The figure there lacks the first two counters, the Length says 32 as in
 * RFC 2661: 32 is sent, the figure's 24 is taken, with 0 for what it lacks.
 */
export const circuitErrorsValue: typeof errorCounters = {
  ...errorCounters,
  tolerated: [DRAWN],
  read(octets, at, end) {
    if (end - at !== DRAWN) return errorCounters.read(octets, at, end);
    const padded = new Uint8Array(errorCounters.max);
    padded.set(octets.subarray(at + 2, end), 10);
    return errorCounters.read(padded, 0, padded.length);
  },
};
