import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  AVP_NAMES,
  type AvpName,
  avpRow,
  CDN_RESULTS_V2,
  CDN_RESULTS_V3,
  definitionFor,
  GENERAL_ERRORS,
  type LayoutPart,
  MESSAGE_NAMES,
  MSEN_RESULTS,
  messageRow,
  PPP_DISCONNECT_TEXTS,
  PSEUDOWIRE_TYPES,
  Q931_CAUSES,
  Q931_MESSAGES,
  STOPCCN_RESULTS_V2,
  STOPCCN_RESULTS_V3,
  TDM_ERRORS,
  VENDOR_NAMES,
} from "../src/index.ts";

import { storeOf } from "../src/members.ts";

const json = (name: string) =>
  JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), "utf8"));

interface SpecPart {
  name: string;
  type: string;
  optional?: boolean;
  octets?: number;
  min?: number;
  values?: Record<string, string>;
  bits?: Record<string, string>;
}
interface SpecVersion {
  rfc: number;
  section: string;
  mBit: { rule: string };
  mayHide: boolean;
  minLength: number;
  maxLength: number;
  format: SpecPart[];
}
interface SpecAvp {
  vendor: number;
  type: number;
  name: string;
  v2?: SpecVersion;
  v3?: SpecVersion;
}
const specAvps: SpecAvp[] = json("avps").avps;

const RULES: Record<string, string> = {
  "must-1": "1",
  "must-0": "0",
  "should-1": "(1)",
  "should-0": "(0)",
  either: "*",
};

/** Ours that differ from avps.json on purpose, with the reason. */
const DIFFERS: Partial<Record<AvpName, string>> = {
  assignedCookie: "a cookie of no octets is refused (malformed.json): the shortest AVP is 10 octets",
};

function rowOf(avp: SpecAvp): AvpName {
  const found = AVP_NAMES.find((name) => {
    const row = avpRow(name);
    return row.vendor === avp.vendor && row.type === avp.type && row.name === avp.name;
  });
  if (!found) throw new Error(`no row for ${avp.name}`);
  return found;
}

/** `uint16` of `enum16`, `bits16`; `octets` of `bytes`; `text` of `utf8` and `ascii`. */
function typeOf(type: string): string[] {
  const bits = /^(?:enum|bits|uint)(8|16|32|64)(\[\])?$/.exec(type);
  if (bits) return [`uint${bits[1]}${bits[2] ?? ""}`];
  return type === "bytes" ? ["octets", "text"] : ["text"];
}

function checkLayout(name: string, ours: readonly LayoutPart[], spec: readonly SpecPart[]): void {
  expect(ours, name).toHaveLength(spec.length);
  spec.forEach((part, i) => {
    const own = ours[i] as LayoutPart;
    const [word = ""] = own.type.split(" ");
    if (part.type === "reserved") expect(own.type, name).toBe(`reserved (${part.octets})`);
    // Host Name and Proxy Authen Name are octets in RFC 2661 and names in practice: text here.
    else expect(typeOf(part.type), `${name}.${part.name}`).toContain(word);
    if (spec.length > 1 && part.type !== "reserved") expect(own.name, name).toBe(part.name);
    expect(own.optional ?? false, `${name}.${part.name}`).toBe(part.optional ?? false);
    if (part.values && name !== "messageType") {
      expect(Object.fromEntries(Object.entries(own.values ?? {})), name).toEqual(part.values);
    }
    if (part.bits) expect(Object.keys(own.bits ?? {}), name).toHaveLength(Object.keys(part.bits).length);
  });
}

describe("every AVP of the specifications", () => {
  for (const avp of specAvps) {
    test(`${avp.name} (${avp.vendor}/${avp.type})`, () => {
      const name = rowOf(avp);
      const row = avpRow(name);
      for (const version of [2, 3] as const) {
        const spec = avp[`v${version}`];
        const definition = definitionFor(row, version);
        expect(definition === undefined, `v${version}`).toBe(spec === undefined);
        if (!spec || !definition) continue;
        expect(definition).toEqual({
          version,
          mandatory: RULES[spec.mBit.rule],
          hideable: spec.mayHide,
          reference: `RFC ${spec.rfc} §${spec.section}`,
        });
        const field = row.field[version];
        if (DIFFERS[name] === undefined) expect(field.min + 6, "shortest").toBe(spec.minLength);
        // A list's longest is a whole number of items below 1023.
        if (field.max < 1015) expect(field.max + 6, "longest").toBe(spec.maxLength);
        else expect(spec.maxLength).toBe(1023);
        checkLayout(name, field.layout, spec.format);
        const [only] = spec.format;
        if (spec.format.length === 1 && only?.min !== undefined) expect(field.least).toBe(only.min);
      }
    });
  }
});

test("rows beyond the specifications are the Cisco drafts' only", () => {
  const listed = new Set(specAvps.map(rowOf));
  const more = AVP_NAMES.filter((name) => !listed.has(name));
  expect(more.map((name) => avpRow(name).vendor)).toEqual(Array(6).fill(9));
});

interface SpecMessage {
  type: number;
  name: string;
  longName: string;
  level: string;
  messageTypeMBit: 0 | 1 | "0|1";
  v2?: Record<"required" | "optional" | "extensionOptional", string[]> & { rfc: number; section: string };
  v3?: Record<"required" | "optional" | "extensionOptional", string[]> & { rfc: number; section: string };
}

describe("every message of the specifications", () => {
  const specMessages: SpecMessage[] = json("messages").messages;
  test("there are no others", () => {
    expect([...MESSAGE_NAMES]).toEqual(specMessages.map(({ name }) => name));
  });
  for (const spec of specMessages) {
    test(spec.name, () => {
      const row = messageRow(spec.name as (typeof MESSAGE_NAMES)[number]);
      expect(row).toMatchObject({
        type: spec.type,
        longName: spec.longName,
        level: spec.level,
        mandatory: spec.messageTypeMBit,
      });
      for (const version of [2, 3] as const) {
        const lists = spec[`v${version}`];
        const own = row.versions[version];
        expect(own === undefined, `v${version}`).toBe(lists === undefined);
        if (!lists || !own) continue;
        expect(own.reference).toBe(`RFC ${lists.rfc} §${lists.section}`);
        const names = (list: readonly AvpName[]) => list.map((name) => avpRow(name).name).sort();
        // The envelope is of every message and not listed in the table.
        const theirs = (list: string[]) =>
          list.filter((name) => !["Message Type", "Random Vector", "Message Digest"].includes(name)).sort();
        expect(names(own.requires)).toEqual(theirs(lists.required));
        expect(names(own.allows)).toEqual(theirs(lists.optional));
        expect(names(own.extensions)).toEqual(theirs(lists.extensionOptional));
        for (const name of [...own.requires, ...own.allows, ...own.extensions]) {
          expect(definitionFor(avpRow(name), version), `${name} in v${version}`).toBeDefined();
        }
      }
    });
  }
});

test("the texts of all codes are those of the registries", () => {
  const codes = json("result-codes");
  const table = (items: { value: number; text: string }[]) =>
    Object.fromEntries(items.map(({ value, text }) => [String(value), text]));
  expect(STOPCCN_RESULTS_V2).toEqual(table(codes.stopCCN.v2));
  expect(STOPCCN_RESULTS_V3).toEqual(table(codes.stopCCN.v3));
  expect(CDN_RESULTS_V2).toEqual(table(codes.cdn.v2));
  expect(CDN_RESULTS_V3).toEqual(table(codes.cdn.v3));
  expect(MSEN_RESULTS).toEqual(table(codes.msen));
  expect(GENERAL_ERRORS).toEqual(table(codes.generalErrorCodes));
  expect(TDM_ERRORS).toEqual(table(codes.tdmErrorCodes));
  expect(PPP_DISCONNECT_TEXTS).toEqual(table(codes.pppDisconnectCodes));
  expect(Q931_CAUSES).toEqual(table(codes.q931Causes));
  expect(Q931_MESSAGES).toEqual(table(codes.q931MessageTypes));
  const { pseudowireTypes } = json("constants");
  expect(PSEUDOWIRE_TYPES).toEqual(
    Object.fromEntries(pseudowireTypes.map((one: { value: number; name: string }) => [one.value, one.name])),
  );
  expect(Object.keys(VENDOR_NAMES)).toEqual(Object.keys(json("constants").vendors));
});

test.each(AVP_NAMES)("the value of %s becomes the member of that name, and no other", (name) => {
  const message = {};
  storeOf(name)(message, 1);
  expect(message).toEqual({ [name]: 1 });
});
