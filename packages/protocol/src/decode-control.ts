/**
 * Decoding of control messages: RFC 2661 §4.1, §4.3, §4.4 and §7.1, RFC 3931 §4.3, §5 and §7.1. Every rule that a
 * message can be checked against by itself is checked here; what depends on the state of a tunnel is not.
 */
import {
  ALLOWED,
  type CompiledAvp,
  type CompiledMessage,
  compiled,
  ENVELOPE,
  REQUIRED,
  UNLISTED,
  vendorAvp,
} from "./compile.ts";
import { AVP_FLAG, AVP_HEADER, TYPE } from "./constants.ts";
import { ControlDatagram, type ControlHeader, type DigestCheck } from "./datagram.ts";
import type { DecodeOptions } from "./decode-options.ts";
import { checkDigest } from "./digest.ts";
import { KIND } from "./field.ts";
import type { HeaderCursor } from "./header.ts";
import type { Members } from "./members.ts";
import type { AnyMessage } from "./messages.ts";
import { NO_OCTETS, u16At, u32At } from "./octets.ts";
import type { ExtraAvp } from "./raw-avp.ts";
import { type Answer, type Parsed, type Rejection, type RejectionReason, reject } from "./rejection.ts";
import { revealValue, SharedSecret } from "./secret.ts";

/** A well-formed message has far fewer; one with more costs work out of proportion. */
const MAXIMUM_AVPS = 128;

/** When an AVP was last seen: `seen[index] === round` says it was in this message. */
const seen = new Uint32Array(256);
let round = 0;

/** What is wrong with the message, as found first; the rest is still read for {@link Rejection.partial}. */
interface Fault {
  reason: RejectionReason;
  offset: number;
  text: string;
  vendor: number;
  type: number;
  /** General Error Code for the answer: 2 length, 3 value, 8 unknown AVP. */
  error: number;
}

/** The first fault of the message at hand. Not a local: a closure over it would cost every good message. */
let fault: Fault | undefined;

function blame(
  reason: RejectionReason,
  offset: number,
  text: string,
  vendor: number,
  type: number,
  error: number,
): void {
  fault ??= { reason, offset, text, vendor, type, error };
}

const avpLabel = (avp: CompiledAvp): string => `${avp.row.name} (AVP ${avp.vendor}/${avp.type})`;

/**
 * The control message whose header `cursor` has just read. One pass over the AVPs checks and reads them; after a
 * fault it goes on, for what the answer has to name.
 */
export function decodeControl(
  cursor: HeaderCursor,
  datagram: Uint8Array,
  header: ControlHeader,
  options: DecodeOptions,
): Parsed<ControlDatagram> {
  const { version } = header;
  const from = cursor.bodyStart;
  const end = cursor.bodyEnd;
  const trailing = cursor.trailing;
  const start = cursor.messageStart;

  let digest: DigestCheck = "absent";
  if (version === 3 && options.secret !== undefined && options.authentication !== false) {
    const secret = SharedSecret.from(options.secret);
    const outcome = checkDigest(datagram, start, from, end, secret, options.nonces);
    const required = options.authentication ?? !secret.isEmpty;
    if (outcome.wrong || (required && outcome.count === 0)) {
      return reject({
        reason: outcome.wrong ? "bad-digest" : "missing-digest",
        offset: outcome.offset,
        text: outcome.wrong ?? "no Message Digest, and this control connection authenticates its messages",
        avp: { vendor: 0, type: TYPE.messageDigest },
        answer: "ignore",
        header,
      });
    }
    if (outcome.count > 0) digest = "verified";
  }

  if (from === end) {
    return {
      ok: true,
      value: new ControlDatagram(
        header,
        version === 2 ? ZLB_V2 : ZLB_V3,
        digest,
        trailing,
        datagram,
        from,
        end,
      ),
    };
  }

  // The Message Type AVP: first, 8 octets, neither hidden nor (in v2) with reserved bits.
  const avpEnd = firstAvpEnd(datagram, from, end);
  const word = avpEnd < 0 ? 0 : u16At(datagram, from);
  if (
    avpEnd !== from + 8 ||
    (word & AVP_FLAG.hidden) !== 0 ||
    (version === 2 && (word & AVP_FLAG.reserved) !== 0) ||
    u16At(datagram, from + 4) !== TYPE.messageType
  ) {
    return reject({
      reason: avpEnd < 0 ? "bad-avp-length" : "no-message-type",
      offset: from,
      text:
        avpEnd < 0
          ? "the first AVP's Length is below 6 or runs past the end of the message"
          : "the first AVP is not a readable Message Type",
      answer: {
        send: "StopCCN",
        result: 2,
        error: avpEnd < 0 ? 2 : 3,
        text: "the first AVP is not a Message Type",
      },
      header,
    });
  }
  const tables = compiled(version);
  const typeValue = u16At(datagram, from + 6);
  const typeVendor = u16At(datagram, from + 2);
  const message = typeVendor === 0 ? tables.messages[typeValue] : undefined;
  if (message === undefined) {
    const text =
      typeVendor === 0
        ? `unknown Message Type ${typeValue}`
        : `unknown Message Type ${typeValue} of vendor ${typeVendor}`;
    return reject({
      reason: "unknown-message-type",
      offset: from,
      text,
      avp: { vendor: typeVendor, type: TYPE.messageType },
      answer:
        (word & AVP_FLAG.mandatory) !== 0 ? { send: "StopCCN", result: 2, error: 8, text } : "acknowledge",
      header,
      ...(typeVendor === 0 && { messageType: typeValue }),
    });
  }

  round = (round + 1) >>> 0;
  if (round === 0) {
    seen.fill(0);
    round = 1;
  }
  const values: Members = { version, type: message.name };
  const { ietf, status } = message;
  const quirks = options.quirks;
  const most = options.maximumAvps ?? MAXIMUM_AVPS;
  let missing = message.required.length;
  let count = 1;
  let vector = -1;
  let vectorEnd = -1;
  let extras: ExtraAvp[] | undefined;
  fault = undefined;

  let at = avpEnd;
  while (at < end) {
    const flags = end - at < AVP_HEADER ? 0 : u16At(datagram, at);
    const length = flags & AVP_FLAG.length;
    if (length < AVP_HEADER || length > end - at) {
      // The frame is lost: what follows cannot be told apart, and the M bit cannot be trusted.
      blame(
        "bad-avp-length",
        at,
        end - at < AVP_HEADER
          ? `${end - at} octets left over, too few for an AVP`
          : `AVP Length ${length} is ${length < AVP_HEADER ? "below 6" : `more than the ${end - at} octets left`}`,
        end - at < AVP_HEADER ? 0 : u16At(datagram, at + 2),
        end - at < AVP_HEADER ? 0 : u16At(datagram, at + 4),
        2,
      );
      break;
    }
    const vendor = u16At(datagram, at + 2);
    const type = u16At(datagram, at + 4);
    const avp = vendor === 0 ? ietf[type] : vendorAvp(version, vendor, type);
    const next = at + length;
    const mandatory = flags >= AVP_FLAG.mandatory;
    let listed = avp === undefined ? UNLISTED : (status[avp.index] as number);
    if (avp === undefined || !avp.repeatable) count += 1;
    if (count > most) {
      blame("too-many-avps", at, `more than ${most} AVPs`, vendor, type, 4);
      break;
    }

    // RFC 2661 §4.1: an AVP with reserved bits set is an unrecognized one. RFC 3931 §5.1: they are ignored.
    if (avp === undefined || ((flags & AVP_FLAG.reserved) !== 0 && version === 2)) {
      const ofOther =
        avp === undefined &&
        version === 3 &&
        message.type === 1 &&
        vendor === 0 &&
        compiled(2).ietf[type] !== undefined;
      // RFC 3931 §4.7.3: an SCCRQ for both versions has AVPs of v2, whatever their M bits say.
      if (mandatory && !ofOther && quirks?.tolerateUnknownMandatory !== true) {
        blame(
          "unknown-mandatory-avp",
          at,
          avp === undefined
            ? `unknown AVP ${vendor}/${type} with the M bit`
            : `${avpLabel(avp)} with reserved bits set is an unknown one, with the M bit`,
          vendor,
          type,
          8,
        );
      }
      extras ??= [];
      extras.push(extra(datagram, flags, vendor, type, at + AVP_HEADER, next));
      at = next;
      continue;
    }

    let octets = datagram;
    let valueAt = at + AVP_HEADER;
    let valueEnd = next;
    let reason: RejectionReason | undefined;
    let why = "";
    let error = 2;
    if ((flags & AVP_FLAG.hidden) !== 0) {
      const opened =
        listed === ENVELOPE
          ? "bad-hidden-avp"
          : options.secret === undefined
            ? "hidden-without-secret"
            : vector < 0
              ? "hidden-without-random-vector"
              : (revealValue(
                  type,
                  SharedSecret.from(options.secret).hidingKey(version),
                  datagram.subarray(vector, vectorEnd),
                  datagram.subarray(valueAt, valueEnd),
                )?.value ?? "bad-hidden-avp");
      if (typeof opened === "string") {
        reason = opened;
        error = 3;
        why =
          opened === "hidden-without-secret"
            ? "is hidden, and no secret is configured"
            : opened === "hidden-without-random-vector"
              ? "is hidden, with no Random Vector before it"
              : listed === ENVELOPE
                ? "is hidden and must not be"
                : "is hidden, and the secret does not open it";
      } else {
        octets = opened;
        valueAt = 0;
        valueEnd = opened.length;
      }
    }

    let value: unknown;
    if (reason === undefined) {
      const size = valueEnd - valueAt;
      if (
        (size < avp.min || size > avp.max || (avp.fits !== undefined && !avp.fits(size))) &&
        !(avp.field.tolerated?.includes(size) ?? false) &&
        !(size === 0 && quirks?.emptyCookie === true && avp.name === "assignedCookie")
      ) {
        reason = "bad-value-length";
        why = `has a value of ${size} octets`;
      } else {
        switch (avp.kind) {
          case KIND.u16:
            value = u16At(octets, valueAt);
            break;
          case KIND.u32:
            value = u32At(octets, valueAt);
            break;
          case KIND.octets:
            value = octets.subarray(valueAt, valueEnd);
            break;
          default:
            value = avp.field.read(octets, valueAt, valueEnd);
        }
        if (
          avp.least !== 0 &&
          (value as number) < avp.least &&
          !(quirks?.zeroReceiveWindow === true && avp.name === "receiveWindowSize")
        ) {
          reason = "bad-value";
          why = `is ${value as number}, at least ${avp.least} is allowed`;
          error = 3;
        }
      }
    }

    if (reason === undefined && (listed === ALLOWED || listed === REQUIRED)) {
      if (avp.repeatable) {
        const items = values[avp.name] as unknown[] | undefined;
        if (items === undefined) values[avp.name] = [value];
        else items.push(value);
        if (listed === REQUIRED && seen[avp.index] !== round) missing -= 1;
        seen[avp.index] = round;
      } else if (seen[avp.index] === round) {
        reason = "duplicate-avp";
        why = "is there twice";
        error = 3;
      } else {
        seen[avp.index] = round;
        avp.store(values, value);
        if (listed === REQUIRED) missing -= 1;
      }
    } else if (reason === undefined && listed === ENVELOPE) {
      if (type === TYPE.randomVector) {
        vector = at + AVP_HEADER;
        vectorEnd = next;
      } else if (type === TYPE.messageDigest) {
        if (digest === "absent") digest = "unchecked";
      } else {
        reason = "duplicate-avp";
        why = "is there twice";
        error = 3;
      }
    }

    if (reason !== undefined) {
      // RFC 3931 §7.1, RFC 2661 §7.1: a malformed AVP is an unrecognized one: its M bit decides.
      if (mandatory || avp.critical) blame(reason, at, `${avpLabel(avp)} ${why}`, vendor, type, error);
      listed = UNLISTED;
    }
    if (listed === UNLISTED) {
      extras ??= [];
      extras.push(
        octets === datagram
          ? extra(datagram, flags, vendor, type, valueAt, valueEnd)
          : { vendor, type, mandatory, value: octets },
      );
    }
    at = next;
  }

  if (missing > 0 && fault === undefined && quirks?.tolerateMissing !== true) {
    const absent = message.required.find((avp) => seen[avp.index] !== round) as CompiledAvp;
    blame("missing-avp", end, `${message.name} without ${avpLabel(absent)}`, absent.vendor, absent.type, 3);
  }
  if (fault !== undefined) return rejectMessage(message, header, fault, values);
  if (extras !== undefined) values.extras = extras;
  const wrong = message.type <= 2 && version === 2 ? protocolVersionFault(values, from) : undefined;
  if (wrong) return reject({ ...wrong, header, messageType: message.type, partial: values });
  return {
    ok: true,
    value: new ControlDatagram(
      header,
      values as unknown as AnyMessage,
      digest,
      trailing,
      datagram,
      from,
      end,
    ),
  };
}

const ZLB_V2: AnyMessage = Object.freeze({ version: 2, type: "ZLB" });
const ZLB_V3: AnyMessage = Object.freeze({ version: 3, type: "ZLB" });

/** Where the AVP at `at` ends, or -1 when its Length does not hold. */
function firstAvpEnd(octets: Uint8Array, at: number, end: number): number {
  if (end - at < AVP_HEADER) return -1;
  const length = u16At(octets, at) & AVP_FLAG.length;
  return length < AVP_HEADER || length > end - at ? -1 : at + length;
}

function extra(
  octets: Uint8Array,
  flags: number,
  vendor: number,
  type: number,
  at: number,
  end: number,
): ExtraAvp {
  const reservedBits = (flags & AVP_FLAG.reserved) >> 10;
  return {
    vendor,
    type,
    mandatory: (flags & AVP_FLAG.mandatory) !== 0,
    ...((flags & AVP_FLAG.hidden) !== 0 && { hidden: true as const }),
    ...(reservedBits !== 0 && { reservedBits }),
    value: at === end ? NO_OCTETS : octets.subarray(at, end),
  };
}

/** StopCCN or CDN, by what the message is about. */
function rejectMessage(
  message: CompiledMessage,
  header: ControlHeader,
  fault: Fault,
  partial: Members,
): { readonly ok: false; readonly rejection: Rejection } {
  const answer: Answer = {
    send: message.level === "session" ? "CDN" : "StopCCN",
    result: 2,
    error: fault.error,
    text: fault.text,
  };
  return reject({
    reason: fault.reason,
    offset: fault.offset,
    text: fault.text,
    avp: { vendor: fault.vendor, type: fault.type },
    answer,
    header,
    messageType: message.type,
    partial,
  });
}

/** RFC 2661 §4.4.3: Protocol Version 1; the revision is not looked at. StopCCN 5 says what we can do. */
function protocolVersionFault(values: Members, offset: number): Omit<Rejection, "header"> | undefined {
  const stated = values.protocolVersion as { version: number; revision: number } | undefined;
  if (stated === undefined || stated.version === 1) return undefined;
  const text = `Protocol Version ${stated.version}.${stated.revision} is not supported, 1.0 is`;
  return {
    reason: "bad-value",
    offset,
    text,
    avp: { vendor: 0, type: 2 },
    answer: { send: "StopCCN", result: 5, error: 0x0100, text },
  };
}
