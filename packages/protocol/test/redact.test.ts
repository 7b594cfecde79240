import {
  ControlDatagram,
  decodeDatagram,
  encodeDataV2,
  encodeMessage,
  formatDatagram,
  type Message,
  redactSecrets,
} from "@l2tp/protocol";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";

const HEADER = { version: 2, tunnelId: 7, sessionId: 9, ns: 1, nr: 2 } as const;
const PASSWORD = new TextEncoder().encode("opensesame");

const iccn: Message<"ICCN", 2> = {
  version: 2,
  type: "ICCN",
  txConnectSpeedBps: 1_000_000,
  framingType: 1,
  proxyAuthenType: 3,
  proxyAuthenName: "someone",
  proxyAuthenResponse: PASSWORD,
};

const contains = (octets: Uint8Array, part: Uint8Array): boolean =>
  Buffer.from(octets).includes(Buffer.from(part));

test("a password in clear becomes zeros of the same length, and all else stays as it was", () => {
  const message = encodeMessage(iccn, HEADER);
  const covered = redactSecrets(message);
  expect(contains(message, PASSWORD)).toBe(true);
  expect(contains(covered, PASSWORD)).toBe(false);
  const at = Buffer.from(message).indexOf(Buffer.from(PASSWORD));
  const expected = message.slice();
  expected.fill(0, at, at + PASSWORD.length);
  expect(covered).toEqual(expected);
  const decoded = decodeDatagram(covered, { encapsulation: "udp" });
  expect(decoded.ok && formatDatagram(decoded.value)).toMatch(/Proxy Authen Name.*someone/);
});

test("the answer to a challenge, from which the secret could be guessed, becomes zeros", () => {
  const response = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
  const message = encodeMessage({ version: 2, type: "SCCCN", challengeResponse: response }, HEADER);
  expect(contains(message, response)).toBe(true);
  expect(contains(redactSecrets(message), response)).toBe(false);
});

test("hidden AVPs stay as on the wire", () => {
  const hide = {
    secret: "s",
    randomVector: new Uint8Array(16).fill(5),
    avps: ["proxyAuthenResponse"],
  } as const;
  const message = encodeMessage(iccn, HEADER, { hide });
  const hidden = decodeDatagram(message, { encapsulation: "udp" });
  expect(
    hidden.ok && hidden.value instanceof ControlDatagram && hidden.value.avps.some((avp) => avp.hidden),
  ).toBe(true);
  expect(redactSecrets(message)).toEqual(message);
});

test("after an AVP whose length is wrong everything becomes zeros, as it may be a secret", () => {
  const message = encodeMessage(iccn, HEADER);
  const broken = message.slice();
  broken[20] = 0x83; // the second AVP claims 768 octets more than there are
  const covered = redactSecrets(broken);
  expect(covered.subarray(0, 20)).toEqual(broken.subarray(0, 20));
  expect(covered.subarray(20).every((octet) => octet === 0)).toBe(true);
  const longer = message.slice();
  longer[2] = 0xff; // Length beyond the datagram
  expect(
    redactSecrets(longer)
      .subarray(12)
      .every((octet) => octet === 0),
  ).toBe(true);
});

test("data messages come back as they are; nothing throws, and no length changes", () => {
  const data = encodeDataV2({ tunnelId: 1, sessionId: 2 }, PASSWORD);
  expect(redactSecrets(data)).toEqual(data);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const before = octets.slice();
      expect(redactSecrets(octets).length).toBe(octets.length);
      expect(octets).toEqual(before);
    }),
  );
});
