import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import {
  AsyncDeframer,
  decodeFrame,
  decodeOptions,
  decodePacket,
  encodeAsync,
  encodeFrame,
  encodeOptions,
  encodePacket,
  formatIpv4,
  formatIpv6,
  mruForPath,
  mssFor,
  Password,
  parseIpv4,
  parseIpv6,
  protocolName,
} from "../src/index.ts";
import { hex, toHex } from "./hex.ts";

const octetString = fc.uint8Array({ minLength: 2, maxLength: 200 });

test("frames on an asynchronous line arrive whole, however the octets are cut, with flags shared or not", () => {
  fc.assert(
    fc.property(
      fc.array(octetString, { maxLength: 6 }),
      fc.nat(),
      fc.array(fc.integer({ min: 1, max: 30 })),
      fc.boolean(),
      (frames, accm, cuts, share) => {
        let wire: number[] = [];
        for (const frame of frames) {
          const encoded = [...encodeAsync(frame, accm)];
          wire = wire.concat(share && wire.length > 0 ? encoded.slice(1) : encoded);
        }
        const deframer = new AsyncDeframer(200, accm);
        const arrived: Uint8Array[] = [];
        for (let at = 0, i = 0; at < wire.length; i++) {
          const size = cuts[i] ?? 1000;
          arrived.push(...deframer.push(Uint8Array.from(wire.slice(at, at + size))));
          at += size;
        }
        expect(arrived).toEqual(frames);
        expect(Object.values(deframer.counters)).toEqual([0, 0, 0, 0, 0]);
      },
    ),
  );
});

test("control characters of the ACCM never stand bare on the line, and those put in on the way are dropped", () => {
  fc.assert(
    fc.property(octetString, fc.nat(0xffffffff), (frame, accm) => {
      const wire = encodeAsync(frame, accm);
      for (const octet of wire.subarray(1, -1)) {
        expect(octet).not.toBe(0x7e);
        if (octet < 32) expect((accm >>> octet) & 1).toBe(0);
      }
      if ((accm & (1 << 17)) === 0) return;
      const noisy = [...wire].flatMap((octet, i) => (i % 3 === 0 ? [octet, 17] : [octet]));
      expect(new AsyncDeframer(200, accm).push(Uint8Array.from(noisy))).toEqual([frame]);
    }),
  );
});

test("a wrong FCS, an abort, a frame too short or too long are counted, and the next frame is not lost", () => {
  const good = encodeAsync(hex("ff03 c021 01010004"), 0xffffffff);
  const deframer = new AsyncDeframer(32, 0xffffffff);
  expect(deframer.push(hex("41 42 43"))).toEqual([]); // before the first flag
  expect(deframer.push(hex("7e 41 42 43 44 45 7e"))).toEqual([]);
  expect(deframer.push(hex("41 42 7d 7e"))).toEqual([]);
  expect(deframer.push(hex("41 7e"))).toEqual([]);
  for (let i = 0; i < 1000; i++) expect(deframer.push(new Uint8Array(1000).fill(0x41))).toEqual([]);
  expect(deframer.push(good)).toEqual([hex("ff03c02101010004")]);
  expect(deframer.counters).toEqual({ badFcs: 1, aborted: 1, tooLong: 1, tooShort: 1, droppedControls: 0 });
});

test("any octets on an asynchronous line give frames of bounded size or nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (pieces) => {
      const deframer = new AsyncDeframer(64, 0);
      for (const piece of pieces)
        for (const frame of deframer.push(piece)) expect(frame.length).toBeLessThanOrEqual(64);
    }),
  );
});

test("frames as L2TP carries them are read with and without FF 03, with protocols of one octet or two", () => {
  const expected = { protocol: 0x21, information: hex("4500") };
  for (const frame of ["ff03 0021 4500", "0021 4500", "ff03 21 4500", "21 4500"])
    expect(decodeFrame(hex(frame)), frame).toEqual(expected);
  for (const frame of ["", "ff03", "c0", "c020 00", "00", "ff03 00"])
    expect(decodeFrame(hex(frame)), frame).toBeUndefined();
  expect(toHex(encodeFrame(0x21, hex("45")))).toBe("ff03002145");
  expect(toHex(encodeFrame(0x21, hex("45"), { bare: true, compressProtocol: true }))).toBe("2145");
  expect(toHex(encodeFrame(0xc021, hex("01"), { compressProtocol: true }))).toBe("ff03c02101");
  fc.assert(
    fc.property(
      fc.nat(0x7f),
      fc.nat(0x7f),
      fc.uint8Array(),
      fc.boolean(),
      fc.boolean(),
      (high, low, information, bare, compressProtocol) => {
        const protocol = (2 * high * 256) | (2 * low + 1);
        // A bare frame of protocol 0xff03 would be taken for an address field; the number is reserved for that reason.
        const frame = encodeFrame(protocol, information, { bare, compressProtocol });
        if (bare && frame[0] === 0xff && frame[1] === 3) return;
        expect(decodeFrame(frame)).toEqual({ protocol, information });
      },
    ),
  );
});

test("packets and options survive a round trip, and decoding any octets returns", () => {
  const option = fc.record({ type: fc.nat(255), value: fc.uint8Array({ maxLength: 253 }) });
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(255),
      fc.array(option, { maxLength: 32 }),
      fc.uint8Array(),
      (code, identifier, options, padding) => {
        const octets = Buffer.concat([encodePacket(code, identifier, encodeOptions(options)), padding]);
        const packet = decodePacket(new Uint8Array(octets));
        expect(packet).toMatchObject({ code, identifier });
        expect(decodeOptions(packet?.data ?? new Uint8Array(0))).toEqual(options);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const packet = decodePacket(octets);
      if (packet !== undefined) expect(packet.data.length).toBeLessThanOrEqual(octets.length - 4);
      decodeOptions(octets);
    }),
  );
});

test("addresses are read and written as people do (RFC 5952)", () => {
  expect(formatIpv4(parseIpv4("192.0.2.1") as Uint8Array)).toBe("192.0.2.1");
  for (const bad of ["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "", "a.b.c.d"])
    expect(parseIpv4(bad), bad).toBeUndefined();
  const texts: [string, string][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["fe80::1", "fe80::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1::", "1::"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
  ];
  for (const [text, canonical] of texts)
    expect(formatIpv6(parseIpv6(text) as Uint8Array), text).toBe(canonical);
  for (const bad of [
    "1",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7:8:9",
    "g::",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7",
    "",
  ]) {
    expect(parseIpv6(bad), bad).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
      expect(parseIpv6(formatIpv6(octets))).toEqual(octets);
    }),
  );
});

test("what fits: 1462 octets in a path of 1500 over IPv4, 1458 with sequence numbers; segments 40 or 60 less", () => {
  expect(mruForPath({ pathMtu: 1500, overhead: 20 + 8 + 6 })).toBe(1462);
  expect(mruForPath({ pathMtu: 1500, overhead: 20 + 8 + 6 + 4 })).toBe(1458);
  expect(mruForPath({ pathMtu: 1500, overhead: 34, acfc: true, mppe: true })).toBe(1460);
  expect([mssFor(1462, 4), mssFor(1462, 6), mssFor(10, 4)]).toEqual([1422, 1402, 0]);
});

test("a password shows nothing of itself; protocols have names", () => {
  const password = new Password("open sesame");
  expect(`${password} ${JSON.stringify({ password })}`).toBe('[password] {"password":"[password]"}');
  expect(Buffer.from(password.reveal()).toString()).toBe("open sesame");
  expect([0xc021, 0x8021, 0x1234].map(protocolName)).toEqual(["LCP", "IPCP", "0x1234"]);
});
