/**
 * The netlink codec (`Documentation/userspace-api/netlink/`): messages, attributes declared as tables, acknowledgements with
 * the kernel's own words (extended acks). Pure: octets in, values out. Sockets are in `netlink-socket.ts`.
 *
 * A family is a table of its attributes; types, encoder and decoder follow from it:
 *
 *     const IFLA_INFO = attributes({ KIND: [1, string], DATA: [2, octets] });
 *     const IFLA = attributes({ IFNAME: [3, string], MTU: [4, u32], LINKINFO: [18, nested(IFLA_INFO)] });
 *     encodeAttributes(IFLA, { IFNAME: "veth0", LINKINFO: { KIND: "veth" } })
 */
import {
  NLA_F_NESTED,
  NLA_TYPE_MASK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSGERR_ATTR_MISS_NEST,
  NLMSGERR_ATTR_MISS_TYPE,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
  nlattr,
  nlmsgerr,
  nlmsghdr,
} from "./abi-netlink.ts";
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

/** Integers in host byte order, which on these machines is little-endian. */
export const u8 = integer(1, false, true);
export const u16 = integer(2, false, true);
export const u32 = integer(4, false, true);
export const s32 = integer(4, true, true);
/** Integers in network byte order. */
export const be16 = integer(2, false, false);
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

function namesOf(table: AttributeTable): Map<number, string> {
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

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────

/** One netlink message (`struct nlmsghdr` and what follows it). */
export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_* */
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  /** What follows the header: a view when decoded. */
  readonly payload: Uint8Array;
}

/** A message with its header, padded to 4 octets. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const length = nlmsghdr.size + message.payload.length;
  const encoded = new Uint8Array(align(length));
  const view = viewOf(encoded);
  view.setUint32(nlmsghdr.nlmsg_len, length, true);
  view.setUint16(nlmsghdr.nlmsg_type, message.type, true);
  view.setUint16(nlmsghdr.nlmsg_flags, message.flags, true);
  view.setUint32(nlmsghdr.nlmsg_seq, message.sequence, true);
  view.setUint32(nlmsghdr.nlmsg_pid, message.portId, true);
  encoded.set(message.payload, nlmsghdr.size);
  return encoded;
}

/** Takes a received datagram apart; what is cut off at its end is left out. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = viewOf(datagram);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + nlmsghdr.size <= datagram.length; ) {
    const length = view.getUint32(at + nlmsghdr.nlmsg_len, true);
    if (length < nlmsghdr.size || at + length > datagram.length) break;
    messages.push({
      type: view.getUint16(at + nlmsghdr.nlmsg_type, true),
      flags: view.getUint16(at + nlmsghdr.nlmsg_flags, true),
      sequence: view.getUint32(at + nlmsghdr.nlmsg_seq, true),
      portId: view.getUint32(at + nlmsghdr.nlmsg_pid, true),
      payload: datagram.subarray(at + nlmsghdr.size, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** What NLMSG_ERROR says, or NLMSG_DONE of a dump that failed. */
export interface Acknowledgement {
  /** 0 for success, else the positive error number. */
  readonly errno: number;
  /** The kernel's own words. */
  readonly text?: string;
  /** The attribute it objects to: octets from the start of the request's `nlmsghdr`. */
  readonly offset?: number;
  /** The type of an attribute that it misses. */
  readonly missingType?: number;
  /** Where the nest is that should contain it, as `offset`; left out for the top level. */
  readonly missingNest?: number;
}

const EXTENDED_ACK = attributes({
  MSG: [NLMSGERR_ATTR_MSG, string],
  OFFS: [NLMSGERR_ATTR_OFFS, u32],
  MISS_TYPE: [NLMSGERR_ATTR_MISS_TYPE, u32],
  MISS_NEST: [NLMSGERR_ATTR_MISS_NEST, u32],
});

/** Reads the payload of NLMSG_ERROR (`struct nlmsgerr`, then attributes when NLM_F_ACK_TLVS is set). */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload, flags } = message;
  if (payload.length < 4) return { errno: 0 };
  const view = viewOf(payload);
  const errno = 0 - view.getInt32(nlmsgerr.error, true);
  if ((flags & NLM_F_ACK_TLVS) === 0 || payload.length < nlmsgerr.size) return { errno };
  // The whole request stands there unless it was capped to its header.
  const request = (flags & NLM_F_CAPPED) !== 0 ? nlmsghdr.size : view.getUint32(nlmsgerr.msg, true);
  return { errno, ...extended(payload.subarray(nlmsgerr.msg + align(request))) };
}

/** Reads the payload of NLMSG_DONE: an error number, then attributes when NLM_F_ACK_TLVS is set. */
export function decodeDone({ payload, flags }: NetlinkMessage): Acknowledgement {
  if (payload.length < 4) return { errno: 0 };
  // Positive values stand for something else (a dump's length in old kernels).
  const errno = Math.max(0, 0 - viewOf(payload).getInt32(0, true));
  return (flags & NLM_F_ACK_TLVS) === 0 ? { errno } : { errno, ...extended(payload.subarray(4)) };
}

function extended(area: Uint8Array): Omit<Acknowledgement, "errno"> {
  const { MSG, OFFS, MISS_TYPE, MISS_NEST } = decodeAttributes(EXTENDED_ACK, area);
  return {
    ...(MSG === undefined ? {} : { text: MSG }),
    ...(OFFS === undefined ? {} : { offset: OFFS }),
    ...(MISS_TYPE === undefined ? {} : { missingType: MISS_TYPE }),
    ...(MISS_NEST === undefined ? {} : { missingNest: MISS_NEST }),
  };
}

/**
 * The name of the attribute that an extended ack points at, such as `LINKINFO.KIND`.
 *
 * @param payload - of the request: fixed header, then attributes.
 * @param headerOctets - of the family's fixed header.
 * @param offset - from {@link Acknowledgement}: counted from the start of the `nlmsghdr`.
 * @returns `undefined` when it points into no known attribute.
 */
export function nameAt(
  table: AttributeTable,
  payload: Uint8Array,
  headerOctets: number,
  offset: number,
): string | undefined {
  let at = offset - nlmsghdr.size - align(headerOctets);
  let area = payload.subarray(align(headerOctets));
  let inside: AttributeTable | undefined = table;
  const path: string[] = [];
  while (inside !== undefined && at >= 0) {
    const here: number = at;
    const hit: RawAttribute | undefined = splitAttributes(area).find(
      (one) => here >= one.offset && here < one.offset + nlattr.size + one.payload.length,
    );
    if (hit === undefined) break;
    const name: string | undefined = namesOf(inside).get(hit.type);
    path.push(name ?? `attribute ${hit.type}`);
    if (here === hit.offset || name === undefined) break;
    at = here - hit.offset - nlattr.size;
    area = hit.payload;
    inside = inside[name]?.[1].table;
  }
  return path.length === 0 ? undefined : path.join(".");
}

/**
 * A request as data: what is sent, and how the answer becomes a value. A socket runs it, asynchronously or not.
 */
export interface NetlinkRequest<T> {
  /** What a person would call it, for error messages: `RTM_NEWLINK veth0`. */
  readonly name: string;
  readonly type: number;
  /** NLM_F_* beside NLM_F_REQUEST; NLM_F_ACK or NLM_F_DUMP is added by the socket as `kind` says. */
  readonly flags: number;
  /** `ack`: done when acknowledged; `get`: answered by messages and an acknowledgement; `dump`: many, then NLMSG_DONE. */
  readonly kind: "ack" | "get" | "dump";
  /** Fixed header and attributes. */
  readonly payload: Uint8Array;
  /** For naming what the kernel objects to. */
  readonly table?: AttributeTable;
  readonly headerOctets?: number;
  /** From the answer's messages (views into a buffer that is theirs). */
  decode(replies: readonly NetlinkMessage[]): T;
}
