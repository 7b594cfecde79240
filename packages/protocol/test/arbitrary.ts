/** Arbitrary messages of every type and version, made from the same tables as the codec. */
import fc from "@l2tp/testing/fast-check";
import {
  type AnyMessage,
  AVP_NAMES,
  type AvpName,
  avpRow,
  definitionFor,
  type ExtraAvp,
  type LayoutPart,
  MESSAGE_NAMES,
  type MessageName,
  messageRow,
} from "../src/index.ts";

const octets = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });

/** Text whose octets come back as they went: no lone surrogates but those that stand for an octet. */
const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.constantFrom("é", "€", "😀", "\udcff", "\udc80", "\u0000", "\n"), maxLength: 12 }),
);

const encoder = new TextEncoder();
/** Octets that stand for themselves can happen to form UTF-8 beside each other: then another text comes back. */
const stable = (value: string) => !/[\udc80-\udcff]{2}/.test(value);
const sizeOf = (value: string) =>
  [...value].reduce((sum, one) => sum + (/^[\udc80-\udcff]$/.test(one) ? 1 : encoder.encode(one).length), 0);

function ofPart(part: LayoutPart): fc.Arbitrary<unknown> {
  const { type } = part;
  if (type === "uint8") return fc.nat(0xff);
  if (type === "uint16") return fc.nat(0xffff);
  if (type === "uint32") return fc.nat(0xffff_ffff);
  if (type === "uint64") return fc.bigInt(0n, (1n << 64n) - 1n);
  if (type.startsWith("uint16[]")) return fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 20 });
  if (type.startsWith("uint32[]")) return fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 20 });
  const limits = /\((\d+)(?: or more| to (\d+)| or (\d+))?/.exec(type) as RegExpExecArray;
  const min = Number(limits[1]);
  if (type.startsWith("octets")) {
    if (limits[3] !== undefined)
      return fc.oneof(octets(min, min), octets(Number(limits[3]), Number(limits[3])));
    return type.includes("or more") ? octets(min, 60) : octets(min, Number(limits[2] ?? min));
  }
  const max = Number(limits[2] ?? 1000);
  return text.filter((value) => stable(value) && sizeOf(value) >= min && sizeOf(value) <= max);
}

function ofAvp(name: AvpName, version: 2 | 3): fc.Arbitrary<unknown> {
  const field = avpRow(name).field[version];
  const parts = field.layout;
  let one: fc.Arbitrary<unknown>;
  if (parts.length === 0) one = fc.constant(true);
  else if (parts.length === 1 && parts[0]?.name === undefined) {
    one = ofPart(parts[0] as LayoutPart).filter((value) => typeof value !== "number" || value >= field.least);
  } else {
    const named = parts.filter(({ name: part }) => part !== undefined);
    const tail = named.filter(({ optional }) => optional).length;
    one = fc.nat(tail).chain((left) => {
      const kept = named.slice(0, named.length - left);
      return fc.record(Object.fromEntries(kept.map((part) => [part.name as string, ofPart(part)])));
    });
    // Version 1 is the only one; a result of n * 256 is taken for one in the wrong byte order.
    if (name === "protocolVersion") one = fc.nat(255).map((revision) => ({ version: 1, revision }));
    if (name === "resultCode") {
      one = one.filter((value) => {
        const { resultCode } = value as { resultCode: number };
        return resultCode === 0 || (resultCode & 0xff) !== 0;
      });
    }
    // An optional text or octets without any octet cannot be told from none.
    one = one.map((value) =>
      Object.fromEntries(
        Object.entries(value as object).filter(
          ([part, member]) =>
            !(named.find((spec) => spec.name === part)?.optional && (member === "" || member.length === 0)),
        ),
      ),
    );
    if (name === "connectSpeedUpdate") {
      const most = version === 2 ? 0xffff_ffffn : (1n << 64n) - 1n;
      one = fc.record({
        remoteSessionId: fc.nat(version === 2 ? 0xffff : 0xffff_ffff),
        txBps: fc.bigInt(0n, most),
        rxBps: fc.bigInt(0n, most),
      });
    }
  }
  return avpRow(name).repeatable ? fc.array(one, { minLength: 1, maxLength: 3 }) : one;
}

const known = new Set(AVP_NAMES.map((name) => `${avpRow(name).vendor}/${avpRow(name).type}`));

/** AVPs nobody knows, without M bit. */
const extras: fc.Arbitrary<ExtraAvp[]> = fc.array(
  fc
    .record({
      vendor: fc.oneof(fc.constant(0), fc.nat(0xffff)),
      type: fc.nat(0xffff),
      mandatory: fc.constant(false),
      value: octets(0, 40),
    })
    .filter(({ vendor, type }) => !known.has(`${vendor}/${type}`) && vendor !== 43),
  { minLength: 1, maxLength: 3 },
);

/** Every message of every version: its name, its version, and arbitrary ones of it. */
export const MESSAGES_TO_TRY: { name: MessageName; version: 2 | 3; messages: fc.Arbitrary<AnyMessage> }[] =
  MESSAGE_NAMES.flatMap((name) =>
    ([2, 3] as const).flatMap((version) => {
      const own = messageRow(name).versions[version];
      if (!own) return [];
      const optional = [...own.allows, ...own.extensions];
      if (version === 3) optional.push("extendedVendorId");
      const all = [...own.requires, ...optional].filter((avp) => definitionFor(avpRow(avp), version));
      const messages = fc.record(
        {
          version: fc.constant(version),
          type: fc.constant(name),
          ...Object.fromEntries(all.map((avp) => [avp, ofAvp(avp, version)])),
          extras,
        },
        { requiredKeys: ["version", "type", ...own.requires] as never[] },
      );
      return [{ name, version, messages: messages as unknown as fc.Arbitrary<AnyMessage> }];
    }),
  );
