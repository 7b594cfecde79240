/**
 * How the value of an AVP is read, written, checked and described. A {@link Field} is declared once, in
 * avps.ts; the AVP's header is not its business. Lengths are octets of the value, without that header.
 */
import { EncodeError } from "./errors.ts";
import { printable, putText, putU16, putU32, textAt, toHex, u16At, u32At } from "./octets.ts";

/** How a hot loop reads a field without calling it: {@link Field.kind}. */
export const KIND = { other: 0, u16: 1, u32: 2, u8: 3, octets: 4, none: 5, text: 6 } as const;

/** The longest value of an AVP: the Length field has 10 bits, the header takes 6 octets. */
export const MAXIMUM_VALUE = 1017;

/** One piece of a field's layout, for documentation. */
export interface LayoutPart {
  readonly name?: string;
  readonly type: string;
  readonly optional?: boolean;
  readonly values?: Readonly<Record<number, string>>;
  readonly bits?: Readonly<Record<number, string>>;
}

/** How one value is read and written. */
export interface Field<T> {
  readonly kind: number;
  /** Fewest octets. */
  readonly min: number;
  /** Most octets. */
  readonly max: number;
  /** Further rule on the number of octets, where `min` and `max` do not say it all. */
  readonly fits?: (length: number) => boolean;
  /** Lowest value allowed, for numbers. */
  readonly least: number;
  /** Lengths that are accepted although the RFC does not have senders use them. */
  readonly tolerated?: readonly number[];
  readonly layout: readonly LayoutPart[];
  /** Reads a value whose length has been found right. Octets are borrowed: views, not copies. */
  read(octets: Uint8Array, at: number, end: number): T;
  /** Writes a value and returns the offset behind it. @throws EncodeError */
  write(octets: Uint8Array, at: number, value: T): number;
  /** Why a value is out of range, or `undefined`. */
  fault(value: T): string | undefined;
  /** For people, on one line. */
  print(value: T): string;
}

/** The type of a field's value. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** Meanings of a number: of each value, or of each bit. */
export interface Meaning {
  /** Lowest value allowed; 0 where nothing is said. */
  readonly min?: number;
  readonly values?: Readonly<Record<number, string>>;
  readonly bits?: Readonly<Record<number, string>>;
}

function numberFault(value: number, size: number, least: number): string | undefined {
  const most = 2 ** (8 * size) - 1;
  return Number.isInteger(value) && value >= least && value <= most
    ? undefined
    : `must be an integer from ${least} to ${most}`;
}

function printNumber(value: number, size: number, { values, bits }: Meaning): string {
  if (values) return values[value] === undefined ? String(value) : `${value} (${values[value]})`;
  if (!bits) return String(value);
  const set = Object.entries(bits).filter(([mask]) => (value & Number(mask)) !== 0);
  const hex = `0x${value.toString(16).padStart(2 * size, "0")}`;
  return set.length === 0 ? hex : `${hex} (${set.map(([, text]) => text).join(", ")})`;
}

function unsigned(
  size: 1 | 2 | 4,
  kind: number,
  meaning: Meaning,
  read: Field<number>["read"],
): Field<number> {
  const least = meaning.min ?? 0;
  return {
    kind,
    min: size,
    max: size,
    least,
    layout: [
      {
        type: `uint${8 * size}`,
        ...(meaning.values && { values: meaning.values }),
        ...(meaning.bits && { bits: meaning.bits }),
      },
    ],
    read,
    write(octets, at, value) {
      if (value >>> 0 !== value || (size < 4 && value >= 1 << (8 * size))) {
        throw new EncodeError(numberFault(value, size, least) as string);
      }
      if (size === 2) putU16(octets, at, value);
      else if (size === 4) putU32(octets, at, value);
      else octets[at] = value;
      return at + size;
    },
    fault: (value) => numberFault(value, size, least),
    print: (value) => printNumber(value, size, meaning),
  };
}

/** An unsigned octet. */
export const u8 = (meaning: Meaning = {}): Field<number> =>
  unsigned(1, KIND.u8, meaning, (octets, at) => octets[at] as number);

/** Unsigned 16 bits. */
export const u16 = (meaning: Meaning = {}): Field<number> => unsigned(2, KIND.u16, meaning, u16At);

/** Unsigned 32 bits. */
export const u32 = (meaning: Meaning = {}): Field<number> => unsigned(4, KIND.u32, meaning, u32At);

function big(size: 4 | 8): Field<bigint> {
  const most = (1n << BigInt(8 * size)) - 1n;
  const fault = (value: bigint) =>
    typeof value === "bigint" && value >= 0n && value <= most
      ? undefined
      : `must be a bigint from 0 to ${most}`;
  return {
    kind: KIND.other,
    min: size,
    max: size,
    least: 0,
    layout: [{ type: `uint${8 * size}` }],
    read: (octets, at) =>
      size === 4
        ? BigInt(u32At(octets, at))
        : (BigInt(u32At(octets, at)) << 32n) | BigInt(u32At(octets, at + 4)),
    write(octets, at, value) {
      const wrong = fault(value);
      if (wrong !== undefined) throw new EncodeError(wrong);
      if (size === 8) putU32(octets, at, Number(value >> 32n));
      putU32(octets, at + size - 4, Number(value & 0xffff_ffffn));
      return at + size;
    },
    fault,
    print: (value) => String(value),
  };
}

/** Unsigned 64 bits. */
export const u64 = (): Field<bigint> => big(8);

/** Unsigned 32 bits as a bigint: the v2 form of a value that has 64 bits in v3. */
export const u32AsBigint = (): Field<bigint> => big(4);

/** Limits on a string of octets or text. */
export interface Size {
  readonly min?: number;
  readonly max?: number;
  /** The only lengths allowed. */
  readonly lengths?: readonly number[];
}

function limits({ min = 0, max = MAXIMUM_VALUE, lengths }: Size) {
  return lengths
    ? {
        min: Math.min(...lengths),
        max: Math.max(...lengths),
        ...(lengths.length > 1 && { fits: (length: number) => lengths.includes(length) }),
      }
    : { min, max };
}

function sizeText(size: Size): string {
  if (size.lengths) return size.lengths.join(" or ");
  const { min = 0, max } = size;
  return max === undefined ? `${min} or more` : `${min} to ${max}`;
}

/** A string of octets. Reading gives a view, writing copies. */
export function octets(size: Size = {}): Field<Uint8Array> {
  const limit = limits(size);
  const fault = (value: Uint8Array) =>
    value instanceof Uint8Array &&
    value.length >= limit.min &&
    value.length <= limit.max &&
    (limit.fits?.(value.length) ?? true)
      ? undefined
      : `must be a Uint8Array of ${sizeText(size)} octets`;
  return {
    kind: KIND.octets,
    ...limit,
    least: 0,
    layout: [{ type: `octets (${sizeText(size)})` }],
    read: (from, at, end) => from.subarray(at, end),
    write(into, at, value) {
      const wrong = fault(value);
      if (wrong !== undefined) throw new EncodeError(wrong);
      for (let i = 0; i < value.length; i++) into[at + i] = value[i] as number;
      return at + value.length;
    },
    fault,
    print: (value) => (value.length === 0 ? "(empty)" : toHex(value)),
  };
}

/** Text: UTF-8, with other octets kept as {@link textAt} keeps them. */
export function text(size: Size = {}): Field<string> {
  const limit = limits(size);
  return {
    kind: KIND.text,
    ...limit,
    least: 0,
    layout: [{ type: `text (${sizeText(size)} octets)` }],
    read: textAt,
    write(into, at, value) {
      if (typeof value !== "string") throw new EncodeError("must be a string");
      const end = putText(into, at, value);
      if (end - at < limit.min || end - at > limit.max) {
        throw new EncodeError(`must have ${limit.min} to ${limit.max} octets, has ${end - at}`);
      }
      return end;
    },
    fault: () => undefined,
    print: (value) => `"${printable(value)}"`,
  };
}

/** No value at all: that the AVP is there is the information. */
export function none(): Field<true> {
  return {
    kind: KIND.none,
    min: 0,
    max: 0,
    least: 0,
    layout: [],
    read: () => true,
    write(_, at, value) {
      if (value !== true) throw new EncodeError("must be true, or left out");
      return at;
    },
    fault: () => undefined,
    print: () => "",
  };
}

/** Equal items until the end. */
export function list<T>(
  item: Field<T>,
  { min = 0, tolerated }: { min?: number; tolerated?: readonly number[] } = {},
): Field<T[]> {
  const size = item.max;
  return {
    kind: KIND.other,
    min: min * size,
    max: MAXIMUM_VALUE - (MAXIMUM_VALUE % size),
    fits: (length) => length % size === 0,
    ...(tolerated && { tolerated }),
    least: 0,
    layout: [{ ...item.layout[0], type: `${item.layout[0]?.type}[] (${min} or more)` }],
    read(from, at, end) {
      const items: T[] = [];
      for (; at + size <= end; at += size) items.push(item.read(from, at, at + size));
      return items;
    },
    write(into, at, value) {
      if (!Array.isArray(value) || (value.length < min && !tolerated?.includes(value.length * size))) {
        throw new EncodeError(`must be an array of ${min} or more`);
      }
      for (const one of value) at = item.write(into, at, one);
      return at;
    },
    fault: (value) => value.map((one) => item.fault(one)).find((fault) => fault !== undefined),
    print: (value) => `[${value.map((one) => item.print(one)).join(", ")}]`,
  };
}

/** Octets of a record that carry nothing: sent as 0, ignored on receipt. */
export interface Reserved {
  readonly reserved: number;
}

/** `count` reserved octets of a {@link record}. */
export const reserved = (count: number): Reserved => ({ reserved: count });

/** A field that may be left out, with all that follow, at the end of a {@link record}. */
export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}

/** See {@link OptionalField}. */
export const optional = <T>(field: Field<T>): OptionalField<T> => ({ ...field, optional: true });

// biome-ignore lint/suspicious/noExplicitAny: the parts of one record have different types.
type Part = Reserved | readonly [name: string, field: Field<any>];
type Named<P> = Extract<P, readonly [string, unknown]>;
type RecordOf<P extends readonly Part[]> = {
  readonly [E in Named<P[number]> as E[1] extends OptionalField<unknown> ? never : E[0]]: ValueOf<E[1]>;
} & {
  readonly [E in Named<P[number]> as E[1] extends OptionalField<unknown> ? E[0] : never]?: ValueOf<E[1]>;
};
type Flat<T> = { [K in keyof T]: T[K] };

// biome-ignore lint/suspicious/noExplicitAny: as above.
const isNamed = (part: Part): part is readonly [string, Field<any>] => Array.isArray(part);
const isOptional = (field: Field<unknown>): boolean => "optional" in field;

/** A named field of a {@link record}, as reading goes through them. */
interface Step {
  readonly name: string;
  readonly field: Field<unknown>;
  /** Reserved octets before it. */
  readonly skip: number;
  /** Octets of it, or -1 for all that is left. */
  readonly size: number;
  readonly mayEnd: boolean;
}

function stepsOf(parts: readonly Part[]): Step[] {
  const steps: Step[] = [];
  let skip = 0;
  for (const part of parts) {
    if (!isNamed(part)) {
      skip += part.reserved;
      continue;
    }
    const [name, field] = part;
    steps.push({
      name,
      field,
      skip,
      size: field.min === field.max ? field.min : -1,
      mayEnd: isOptional(field),
    });
    skip = 0;
  }
  return steps;
}

function writeMember(
  into: Uint8Array,
  at: number,
  name: string,
  field: Field<unknown>,
  value: unknown,
): number {
  try {
    return field.write(into, at, value);
  } catch (error) {
    if (error instanceof EncodeError) throw new EncodeError(`${name}: ${error.message}`);
    throw error;
  }
}

/** Named fields one after the other; those marked {@link optional} may be missing at the end. */
export function record<const P extends readonly Part[]>(...parts: P): Field<Flat<RecordOf<P>>> {
  type Value = Flat<RecordOf<P>>;
  const named = parts.filter(isNamed);
  const fixed = parts.reduce(
    (sum, part) => sum + (isNamed(part) ? (isOptional(part[1]) ? 0 : part[1].min) : part.reserved),
    0,
  );
  const last = named.at(-1)?.[1];
  const open = last !== undefined && last.max !== last.min;
  // Where optional fields begin, each length that ends at a border of fields is right, none between.
  const borders = [fixed];
  for (const [, field] of named) {
    if (isOptional(field) && field.min > 0) borders.push((borders.at(-1) as number) + field.min);
  }
  const whole = borders.at(-1) as number;
  const max = open ? MAXIMUM_VALUE : whole;
  const plan = stepsOf(parts);
  const final = parts.at(-1);
  const trailingReserved = final === undefined || isNamed(final) ? 0 : final.reserved;
  const inner = last !== undefined && open && last.fits ? last.fits : undefined;
  return {
    kind: KIND.other,
    min: fixed,
    max: inner && last ? whole - last.min + last.max : max,
    ...(borders.length > 1 && { fits: (length: number) => length >= whole || borders.includes(length) }),
    ...(inner && last && { fits: (length: number) => inner(length - (whole - last.min)) }),
    least: 0,
    layout: parts.map((part) =>
      isNamed(part)
        ? {
            ...(part[1].layout[0] as LayoutPart),
            name: part[0],
            ...(isOptional(part[1]) && { optional: true }),
          }
        : { type: `reserved (${part.reserved})` },
    ),
    read(from, at, end) {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < plan.length; i++) {
        const { name, field, skip, size, mayEnd } = plan[i] as Step;
        at += skip;
        if (mayEnd && (at >= end || end - at < field.min)) break;
        if (field.kind === KIND.u16) value[name] = u16At(from, at);
        else if (field.kind === KIND.u32) value[name] = u32At(from, at);
        else if (field.kind === KIND.u8) value[name] = from[at] as number;
        else value[name] = field.read(from, at, size < 0 ? end : at + size);
        at += size;
      }
      return value as Value;
    },
    write(into, at, value) {
      if (typeof value !== "object" || value === null) {
        throw new EncodeError(`must be an object of ${named.map(([name]) => name).join(", ")}`);
      }
      const given = value as Record<string, unknown>;
      let missing: string | undefined;
      for (let i = 0; i < plan.length; i++) {
        const { name, field, skip, mayEnd } = plan[i] as Step;
        for (let k = 0; k < skip; k++) into[at++] = 0;
        const one = given[name];
        if (one === undefined && mayEnd) missing ??= name;
        else if (missing !== undefined)
          throw new EncodeError(`has ${name} but not ${missing}, which comes before it`);
        else if (field.kind === KIND.u8 && (one as number) >>> 0 === one && one <= 0xff) into[at++] = one;
        else at = writeMember(into, at, name, field, one);
      }
      for (let k = 0; k < trailingReserved; k++) into[at++] = 0;
      return at;
    },
    fault(value) {
      for (const [name, field] of named) {
        const one = (value as Record<string, unknown>)[name];
        const fault = one === undefined ? undefined : field.fault(one);
        if (fault !== undefined) return `${name} ${fault}`;
      }
      return undefined;
    },
    print: (value) =>
      named
        .filter(([name]) => (value as Record<string, unknown>)[name] !== undefined)
        .map(([name, field]) => `${name} ${field.print((value as Record<string, unknown>)[name])}`)
        .join(", "),
  };
}
