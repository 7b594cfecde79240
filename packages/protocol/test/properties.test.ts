import fc from "@l2tp/testing/fast-check";
import { describe, expect, test } from "vitest";
import {
  type AnyMessage,
  type ControlDatagram,
  type DecodeOptions,
  decodeDatagram,
  encodeAvps,
  encodeDataV2,
  encodeDataV3,
  encodeMessage,
  printable,
  textAt,
  textOctets,
} from "../src/index.ts";
import { MESSAGES_TO_TRY } from "./arbitrary.ts";

const settings = { numRuns: 60 };

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);

function decoded(octets: Uint8Array, options: DecodeOptions): ControlDatagram {
  const parsed = decodeDatagram(octets, options);
  if (!parsed.ok) throw new Error(`refused: ${parsed.rejection.text}`);
  return parsed.value as ControlDatagram;
}

/** `undefined` members are members that are not there. */
const bare = (message: AnyMessage) =>
  Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined));

describe("decode(encode(message)) is the message", () => {
  for (const { name, version, messages } of MESSAGES_TO_TRY) {
    const header = fc.record({ tunnelId: u16, sessionId: u16, controlConnectionId: u32, ns: u16, nr: u16 });
    test(`${name} of L2TPv${version}`, () => {
      fc.assert(
        fc.property(messages, header, fc.boolean(), (message, fields, ip) => {
          const encapsulation = version === 3 && ip ? "ip" : "udp";
          const octets = encodeMessage(message as never, fields as never, { encapsulation });
          const datagram = decoded(octets, { encapsulation });
          expect(datagram.message).toEqual(bare(message));
          const { tunnelId, sessionId, controlConnectionId, ...order } = fields;
          const ids = version === 2 ? { tunnelId, sessionId } : { controlConnectionId };
          expect(datagram.header).toMatchObject({ version, ...ids, ...order });
          // As read and written AVP by AVP, the octets are the same.
          expect(encodeAvps(datagram.header, datagram.avps, encapsulation)).toEqual(octets);
        }),
        settings,
      );
    });
  }
});

test("a message with hidden AVPs opens with the secret, and only with it", () => {
  const all = MESSAGES_TO_TRY.filter(({ name }) =>
    ["SCCRQ", "ICRQ", "ICCN", "CDN", "OCRQ", "WEN"].includes(name),
  );
  fc.assert(
    fc.property(
      fc.oneof(...all.map(({ messages }) => messages)),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(30),
      (message, secret, randomVector, pad) => {
        // An AVP of up to 1023 octets cannot take a length and padding besides.
        fc.pre(!("extras" in message) || message.extras === undefined);
        const hide = { secret, randomVector, padding: () => new Uint8Array(pad).fill(7) };
        const fields = { tunnelId: 1, controlConnectionId: 1, ns: 0, nr: 0 };
        const octets = encodeMessage(message as never, fields as never, { hide });
        expect(decoded(octets, { encapsulation: "udp", secret, authentication: false }).message).toEqual(
          bare(message),
        );
        const other = decodeDatagram(octets, { encapsulation: "udp" });
        if (other.ok)
          expect((other.value as ControlDatagram).avps.some(({ hidden }) => hidden)).toBe(
            "extras" in (other.value as ControlDatagram).message,
          );
      },
    ),
    settings,
  );
});

test("a signed L2TPv3 message is verified, and not after any one octet has changed", () => {
  const v3 = MESSAGES_TO_TRY.filter(({ version }) => version === 3);
  const nonce = fc.uint8Array({ minLength: 16, maxLength: 32 });
  fc.assert(
    fc.property(
      fc.oneof(...v3.map(({ messages }) => messages)),
      fc.subarray([0, 1] as (0 | 1)[], { minLength: 1 }),
      fc.record({ sender: nonce, receiver: nonce }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (message, types, nonces, where, change) => {
        // An SCCRP brings its sender's nonce itself.
        fc.pre(!("controlMessageAuthenticationNonce" in message));
        const sign = { secret: "s3cret", types, nonces };
        const octets = encodeMessage(message as never, { controlConnectionId: 5, ns: 1, nr: 2 } as never, {
          sign,
        });
        const options: DecodeOptions = { encapsulation: "udp", secret: "s3cret", nonces };
        expect(decoded(octets, options).digest).toBe("verified");
        // All digests are zeroed for each, so with two a change within one leaves the other right.
        const at = where % octets.length;
        const broken = octets.slice();
        broken[at] = (broken[at] as number) ^ change;
        const parsed = decodeDatagram(broken, options);
        // Without its T bit it is a data message, of no session.
        if (types.length === 1 && parsed.ok) expect(parsed.value.kind).toBe("data");
      },
    ),
    settings,
  );
});

test("data messages of both versions come back as they went", () => {
  const payload = fc.uint8Array({ maxLength: 64 });
  const id = fc.integer({ min: 1, max: 0xffff });
  fc.assert(
    fc.property(
      id,
      id,
      fc.boolean(),
      fc.option(u16),
      fc.option(fc.nat(40)),
      fc.boolean(),
      payload,
      (t, s, withLength, ns, offset, priority, octets) => {
        const fields = {
          tunnelId: t,
          sessionId: s,
          withLength,
          priority,
          ...(ns !== null && { ns, nr: 0 }),
          ...(offset !== null && { offsetSize: offset }),
        };
        const parsed = decodeDatagram(encodeDataV2(fields, octets), { encapsulation: "udp" });
        if (!parsed.ok || parsed.value.kind !== "data") throw new Error("refused");
        const { withLength: _, ...expected } = fields;
        expect(parsed.value.header).toMatchObject(expected);
        expect("length" in parsed.value.header).toBe(withLength);
        expect(parsed.value.payload).toEqual(octets);
      },
    ),
    settings,
  );
  const cookies = fc
    .constantFrom(0, 4, 8)
    .chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      cookies,
      fc.option(fc.nat(0xff_ffff)),
      fc.boolean(),
      payload,
      (sessionId, cookie, sequence, ip, octets) => {
        const encapsulation = ip ? "ip" : "udp";
        const sublayer = sequence === null ? {} : { sublayer: { sequence } };
        const datagram = encodeDataV3({ encapsulation, sessionId, cookie, ...sublayer }, octets);
        const layout = { cookie, sublayer: sequence === null ? "none" : "default" } as const;
        const parsed = decodeDatagram(datagram, {
          encapsulation,
          session: (one) => (one === sessionId ? layout : undefined),
        });
        if (!parsed.ok || parsed.value.kind !== "data") throw new Error("refused");
        expect(parsed.value.header).toMatchObject({ sessionId, cookie });
        if (sequence !== null)
          expect(parsed.value.header).toMatchObject({ sublayer: { sequenced: true, sequence } });
        expect(parsed.value.payload).toEqual(octets);
      },
    ),
    settings,
  );
});

test("any octets are a text, and the text gives the same octets again", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      expect(textOctets(textAt(octets, 0, octets.length))).toEqual(octets);
    }),
    { ...settings, numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(textAt(textOctets(text), 0, textOctets(text).length)).toBe(text);
      expect(new TextDecoder().decode(textOctets(text))).toBe(text.replace(/^\ufeff/, ""));
    }),
    settings,
  );
});

test("printed text has no control characters, whatever the peer sent", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      expect(printable(textAt(octets, 0, octets.length))).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    }),
    { ...settings, numRuns: 1000 },
  );
});
