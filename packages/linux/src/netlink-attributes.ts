/**
 * Netlink attributes and fixed headers, declared as tables. Types, encoder and decoder follow from a table:
 *
 *     const IFLA_INFO = attributes({ KIND: [1, bareString], DATA: [2, octets] });
 *     const IFLA = attributes({ IFNAME: [3, string], MTU: [4, u32], LINKINFO: [18, nested(IFLA_INFO)] });
 *     encodeAttributes(IFLA, { IFNAME: "veth0", LINKINFO: { KIND: "veth" } })
 */
import { NLA_F_NESTED, NLA_TYPE_MASK, nlattr } from "./abi-netlink.ts";
import { formatIp, parseIp } from "./ip.ts";

const align = (octets: number) => (octets + 3) & ~3;
const viewOf = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset, octets.byteLength);

// ── Values of attributes ─────────────────────────────────────────────────────────────────────────────────

/** How one attribute's value is read and written; the header is not its business. */
export interface AttributeValue<T> {
  /** @returns `undefined` for octets that are no such value (too short). */
  read(payload: Uint8Array): T | undefined;
  write(value: T): Uint8Array;
  /** The attribute's type carries NLA_F_NESTED. */
  readonly nested?: boolean;
  /** The table of what is inside, for naming what the kernel objects to. */
  readonly table?: AttributeTable;
}

function integer(size: 1 | 2 | 4, signed: boolean, littleEndian: boolean): AttributeValue<number> {
  return {
    read(payload) {
      if (payload.length < size) return undefined;
      const view = viewOf(payload);
      if (size === 1) return signed ? view.getInt8(0) : view.getUint8(0);
      if (size === 2) return signed ? view.getInt16(0, littleEndian) : view.getUint16(0, littleEndian);
      return signed ? view.getInt32(0, littleEndian) : view.getUint32(0, littleEndian);
    },
    write(value) {
      const least = signed ? -(2 ** (8 * size - 1)) : 0;
      const most = least + 2 ** (8 * size) - 1;
      if (!Number.isInteger(value) || value < least || value > most) {
        throw new RangeError(
          `${value} does not fit into a netlink integer of ${size} octets (${least} to ${most})`,
        );
      }
      const octets = new Uint8Array(size);
      const view = viewOf(octets);
      if (size === 1) view.setUint8(0, value);
      else if (size === 2) view.setUint16(0, value, littleEndian);
      else view.setUint32(0, value, littleEndian);
      return octets;
    },
  };
}

/** 8 bits. */
export const u8 = integer(1, false, true);
/** 16 bits in host byte order, which on these machines is little-endian. */
export const u16 = integer(2, false, true);
/** 32 bits in host byte order. */
export const u32 = integer(4, false, true);
/** 32 bits with a sign, in host byte order. */
export const s32 = integer(4, true, true);
/** 16 bits in network byte order. */
export const be16 = integer(2, false, false);
/** 32 bits in network byte order. */
export const be32 = integer(4, false, false);

/** 64 bits as a number: exact to 2^53, which counters of octets take centuries to reach. */
export const u64: AttributeValue<number> = {
  read: (payload) => (payload.length < 8 ? undefined : Number(viewOf(payload).getBigUint64(0, true))),
  write(value) {
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`${value} is no unsigned integer`);
    const octets = new Uint8Array(8);
    viewOf(octets).setBigUint64(0, BigInt(value), true);
    return octets;
  },
};

/** Text that ends with NUL (NLA_NUL_STRING); read also without. */
export const string: AttributeValue<string> = {
  read(payload) {
    const end = payload.indexOf(0);
    return new TextDecoder().decode(end < 0 ? payload : payload.subarray(0, end));
  },
  write: (value) => new TextEncoder().encode(`${value}\0`),
};

/** Text without an end (NLA_STRING), as iproute2 writes the kinds of interfaces; read up to a NUL as well. */
export const bareString: AttributeValue<string> = {
  read: string.read,
  write: (value) => new TextEncoder().encode(value),
};

/** Octets as they are; read as a copy. */
export const octets: AttributeValue<Uint8Array> = {
  read: (payload) => payload.slice(),
  write: (value) => value,
};

/** An attribute whose presence is its value (NLA_FLAG); `false` is not written. */
export const flag: AttributeValue<boolean> = { read: () => true, write: () => new Uint8Array(0) };

/** An IPv4 or IPv6 address as text, by its length. */
export const ip: AttributeValue<string> = {
  read: (payload) => (payload.length === 4 || payload.length === 16 ? formatIp(payload) : undefined),
  write: (value) => parseIp(value).octets,
};

/** A link-layer address: `02:00:00:00:00:01`. */
export const linkAddress: AttributeValue<string> = {
  read: (payload) => Array.from(payload, (octet) => octet.toString(16).padStart(2, "0")).join(":"),
  write(value) {
    if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2})*$/i.test(value)) {
      throw new TypeError(`"${value}" is no link-layer address: expected such as 02:00:00:00:00:01`);
    }
    return Uint8Array.from(value.split(":"), (part) => Number.parseInt(part, 16));
  },
};

/**
 * Attributes inside an attribute.
 * @param options - `flagged: false` leaves NLA_F_NESTED out, as old families do (nla_nest_start_noflag).
 */
export function nested<T extends AttributeTable>(
  table: T,
  { flagged = true }: { flagged?: boolean } = {},
): AttributeValue<AttributeValues<T>> {
  return {
    read: (payload) => decodeAttributes(table, payload),
    write: (value) => encodeAttributes(table, value),
    nested: flagged,
    table,
  };
}

/** A list: attributes of types 1, 2, 3 … of one shape each. */
export function listOf<T>(element: AttributeValue<T>): AttributeValue<T[]> {
  return {
    read: (payload) =>
      splitAttributes(payload).flatMap(({ payload: one }) => {
        const value = element.read(one);
        return value === undefined ? [] : [value];
      }),
    write: (values) =>
      concat(values.map((value, i) => attribute(i + 1, element.write(value), element.nested))),
    nested: true,
  };
}

// ── Tables of attributes ─────────────────────────────────────────────────────────────────────────────────

/** Attributes of a family by the names that its header gives them (without their prefix): number and value. */
// biome-ignore lint/suspicious/noExplicitAny: a table's values differ in type, and both directions use them.
export type AttributeTable = { readonly [name: string]: readonly [type: number, value: AttributeValue<any>] };

/** The values of a table's attributes; every one may be missing. */
export type AttributeValues<T extends AttributeTable> = {
  -readonly [K in keyof T]?: T[K][1] extends AttributeValue<infer V> ? V | undefined : never;
};

/** Declares a table; the same object, with its literal types kept. */
export function attributes<const T extends AttributeTable>(table: T): T {
  return table;
}

/** One attribute as it stands in a message. */
export interface RawAttribute {
  readonly type: number;
  /** Octets from the start of the area to the attribute's header. */
  readonly offset: number;
  /** A view. */
  readonly payload: Uint8Array;
}

/** Takes an area of attributes apart; what is cut off or has an impossible length ends it. */
export function splitAttributes(area: Uint8Array): RawAttribute[] {
  const view = viewOf(area);
  const found: RawAttribute[] = [];
  for (let at = 0; at + nlattr.size <= area.length; ) {
    const length = view.getUint16(at + nlattr.nla_len, true);
    if (length < nlattr.size || at + length > area.length) break;
    const type = view.getUint16(at + nlattr.nla_type, true) & NLA_TYPE_MASK;
    found.push({ type, offset: at, payload: area.subarray(at + nlattr.size, at + length) });
    at += align(length);
  }
  return found;
}

const numbered = new WeakMap<AttributeTable, Map<number, string>>();

/** Names of a table's attributes by number. */
export function namesOf(table: AttributeTable): Map<number, string> {
  let names = numbered.get(table);
  if (names === undefined) {
    names = new Map(Object.entries(table).map(([name, [type]]) => [type, name]));
    numbered.set(table, names);
  }
  return names;
}

/** Reads an area of attributes; unknown ones and those too short for their type are passed over, the last one of a type counts. */
export function decodeAttributes<T extends AttributeTable>(table: T, area: Uint8Array): AttributeValues<T> {
  const names = namesOf(table);
  const values: Record<string, unknown> = {};
  for (const { type, payload } of splitAttributes(area)) {
    const name = names.get(type);
    const value = name === undefined ? undefined : table[name]?.[1].read(payload);
    if (name !== undefined && value !== undefined) values[name] = value;
  }
  return values as AttributeValues<T>;
}

/**
 * Writes attributes in the order of the object's members; `undefined` and a `false` flag are left out.
 * @throws RangeError, TypeError for a value that does not fit its type.
 */
export function encodeAttributes<T extends AttributeTable>(table: T, values: AttributeValues<T>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(values)) {
    const row = table[name];
    if (row === undefined) throw new TypeError(`netlink: no attribute ${name} in this table`);
    const [type, kind] = row;
    if (value === undefined || (kind === flag && value === false)) continue;
    parts.push(attribute(type, kind.write(value), kind.nested));
  }
  return concat(parts);
}

function attribute(type: number, payload: Uint8Array, isNested = false): Uint8Array {
  const length = nlattr.size + payload.length;
  if (length > 0xffff)
    throw new RangeError(`netlink: attribute ${type} of ${length} octets: at most 65535 fit`);
  const octets = new Uint8Array(align(length));
  const view = viewOf(octets);
  view.setUint16(nlattr.nla_len, length, true);
  view.setUint16(nlattr.nla_type, isNested ? type | NLA_F_NESTED : type, true);
  octets.set(payload, nlattr.size);
  return octets;
}

/** Joins octets. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

// ── Fixed headers ────────────────────────────────────────────────────────────────────────────────────────

/** A family's fixed header: offsets as in `abi-netlink.ts`, and the members' types. */
export interface HeaderTable {
  readonly size: number;
  readonly members: {
    readonly [name: string]: readonly [offset: number, type: "u8" | "u16" | "u32" | "s32"];
  };
}

/** The values of a fixed header. */
export type HeaderValues<T extends HeaderTable> = { -readonly [K in keyof T["members"]]: number };

/** Writes a fixed header; members left out are 0. */
export function encodeHeader<T extends HeaderTable>(table: T, values: Partial<HeaderValues<T>>): Uint8Array {
  const header = new Uint8Array(table.size);
  const view = viewOf(header);
  for (const [name, value] of Object.entries(values) as [string, number | undefined][]) {
    const member = table.members[name];
    if (member === undefined) throw new TypeError(`netlink: no member ${name} in this header`);
    const [offset, type] = member;
    if (type === "u8") view.setUint8(offset, value ?? 0);
    else if (type === "u16") view.setUint16(offset, value ?? 0, true);
    else view.setUint32(offset, value ?? 0, true);
  }
  return header;
}

/** Reads a fixed header, or `undefined` when the message is too short. */
export function decodeHeader<T extends HeaderTable>(
  table: T,
  payload: Uint8Array,
): HeaderValues<T> | undefined {
  if (payload.length < table.size) return undefined;
  const view = viewOf(payload);
  const values: Record<string, number> = {};
  for (const [name, [offset, type]] of Object.entries(table.members)) {
    values[name] =
      type === "u8"
        ? view.getUint8(offset)
        : type === "u16"
          ? view.getUint16(offset, true)
          : type === "u32"
            ? view.getUint32(offset, true)
            : view.getInt32(offset, true);
  }
  return values as HeaderValues<T>;
}
