/** Messages for people and for programs that want text: one line, every AVP on its own, or a JSON value. */
import {
  CDN_RESULTS_V2,
  CDN_RESULTS_V3,
  GENERAL_ERRORS,
  MSEN_RESULTS,
  STOPCCN_RESULTS_V2,
  STOPCCN_RESULTS_V3,
  TDM_ERRORS,
} from "./codes.ts";
import { type CompiledAvp, compiled, knownAvp } from "./compile.ts";
import { TYPE, VENDOR_NAMES } from "./constants.ts";
import type { ControlDatagram, ControlHeader, DataDatagram, Datagram } from "./datagram.ts";
import { messageName } from "./messages.ts";
import { printable, toHex } from "./octets.ts";
import type { RawAvp } from "./raw-avp.ts";
import type { Parsed, Rejection } from "./rejection.ts";
import { revealValue, type Secret, SharedSecret } from "./secret.ts";

/** What a Result Code means in a message: `StopCCN`, `CDN` or `MSEN`. `undefined` for a number nobody registered. */
export function resultText(message: string, version: 2 | 3, resultCode: number): string | undefined {
  if (message === "StopCCN") return (version === 2 ? STOPCCN_RESULTS_V2 : STOPCCN_RESULTS_V3)[resultCode];
  if (message === "CDN") return (version === 2 ? CDN_RESULTS_V2 : CDN_RESULTS_V3)[resultCode];
  return message === "MSEN" ? MSEN_RESULTS[resultCode] : undefined;
}

/** What an Error Code means beside its Result Code. */
export function errorText(message: string, resultCode: number, errorCode: number): string | undefined {
  if (message === "StopCCN" && resultCode === 5)
    return `highest version supported: ${errorCode >> 8}.${errorCode & 0xff}`;
  if (message === "CDN" && resultCode === 30) return TDM_ERRORS[errorCode];
  return GENERAL_ERRORS[errorCode];
}

/** One AVP for people. */
export interface AvpDescription {
  readonly offset: number;
  readonly mandatory: boolean;
  readonly hidden: boolean;
  readonly vendor: number;
  readonly type: number;
  /** The RFC's name, or `AVP vendor/type`. */
  readonly name: string;
  /** The value on one line, without control characters. */
  readonly text: string;
}

/** Every AVP of a message, hidden ones opened where the secret is given and right. */
export function describeAvps(datagram: ControlDatagram, secret?: Secret): AvpDescription[] {
  const { version } = datagram.header;
  let vector: Uint8Array | undefined;
  return datagram.avps.map((avp) => {
    if (avp.vendor === 0 && avp.type === TYPE.randomVector) vector = avp.value;
    const known = avpOf(datagram, avp);
    const opened =
      avp.hidden && secret !== undefined && vector !== undefined
        ? revealValue(avp.type, SharedSecret.from(secret).hidingKey(version), vector, avp.value)?.value
        : undefined;
    const value = avp.hidden ? opened : avp.value;
    return {
      offset: avp.offset,
      mandatory: avp.mandatory,
      hidden: avp.hidden,
      vendor: avp.vendor,
      type: avp.type,
      name: known?.row.name ?? `AVP ${VENDOR_NAMES[avp.vendor] ?? avp.vendor}/${avp.type}`,
      text: value === undefined ? `hidden, ${avp.value.length} octets` : valueText(datagram, known, value),
    };
  });
}

function avpOf(datagram: ControlDatagram, avp: RawAvp): CompiledAvp | undefined {
  const { version } = datagram.header;
  const [first] = datagram.avps;
  const type =
    first && first.value.length === 2 ? ((first.value[0] as number) << 8) | (first.value[1] as number) : -1;
  const message = compiled(version).messages[type];
  return avp.vendor === 0 && message ? message.ietf[avp.type] : knownAvp(version, avp.vendor, avp.type);
}

function valueText(datagram: ControlDatagram, known: CompiledAvp | undefined, value: Uint8Array): string {
  const fits =
    known && value.length >= known.min && value.length <= known.max && (known.fits?.(value.length) ?? true);
  if (!known || !fits) return value.length === 0 ? "(empty)" : toHex(value);
  const read = known.field.read(value, 0, value.length);
  if (known.name === "messageType") return `${read as number} (${messageName(read as number) ?? "unknown"})`;
  const text = known.field.print(read);
  if (known.name !== "resultCode") return text;
  const { resultCode, errorCode } = read as { resultCode: number; errorCode?: number };
  const { type } = datagram.message;
  const meaning = resultText(type, datagram.header.version, resultCode);
  const error = errorCode === undefined ? undefined : errorText(type, resultCode, errorCode);
  return `${text}${meaning ? `: ${meaning}` : ""}${error ? `; ${error}` : ""}`;
}

function controlHeaderText(header: ControlHeader): string {
  const ids =
    header.version === 2
      ? `tunnel ${header.tunnelId} session ${header.sessionId}`
      : `connection ${header.controlConnectionId}`;
  return `L2TPv${header.version} control ${ids} Ns ${header.ns} Nr ${header.nr}`;
}

function dataText({ header, payload }: DataDatagram): string {
  const size = `${payload.length} octets`;
  if (header.version === 2) {
    const order = header.ns === undefined ? "" : ` Ns ${header.ns}`;
    return `L2TPv2 data tunnel ${header.tunnelId} session ${header.sessionId}${order}${header.priority ? " priority" : ""}, ${size}`;
  }
  const cookie = header.cookie.length > 0 ? ` cookie ${toHex(header.cookie)}` : "";
  const order = header.sublayer?.sequenced ? ` sequence ${header.sublayer.sequence}` : "";
  return `L2TPv3 data session ${header.sessionId}${cookie}${order}, ${size}`;
}

/** How {@link formatDatagram} writes. */
export interface FormatOptions {
  /** `line`: everything on one; `full`: the header, then each AVP on a line of its own. Default `line`. */
  readonly style?: "line" | "full";
  /** Shows hidden AVPs open. */
  readonly secret?: Secret;
}

/** A decoded datagram as text. Text of the peer is escaped: no control characters come through. */
export function formatDatagram(datagram: Datagram, { style = "line", secret }: FormatOptions = {}): string {
  if (datagram.kind === "data") return dataText(datagram);
  const head = `${controlHeaderText(datagram.header)} ${datagram.message.type}`;
  const avps = describeAvps(datagram, secret).slice(1);
  if (style === "line") {
    return [head, ...avps.map(({ name, text }) => (text === "" ? name : `${name} ${text}`))].join("; ");
  }
  const lines = avps.map(
    ({ mandatory, hidden, vendor, type, name, text }) =>
      `  ${mandatory ? "M" : "-"}${hidden ? "H" : "-"} ${vendor}/${type} ${name}${text === "" ? "" : `: ${text}`}`,
  );
  return [head, ...lines].join("\n");
}

/** A rejection as one line of text. */
export function formatRejection(rejection: Rejection): string {
  const { answer } = rejection;
  const what =
    typeof answer === "string"
      ? answer
      : `send ${answer.send} ${answer.result}${answer.error === undefined ? "" : `/${answer.error}`}`;
  return `refused at octet ${rejection.offset}: ${printable(rejection.text)} (${rejection.reason}); ${what}`;
}

/**
 * Any outcome of decoding as a plain JSON value: octets become hexadecimal, 64-bit numbers decimal strings.
 * `{ok: true, kind, header, message | payloadHex …}` or `{ok: false, reason, offset, answer …}`.
 */
export function toJson(parsed: Parsed<Datagram>): Record<string, unknown> {
  if (!parsed.ok) return { ok: false, ...(plain(parsed.rejection) as object) };
  const { value } = parsed;
  const common = { ok: true, kind: value.kind, header: plain(value.header), trailing: value.trailing };
  return value.kind === "data"
    ? { ...common, payloadHex: toHex(value.payload) }
    : { ...common, digest: value.digest, message: plain(value.message) };
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
