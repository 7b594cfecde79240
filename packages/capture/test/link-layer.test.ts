import { expect, test } from "vitest";
import { Dissector, isSupportedLinkType, LINK_TYPE, linkPayload } from "../src/index.ts";
import { captured, concat, hex, IPV4_ZLB, IPV6_ZLB, toHex, ZLB } from "./octets.ts";

/** The link-layer header before an IP packet, what it should be taken for. */
const HEADERS: readonly (readonly [
  name: string,
  linkType: number,
  header: string,
  version: 4 | 6,
  vlans: number[],
])[] = [
  ["Ethernet, IPv4", 1, "020000000002 020000000001 0800", 4, []],
  ["Ethernet, IPv6", 1, "020000000002 020000000001 86dd", 6, []],
  ["Ethernet, 802.1Q", 1, "020000000002 020000000001 8100 602a 0800", 4, [42]],
  [
    "Ethernet, 802.1ad around 802.1Q",
    1,
    "020000000002 020000000001 88a8 0064 8100 efff 86dd",
    6,
    [100, 4095],
  ],
  ["Ethernet, the old double tag", 1, "020000000002 020000000001 9100 0001 8100 0002 0800", 4, [1, 2]],
  ["Ethernet, three tags", 1, "020000000002 020000000001 8100 0001 8100 0002 8100 0003 0800", 4, [1, 2, 3]],
  ["Linux cooked v1, IPv4", 113, "0000 0001 0006 0200000000010000 0800", 4, []],
  ["Linux cooked v1, outgoing, IPv6, tagged", 113, "0004 0001 0006 0200000000010000 8100 0007 86dd", 6, [7]],
  ["Linux cooked v2, IPv4", 276, "0800 0000 00000003 0001 00 06 0200000000010000", 4, []],
  ["Linux cooked v2, tagged", 276, "8100 0000 00000003 0001 04 06 0200000000010000 0fa0 86dd", 6, [4000]],
  ["BSD loopback, little-endian, IPv4", 0, "02000000", 4, []],
  ["BSD loopback, big-endian, IPv4", 0, "00000002", 4, []],
  ["BSD loopback, FreeBSD's IPv6", 0, "1c000000", 6, []],
  ["BSD loopback, macOS's IPv6", 0, "1e000000", 6, []],
  ["BSD loopback, OpenBSD's IPv6", 0, "00000018", 6, []],
  ["BSD loopback, Linux's IPv6", 0, "0a000000", 6, []],
  ["OpenBSD loopback, IPv4", 108, "00000002", 4, []],
  ["OpenBSD loopback, IPv6", 108, "00000018", 6, []],
  ["raw IP, version 4", 101, "", 4, []],
  ["raw IP, version 6", 101, "", 6, []],
  ["raw IP of BSD", 12, "", 4, []],
  ["raw IP of OpenBSD", 14, "", 6, []],
  ["raw IPv4", 228, "", 4, []],
  ["raw IPv6", 229, "", 6, []],
];

test.each(HEADERS)("%s", (_, linkType, header, version, vlans) => {
  const frame = concat(hex(header), version === 4 ? IPV4_ZLB : IPV6_ZLB);
  const datagram = new Dissector().dissect(captured(linkType, frame));
  if (typeof datagram === "string") throw new Error(`skipped: ${datagram}`);
  expect(datagram).toMatchObject({ ipVersion: version, vlans, protocol: 17, sourcePort: 1701, missing: 0 });
  expect(toHex(datagram.payload)).toBe(toHex(ZLB));
});

test("every link type that is named is covered above and said to be supported", () => {
  const covered = new Set(HEADERS.map(([, linkType]) => linkType));
  expect([...covered].sort((a, b) => a - b)).toEqual(Object.values(LINK_TYPE).sort((a, b) => a - b));
  for (const linkType of covered) expect(isSupportedLinkType(linkType)).toBe(true);
  expect(isSupportedLinkType(105)).toBe(false);
});

test.each(HEADERS)("%s: a frame cut within the header is not taken for anything", (_, linkType, header) => {
  const bytes = hex(header);
  for (let length = 0; length < bytes.length; length += 1) {
    const skip = new Dissector().dissect(captured(linkType, bytes.subarray(0, length)));
    expect(["not-ip", "broken-ip"]).toContain(skip);
  }
});

test.each([
  ["ARP", 1, "ffffffffffff 020000000001 0806 0001 0800", "not-ip"],
  ["an 802.3 length", 1, "0180c2000000 020000000001 0026 424203", "not-ip"],
  ["a tagged ARP", 1, "ffffffffffff 020000000001 8100 0001 0806 0001", "not-ip"],
  ["tags to the end of the frame", 1, `ffffffffffff 020000000001 ${"8100 0001 ".repeat(50)}`, "not-ip"],
  ["an unknown address family", 0, "07000000 45", "not-ip"],
  ["an address family in the middle", 0, "00020000 45", "not-ip"],
  ["an address family at both ends", 0, "02000002 45", "not-ip"],
  ["IPv6 where IPv4 was said", 228, "60000000", "broken-ip"],
  ["802.11", 105, "0800", "unsupported-link-type"],
])("%s is passed over", (_, linkType, frame, skip) => {
  expect(new Dissector().dissect(captured(linkType, hex(frame)))).toBe(skip);
});

test("linkPayload says where the IP header is", () => {
  expect(linkPayload(1, concat(hex("020000000002 020000000001 8100 002a 0800"), IPV4_ZLB))).toEqual({
    ipVersion: 4,
    offset: 18,
    vlans: [42],
  });
});
