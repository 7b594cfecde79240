/** The program that holds a peer to its addresses: run by a small machine for classic BPF, and what becomes where the kernel has none. */
import type { PppLinkConfiguration, PppLinkSettings } from "@l2tp/dataplane";
import { abi, attachFilter, parseIp, type ppp, SyscallError, sys } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";
import type { PppHost } from "../../src/ppp/host.ts";
import { LinkNetwork } from "../../src/ppp/link-network.ts";
import { sourceFilter } from "../../src/ppp/source-filter.ts";
import type { Unit } from "../../src/ppp/unit.ts";

/** Runs a program over a packet: its result. The instructions that these programs have, by their codes of linux/bpf_common.h. */
function run(program: Uint8Array, packet: Uint8Array): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let a = 0;
  for (let at = 0; ; at++) {
    const code = view.getUint16(8 * at, true);
    const [jt, jf] = [view.getUint8(8 * at + 2), view.getUint8(8 * at + 3)];
    const k = view.getUint32(8 * at + 4, true);
    const width = { 32: 4, 40: 2, 48: 1 }[code];
    if (width !== undefined) {
      if (k + width > packet.length) return 0;
      a = width === 4 ? data.getUint32(k) : width === 2 ? data.getUint16(k) : data.getUint8(k);
    } else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x15) at += a === k ? jt : jf;
    else if (code === 0x05) at += k;
    else if (code === 0x06) return k;
    else throw new Error(`no such instruction: ${code}`);
  }
}

/** What the program sees of a packet: direction, protocol, the packet. */
function packet(from: string, { sent = false, protocol = 0 } = {}): Uint8Array {
  const { octets } = parseIp(from);
  const isIpv4 = octets.length === 4;
  const seen = new Uint8Array(4 + 40);
  seen.set([sent ? 1 : 0, 0, 0, protocol || (isIpv4 ? 0x21 : 0x57)]);
  seen.set(octets, 4 + (isIpv4 ? 12 : 8));
  return seen;
}

test("addresses, prefixes of any length and link-local ones pass; their neighbours, what is sent and other protocols as they should", () => {
  const program = sourceFilter([
    "10.0.0.5",
    "10.7.0.0/16",
    "192.0.2.128/25",
    "fe80::2",
    "2001:db8:1:2::/64",
    "2001:db8:100::/56",
    "2001:db8:200::/40",
  ]);
  const passes = (from: string) => run(program, packet(from)) > 0;
  for (const good of ["10.0.0.5", "10.7.0.0", "10.7.255.255", "192.0.2.128", "192.0.2.255", "fe80::2"])
    expect(passes(good), good).toBe(true);
  for (const good of ["2001:db8:1:2::9", "2001:db8:100:ff::1", "2001:db8:2ff:ffff::1"])
    expect(passes(good), good).toBe(true);
  for (const bad of ["10.0.0.4", "10.8.0.0", "10.6.255.255", "192.0.2.127", "0.0.0.0", "255.255.255.255"])
    expect(passes(bad), bad).toBe(false);
  for (const bad of ["fe80::3", "2001:db8:1:3::9", "2001:db8:100:100::1", "2001:db8:300::1", "::", "ff02::1"])
    expect(passes(bad), bad).toBe(false);
  expect(run(program, packet("8.8.8.8", { sent: true }))).toBeGreaterThan(0);
  expect(run(program, packet("8.8.8.8", { protocol: 0x29 }))).toBeGreaterThan(0);
  // Nothing of a protocol that has no address.
  expect(run(sourceFilter(["10.0.0.5"]), packet("2001:db8::1"))).toBe(0);
  expect(run(sourceFilter([]), packet("10.0.0.5"))).toBe(0);
});

test("a user with hundreds of routes is held to all of them", () => {
  const routes = Array.from({ length: 400 }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);
  const program = sourceFilter([...routes, "2001:db8::/32"]);
  expect(run(program, packet("10.0.0.9"))).toBeGreaterThan(0);
  expect(run(program, packet("10.3.30.9"))).toBeGreaterThan(0);
  expect(run(program, packet("10.3.31.9"))).toBe(0);
  expect(run(program, packet("2001:db8::1"))).toBeGreaterThan(0);
  expect(run(program, packet("2001:db9::1"))).toBe(0);
});

needs("linux")("a kernel takes such programs, of no prefix and of hundreds", () => {
  const many = Array.from({ length: 400 }, (_, i) => `10.${i >> 7}.${(i & 127) * 2}.0/24`);
  for (const sources of [[], ["10.0.0.5"], ["::", "fe80::2", "2001:db8:1:2::/64", "10.7.0.0/16"], many]) {
    const socket = sys.socket(abi.AF_INET, abi.SOCK_DGRAM, 0);
    // The same check as that of PPPIOCSPASS.
    attachFilter(socket, sourceFilter(sources));
    sys.close(socket);
  }
});

const CONFIGURATION: PppLinkConfiguration = {
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: 1500,
  mtu: 1500,
  ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
};

/** A link in a kernel that can, or cannot, filter. */
function network(checkSource: PppLinkSettings["checkSource"], can: boolean) {
  const said: string[] = [];
  const set: number[] = [];
  const kernel = { route: undefined, mss: { limit: async () => {} } };
  const make = () => {
    const host = {
      kernel,
      what: "tunnel 1, session 2",
      missing: (feature: string, why: string) => said.push(`${feature}: ${why}`),
    } as unknown as PppHost;
    const settings: PppLinkSettings = {
      attach: { to: "interface" },
      ...(checkSource !== undefined && { checkSource }),
    };
    const setFilter: typeof ppp.setFilter = async (_, program) => {
      if (!can) throw new SyscallError("ioctl", 25, "PPPIOCSPASS");
      set.push(program.length);
    };
    return new LinkNetwork(host, settings, { fd: 3, index: 7 } as unknown as Unit, () => {}, setFilter);
  };
  return { said, set, make };
}

test("a kernel without filters: who must have it fails, who would like it goes on, which is said once", async () => {
  const must = network(true, false);
  await expect(must.make().limit(CONFIGURATION)).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(
      /^tunnel 1, session 2: .*held to its addresses.*CONFIG_PPP_FILTER.*userspace data plane/,
    ),
  });
  const may = network("if-possible", false);
  for (let i = 0; i < 3; i++) await may.make().limit(CONFIGURATION);
  expect(may.said).toEqual([expect.stringMatching(/^check-source: .*PPPIOCSPASS.*CONFIG_PPP_FILTER/)]);
});

test("where the kernel can, both have it, once for the same addresses; without a word nobody has", async () => {
  for (const [checkSource, count] of [
    [true, 2],
    ["if-possible", 2],
    [false, 0],
    [undefined, 0],
  ] as const) {
    const { set, said, make } = network(checkSource, true);
    const link = make();
    await link.limit(CONFIGURATION);
    await link.limit(CONFIGURATION);
    await link.limit({ ...CONFIGURATION, ipv4: { ...CONFIGURATION.ipv4, routes: ["10.9.0.0/16"] } });
    expect([set.length, said.length]).toEqual([count, 0]);
  }
});

test("more prefixes than a program can have: gone on without, and not with those of before", async () => {
  const { set, said, make } = network("if-possible", true);
  const link = make();
  await link.limit(CONFIGURATION);
  const routes = Array.from({ length: 3000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  await link.limit({ ...CONFIGURATION, ipv4: { ...CONFIGURATION.ipv4, routes } });
  expect(set).toHaveLength(2);
  expect(set[1]).toBe(0);
  expect(said).toEqual([expect.stringMatching(/^check-source/)]);
});
