/**
 * The tables of avps.ts and messages.ts, turned into arrays that a loop over octets can index: one per
 * version and message, from Attribute Type to what to do with it.
 */
import { AVP_NAMES, type AvpName, type AvpRow, avpRow, type Definition, definitionFor } from "./avps.ts";
import { AVP_FLAG, VENDOR } from "./constants.ts";
import type { Field } from "./field.ts";
import { type StoreMember, storeOf } from "./members.ts";
import { MESSAGE_NAMES, type MessageName, messageRow } from "./messages.ts";

/** Not of this message; kept among its extras. */
export const UNLISTED = 0;
/** May be there. */
export const ALLOWED = 1;
/** Has to be there. */
export const REQUIRED = 2;
/** Of every message, and the codec's own business: Random Vector, Message Digest. */
export const ENVELOPE = 3;

/** One AVP of one version, with every question of the hot loop answered in a plain member. */
export class CompiledAvp {
  readonly name: AvpName;
  /** Row of the table, counted from 0: an index for arrays of flags. */
  readonly index: number;
  readonly vendor: number;
  readonly type: number;
  readonly kind: number;
  readonly min: number;
  readonly max: number;
  readonly fits: ((length: number) => boolean) | undefined;
  readonly least: number;
  readonly repeatable: boolean;
  readonly critical: boolean;
  /** M bit as we send it. */
  readonly mandatory: boolean;
  readonly hideable: boolean;
  /** The first 32 bits of its header as we send it, without its Length. */
  readonly head: number;
  readonly field: Field<unknown>;
  readonly store: StoreMember;
  readonly row: AvpRow<unknown>;

  constructor(name: AvpName, index: number, row: AvpRow<unknown>, version: 2 | 3, definition: Definition) {
    const field = row.field[version];
    this.name = name;
    this.index = index;
    this.vendor = row.vendor;
    this.type = row.type;
    this.kind = field.kind;
    this.min = field.min;
    this.max = field.max;
    this.fits = field.fits;
    this.least = field.least;
    this.repeatable = row.repeatable;
    this.critical = row.critical;
    this.mandatory = definition.mandatory === "1" || definition.mandatory === "(1)";
    this.hideable = definition.hideable;
    this.head = (this.mandatory ? AVP_FLAG.mandatory << 16 : 0) | row.vendor;
    this.field = field;
    this.store = storeOf(name);
    this.row = row;
  }
}

/** One message of one version. */
export interface CompiledMessage {
  readonly name: MessageName;
  readonly version: 2 | 3;
  readonly type: number;
  readonly level: "control-connection" | "session";
  /** M bit of its Message Type AVP as we send it. */
  readonly mandatory: boolean;
  /** IETF AVPs by Attribute Type, as this message reads them. */
  readonly ietf: readonly (CompiledAvp | undefined)[];
  /** By {@link CompiledAvp.index}: UNLISTED, ALLOWED, REQUIRED or ENVELOPE. */
  readonly status: Uint8Array;
  readonly required: readonly CompiledAvp[];
  /** Required and allowed ones in the order of the table of the RFC. */
  readonly listed: readonly CompiledAvp[];
  readonly byName: ReadonlyMap<string, CompiledAvp>;
  /**
   * The AVPs of the message encoded last, in its order. Most messages of a type have the same members in the
   * same order, and to compare a name takes less than to look it up.
   */
  readonly recent: CompiledAvp[];
}

const ENVELOPE_NAMES: readonly AvpName[] = ["messageType", "randomVector", "messageDigest"];

function compileVersion(version: 2 | 3) {
  const all = new Map<AvpName, CompiledAvp>();
  const ietf: (CompiledAvp | undefined)[] = [];
  const others = new Map<number, CompiledAvp>();
  AVP_NAMES.forEach((name, index) => {
    const row = avpRow(name);
    const definition = definitionFor(row, version);
    if (!definition) return;
    const compiled = new CompiledAvp(name, index, row, version, definition);
    all.set(name, compiled);
    if (row.vendor !== VENDOR.ietf) others.set(row.vendor * 65536 + row.type, compiled);
    else ietf[row.type] ??= compiled;
  });
  const cause = all.get("pppDisconnectCauseCode");
  // RFC 3145 was sent under 3Com's number before it had one of its own.
  if (cause) others.set(VENDOR.threeCom * 65536 + cause.type, cause);
  const messages: (CompiledMessage | undefined)[] = [];
  for (const name of MESSAGE_NAMES) {
    const row = messageRow(name);
    const holds = row.versions[version];
    if (!holds) continue;
    const status = new Uint8Array(AVP_NAMES.length);
    const own = Array.from({ length: Math.max(128, ietf.length) }, (_, type) => ietf[type]);
    const pick = (avp: AvpName): CompiledAvp => {
      const compiled = all.get(avp) as CompiledAvp;
      // Attribute Type 5 of L2TPv3 is one of two, by message.
      if (compiled.vendor === VENDOR.ietf) own[compiled.type] = compiled;
      return compiled;
    };
    for (const avp of ENVELOPE_NAMES) {
      const compiled = all.get(avp);
      if (compiled) status[compiled.index] = ENVELOPE;
    }
    const required = holds.requires.map(pick);
    const allowed = [...holds.allows, ...holds.extensions].map(pick);
    if (version === 3) {
      // RFC 3931 §5.1: may be in any message. Cisco's stand beside the IETF's in any of theirs.
      const extended = all.get("extendedVendorId");
      if (extended) allowed.push(extended);
      for (const compiled of all.values()) if (compiled.vendor === VENDOR.cisco) allowed.push(compiled);
    }
    for (const compiled of allowed) status[compiled.index] = ALLOWED;
    for (const compiled of required) status[compiled.index] = REQUIRED;
    const listed = [...required, ...allowed];
    messages[row.type] = {
      name,
      version,
      type: row.type,
      level: row.level,
      mandatory: row.mandatory === 1,
      ietf: own,
      status,
      required,
      listed,
      byName: new Map(listed.map((compiled) => [compiled.name, compiled])),
      recent: [],
    };
  }
  const byName = new Map<string, CompiledMessage>();
  for (const message of messages) if (message) byName.set(message.name, message);
  return { all, ietf, others, messages, byName };
}

/** Everything compiled of one version. */
export type CompiledVersion = ReturnType<typeof compileVersion>;

const V2 = compileVersion(2);
const V3 = compileVersion(3);

/** The compiled tables of a version. */
export const compiled = (version: number): CompiledVersion => (version === 2 ? V2 : V3);

/** A vendor's AVP in a version, or `undefined` when it is unknown. */
export const vendorAvp = (version: number, vendor: number, type: number): CompiledAvp | undefined =>
  compiled(version).others.get(vendor * 65536 + type);

/** Any AVP the table knows for a version, wherever it may occur. */
export const knownAvp = (version: number, vendor: number, type: number): CompiledAvp | undefined =>
  vendor === 0 ? compiled(version).ietf[type] : vendorAvp(version, vendor, type);
