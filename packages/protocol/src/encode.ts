/** Encoding of control and data messages: RFC 2661 §3.1 and §4, RFC 3931 §3.2, §4.1 and §5. */
import { AVP_NAMES, type AvpName } from "./avps.ts";
import { type CompiledAvp, type CompiledMessage, compiled, REQUIRED } from "./compile.ts";
import {
  AVP_FLAG,
  AVP_HEADER,
  CONTROL_HEADER,
  FLAG,
  MAXIMUM_AVP,
  MAXIMUM_MESSAGE,
  TYPE,
} from "./constants.ts";
import { signControl } from "./digest.ts";
import { EncodeError, inRange } from "./errors.ts";
import { KIND } from "./field.ts";
import type { AnyMessage } from "./messages.ts";
import { copyOf, NO_OCTETS, putText, putU16, putU32 } from "./octets.ts";
import { beginDatagram, datagramStart, output, roomAt, takeDatagram } from "./output.ts";
import { type ExtraAvp, type RawAvp, writeAvp } from "./raw-avp.ts";
import {
  DIGEST_LENGTH,
  type DigestType,
  hideValue,
  type Nonces,
  type Secret,
  SharedSecret,
} from "./secret.ts";
import type { Encapsulation } from "./types.ts";

/** What the sender puts into the header of an L2TPv2 control message. */
export interface ControlFieldsV2 {
  /** The receiver's ID of the tunnel, 0 while it is not known. */
  readonly tunnelId: number;
  /** The receiver's ID of the session; default 0. */
  readonly sessionId?: number;
  readonly ns: number;
  readonly nr: number;
}

/** What the sender puts into the header of an L2TPv3 control message. */
export interface ControlFieldsV3 {
  /** The receiver's ID of the control connection, 0 while it is not known. */
  readonly controlConnectionId: number;
  readonly ns: number;
  readonly nr: number;
}

/** The fields of a control header, by the version of the message. */
export type ControlFields<M extends { readonly version: 2 | 3 }> = M["version"] extends 2
  ? ControlFieldsV2
  : M["version"] extends 3
    ? ControlFieldsV3
    : ControlFieldsV2 | ControlFieldsV3;

/** Which AVPs are hidden, and how (RFC 2661 §4.3, RFC 3931 §5.3). */
export interface HideOptions {
  readonly secret: Secret;
  /** Value of the Random Vector AVP, 16 random octets or more; the randomness is the caller's. */
  readonly randomVector: Uint8Array;
  /** Default: every AVP that may be hidden. */
  readonly avps?: readonly AvpName[];
  /** Octets to put behind a value, so that its length is hidden too; default none. */
  readonly padding?: (avp: AvpName, length: number) => Uint8Array;
}

/** Message Digests of an L2TPv3 message (RFC 3931 §5.4.1). */
export interface SignOptions {
  readonly secret: Secret;
  /** Default: HMAC-MD5 only. */
  readonly types?: readonly DigestType[];
  /** Of this message's sender and receiver; not used in an SCCRQ. */
  readonly nonces?: Nonces;
}

/** How a control message is encoded. */
export interface EncodeOptions {
  /** `ip` puts 4 zero octets before the message; L2TPv3 only. Default `udp`. */
  readonly encapsulation?: Encapsulation;
  readonly hide?: HideOptions;
  readonly sign?: SignOptions;
}

/** Octets that precede a message over IP: the zero Session ID (RFC 3931 §4.1.1.2). */
const IP_PREFIX = 4;

/**
 * Encodes a typed control message. AVPs go out in the order of the message's members, so that what was
 * decoded from a message without extras has the same order again.
 *
 * @throws EncodeError naming message and AVP: a required AVP is missing, one is not of this message, or a
 * value does not fit.
 */
export function encodeMessage<M extends AnyMessage>(
  message: M,
  fields: ControlFields<M>,
  options: EncodeOptions = {},
): Uint8Array {
  const { version } = message;
  let at = beginMessage(version, options.encapsulation);
  if (message.type !== "ZLB") {
    current = undefined;
    try {
      at = writeMessage(message, at, options);
    } catch (error) {
      // The field knows what is wrong, not where: `current` does.
      if (current === undefined || !(error instanceof EncodeError)) throw error;
      throw new EncodeError(`${message.type}: ${(current as CompiledAvp).name} ${error.message}`);
    }
  } else if (options.sign) throw new EncodeError("ZLB: has no Message Digest; send an ACK message instead");
  return finish(version, fields as ControlFieldsV2 & ControlFieldsV3, at, options);
}

/** Begins a message. @returns where its first AVP goes. */
function beginMessage(version: 2 | 3, encapsulation: Encapsulation | undefined): number {
  const at = beginDatagram();
  if (encapsulation !== "ip") return at + CONTROL_HEADER;
  if (version === 2) throw new EncodeError("L2TPv2 has no encapsulation in IP; use udp");
  putU32(output.octets, at, 0);
  return at + IP_PREFIX + CONTROL_HEADER;
}

/** Writes the header of the message that ends at `end`. */
function finish(
  version: 2 | 3,
  fields: ControlFieldsV2 & ControlFieldsV3,
  end: number,
  options: EncodeOptions,
): Uint8Array {
  const overIp = options.encapsulation === "ip";
  const at = overIp ? datagramStart() + IP_PREFIX : datagramStart();
  const length = end - at;
  if (length > MAXIMUM_MESSAGE)
    throw new EncodeError(`the message has more than ${MAXIMUM_MESSAGE} octets: ${length}`);
  const octets = output.octets;
  putU16(octets, at, FLAG.T | FLAG.L | FLAG.S | version);
  putU16(octets, at + 2, length);
  if (version === 2) {
    putU16(octets, at + 4, inRange("tunnelId", fields.tunnelId, 0xffff));
    putU16(octets, at + 6, inRange("sessionId", fields.sessionId ?? 0, 0xffff));
  } else putU32(octets, at + 4, inRange("controlConnectionId", fields.controlConnectionId, 0xffff_ffff));
  putU16(octets, at + 8, inRange("ns", fields.ns, 0xffff));
  putU16(octets, at + 10, inRange("nr", fields.nr, 0xffff));
  const datagram = takeDatagram(end);
  if (options.sign) signControl(datagram, overIp ? "ip" : "udp", options.sign.secret, options.sign.nonces);
  return datagram;
}

/** The AVP being written, for the text of an error. */
let current: CompiledAvp | undefined;

function writeMessage(
  message: Exclude<AnyMessage, { type: "ZLB" }>,
  start: number,
  options: EncodeOptions,
): number {
  const table = compiled(message.version).byName.get(message.type);
  if (!table) throw new EncodeError(`there is no message ${message.type} in L2TPv${message.version}`);
  putU16(output.octets, start, (table.mandatory ? AVP_FLAG.mandatory : 0) | 8);
  putU32(output.octets, start + 2, TYPE.messageType);
  putU16(output.octets, start + 6, table.type);
  let at = options.sign ? writeDigests(table, start + 8, options.sign) : start + 8;
  const values = message as unknown as Record<string, unknown>;
  const { recent, status } = table;
  let missing = table.required.length;
  let position = 0;
  let vectorWritten = false;
  for (const name in values) {
    const value = values[name];
    if (value === undefined || name === "version" || name === "type" || name === "extras") continue;
    let avp = recent[position] as CompiledAvp;
    if (avp?.name !== name) {
      avp = table.byName.get(name) as CompiledAvp;
      if (avp === undefined) throw unlisted(table, name);
      recent[position] = avp;
    }
    position += 1;
    if (options.hide && hides(avp, options.hide)) {
      if (!vectorWritten) at = writeVector(table, at, options.hide.randomVector);
      vectorWritten = true;
      at = writeHidden(table, avp, at, value, options.hide);
    } else if (avp.repeatable) {
      if (!Array.isArray(value)) throw wrong(table, avp, "may occur more than once: must be an array");
      for (const one of value) at = writeValue(table, avp, at, one);
      if (value.length === 0) continue;
    } else at = writeValue(table, avp, at, value);
    if (status[avp.index] === REQUIRED) missing -= 1;
  }
  if (missing > 0) throw absent(table, values);
  for (const one of message.extras ?? []) at = writeRaw(at, one);
  return at;
}

/** Writes an AVP as it is. */
function writeRaw(before: number, avp: ExtraAvp | RawAvp): number {
  const at = roomAt(before); // before `output` is looked at: it may be another one then
  return writeAvp(output.octets, at, avp);
}

/** Writes header and value of one AVP. The hot loop of encoding: the plain kinds are written in place. */
function writeValue(table: CompiledMessage, avp: CompiledAvp, before: number, value: unknown): number {
  const at = roomAt(before);
  const numbers = output.view;
  const from = at + AVP_HEADER;
  let end: number;
  if (avp.kind === KIND.u16 && (value as number) >>> 0 === value && (value as number) <= 0xffff) {
    numbers.setUint16(from, value as number);
    end = from + 2;
  } else if (avp.kind === KIND.u32 && (value as number) >>> 0 === value) {
    numbers.setUint32(from, value as number);
    end = from + 4;
  } else if (avp.kind === KIND.text && typeof value === "string") {
    end = putText(output.octets, from, value);
    if (end - from < avp.min || end - from > avp.max) {
      throw wrong(table, avp, `must have ${avp.min} to ${avp.max} octets, has ${end - from}`);
    }
  } else {
    current = avp;
    end = avp.field.write(output.octets, from, value);
    current = undefined;
  }
  if (avp.least !== 0 && (value as number) < avp.least)
    throw wrong(table, avp, `must be at least ${avp.least}`);
  const length = end - at;
  if (length > MAXIMUM_AVP)
    throw wrong(table, avp, `has ${length - AVP_HEADER} octets, at most ${MAXIMUM_AVP - AVP_HEADER} fit`);
  numbers.setUint32(at, avp.head | (length << 16));
  numbers.setUint16(at + 4, avp.type);
  return end;
}

function hides(avp: CompiledAvp, options: HideOptions): boolean {
  if (!options.avps) return avp.hideable;
  if (!options.avps.includes(avp.name)) return false;
  if (avp.hideable) return true;
  throw new EncodeError(`hide: ${avp.row.name} must not be hidden (${avp.row.definitions[0]?.reference})`);
}

function writeVector(table: CompiledMessage, at: number, vector: Uint8Array): number {
  const avp = compiled(table.version).ietf[TYPE.randomVector] as CompiledAvp;
  if (vector.length === 0) throw wrong(table, avp, "needs octets of the caller's randomness, 16 or more");
  return writeValue(table, avp, at, vector);
}

function writeHidden(
  table: CompiledMessage,
  avp: CompiledAvp,
  at: number,
  value: unknown,
  options: HideOptions,
): number {
  const key = SharedSecret.from(options.secret).hidingKey(table.version);
  for (const one of avp.repeatable ? (value as unknown[]) : [value]) {
    at = roomAt(at);
    const end = writeValue(table, avp, at, one);
    const open = copyOf(output.octets, at + AVP_HEADER, end);
    const padding = options.padding?.(avp.name, open.length) ?? NO_OCTETS;
    at = writeAvp(output.octets, at, {
      vendor: avp.vendor,
      type: avp.type,
      mandatory: avp.mandatory,
      hidden: true,
      value: hideValue(avp.type, key, options.randomVector, open, padding),
    });
  }
  return at;
}

function writeDigests(table: CompiledMessage, at: number, { types = [0] }: SignOptions): number {
  if (table.version === 2) throw new EncodeError(`${table.name}: L2TPv2 has no Message Digest`);
  for (const type of types) {
    const size = DIGEST_LENGTH[type];
    if (size === undefined) throw new EncodeError(`sign: there is no digest type ${type}`);
    at = writeRaw(at, {
      vendor: 0,
      type: TYPE.messageDigest,
      mandatory: true,
      value: Uint8Array.of(type, ...new Uint8Array(size)),
    });
  }
  return at;
}

const wrong = (table: CompiledMessage, avp: CompiledAvp, what: string): EncodeError =>
  new EncodeError(`${table.name}: ${avp.name} ${what}`);

function absent(table: CompiledMessage, values: Record<string, unknown>): EncodeError {
  const names = table.required.filter((avp) => values[avp.name] === undefined).map((avp) => avp.name);
  const empty = table.required.filter((avp) => Array.isArray(values[avp.name])).map((avp) => avp.name);
  return new EncodeError(
    `${table.name}: ${[...names, ...empty].join(", ")} missing (L2TPv${table.version} requires it)`,
  );
}

function unlisted(table: CompiledMessage, name: string): EncodeError {
  return new EncodeError(
    (AVP_NAMES as readonly string[]).includes(name)
      ? `${table.name}: ${name} is no AVP of this message in L2TPv${table.version}; put it into extras if it has to be there`
      : `${table.name}: there is no AVP ${name}`,
  );
}

/**
 * Encodes a control message from AVPs as they are: what {@link ControlDatagram.avps} gave becomes the same
 * octets again. Nothing is checked but lengths, so that tests and tools can send what the RFC forbids.
 *
 * @param header - `flags` and `length` of a decoded header are kept; left out they are as they should be.
 * @throws EncodeError when an AVP or the message is too long.
 */
export function encodeAvps(
  header: (({ readonly version: 2 } & ControlFieldsV2) | ({ readonly version: 3 } & ControlFieldsV3)) & {
    readonly flags?: number;
    readonly length?: number;
  },
  avps: readonly (RawAvp | ExtraAvp)[],
  encapsulation: Encapsulation = "udp",
): Uint8Array {
  let at = beginMessage(header.version, encapsulation);
  for (const avp of avps) at = writeRaw(at, avp);
  const fields = header as unknown as ControlFieldsV2 & ControlFieldsV3;
  const datagram = finish(header.version, fields, at, { encapsulation });
  const start = encapsulation === "ip" ? IP_PREFIX : 0;
  if (header.flags !== undefined) putU16(datagram, start, header.flags);
  if (header.length !== undefined) putU16(datagram, start + 2, header.length);
  return datagram;
}

/** A zero-length body acknowledgement: header only; it takes no sequence number (RFC 2661 §5.8, RFC 3931 §4.2). */
export function encodeZlb<V extends 2 | 3>(
  version: V,
  fields: ControlFields<{ version: V }>,
  encapsulation: Encapsulation = "udp",
): Uint8Array {
  const end = beginMessage(version, encapsulation);
  return finish(version, fields as ControlFieldsV2 & ControlFieldsV3, end, { encapsulation });
}

/**
 * Writes other Ns and Nr into an encoded control message, in place: a retransmission carries the newest Nr.
 * A signed message has to be signed again afterwards ({@link signControl}).
 */
export function patchSequence(
  datagram: Uint8Array,
  ns: number,
  nr: number,
  encapsulation: Encapsulation = "udp",
): void {
  const at = encapsulation === "ip" ? 12 : 8;
  putU16(datagram, at, ns);
  putU16(datagram, at + 2, nr);
}
