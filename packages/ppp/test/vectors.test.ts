import { readFileSync } from "node:fs";
import { expandDesKey, md4 } from "@l2tp/crypto";
import { expect, test } from "vitest";
import { CHAP_ALGORITHM } from "../src/auth/methods.ts";
import {
  AsyncDeframer,
  answerFromSecret,
  authenticatorResponse,
  challengeHash,
  challengeResponse,
  decodeOptions,
  decodePacket,
  encodeAsync,
  encodeOptions,
  encodePacket,
  fcs16,
  fcs16Raw,
  fcs32,
  fcs32Raw,
  firstSessionKey,
  GOOD_FCS_16,
  GOOD_FCS_32,
  lmPasswordHash,
  MppeDecryptor,
  MppeEncryptor,
  MppeStartKeys,
  masterKey,
  md5Response,
  mschapV1StartKeys,
  mschapV2StartKeys,
  ntPasswordHash,
  ntResponse,
} from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

/** Made by an independent program, which also reproduces the examples that the RFCs print. */
interface Vector {
  name: string;
  kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: every kind has other fields, and the checks below name them
  input: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  expected: any;
}
const vectors = JSON.parse(readFileSync(new URL("./vectors/ppp.json", import.meta.url), "utf8")) as Vector[];
const utf8 = (text: string) => new TextEncoder().encode(text);
const who = (name: string) => ({
  name,
  nameOctets: utf8(name),
  proxied: false,
  trusted: false,
  again: false,
});

const checks: Record<string, (vector: Vector) => void> = {
  "chap-md5"({ input, expected }) {
    const [secret, challenge, response] = [input.secretHex, input.challengeHex, expected.responseHex].map(
      hex,
    ) as [Uint8Array, Uint8Array, Uint8Array];
    expect(toHex(md5Response(input.identifier, secret, challenge))).toBe(expected.responseHex);
    const proof = {
      ...who(input.name),
      method: "chap-md5",
      identifier: input.identifier,
      challenge,
      response,
    } as const;
    expect(answerFromSecret(proof, secret)).toEqual({ accept: true });
    const value = Buffer.concat([Buffer.of(16), response, utf8(input.name)]);
    expect(toHex(encodePacket(2, input.identifier, value))).toBe(expected.responsePacketHex);
  },
  pap({ input, expected }) {
    const packet = decodePacket(hex(expected.packetHex));
    expect(packet).toMatchObject({ identifier: input.identifier });
    const field = (text: string) => Buffer.concat([Buffer.of(Buffer.byteLength(text)), utf8(text)]);
    const data =
      "user" in input ? Buffer.concat([field(input.user), field(input.password)]) : field(input.message);
    expect(toHex(encodePacket(input.code ?? 1, input.identifier, data))).toBe(expected.packetHex);
  },
  mschapv1({ input, expected }) {
    const [password, challenge] = [utf8(input.password), hex(input.challengeHex)];
    const [nt, lm] = [ntPasswordHash(password), lmPasswordHash(password)];
    expect([toHex(nt), toHex(lm)]).toEqual([expected.ntHashHex, expected.lmHashHex]);
    expect(toHex(challengeResponse(challenge, nt))).toBe(expected.ntResponseHex);
    expect(toHex(challengeResponse(challenge, lm))).toBe(expected.lmResponseHex);
    const response = hex(expected.responseValueNtOnlyHex);
    const proof = {
      ...who("u"),
      method: "mschap-v1",
      identifier: input.identifier,
      challenge,
      response,
    } as const;
    // An empty password has a response too, and is refused all the same.
    expect(answerFromSecret(proof, password).accept).toBe(input.password !== "");
  },
  mschapv2({ input, expected }) {
    const [challenge, peer] = [hex(input.authenticatorChallengeHex), hex(input.peerChallengeHex)];
    const [name, hash] = [utf8(input.user), ntPasswordHash(utf8(input.password))];
    expect(toHex(challengeHash(peer, challenge, name))).toBe(expected.challengeHex);
    expect([toHex(hash), toHex(md4(hash))]).toEqual([expected.ntHashHex, expected.ntHashHashHex]);
    const nt = ntResponse(challenge, peer, name, hash);
    expect(toHex(nt)).toBe(expected.ntResponseHex);
    expect(authenticatorResponse(challenge, peer, name, hash, nt)).toBe(expected.authenticatorResponse);
    const response = Buffer.concat([peer, Buffer.alloc(8), nt, Buffer.alloc(1)]);
    const value = Buffer.concat([Buffer.of(49), response, name]);
    expect(toHex(encodePacket(2, input.identifier, value))).toBe(expected.responsePacketHex);
    const proof = {
      ...who(input.user),
      method: "mschap-v2",
      identifier: input.identifier,
      challenge,
      response,
    } as const;
    expect(answerFromSecret(proof, input.password)).toMatchObject({
      accept: true,
      authenticatorResponse: expected.authenticatorResponse,
    });
  },
  "mppe-mschapv1"({ input, expected }) {
    const start = mschapV1StartKeys(utf8(input.password), hex(input.challengeHex)).key("send", input.bits);
    expect(toHex(start)).toBe(expected.startKeyHex);
    expect(toHex(firstSessionKey(start, input.bits))).toBe(expected.sessionKeyHex);
  },
  "mppe-mschapv2"({ input, expected }) {
    const [hashHash, response] = [hex(input.ntHashHashHex), hex(input.ntResponseHex)];
    expect(toHex(masterKey(hashHash, response))).toBe(expected.masterKeyHex);
    const server = mschapV2StartKeys(hashHash, response, "server");
    const client = mschapV2StartKeys(hashHash, response, "client");
    expect(toHex(server.key("send", input.bits))).toBe(expected.serverSendStartKeyHex);
    expect(toHex(server.key("receive", input.bits))).toBe(expected.serverReceiveStartKeyHex);
    expect(client.key("send", input.bits)).toEqual(server.key("receive", input.bits));
    expect(client.key("receive", input.bits)).toEqual(server.key("send", input.bits));
    const session = (key: Uint8Array) => toHex(firstSessionKey(key, input.bits));
    expect(session(server.key("send", input.bits))).toBe(expected.serverSendSessionKeyHex);
    expect(session(server.key("receive", input.bits))).toBe(expected.serverReceiveSessionKeyHex);
  },
  "mppe-stream"({ input, expected }) {
    const mode = { bits: input.bits, stateless: input.stateless };
    const [encryptor, decryptor] = [
      new MppeEncryptor(mode, hex(input.startKeyHex)),
      new MppeDecryptor(mode, hex(input.startKeyHex)),
    ];
    const sent = input.framesHex.map((frame: string) => {
      const octets = new Uint8Array(hex(frame).length + 2);
      expect(encryptor.encrypt(hex(frame), octets)).toBe(octets.length);
      return octets;
    });
    for (const { index, informationHex } of expected.packets)
      expect(toHex(sent[index]), `packet ${index}`).toBe(informationHex);
    for (const [i, octets] of sent.entries()) {
      const plain = new Uint8Array(octets.length - 2);
      expect(decryptor.decrypt(octets, plain)).toBe("ok");
      expect(toHex(plain)).toBe(input.framesHex[i]);
    }
  },
  "des-key-parity"({ input, expected }) {
    expect(toHex(expandDesKey(hex(input.rawHex)))).toBe(expected.keyHex);
  },
  "ppp-fcs"({ input, expected }) {
    const data = hex(input.dataHex);
    expect([fcs16(data), fcs32(data)]).toEqual([expected.fcs16, expected.fcs32]);
    expect(fcs16Raw(Buffer.concat([data, hex(expected.fcs16WireHex)]))).toBe(GOOD_FCS_16);
    expect(fcs32Raw(Buffer.concat([data, hex(expected.fcs32WireHex)]))).toBe(GOOD_FCS_32);
    expect([GOOD_FCS_16, GOOD_FCS_32]).toEqual([expected.goodFcs16, expected.goodFcs32]);
  },
  "ppp-ahdlc"({ input, expected }) {
    const frame = hex(input.frameHex);
    expect(toHex(encodeAsync(frame, input.accm))).toBe(expected.wireHex);
    expect(new AsyncDeframer(1504, input.accm).push(hex(expected.wireHex))).toEqual([frame]);
  },
  "ppp-lcp": packet,
  "ppp-ipcp": packet,
  "ppp-ipv6cp": packet,
};

function packet({ input, expected }: Vector): void {
  const decoded = decodePacket(hex(expected.packetHex));
  expect(decoded).toMatchObject({ code: input.code, identifier: input.identifier });
  const data = decoded?.data ?? new Uint8Array(0);
  expect(toHex(encodePacket(input.code, input.identifier, data))).toBe(expected.packetHex);
  if (input.options === undefined) {
    const u16 = input.rejectedProtocol?.toString(16) ?? "";
    expect(toHex(data)).toBe(
      u16 + (input.magicHex ?? "") + (input.informationHex ?? "") + (input.dataHex ?? ""),
    );
    return;
  }
  const options = input.options.map((option: { type: number; valueHex: string }) => ({
    type: option.type,
    value: hex(option.valueHex),
  }));
  expect(decodeOptions(data)).toEqual(options);
  expect(encodeOptions(options)).toEqual(data);
}

test.each(vectors.map((vector) => [vector.name, vector] as const))("vector %s", (_, vector) => {
  const check = checks[vector.kind];
  expect(check, `a check for ${vector.kind}`).toBeDefined();
  check?.(vector);
});

test("the example of RFC 3079 §3.5 encrypts as printed, with the misprint of the 56-bit one corrected", () => {
  for (const { input, expected } of vectors.filter(({ name }) => name.startsWith("mppe-mschapv2/rfc3079"))) {
    const keys = mschapV2StartKeys(hex(input.ntHashHashHex), hex(input.ntResponseHex), "server");
    const mode = { bits: input.bits, stateless: false };
    const output = new Uint8Array(14);
    new MppeEncryptor(mode, keys.key("send", input.bits)).encrypt(utf8("test message"), output);
    expect(toHex(output.subarray(2)), `${input.bits} bits`).toBe(expected.testMessageEncryptedHex);
  }
});

test("keys and algorithms: keys show nothing of themselves, the algorithms have the RFCs' numbers", () => {
  const keys = new MppeStartKeys(new Uint8Array(16), new Uint8Array(16));
  expect(`${keys} ${JSON.stringify({ keys })}`).toBe('[mppe keys] {"keys":"[mppe keys]"}');
  expect(CHAP_ALGORITHM).toEqual({ "chap-md5": 5, "mschap-v1": 0x80, "mschap-v2": 0x81 });
});
