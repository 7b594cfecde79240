/**
 * The netlink codec (`Documentation/userspace-api/netlink/`): messages, requests as data, and acknowledgements with the
 * kernel's own words (extended acks). Pure: octets in, values out. Attributes are in `netlink-attributes.ts`,
 * sockets in `netlink-socket.ts`.
 */
import {
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
import {
  type AttributeTable,
  attributes,
  decodeAttributes,
  namesOf,
  type RawAttribute,
  splitAttributes,
  string,
  u32,
} from "./netlink-attributes.ts";

export {
  type AttributeTable,
  type AttributeValue,
  type AttributeValues,
  attributes,
  bareString,
  be16,
  be32,
  concat,
  decodeAttributes,
  decodeHeader,
  encodeAttributes,
  encodeHeader,
  flag,
  type HeaderTable,
  type HeaderValues,
  ip,
  linkAddress,
  listOf,
  nested,
  octets,
  type RawAttribute,
  s32,
  splitAttributes,
  string,
  u8,
  u16,
  u32,
  u64,
} from "./netlink-attributes.ts";

const align = (octets: number) => (octets + 3) & ~3;
const viewOf = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset, octets.byteLength);

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

/** Octets as words in the machine's order, which is the kernel's; copied where they do not lie as words do. */
export function wordsOf(octets: Uint8Array): Int32Array {
  const whole = octets.byteOffset % 4 === 0 && octets.length % 4 === 0;
  const { buffer, byteOffset, length } = whole ? octets : padded(octets);
  return new Int32Array(buffer, byteOffset, length / 4);
}

function padded(octets: Uint8Array): Uint8Array {
  const copy = new Uint8Array(align(octets.length));
  copy.set(octets);
  return copy;
}

/**
 * Goes through the messages of a datagram without an object for each: {@link next} moves it to the following one. A dump of
 * ten thousand objects is read where it lies.
 */
export class NetlinkCursor implements NetlinkMessage {
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  #words: Int32Array | undefined;
  #end: number;
  #next = 0;
  type = 0;
  flags = 0;
  sequence = 0;
  portId = 0;
  /** Where in the datagram the payload begins and ends. */
  from = 0;
  to = 0;

  /** @param buffer - that holds a datagram, or will: see {@link begin}. */
  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
    this.#end = buffer.length;
  }

  /** Another datagram, of so many octets, is in the buffer. */
  begin(octets: number): this {
    this.#end = octets;
    this.#next = 0;
    return this;
  }

  /** @returns whether there is another message; what is cut off at the datagram's end is none. */
  next(): boolean {
    const view = this.#view;
    const at = this.#next;
    if (at + nlmsghdr.size > this.#end) return false;
    const length = view.getUint32(at + nlmsghdr.nlmsg_len, true);
    if (length < nlmsghdr.size || at + length > this.#end) return false;
    this.type = view.getUint16(at + nlmsghdr.nlmsg_type, true);
    this.flags = view.getUint16(at + nlmsghdr.nlmsg_flags, true);
    this.sequence = view.getUint32(at + nlmsghdr.nlmsg_seq, true);
    this.portId = view.getUint32(at + nlmsghdr.nlmsg_pid, true);
    this.from = at + nlmsghdr.size;
    this.to = at + length;
    this.#next = at + align(length);
    return true;
  }

  /** The buffer in words, as the kernel aligns everything in it to 4 octets: the quickest way to read many attributes. */
  get words(): Int32Array {
    this.#words ??= wordsOf(this.#buffer);
    return this.#words;
  }

  /** A view of the buffer. */
  get payload(): Uint8Array {
    return this.#buffer.subarray(this.from, this.to);
  }

  /** The message by itself, with a copy of its payload: to be kept. */
  message(): NetlinkMessage {
    const { type, flags, sequence, portId, from, to } = this;
    return { type, flags, sequence, portId, payload: this.#buffer.slice(from, to) };
  }
}

/** Takes a received datagram apart; what is cut off at its end is left out. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const cursor = new NetlinkCursor(datagram);
  const messages: NetlinkMessage[] = [];
  while (cursor.next()) messages.push(cursor.message());
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

/** The type of the message that an NLMSG_ERROR is about: the kernel sends its header back. */
export function acknowledgedType({ payload }: NetlinkMessage): number | undefined {
  if (payload.length < nlmsgerr.size) return undefined;
  return viewOf(payload).getUint16(nlmsgerr.msg + nlmsghdr.nlmsg_type, true);
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
  /**
   * Takes each message of the answer when it comes, so that a dump of many thousand need not lie in memory; `decode`
   * then gets none. Called again for messages that it has had when the dump has to be asked for again. The message and its
   * payload are there for the call only.
   */
  readonly each?: (message: NetlinkMessage) => void;
  /**
   * Of a transaction: what is sent in front of this message and behind it, in one datagram and with its sequence number.
   * Only this message asks for an acknowledgement; the first of the parts that is refused is named in the error.
   */
  readonly around?: { readonly before: readonly NetlinkPart[]; readonly after: readonly NetlinkPart[] };
  /** A refusal that is an answer: this error number stands for this value, and nothing is thrown. */
  readonly absent?: { readonly errno: number; readonly value: T };
}

/** One message of a transaction: see {@link NetlinkRequest.around}. */
export type NetlinkPart = Pick<
  NetlinkRequest<unknown>,
  "name" | "type" | "flags" | "payload" | "table" | "headerOctets"
>;
