import { describe, expect, test } from "vitest";
import {
  AVP_NAMES,
  avpRow,
  challengeResponse,
  definitionFor,
  encodeMessage,
  encodeZlb,
  equalConstantTime,
  formatDatagram,
  formatRejection,
  HeaderCursor,
  hideValue,
  Inspector,
  patchSequence,
  SharedSecret,
  signControl,
  toHex,
  verifyChallengeResponse,
} from "../src/index.ts";
import { avp, control, decode, ICRQ, octets, refused, SCCRQ, SCCRQ_V3, taken } from "./octet-builder.ts";

describe("parser rules that the security history of L2TP asks for", () => {
  test("a control message has T, L and S, and neither O nor P (RFC 2661 §3.1)", () => {
    for (const flags of ["8802", "c002", "ca02", "c902", "8002"]) {
      const datagram = control(2, SCCRQ);
      datagram.set(octets(flags), 0);
      expect(refused(datagram), flags).toMatchObject({ reason: "bad-flags", answer: "ignore", offset: 0 });
    }
  });

  test("Length is at least the header and at most the datagram; octets behind it are not the message's", () => {
    for (const length of ["0000", "000b", "ffff"]) {
      const datagram = control(2, SCCRQ);
      datagram.set(octets(length), 2);
      expect(refused(datagram), length).toMatchObject({ reason: "bad-length", offset: 2 });
    }
    const longer = new Uint8Array([...control(2, SCCRQ), ...octets(avp(999, "ff"))]);
    const parsed = decode(longer);
    expect(parsed).toMatchObject({ ok: true, value: { trailing: 7, message: { hostName: "lac" } } });
  });

  test("Offset Size stays within the payload", () => {
    expect(refused(octets("0202 0007 0009 0003 0000"))).toMatchObject({ reason: "bad-offset", offset: 6 });
    expect(decode(octets("0202 0007 0009 0002 0000"))).toMatchObject({
      ok: true,
      value: { payload: { length: 0 } },
    });
  });

  test("an AVP Length below 6 or past the end is refused at its offset, never followed", () => {
    for (const length of [0, 3, 5]) {
      const found = refused(control(2, [...SCCRQ, avp(8, "6162", { length })]));
      expect(found).toMatchObject({
        reason: "bad-avp-length",
        offset: 55,
        answer: { send: "StopCCN", result: 2, error: 2 },
      });
    }
    const past = refused(control(2, [...SCCRQ, avp(8, "6162", { length: 9 })]));
    expect(past).toMatchObject({ reason: "bad-avp-length", avp: { vendor: 0, type: 8 } });
    expect(refused(control(2, [...SCCRQ, "800800"]))).toMatchObject({ reason: "bad-avp-length", offset: 55 });
  });

  test("every known AVP that is one octet too short or too long is refused (M) or ignored (not M)", () => {
    for (const name of AVP_NAMES) {
      const row = avpRow(name);
      const definition = definitionFor(row, 2);
      if (!definition || row.vendor !== 0 || ["messageType", "randomVector"].includes(name)) continue;
      const { min, max, fits } = row.field[2];
      const wrong = [min - 1, max + 1].filter(
        (size) => size >= 0 && size <= 1017 && !(fits?.(size) && size >= min && size <= max),
      );
      for (const size of wrong) {
        const bad = avp(row.type, "01".repeat(size));
        const without = SCCRQ.filter((one) => !one.slice(8, 12).includes(bad.slice(8, 12)));
        expect(refused(control(2, [...without, bad])), `${name}, ${size}`).toMatchObject({
          reason: "bad-value-length",
          avp: { vendor: 0, type: row.type },
          answer: { send: "StopCCN", result: 2, error: 2 },
        });
        if (
          row.critical ||
          ["hostName", "protocolVersion", "framingCapabilities", "assignedTunnelId"].includes(name)
        )
          continue;
        const soft = taken(control(2, [...SCCRQ, avp(row.type, "01".repeat(size), { flags: 0 })]));
        expect(soft[name], name).toBeUndefined();
        expect(soft["extras"], name).toHaveLength(1);
      }
    }
  });

  test("reserved AVP bits make an AVP unknown in v2 and mean nothing in v3", () => {
    expect(refused(control(2, [...SCCRQ, avp(8, "6162", { flags: 0x8400 })]))).toMatchObject({
      reason: "unknown-mandatory-avp",
    });
    const kept = taken(control(2, [...SCCRQ, avp(8, "6162", { flags: 0x0400 })]));
    expect(kept["vendorName"]).toBeUndefined();
    expect(kept["extras"]).toEqual([
      { vendor: 0, type: 8, mandatory: false, reservedBits: 1, value: octets("6162") },
    ]);
    expect(taken(control(3, [...SCCRQ_V3, avp(8, "6162", { flags: 0x8400 })]))["vendorName"]).toBe("ab");
  });

  test("Message Type comes first, in the clear, and once", () => {
    expect(refused(control(2, SCCRQ.toReversed()))).toMatchObject({ reason: "no-message-type", offset: 12 });
    expect(
      refused(control(2, [avp(0, "0001", { flags: 0xc000 }), ...SCCRQ.slice(1)]), { secret: "s" }).reason,
    ).toBe("no-message-type");
    expect(refused(control(2, [...SCCRQ, avp(0, "0002")]))).toMatchObject({
      reason: "duplicate-avp",
      offset: 55,
    });
  });

  test("an AVP of one value is there once; a second without M bit is ignored", () => {
    expect(refused(control(2, [...SCCRQ, avp(9, "0008")]))).toMatchObject({
      reason: "duplicate-avp",
      avp: { type: 9 },
    });
    const soft = taken(control(2, [...SCCRQ, avp(9, "0008", { flags: 0 })]));
    expect(soft["assignedTunnelId"]).toBe(7);
    expect(soft["extras"]).toHaveLength(1);
  });

  test("the number of AVPs is capped, repeatable ones apart", () => {
    const many = Array.from({ length: 200 }, (_, i) => avp(1000 + i, "00", { flags: 0 }));
    expect(refused(control(2, [...SCCRQ, ...many]))).toMatchObject({
      reason: "too-many-avps",
      offset: 12 + 43 + 123 * 7,
    });
    expect(taken(control(2, [...SCCRQ, ...many]), { maximumAvps: 300 })["extras"]).toHaveLength(200);
    const states = Array.from({ length: 1000 }, () => avp(79, "0000 0000 0001 0000 0002"));
    expect(taken(control(2, [avp(0, "0015"), ...states]))["failoverSessionState"]).toHaveLength(1000);
  });

  test("an unknown AVP with the M bit ends the tunnel or the session, by the message; a switch tolerates it", () => {
    const strange = avp(999, "01");
    const tunnel = refused(control(2, [...SCCRQ, strange]));
    expect(tunnel).toMatchObject({
      answer: { send: "StopCCN", result: 2, error: 8 },
      avp: { vendor: 0, type: 999 },
    });
    expect((tunnel.answer as { text: string }).text).toContain("0/999");
    expect(refused(control(2, [...ICRQ, strange], "00010000"))).toMatchObject({
      answer: { send: "CDN", result: 2, error: 8 },
    });
    const quirks = { tolerateUnknownMandatory: true };
    expect(taken(control(2, [...SCCRQ, strange]), { quirks })["extras"]).toHaveLength(1);
  });

  test("a rejection carries what the answer needs: header, type and the peer's ID", () => {
    expect(refused(control(2, [...SCCRQ, avp(999, "01")]))).toMatchObject({
      header: { version: 2, ns: 0 },
      messageType: 1,
      partial: { assignedTunnelId: 7 },
    });
    expect(refused(control(2, [avp(999, "01"), ...ICRQ].toReversed(), "00010000")).header).toBeDefined();
    expect(refused(control(2, [...ICRQ, avp(999, "01")], "00010000")).partial).toMatchObject({
      assignedSessionId: 9,
    });
  });

  test("vendors' AVPs are never taken for the IETF's", () => {
    const message = taken(control(2, [...SCCRQ, avp(9, "00ff", { flags: 0, vendor: 311 })]));
    expect(message["assignedTunnelId"]).toBe(7);
    expect(message["extras"]).toEqual([{ vendor: 311, type: 9, mandatory: false, value: octets("00ff") }]);
  });

  test("a hidden AVP needs a secret and a Random Vector before it, and its inner length is not trusted", () => {
    const secret = new SharedSecret("hunter2");
    const vector = octets("000102030405060708090a0b0c0d0e0f");
    const without = SCCRQ.slice(0, 4);
    const hidden = (type: number, value: string, length?: number) => {
      const plain = octets(value);
      const masked = hideValue(type, secret.hidingKey(2), vector, plain, new Uint8Array(3));
      if (length !== undefined) {
        masked[0] = (masked[0] as number) ^ (plain.length >> 8) ^ (length >> 8);
        masked[1] = (masked[1] as number) ^ plain.length ^ (length & 0xff);
      }
      return avp(type, toHex(masked), { flags: 0xc000 });
    };
    const rv = avp(36, toHex(vector));
    expect(taken(control(2, [...without, rv, hidden(9, "1234")]), { secret })["assignedTunnelId"]).toBe(
      0x1234,
    );
    expect(refused(control(2, [...without, rv, hidden(9, "1234")])).reason).toBe("hidden-without-secret");
    expect(refused(control(2, [...without, hidden(9, "1234"), rv]), { secret }).reason).toBe(
      "hidden-without-random-vector",
    );
    for (const length of [6, 900, 65535]) {
      expect(refused(control(2, [...without, rv, hidden(9, "1234", length)]), { secret }).reason).toBe(
        "bad-hidden-avp",
      );
    }
    expect(refused(control(2, [...without, rv, hidden(9, "1234")]), { secret: "other" }).reason).toBe(
      "bad-hidden-avp",
    );
    expect(refused(control(2, [...without, rv, avp(9, "", { flags: 0xc000 })]), { secret }).reason).toBe(
      "bad-hidden-avp",
    );
    expect(refused(control(2, [...SCCRQ, avp(36, "00112233", { flags: 0xc000 })]), { secret }).reason).toBe(
      "bad-hidden-avp",
    );
  });

  test("secrets do not show in logs", () => {
    const secret = new SharedSecret("hunter2");
    expect(`${secret} ${JSON.stringify({ secret })}`).not.toMatch(/hunter2|68756e/);
  });

  test("a comparison never succeeds on empty or shorter octets", () => {
    expect(equalConstantTime(new Uint8Array(0), new Uint8Array(0))).toBe(false);
    expect(equalConstantTime(octets("0102"), octets("01"))).toBe(false);
    expect(equalConstantTime(octets("0102"), octets("0102"))).toBe(true);
    const challenge = octets("aabb");
    expect(verifyChallengeResponse(2, "s", challenge, challengeResponse(2, "s", challenge))).toBe(true);
    expect(verifyChallengeResponse(2, "s", challenge, challengeResponse(3, "s", challenge))).toBe(false);
  });

  test("with a secret L2TPv3 takes no message without a digest, ZLBs included; there is no falling back", () => {
    for (const datagram of [control(3, SCCRQ_V3), encodeZlb(3, { controlConnectionId: 5, ns: 1, nr: 1 })]) {
      expect(refused(datagram, { secret: "v3secret" })).toMatchObject({
        reason: "missing-digest",
        answer: "ignore",
      });
    }
  });

  test("Protocol Version 2.0 is answered with StopCCN 5 and the highest version we have", () => {
    expect(refused(control(2, [SCCRQ[0] as string, avp(2, "0200"), ...SCCRQ.slice(2)]))).toMatchObject({
      answer: { send: "StopCCN", result: 5, error: 0x0100 },
    });
  });

  test("text of the peer reaches a log on one line, without control characters", () => {
    const parsed = decode(
      control(2, [...SCCRQ.slice(0, 2), avp(7, "1b5b334a 0a 22 e280ae ff"), ...SCCRQ.slice(3)]),
    );
    if (!parsed.ok) throw new Error("refused");
    const line = formatDatagram(parsed.value);
    expect(line).toContain('Host Name "\\x1b[3J\\x0a\\"\\u{202e}\\xff"');
    expect(formatRejection(refused(octets("00")))).toBe(
      "refused at octet 1: the datagram ends inside the header (truncated); ignore",
    );
  });
});

describe("what real peers do", () => {
  const stop = (value: string) => control(2, [avp(0, "0004"), avp(9, "0007"), avp(1, value)], "00010000");

  test("a Result Code of 8 octets, without Error Code (MikroTik)", () => {
    expect(taken(stop("0006"))["resultCode"]).toEqual({ resultCode: 6 });
  });

  test("a Result Code in the wrong byte order (old Apple clients) is read as meant, flagged, and kept on re-encoding", () => {
    const datagram = stop("0100 0200 6279 65");
    const message = taken(datagram);
    expect(message["resultCode"]).toEqual({
      resultCode: 1,
      errorCode: 2,
      errorMessage: "bye",
      swapped: true,
    });
    expect(encodeMessage(message as never, { tunnelId: 1, ns: 0, nr: 0 } as never)).toEqual(datagram);
  });

  test("Receive Window Size 0 is refused, or taken from a peer that is known for it (Huawei)", () => {
    const datagram = control(2, [...SCCRQ, avp(10, "0000")]);
    expect(refused(datagram)).toMatchObject({ reason: "bad-value", answer: { error: 3 } });
    expect(taken(datagram, { quirks: { zeroReceiveWindow: true } })["receiveWindowSize"]).toBe(0);
  });

  test("missing required AVPs are refused, or tolerated from a peer that is known for it (Yamaha, Cisco)", () => {
    const icrq = control(3, [
      avp(0, "000a"),
      avp(63, "00000005"),
      avp(15, "00000001"),
      avp(68, "0005"),
      avp(66, "41"),
      avp(71, "0001"),
    ]);
    expect(refused(icrq)).toMatchObject({
      reason: "missing-avp",
      avp: { type: 64 },
      answer: { send: "CDN" },
    });
    expect(taken(icrq, { quirks: { tolerateMissing: true } })).toMatchObject({ localSessionId: 5 });
  });

  test("Cisco's vendor 9 AVPs beside the IETF's, with M bits (drafts of RFC 3931)", () => {
    const message = taken(
      control(3, [
        ...SCCRQ_V3,
        avp(1, "11223344", { vendor: 9 }),
        avp(2, "0005", { vendor: 9 }),
        avp(10, "0001", { vendor: 9 }),
      ]),
    );
    expect(message).toMatchObject({
      ciscoAssignedControlConnectionId: 0x11223344,
      ciscoPseudowireCapabilitiesList: [5],
      ciscoDraftVersion: 1,
    });
  });

  test("the vendor AVP of Windows in ICRQ is kept (311/1)", () => {
    expect(
      taken(control(2, [...ICRQ, avp(1, "00".repeat(16), { vendor: 311, flags: 0 })]))["extras"],
    ).toHaveLength(1);
  });

  test("PPP Disconnect Cause Code under 3Com's old number is read, and sent under the IETF's (RFC 3145)", () => {
    const cdn = [avp(0, "000e"), avp(1, "0001"), avp(14, "0009")];
    const message = taken(control(2, [...cdn, avp(46, "0003 c021 02", { vendor: 43, flags: 0 })]));
    const cause = { disconnectCode: 3, controlProtocolNumber: 0xc021, direction: 2 };
    expect(message["pppDisconnectCauseCode"]).toEqual(cause);
    expect(
      toHex(encodeMessage(message as never, { tunnelId: 1, sessionId: 1, ns: 0, nr: 0 } as never)),
    ).toContain("000b0000002e0003c02102");
  });

  test("known AVPs in messages that do not list them do no harm (mpd5's SCCCN, Windows NT's Physical Channel ID with M)", () => {
    expect(taken(control(2, [avp(0, "0003"), avp(7, "6d7064"), avp(3, "00000003")]))["extras"]).toHaveLength(
      2,
    );
    expect(taken(control(2, [...ICRQ, avp(25, "00000000")]))["physicalChannelId"]).toBe(0);
  });

  test("a Proxy Authen Challenge of any length (Juniper sends more than 24 octets)", () => {
    const iccn = [avp(0, "000c"), avp(24, "000f4240"), avp(19, "00000001"), avp(31, "ab".repeat(1017))];
    expect(taken(control(2, iccn))["proxyAuthenChallenge"]).toHaveLength(1017);
  });

  test("an odd-length Host Name, and an SCCRQ of both versions with v2's AVPs and their M bits (RFC 3931 §4.7.3)", () => {
    expect(taken(control(2, SCCRQ))["hostName"]).toBe("lac");
    const both = taken(control(3, [...SCCRQ_V3, avp(2, "0100"), avp(3, "00000003"), avp(9, "0007")]));
    expect(both["extras"]).toHaveLength(3);
    expect(refused(control(3, [avp(0, "0006"), avp(3, "00000003")])).reason).toBe("unknown-mandatory-avp");
  });

  test("an Rx Connect Speed of 4 octets where v3 has 8 is as if it were not there (RFC 3931 §7.1)", () => {
    const message = taken(
      control(3, [
        ...["000c"].map((type) => avp(0, type)),
        avp(63, "00000005"),
        avp(64, "00000006"),
        avp(75, "000f4240", { flags: 0 }),
      ]),
    );
    expect(message["rxConnectSpeed"]).toBeUndefined();
  });

  test("Circuit Errors of 24 octets, as the RFC's figure has it, lack the first two counters", () => {
    const wen = [avp(0, "000f"), avp(63, "00000005"), avp(64, "00000006")];
    const drawn = avp(34, "0000 00000001 00000002 00000003 00000004");
    expect(taken(control(3, [...wen, drawn]))["circuitErrors"]).toEqual({
      crcErrors: 0,
      framingErrors: 0,
      hardwareOverruns: 1,
      bufferOverruns: 2,
      timeoutErrors: 3,
      alignmentErrors: 4,
    });
  });

  test("an Assigned Cookie without octets is refused, or taken by a switch", () => {
    const icrq = [
      avp(0, "000a"),
      avp(63, "00000005"),
      avp(64, "00000000"),
      avp(15, "00000001"),
      avp(68, "0005"),
      avp(66, "41"),
      avp(71, "0001"),
    ];
    expect(refused(control(3, [...icrq, avp(65, "")])).reason).toBe("bad-value-length");
    expect(
      taken(control(3, [...icrq, avp(65, "")]), { quirks: { emptyCookie: true } })["assignedCookie"],
    ).toHaveLength(0);
  });

  test("an unknown message type without M bit is acknowledged and ignored, with it the tunnel ends", () => {
    expect(refused(control(2, [avp(0, "00ff", { flags: 0 })], "00010000"))).toMatchObject({
      answer: "acknowledge",
      header: { nr: 0 },
      messageType: 255,
    });
    expect(refused(control(2, [avp(0, "00ff")], "00010000"))).toMatchObject({
      answer: { send: "StopCCN", error: 8 },
    });
  });

  test("data with and without Length, Ns/Nr, Offset and priority (RFC 2661 §3.1)", () => {
    expect(decode(octets("0102 0007 0009 aabb"))).toMatchObject({
      ok: true,
      value: { header: { priority: true }, payload: octets("aabb") },
    });
    expect(decode(octets("4b02 0012 0007 0009 0001 0000 0002 0000 aabb"))).toMatchObject({
      ok: true,
      value: { header: { length: 18, ns: 1, nr: 0, offsetSize: 2 }, payload: octets("aabb") },
    });
  });

  test("a data message with a cookie or sublayer too short is dropped (RFC 3931 §4.1)", () => {
    const session = () => ({ cookie: octets("01020304"), sublayer: "default" as const });
    expect(refused(octets("0003 0000 00000005 010203"), { session }).reason).toBe("bad-cookie");
    expect(refused(octets("0003 0000 00000005 01020305 00000000"), { session })).toMatchObject({
      reason: "bad-cookie",
      answer: "ignore",
    });
    expect(refused(octets("0003 0000 00000005 01020304 0000"), { session }).reason).toBe("truncated");
    expect(decode(octets("0003 0000 00000005 01020304 40000007 ff"), { session })).toMatchObject({
      ok: true,
      value: { header: { sublayer: { sequenced: true, sequence: 7 } }, payload: octets("ff") },
    });
  });
});

describe("encoding", () => {
  const fields = { tunnelId: 0, ns: 0, nr: 0 };
  const sccrq = {
    version: 2,
    type: "SCCRQ",
    protocolVersion: { version: 1, revision: 0 },
    hostName: "lac",
    framingCapabilities: 3,
    assignedTunnelId: 7,
  } as const;

  test("says what is wrong with which AVP of which message", () => {
    const wrong: [object, RegExp][] = [
      [{ ...sccrq, hostName: undefined }, /^SCCRQ: hostName missing \(L2TPv2 requires it\)$/],
      [{ ...sccrq, hostName: "" }, /^SCCRQ: hostName must have 1 to 1017 octets, has 0$/],
      [{ ...sccrq, hostName: "x".repeat(1018) }, /^SCCRQ: hostName .*1017/],
      [{ ...sccrq, assignedTunnelId: 0 }, /^SCCRQ: assignedTunnelId must be at least 1$/],
      [{ ...sccrq, assignedTunnelId: 65536 }, /^SCCRQ: assignedTunnelId must be an integer from 1 to 65535$/],
      [{ ...sccrq, tieBreaker: 5 }, /^SCCRQ: tieBreaker must be a bigint/],
      [
        { ...sccrq, callErrors: {} },
        /^SCCRQ: callErrors is no AVP of this message in L2TPv2; put it into extras/,
      ],
      [{ ...sccrq, hostname: "lac" }, /^SCCRQ: there is no AVP hostname$/],
      [{ ...sccrq, type: "ACK" }, /^there is no message ACK in L2TPv2$/],
      [{ ...sccrq, protocolVersion: { version: 1 } }, /^SCCRQ: protocolVersion revision: must be an integer/],
    ];
    for (const [message, text] of wrong) {
      expect(() => encodeMessage(message as never, fields as never), String(text)).toThrow(text);
      expect(() => encodeMessage(message as never, fields as never)).toThrow(
        expect.objectContaining({ code: "ERR_L2TP_ENCODE", name: "EncodeError" }),
      );
    }
    expect(() => encodeMessage(sccrq, { ...fields, tunnelId: 65536 })).toThrow(/header: tunnelId/);
    for (const ns of [-1, 65536, 1.5, Number.NaN]) {
      expect(() => encodeMessage(sccrq, { ...fields, ns })).toThrow(
        /header: ns must be an integer from 0 to 65535/,
      );
    }
    expect(() => encodeMessage(sccrq, fields, { encapsulation: "ip" })).toThrow(
      /L2TPv2 has no encapsulation in IP/,
    );
    const hide = { secret: "s", randomVector: new Uint8Array(16), avps: ["hostName"] as const };
    expect(() => encodeMessage(sccrq, fields, { hide })).toThrow(
      /Host Name must not be hidden \(RFC 2661 §4.4.3\)/,
    );
  });

  test("an optional field cannot be given without those before it", () => {
    const stop = { version: 2, type: "StopCCN", assignedTunnelId: 1 } as const;
    const resultCode = { resultCode: 1, errorMessage: "bye" };
    expect(() => encodeMessage({ ...stop, resultCode }, { tunnelId: 1, ns: 0, nr: 0 })).toThrow(
      "StopCCN: resultCode has errorMessage but not errorCode, which comes before it",
    );
  });

  test("a message that is too long for its Length is refused, and the next one is right", () => {
    const extras = Array.from({ length: 70 }, () => ({
      vendor: 9,
      type: 999,
      mandatory: false,
      value: new Uint8Array(1000),
    }));
    expect(() => encodeMessage({ ...sccrq, extras }, fields)).toThrow(/more than 65535 octets/);
    expect(taken(encodeMessage(sccrq, fields))).toEqual(sccrq);
  });

  test("datagrams do not share octets with each other, nor change when the next is encoded", () => {
    const first = encodeMessage(sccrq, fields);
    const copy = first.slice();
    const second = encodeMessage({ ...sccrq, hostName: "other" }, fields);
    second.fill(0xff);
    expect(first).toEqual(copy);
    for (let i = 0; i < 1000; i++) encodeMessage(sccrq, fields);
    expect(first).toEqual(copy);
  });

  test("Ns and Nr are changed in place for a retransmission, over UDP and IP, and the digest is made again", () => {
    for (const encapsulation of ["udp", "ip"] as const) {
      const sign = { secret: "s", nonces: { sender: octets("01"), receiver: octets("02") } };
      const hello = encodeMessage(
        { version: 3, type: "HELLO" },
        { controlConnectionId: 9, ns: 1, nr: 2 },
        { encapsulation, sign },
      );
      patchSequence(hello, 1, 7, encapsulation);
      const options = { encapsulation, secret: "s", nonces: sign.nonces };
      expect(refused(hello, options).reason).toBe("bad-digest");
      signControl(hello, encapsulation, "s", sign.nonces);
      const parsed = decode(hello, options);
      expect(parsed).toMatchObject({
        ok: true,
        value: { digest: "verified", header: { controlConnectionId: 9, ns: 1, nr: 7 } },
      });
    }
  });

  test("Node's Buffers, whose slice() is a view, are neither changed in decoding nor signed wrongly", () => {
    const secret = Buffer.from("s3cret");
    const shared = new SharedSecret(secret);
    const sign = { secret: shared, types: [0, 1] as const };
    const hello = encodeMessage(
      { version: 3, type: "HELLO" },
      { controlConnectionId: 9, ns: 1, nr: 2 },
      { sign },
    );
    secret.fill(0); // the secret was copied
    const datagram = Buffer.from(hello);
    expect(decode(datagram, { secret: shared })).toMatchObject({ ok: true, value: { digest: "verified" } });
    expect(toHex(datagram)).toBe(toHex(hello));
    const source = { encapsulation: "udp", src: "a", dst: "b", frame: 1 } as const;
    const { digests } = new Inspector({ secret: shared }).inspect(datagram, source);
    expect(digests?.map(({ valid }) => valid)).toEqual([true, true]);
    expect(toHex(datagram)).toBe(toHex(hello));
    signControl(datagram, "udp", shared);
    expect(toHex(datagram)).toBe(toHex(hello));
  });

  test("the cursor reads the header of a ZLB without the rest of the codec", () => {
    const cursor = new HeaderCursor();
    expect(cursor.read(encodeZlb(2, { tunnelId: 3, ns: 4, nr: 5 }))).toBe(true);
    expect(cursor).toMatchObject({
      control: true,
      isZlb: true,
      version: 2,
      tunnelId: 3,
      ns: 4,
      nr: 5,
      length: 12,
    });
  });
});
