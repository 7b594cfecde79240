import { describe, expect, test } from "vitest";
import { type Datagram, Dissector, formatIpAddress, parseIp } from "../src/index.ts";
import { captured, concat, hex, IPV4_ZLB, IPV6_ZLB, ipv4, ipv6, toHex, UDP_ZLB, ZLB } from "./octets.ts";

function take(packet: Uint8Array): Datagram {
  const datagram = new Dissector().dissect(captured(101, packet));
  if (typeof datagram === "string") throw new Error(`skipped: ${datagram}`);
  return datagram;
}

const skip = (packet: Uint8Array) => new Dissector().dissect(captured(101, packet));

describe("IPv4", () => {
  test("addresses, ports and payload", () => {
    const datagram = take(IPV4_ZLB);
    expect(formatIpAddress(datagram.source)).toBe("192.0.2.1");
    expect(formatIpAddress(datagram.destination)).toBe("192.0.2.2");
    expect(datagram).toMatchObject({
      sourcePort: 1701,
      destinationPort: 1701,
      payload: ZLB,
      reassembled: false,
      missing: 0,
    });
    expect(datagram.fault).toBeUndefined();
  });

  test("options are passed over", () => {
    const packet = concat(hex("46 00 002c 0001 0000 40 11 0000 c0000201 c0000202 94040000"), UDP_ZLB);
    expect(take(packet).payload).toEqual(ZLB);
  });

  test("protocol 115 gives all that follows the header, without ports", () => {
    const datagram = take(ipv4({ protocol: 115, payload: hex("00000001 aabb") }));
    expect(datagram).toMatchObject({
      protocol: 115,
      sourcePort: 0,
      destinationPort: 0,
      payload: hex("00000001 aabb"),
    });
  });

  test("Ethernet's padding is not part of the payload", () => {
    expect(take(concat(IPV4_ZLB, new Uint8Array(20))).payload).toEqual(ZLB);
  });

  test("a total length of 0 is a packet captured before segmentation offload", () => {
    expect(take(ipv4({ payload: UDP_ZLB, total: 0 })).payload).toEqual(ZLB);
  });

  test("an authentication header is passed over", () => {
    // Next header UDP, length 4 (24 octets), SPI, sequence number, 12 octets of check value.
    const ah = hex("11 04 0000 00000100 00000001 000000000000000000000000");
    expect(take(ipv4({ protocol: 51, payload: concat(ah, UDP_ZLB) })).payload).toEqual(ZLB);
  });

  test("a cut packet says how much is missing", () => {
    const datagram = take(IPV4_ZLB.subarray(0, 34));
    expect(datagram).toMatchObject({ payload: ZLB.subarray(0, 6), missing: 6 });
    expect(datagram.fault).toBeUndefined();
  });

  test.each([
    ["19 octets", IPV4_ZLB.subarray(0, 19)],
    ["a header length of 4 words", concat(hex("44"), IPV4_ZLB.subarray(1))],
    ["a header longer than the packet", concat(hex("4f"), IPV4_ZLB.subarray(1))],
    ["a total length shorter than the header", ipv4({ payload: UDP_ZLB, total: 19 })],
    ["version 5", concat(hex("55"), IPV4_ZLB.subarray(1))],
    ["an authentication header past the end", ipv4({ protocol: 51, payload: hex("11 ff 0000 00000000") })],
  ])("broken: %s", (_, packet) => {
    expect(skip(packet)).toBe("broken-ip");
  });
});

describe("IPv6", () => {
  test("addresses, ports and payload", () => {
    const datagram = take(IPV6_ZLB);
    expect([datagram.source, datagram.destination].map(formatIpAddress)).toEqual([
      "2001:db8::1",
      "2001:db8::2",
    ]);
    expect(datagram).toMatchObject({ ipVersion: 6, sourcePort: 1701, destinationPort: 1701, payload: ZLB });
  });

  test("next header 115", () => {
    expect(take(ipv6(115, hex("00000001")))).toMatchObject({ protocol: 115, payload: hex("00000001") });
  });

  test("extension headers are walked: hop-by-hop, destination options, routing, authentication, again", () => {
    const headers = hex(`
      3c 00 050200000100        # hop-by-hop: router alert; next is destination options
      2b 01 010c 00000000 0000000000000000   # destination options, 16 octets; next is routing
      33 00 000000000000        # routing; next is AH
      3c 04 0000 00000100 00000001 000000000000000000000000
      11 00 010400000000        # destination options; next is UDP
    `);
    expect(take(ipv6(0, concat(headers, UDP_ZLB)))).toMatchObject({ protocol: 17, payload: ZLB });
  });

  test("a payload length of 0 takes all that is there", () => {
    const jumbo = concat(IPV6_ZLB);
    jumbo.set([0, 0], 4);
    expect(take(jumbo).payload).toEqual(ZLB);
  });

  test("padding is not part of the payload, and a cut packet says what is missing", () => {
    expect(take(concat(IPV6_ZLB, new Uint8Array(9))).payload).toEqual(ZLB);
    expect(take(IPV6_ZLB.subarray(0, 50))).toMatchObject({ payload: ZLB.subarray(0, 2), missing: 10 });
  });

  test("an atomic fragment is a whole datagram (RFC 6946)", () => {
    const atomic = ipv6(44, concat(hex("11 00 0000 00000007"), UDP_ZLB));
    expect(take(atomic)).toMatchObject({ payload: ZLB, reassembled: false });
  });

  test.each([
    ["39 octets", IPV6_ZLB.subarray(0, 39)],
    ["an extension header cut", ipv6(0, hex("1100"))],
    ["an extension header past the end", ipv6(60, hex("11 ff 000000000000"))],
    ["a fragment header cut", ipv6(44, hex("11000001"))],
  ])("broken: %s", (_, packet) => {
    expect(skip(packet)).toBe("broken-ip");
  });

  test("what has no next header is passed on as that", () => {
    expect(take(ipv6(59, hex("00")))).toMatchObject({ protocol: 59 });
  });
});

describe("the UDP length", () => {
  const udp = (length: string, rest = toHex(ZLB)) => hex(`06a5 06a5 ${length} 0000 ${rest}`);

  test("shorter than the IP payload: the rest is not the datagram's", () => {
    const datagram = take(ipv4({ payload: udp("000e") }));
    expect(datagram.payload).toEqual(ZLB.subarray(0, 6));
    expect(datagram.fault).toBeUndefined();
  });

  test.each([
    ["longer than the IP payload", "0015", "UDP length 21 in an IP payload of 20 octets"],
    ["shorter than its header", "0007", "UDP length 7 in an IP payload of 20 octets"],
    ["0 in IPv4", "0000", "UDP length 0 in an IP payload of 20 octets"],
  ])("%s is said", (_, length, fault) => {
    expect(take(ipv4({ payload: udp(length) }))).toMatchObject({ fault, payload: ZLB });
  });

  test("0 in IPv6 means all of it", () => {
    const datagram = take(ipv6(17, udp("0000")));
    expect(datagram.payload).toEqual(ZLB);
    expect(datagram.fault).toBeUndefined();
  });

  test("8: a datagram without payload", () => {
    expect(take(ipv4({ payload: udp("0008") })).payload).toHaveLength(0);
  });

  test("a UDP header that is cut gives nothing", () => {
    expect(skip(ipv4({ payload: hex("06a506a5000800") }))).toBe("broken-udp");
  });
});

test("parseIp alone gives fragments as they are", () => {
  expect(parseIp(ipv4({ id: 9, offset: 16, more: true, payload: hex("0011223344556677") }), 0)).toMatchObject(
    {
      version: 4,
      fragment: { identification: 9, offset: 16, more: true },
    },
  );
});
