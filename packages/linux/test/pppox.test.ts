import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import { decodePppoxAddress, ERRNO, encodePppoxAddress, type PppoxAddress, remedyFor } from "../src/index.ts";

const ids2 = { tunnelId: 0x1122, sessionId: 0x3344, peerTunnelId: 0x5566, peerSessionId: 0x7788 };
const ids3 = {
  tunnelId: 0x11223344,
  sessionId: 0x55667788,
  peerTunnelId: 0x99aabbcc,
  peerSessionId: 0xddeeff01,
};
const peer4 = { family: 4, address: "192.0.2.1", port: 1701 } as const;
const peer6 = { family: 6, address: "2001:db8::1", port: 1701 } as const;

/** Value, octets field by field in the order of the header, and the same in C. */
const CASES: readonly { what: string; value: PppoxAddress; hex: string; c: string }[] = [
  {
    what: "L2TPv2 over IPv4 has 38 octets, IDs after the address",
    value: { family: "pppol2tp", version: 2, peer: peer4, ...ids2 },
    hex: `1800 01000000 00000000 ffffffff
      0200 06a5 c0000201 0000000000000000
      2211 4433 6655 8877`,
    c: `struct sockaddr_pppol2tp a = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP, .pppol2tp = {
      .fd = -1, .s_tunnel = 0x1122, .s_session = 0x3344, .d_tunnel = 0x5566, .d_session = 0x7788 } };
      a.pppol2tp.addr.sin_family = AF_INET; a.pppol2tp.addr.sin_port = htons(1701);
      inet_pton(AF_INET, "192.0.2.1", &a.pppol2tp.addr.sin_addr);`,
  },
  {
    what: "L2TPv3 over IPv4 has 46 octets and IDs of 32 bits",
    value: { family: "pppol2tp", version: 3, peer: peer4, ...ids3 },
    hex: `1800 01000000 00000000 ffffffff
      0200 06a5 c0000201 0000000000000000
      44332211 88776655 ccbbaa99 01ffeedd`,
    c: `struct sockaddr_pppol2tpv3 a = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP, .pppol2tp = {
      .fd = -1, .s_tunnel = 0x11223344, .s_session = 0x55667788, .d_tunnel = 0x99aabbcc, .d_session = 0xddeeff01 } };
      a.pppol2tp.addr.sin_family = AF_INET; a.pppol2tp.addr.sin_port = htons(1701);
      inet_pton(AF_INET, "192.0.2.1", &a.pppol2tp.addr.sin_addr);`,
  },
  {
    what: "L2TPv2 over IPv6 has 50 octets, IDs before the address",
    value: { family: "pppol2tp", version: 2, peer: peer6, fd: 7, ...ids2 },
    hex: `1800 01000000 00000000 07000000
      2211 4433 6655 8877
      0a00 06a5 00000000 20010db8000000000000000000000001 00000000`,
    c: `struct sockaddr_pppol2tpin6 a = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP, .pppol2tp = {
      .fd = 7, .s_tunnel = 0x1122, .s_session = 0x3344, .d_tunnel = 0x5566, .d_session = 0x7788 } };
      a.pppol2tp.addr.sin6_family = AF_INET6; a.pppol2tp.addr.sin6_port = htons(1701);
      inet_pton(AF_INET6, "2001:db8::1", &a.pppol2tp.addr.sin6_addr);`,
  },
  {
    what: "L2TPv3 over IPv6 has 58 octets; a management socket has session IDs of 0",
    value: { family: "pppol2tp", version: 3, peer: peer6, ...ids3, sessionId: 0, peerSessionId: 0 },
    hex: `1800 01000000 00000000 ffffffff
      44332211 00000000 ccbbaa99 00000000
      0a00 06a5 00000000 20010db8000000000000000000000001 00000000`,
    c: `struct sockaddr_pppol2tpv3in6 a = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OL2TP, .pppol2tp = {
      .fd = -1, .s_tunnel = 0x11223344, .d_tunnel = 0x99aabbcc } };
      a.pppol2tp.addr.sin6_family = AF_INET6; a.pppol2tp.addr.sin6_port = htons(1701);
      inet_pton(AF_INET6, "2001:db8::1", &a.pppol2tp.addr.sin6_addr);`,
  },
  {
    what: "PPPoE has 30 octets, the session ID in network order",
    value: { family: "pppoe", sessionId: 0x1234, peerMac: "02:42:94:d1:4e:9a", device: "eth0" },
    hex: "1800 00000000 1234 024294d14e9a 65746830000000000000000000000000",
    c: `struct sockaddr_pppox a = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OE };
      a.sa_addr.pppoe.sid = htons(0x1234); strcpy(a.sa_addr.pppoe.dev, "eth0");
      memcpy(a.sa_addr.pppoe.remote, "\\x02\\x42\\x94\\xd1\\x4e\\x9a", 6);`,
  },
];

const octetsOf = (hex: string) => Buffer.from(hex.replace(/\s/g, ""), "hex");

for (const { what, value, hex } of CASES) {
  test(`${what}, octet by octet`, () => {
    expect(Buffer.from(encodePppoxAddress(value)).toString("hex")).toBe(octetsOf(hex).toString("hex"));
    expect(decodePppoxAddress(octetsOf(hex))).toEqual(value);
  });
}

needs("linux", { tool: "gcc" })("a C program with the kernel's headers writes the same octets", () => {
  const folder = mkdtempSync(join(tmpdir(), "l2tp-pppox-"));
  try {
    const print =
      'for (unsigned i = 0; i < sizeof a; i++) printf("%02x", ((unsigned char *)&a)[i]); puts("");';
    const includes =
      "stdio.h string.h sys/socket.h arpa/inet.h netinet/in.h linux/if_ether.h linux/if_pppox.h"
        .split(" ")
        .map((header) => `#include <${header}>`);
    const blocks = CASES.map(({ c }) => `{ ${c} ${print} }`);
    const source = join(folder, "pppox.c");
    writeFileSync(source, [...includes, `int main(void) { ${blocks.join("\n")} return 0; }`].join("\n"));
    execFileSync("gcc", ["-w", "-o", join(folder, "pppox"), source], { stdio: ["ignore", "pipe", "pipe"] });
    const lines = execFileSync(join(folder, "pppox"), { encoding: "utf8" }).trim().split("\n");
    expect(lines).toEqual(CASES.map(({ value }) => Buffer.from(encodePppoxAddress(value)).toString("hex")));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what does not fit an address is refused by name", () => {
  const two = { family: "pppol2tp", version: 2, peer: peer4, ...ids2 } as const;
  expect(() => encodePppoxAddress({ ...two, peerSessionId: 65_536 })).toThrow(/peerSessionId 65536.*L2TPv2/);
  expect(() => encodePppoxAddress({ ...two, tunnelId: -1 })).toThrow(RangeError);
  const pppoe = { family: "pppoe", sessionId: 1, peerMac: "02:42:94:d1:4e:9a", device: "eth0" } as const;
  expect(() => encodePppoxAddress({ ...pppoe, peerMac: "02:42" })).toThrow(/no MAC address/);
  expect(() => encodePppoxAddress({ ...pppoe, device: "a-name-too-long-for-it" })).toThrow(
    /no interface name/,
  );
  expect(() => encodePppoxAddress({ ...pppoe, sessionId: 65_536 })).toThrow(/PPPoE session ID 65536/);
});

test("an address of another length, protocol or family is not guessed at", () => {
  const good = octetsOf(CASES[0]?.hex ?? "");
  for (let length = 0; length <= 64; length++) {
    if (length === 38) continue;
    const other = new Uint8Array(length);
    other.set(good.subarray(0, length));
    // The other three lengths are other forms; their embedded address decides whether they make sense.
    if ([46].includes(length)) continue;
    expect(() => decodePppoxAddress(other), `${length} octets`).toThrow(RangeError);
  }
  expect(() => decodePppoxAddress(octetsOf("0200 06a5 c0000201 0000000000000000"))).toThrow(RangeError);
});

test("what PPP lacks is said with the module that brings it", () => {
  expect(remedyFor("socket", ERRNO["EAFNOSUPPORT"] as number, "PPPoL2TP")).toMatch(/modprobe pppox/);
  expect(remedyFor("socket", ERRNO["EPROTONOSUPPORT"] as number, "PPPoL2TP")).toMatch(/modprobe l2tp_ppp/);
  expect(remedyFor("socket", ERRNO["EPROTONOSUPPORT"] as number, "PPPoE")).toMatch(/modprobe pppoe/);
  expect(remedyFor("open", ERRNO["ENOENT"] as number, "/dev/ppp")).toMatch(/modprobe ppp_generic/);
  expect(remedyFor("open", ERRNO["EPERM"] as number, "/dev/ppp")).toMatch(/CAP_NET_ADMIN/);
  expect(remedyFor("ioctl", ERRNO["ENOTTY"] as number, "PPPIOCBRIDGECHAN channel 3")).toMatch(/Linux 5\.11/);
});
