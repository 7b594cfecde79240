import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Dissector,
  formatIpAddress,
  LINK_TYPE,
  PcapngWriter,
  parseIp,
  parseIpAddress,
  synthesizePacket,
} from "@l2tp/capture";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";

const address = (text: string): Uint8Array => parseIpAddress(text) ?? new Uint8Array();
const payload = Uint8Array.from({ length: 37 }, (_, i) => 255 - i);
const FAMILIES = [
  ["192.0.2.1", "198.51.100.255"],
  ["2001:db8::1", "fe80::ffff:1"],
] as const;

/** RFC 1071: a sum over all with the checksum in it is all ones. */
function addsUp(octets: Uint8Array, start = 0): boolean {
  let sum = start;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return sum === 0xffff;
}

test.each(FAMILIES)("a packet from %s to %s is read back, and its checksums add up", (from, to) => {
  const [source, destination] = [address(from), address(to)];
  const packet = synthesizePacket({
    source,
    destination,
    sourcePort: 1701,
    destinationPort: 50_000,
    payload,
  });
  const ip = parseIp(packet, 0);
  expect(
    ip && [formatIpAddress(ip.source), formatIpAddress(ip.destination), ip.protocol, ip.missing],
  ).toEqual([from, to, 17, 0]);
  const udp = ip?.payload ?? new Uint8Array();
  const read = new Dissector().dissect({
    frame: 1,
    timestamp: undefined,
    linkType: LINK_TYPE.RAW,
    interfaceId: 0,
    originalLength: packet.length,
    data: packet,
  });
  expect(read).toMatchObject({ sourcePort: 1701, destinationPort: 50_000, payload });
  const words = (octets: Uint8Array) =>
    octets.reduce((total, octet, i) => total + (i % 2 === 0 ? octet << 8 : octet), 0);
  expect(addsUp(udp, words(source) + words(destination) + udp.length + 17)).toBe(true);
  if (source.length === 4) expect(addsUp(packet.subarray(0, 20))).toBe(true);
});

test("a UDP checksum that would be 0 is sent as all ones (RFC 768)", () => {
  const none = address("0.0.0.0");
  // Length 10 twice (header and pseudo-header), protocol 17: what is missing to a sum of all ones.
  const rest = 0xffff - 10 - 10 - 17;
  const packet = synthesizePacket({
    source: none,
    destination: none,
    sourcePort: 0,
    destinationPort: 0,
    payload: Uint8Array.of(rest >> 8, rest & 0xff),
  });
  expect([packet[26], packet[27]]).toEqual([0xff, 0xff]);
});

test("directly in IP there is no UDP header", () => {
  const [source, destination] = [address("192.0.2.1"), address("192.0.2.2")];
  const ip = parseIp(synthesizePacket({ source, destination, protocol: 115, payload }), 4);
  expect(ip).toMatchObject({ protocol: 115, payload });
});

test("mixed families and payloads that no packet holds are refused", () => {
  const [v4, v6] = [address("192.0.2.1"), address("::1")];
  expect(() => synthesizePacket({ source: v4, destination: v6, payload })).toThrow(RangeError);
  const huge = new Uint8Array(65_536);
  expect(() => synthesizePacket({ source: v4, destination: v4, payload: huge })).toThrow(/one packet/);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::", "::"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
])("the address %s is read", (text, shown) => {
  expect(formatIpAddress(address(text))).toBe(shown);
});

test.each([
  "",
  "192.0.2",
  "192.0.2.256",
  "1.2.3.4.5",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "12345::",
  "lns.example",
])("%j is no address", (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});

needs({ tool: "tshark" })("tshark decodes it, and finds every checksum good", () => {
  const writer = new PcapngWriter();
  const blocks = [writer.begin({ application: "test" }), writer.addInterface({ linkType: LINK_TYPE.RAW })];
  for (const [from, to] of FAMILIES) {
    const [source, destination] = [address(from), address(to)];
    // A Hello of L2TPv2.
    const hello = Uint8Array.of(0xc8, 2, 0, 20, 0, 7, 0, 0, 0, 1, 0, 2, 0x80, 8, 0, 0, 0, 0, 0, 6);
    const data = synthesizePacket({
      source,
      destination,
      sourcePort: 1701,
      destinationPort: 1701,
      payload: hello,
    });
    blocks.push(writer.packet({ interfaceId: 0, timestamp: { seconds: 1, nanoseconds: 2 }, data }));
  }
  const folder = mkdtempSync(join(tmpdir(), "l2tp-capture-"));
  const file = join(folder, "trace.pcapng");
  writeFileSync(file, Buffer.concat(blocks));
  const checks = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
  const fields = ["ip.checksum.status", "udp.checksum.status", "l2tp.avp.message_type"];
  const run = spawnSync(
    "tshark",
    ["-r", file, ...checks, "-T", "fields", ...fields.flatMap((field) => ["-e", field])],
    { encoding: "utf8" },
  );
  rmSync(folder, { recursive: true });
  expect(run.stdout).toBe("1\t1\t6\n\t1\t6\n");
});
