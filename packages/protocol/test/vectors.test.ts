import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  ControlDatagram,
  challengeResponse,
  checkDigest,
  type DataHeaderV2,
  type DataHeaderV3,
  decodeDatagram,
  encodeAvps,
  encodeDataV2,
  encodeDataV3,
  encodeMessage,
  fromHex,
  HeaderCursor,
  hideValue,
  readAvps,
  revealValue,
  SharedSecret,
  signControl,
  textOctets,
  toHex,
  verifyChallengeResponse,
} from "../src/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON whose shape depends on `kind`; each check names what it reads.
type Loose = any;
interface Vector {
  name: string;
  kind: string;
  input: Loose;
  expected: Loose;
}

const { vectors } = JSON.parse(
  readFileSync(new URL("./vectors/test-vectors.json", import.meta.url), "utf8"),
) as { vectors: Vector[] };

const octets = (hex: string): Uint8Array => fromHex(hex) as Uint8Array;

function control(hex: string, encapsulation: "udp" | "ip" = "udp", secret?: Uint8Array): ControlDatagram {
  const parsed = decodeDatagram(octets(hex), {
    encapsulation,
    ...(secret && { secret, authentication: false }),
  });
  if (!parsed.ok) throw new Error(`refused: ${parsed.rejection.text}`);
  expect(parsed.value).toBeInstanceOf(ControlDatagram);
  return parsed.value as ControlDatagram;
}

function checkHide(version: 2 | 3, { input, expected }: Vector): void {
  const key = new SharedSecret(octets(input.secretHex)).hidingKey(version);
  if (version === 3) expect(toHex(key)).toBe(expected.hidingKeyHex);
  const vector = octets(input.randomVectorHex);
  const hidden = hideValue(
    input.attributeType,
    key,
    vector,
    octets(input.valueHex),
    octets(input.paddingHex),
  );
  expect(toHex(hidden)).toBe(expected.hiddenValueHex);
  const [avp] = readAvps(octets(expected.avpHex));
  expect(avp).toMatchObject({ hidden: true, mandatory: input.mandatory, type: input.attributeType });
  expect(toHex(avp?.value as Uint8Array)).toBe(expected.hiddenValueHex);
  const open = revealValue(input.attributeType, key, vector, hidden);
  expect(open && { valueHex: toHex(open.value), padding: open.padding }).toEqual({
    valueHex: input.valueHex,
    padding: input.paddingHex.length / 2,
  });
}

function checkMessage({ input, expected }: Vector): void {
  const { header, avps, message } = control(input.messageHex);
  const fields = header as unknown as Record<string, number>;
  expect(fields["version"]).toBe(expected.version);
  for (const name of ["ns", "nr", "tunnelId", "sessionId", "controlConnectionId"]) {
    if (expected[name] !== undefined) expect(fields[name], name).toBe(expected[name]);
  }
  const seen = avps.map((avp) => ({
    mandatory: avp.mandatory,
    hidden: avp.hidden,
    vendor: avp.vendor,
    type: avp.type,
    valueHex: toHex(avp.value),
  }));
  expect(seen).toEqual(expected.avps);
  expect(toHex(encodeAvps(header, avps))).toBe(input.messageHex);
  const again = control(toHex(encodeMessage(message as never, header as never)));
  expect(again.message).toEqual(message);
}

function checkDigestVector({ input, expected }: Vector): void {
  const secret = octets(input.secretHex);
  expect(toHex(new SharedSecret(secret).digestKey())).toBe(expected.digestKeyHex);
  const nonces = { sender: octets(input.senderNonceHex), receiver: octets(input.receiverNonceHex) };
  const signed = octets(input.zeroedMessageHex);
  signControl(signed, "udp", secret, nonces);
  expect(toHex(signed)).toBe(expected.messageHex);
  const parsed = decodeDatagram(signed, { encapsulation: "udp", secret, nonces });
  expect(parsed.ok && parsed.value.kind === "control" && parsed.value.digest).toBe("verified");
  signed[9] = (signed[9] as number) ^ 1; // Ns is signed too
  expect(decodeDatagram(signed, { encapsulation: "udp", secret, nonces })).toMatchObject({
    ok: false,
    rejection: { reason: "bad-digest", answer: "ignore" },
  });
}

/** The messages of these have their header and Message Type only: they are read as headers. */
function checkHeaderControl(encapsulation: "udp" | "ip", { input, expected }: Vector): void {
  const packet = octets(input.packetHex);
  const cursor = new HeaderCursor();
  expect(cursor.read(packet, 0, packet.length, encapsulation === "ip")).toBe(true);
  const { avpsHex, zlb, note: _, controlConnectionId, ...header } = expected;
  expect(cursor).toMatchObject({ ...header, ...(controlConnectionId && { tunnelId: controlConnectionId }) });
  expect(cursor.isZlb).toBe(zlb);
  expect(toHex(packet, cursor.bodyStart, cursor.bodyEnd)).toBe(avpsHex);
  const avps = readAvps(packet, cursor.bodyStart, cursor.bodyEnd);
  const fields = { ...expected, flags: cursor.flags };
  const bare = packet.subarray(0, cursor.bodyEnd);
  expect(toHex(encodeAvps(fields, avps, encapsulation))).toBe(toHex(bare));
}

function checkHeaderV2Data({ input, expected }: Vector): void {
  const packet = octets(input.packetHex);
  const parsed = decodeDatagram(packet, { encapsulation: "udp" });
  if (!parsed.ok || parsed.value.kind !== "data") throw new Error("not data");
  const { header, payload } = parsed.value;
  const { length, ...fields } = header as DataHeaderV2;
  for (const name of ["tunnelId", "sessionId", "priority", "ns", "nr", "offsetSize"] as const) {
    if (expected[name] !== undefined) expect(fields[name], name).toBe(expected[name]);
  }
  expect(length !== undefined).toBe(expected.lengthPresent);
  expect(toHex(payload)).toBe(expected.payloadHex);
  expect(packet.length - payload.length - parsed.value.trailing).toBe(expected.headerLength);
  // An offset pad may have any content; ours is zeros.
  const again = encodeDataV2({ ...fields, withLength: length !== undefined }, payload);
  const pad = fields.offsetSize ?? 0;
  expect(toHex(again, 0, expected.headerLength - pad)).toBe(toHex(packet, 0, expected.headerLength - pad));
  expect(toHex(again, expected.headerLength)).toBe(expected.payloadHex);
}

function checkHeaderV3Data({ input, expected }: Vector): void {
  const parsed = decodeDatagram(octets(input.packetHex), {
    encapsulation: input.encapsulation,
    cookieSize: input.cookieLength,
    sublayer: input.sublayer,
  });
  if (!parsed.ok || parsed.value.kind !== "data") throw new Error("not data");
  const header = parsed.value.header as DataHeaderV3;
  expect(header.sessionId).toBe(expected.sessionId);
  expect(toHex(header.cookie)).toBe(expected.cookieHex);
  expect(header.sublayer?.sequenced ?? false).toBe(expected.sequencePresent);
  if (expected.sequence !== undefined) expect(header.sublayer?.sequence).toBe(expected.sequence);
  expect(toHex(parsed.value.payload)).toBe(expected.payloadHex);
  const { sublayer, ...fields } = header;
  expect(toHex(encodeDataV3({ ...fields, ...(sublayer && { sublayer }) }, parsed.value.payload))).toBe(
    input.packetHex,
  );
}

/** Kinds that are the codec's business; the file has no others. */
const CHECKS: Record<string, (vector: Vector) => void> = {
  "avp-hide-v2": (vector) => checkHide(2, vector),
  "avp-hide-v3": (vector) => checkHide(3, vector),
  "avp-unhide-invalid": ({ input }) => {
    const key = new SharedSecret(octets(input.secretHex)).hidingKey(input.version);
    const vector = octets(input.randomVectorHex);
    expect(revealValue(input.attributeType, key, vector, octets(input.hiddenValueHex))).toBeUndefined();
  },
  "message-v2": checkMessage,
  "message-v3": checkMessage,
  "message-hidden-v2": ({ input, expected }) => {
    const secret = octets(input.secretHex);
    const { avps, message } = control(input.messageHex, "udp", secret);
    const opened = expected.avps as { type: number; hidden?: true; valueHex: string }[];
    expect(avps.map(({ type, value }) => ({ type, valueHex: toHex(value) }))).toEqual(
      opened.map(({ type, hidden, valueHex }) => ({
        type,
        valueHex: hidden ? expect.not.stringContaining(valueHex) : valueHex,
      })),
    );
    expect(message).not.toHaveProperty("extras");
    const found = JSON.stringify(Object.values(message), (_, value) =>
      value instanceof Uint8Array ? toHex(value) : value,
    );
    // For a hidden AVP the file has the opened value: it is in the message, as text, number or octets.
    const values = [found, toHexOfText(found)].join(" ");
    for (const { hidden, valueHex } of opened) if (hidden) expect(values).toContain(valueHex);
  },
  "digest-v3": checkDigestVector,
  "digest-v3-integrity": checkDigestVector,
  "digest-v3-invalid": ({ input }) => {
    const nonces = (input.nonceFromMessages as string[]).map(
      (hex) => readAvps(octets(hex), 12).find(({ type }) => type === 73)?.value as Uint8Array,
    );
    const message = octets(input.messageHex);
    const secret = octets(input.secretHex);
    for (const [sender, receiver] of [nonces, nonces.toReversed()] as [Uint8Array, Uint8Array][]) {
      const options = { encapsulation: "udp" as const, secret, nonces: { sender, receiver } };
      expect(decodeDatagram(message, options)).toMatchObject({
        ok: false,
        rejection: { answer: "ignore", reason: expect.stringMatching(/-digest$/) },
      });
      const { count, wrong } = checkDigest(message, 0, 12, message.length, secret, options.nonces);
      expect(count === 0 || wrong !== undefined).toBe(true);
    }
  },
  "header-v2-control": (vector) => checkHeaderControl("udp", vector),
  "header-v3-control-udp": (vector) => checkHeaderControl("udp", vector),
  "header-v3-control-ip": (vector) => checkHeaderControl("ip", vector),
  "header-v2-data": checkHeaderV2Data,
  "header-v3-data": checkHeaderV3Data,
  "header-v2-invalid": ({ input, expected }) => {
    const parsed = decodeDatagram(octets(input.packetHex), { encapsulation: "udp" });
    if (!expected.lenient) expect(parsed.ok).toBe(expected.valid);
  },
  "tunnel-challenge-v2": ({ input, expected }) => {
    const [type, secret, challenge] = [
      input.messageType,
      octets(input.secretHex),
      octets(input.challengeHex),
    ];
    const response = challengeResponse(type, secret, challenge);
    expect(toHex(response)).toBe(expected.responseHex);
    expect(verifyChallengeResponse(type, secret, challenge, response)).toBe(true);
    expect(verifyChallengeResponse(type === 2 ? 3 : 2, secret, challenge, response)).toBe(false);
    expect(verifyChallengeResponse(type, secret, challenge, response.subarray(0, 15))).toBe(false);
    expect(verifyChallengeResponse(type, secret, challenge, new Uint8Array(0))).toBe(false);
  },
  "result-code-avp": ({ input, expected }) => {
    const resultCode = {
      resultCode: input.resultCode,
      ...(input.errorCode !== null && { errorCode: input.errorCode }),
      ...(input.message !== null && { errorMessage: input.message }),
    };
    const message = { version: 2 as const, type: "StopCCN" as const, assignedTunnelId: 1, resultCode };
    const datagram = encodeMessage(message, { tunnelId: 1, ns: 0, nr: 0 });
    expect(toHex(datagram)).toContain(expected.avpHex);
    expect(control(toHex(datagram)).message).toEqual(message);
  },
};

/** Hexadecimal of the octets of every string of a JSON text, for values that decode to text or numbers. */
function toHexOfText(text: string): string {
  const values = JSON.parse(text) as unknown[];
  return values
    .map((value) =>
      typeof value === "string"
        ? toHex(textOctets(value))
        : typeof value === "number"
          ? value.toString(16).padStart(8, "0")
          : "",
    )
    .join(" ");
}

for (const [kind, check] of Object.entries(CHECKS)) {
  const own = vectors.filter((vector) => vector.kind === kind);
  test(`vectors ${kind} (${own.length})`, () => {
    expect(own.length).toBeGreaterThan(0);
    for (const vector of own) {
      try {
        check(vector);
      } catch (error) {
        throw new Error(`${vector.name}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}

test("no vector of the file is left out", () => {
  expect(new Set(vectors.map(({ kind }) => kind))).toEqual(new Set(Object.keys(CHECKS)));
});
