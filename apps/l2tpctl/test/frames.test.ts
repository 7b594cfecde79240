/** Captures made here: every link type, fragments, ports, cut packets, and what is said about the rest. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LINK_TYPE, PcapngWriter } from "@l2tp/capture";
import { needs } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { captures } from "./corpus.ts";
import { CONTROL_CHARACTER, jsonLines, l2tpctl } from "./harness.ts";

const hex = (text: string) => Buffer.from(text.replace(/\s+/g, ""), "hex");

/** L2TPv2 ZLB on tunnel 7. */
const ZLB = hex("c802 000c 0007 0000 0001 0002");

function udp(payload: Uint8Array, from = 1701, to = 1701): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

function ipv4(payload: Uint8Array, { protocol = 17, flags = 0, id = 1 } = {}): Buffer {
  const header = hex("4500 0000 0000 0000 40 00 0000 c0000201 c0000202");
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(flags, 6);
  header[9] = protocol;
  return Buffer.concat([header, payload]);
}

function ipv6(payload: Uint8Array, next = 17): Buffer {
  const header = hex(`60000000 0000 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002`);
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  return Buffer.concat([header, payload]);
}

/** A pcapng file with one interface for each link type. */
function pcapng(
  frames: readonly (readonly [linkType: number, data: Uint8Array, originalLength?: number])[],
): Buffer {
  const writer = new PcapngWriter();
  const types = [...new Set(frames.map(([linkType]) => linkType))];
  return Buffer.concat([
    writer.begin(),
    ...types.map((linkType) => writer.addInterface({ linkType })),
    ...frames.map(([linkType, data, originalLength = data.length], i) =>
      writer.packet({
        interfaceId: types.indexOf(linkType),
        timestamp: { seconds: 1_700_000_000 + i, nanoseconds: 250_000_000 },
        data,
        originalLength,
      }),
    ),
  ]);
}

const raw = (...frames: readonly Uint8Array[]) =>
  pcapng(frames.map((data) => [LINK_TYPE.RAW, data] as const));

const FRAMES: readonly (readonly [name: string, linkType: number, header: string, vlans?: number[]])[] = [
  ["Ethernet", 1, "020000000002 020000000001 0800"],
  ["Ethernet with two tags", 1, "020000000002 020000000001 88a8 0064 8100 0fff 0800", [100, 4095]],
  ["Linux cooked v1", 113, "0000 0001 0006 0200000000010000 0800"],
  ["Linux cooked v2", 276, "0800 0000 00000003 0001 00 06 0200000000010000"],
  ["loopback", 0, "02000000"],
  ["OpenBSD loopback", 108, "00000002"],
  ["raw IP", 101, ""],
  ["raw IPv4", 228, ""],
];

test.each(FRAMES.map(([name, ...rest]) => ({ name, rest })))(
  "$name",
  async ({ rest: [linkType, header, vlans] }) => {
    const stdin = pcapng([[linkType, Buffer.concat([hex(header), ipv4(udp(ZLB))])]]);
    const { code, stdout, stderr } = await l2tpctl(["decode", "--json", "-"], { stdin });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(jsonLines(stdout)).toEqual([
      {
        frame: 1,
        ipVersion: 4,
        src: "192.0.2.1",
        dst: "192.0.2.2",
        ...(vlans && { vlans }),
        encap: "udp",
        srcPort: 1701,
        dstPort: 1701,
        datagramLength: 12,
        version: 2,
        control: true,
        type: "control",
        header: {
          flagsHex: "c802",
          flags: { T: true, L: true, S: true, O: false, P: false, reserved: 0 },
          length: 12,
          tunnelId: 7,
          sessionId: 0,
          ns: 1,
          nr: 2,
        },
        messageType: 0,
        messageName: "ZLB",
        avps: [],
        payloadLength: 0,
        payloadHex: "",
        malformed: null,
      },
    ]);
  },
);

test("fragments are one packet, with the number of the last frame, in text and JSON", async () => {
  const whole = udp(Buffer.concat([hex("0002 0007 0009 ff03 0021"), Buffer.alloc(50)]));
  const stdin = raw(
    ipv4(whole.subarray(0, 32), { flags: 0x2000 }),
    ipv4(udp(ZLB), { id: 2 }),
    ipv4(whole.subarray(32), { flags: 4 }),
  );
  const { stdout } = await l2tpctl(["decode", "--json", "-"], { stdin });
  expect(jsonLines(stdout)).toMatchObject([
    { frame: 2, messageName: "ZLB" },
    { frame: 3, ipReassembled: true, datagramLength: 60, payloadLength: 54 },
  ]);
  expect((await l2tpctl(["decode", "-"], { stdin })).stdout).toMatch(
    /^ {4}3 {4}2\.000000 {2}192\.0\.2\.1:1701 > 192\.0\.2\.2:1701 {2}L2TPv2 data .*\[put together of IP fragments\]$/m,
  );
});

test("fragments without the others are counted on standard error", async () => {
  const stdin = raw(ipv4(udp(ZLB)), ipv4(udp(new Uint8Array(24)), { flags: 0x2000, id: 9 }));
  const { code, stderr } = await l2tpctl(["decode", "-"], { stdin });
  expect(code).toBe(0);
  expect(stderr).toBe(
    "l2tpctl: standard input: 1 IP datagram not put together: fragments are missing, cut, or overlap\n",
  );
});

describe("--port", () => {
  const stdin = raw(ipv4(udp(ZLB, 5000, 11_701)), ipv4(udp(ZLB, 1701, 40_000)), ipv4(udp(ZLB, 1702, 5000)));
  const frames = async (...ports: string[]) =>
    jsonLines(
      (await l2tpctl(["decode", "--json", ...ports.flatMap((port) => ["--port", port]), "-"], { stdin }))
        .stdout,
    ).map(({ frame }) => frame);

  test("is 1701 at either end unless given, and takes the place of 1701", async () => {
    expect(await frames()).toEqual([2]);
    expect(await frames("11701")).toEqual([1]);
    expect(await frames("1701", "11701")).toEqual([1, 2]);
    expect(await frames("5000")).toEqual([1, 3]);
  });

  test("nothing found: it says what was looked for, and that is no error", async () => {
    const { code, stdout, stderr } = await l2tpctl(["decode", "--port", "9", "-"], { stdin });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toBe(
      "l2tpctl: standard input: no L2TP in 3 frames: looked for UDP port 9 and IP protocol 115 (see --port)\n",
    );
  });
});

test("IPv6 addresses are told from ports; IP protocol 115 has none", async () => {
  const stdin = raw(
    ipv6(udp(ZLB)),
    ipv6(hex("00000005 aabb"), 115),
    ipv4(hex("00000005 aabb"), { protocol: 115 }),
  );
  const { stdout } = await l2tpctl(["decode", "-"], { stdin });
  expect(stdout.split("\n").map((line) => line.slice(19, 70))).toEqual([
    expect.stringMatching(/^\[2001:db8::1\]:1701 > \[2001:db8::2\]:1701 {2}L2TPv2/),
    expect.stringMatching(/^2001:db8::1 > 2001:db8::2 {2}L2TPv3 data session 5/),
    expect.stringMatching(/^192\.0\.2\.1 > 192\.0\.2\.2 {2}L2TPv3 data session 5/),
    "",
  ]);
});

describe("what is wrong with a packet", () => {
  test("malformed ones are printed with the reason among the others, and the exit code is 1", async () => {
    const stdin = raw(ipv4(udp(hex("c802 000d 0007 0000 0001 0002"))), ipv4(udp(ZLB)), ipv4(udp(hex("c8"))));
    const json = await l2tpctl(["decode", "--json", "-"], { stdin });
    expect(json.code).toBe(1);
    expect(jsonLines(json.stdout)).toMatchObject([
      { frame: 1, malformed: expect.stringContaining("length 13"), header: { length: 13, tunnelId: 7 } },
      { frame: 2, malformed: null },
      { frame: 3, malformed: expect.any(String), datagramLength: 1 },
    ]);
    const text = await l2tpctl(["decode", "-"], { stdin });
    expect(text.code).toBe(1);
    expect(text.stdout.split("\n").map((line) => line.includes("malformed"))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("a UDP length that the packet does not have makes it malformed", async () => {
    const odd = udp(ZLB);
    odd.writeUInt16BE(100, 4);
    const { code, stdout } = await l2tpctl(["decode", "--json", "-"], { stdin: raw(ipv4(odd)) });
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([{ malformed: "UDP length 100 in an IP payload of 20 octets" }]);
    const text = await l2tpctl(["decode", "-"], { stdin: raw(ipv4(odd)) });
    expect(text.stdout).toContain("malformed: UDP length 100");
  });

  test("a packet that the capture cut says so", async () => {
    const data = ipv4(udp(Buffer.concat([hex("0002 0007 0009"), Buffer.alloc(100)])));
    const stdin = pcapng([
      [101, data.subarray(0, 60), data.length],
      [101, ipv4(udp(ZLB)).subarray(0, 35), 40],
    ]);
    const json = await l2tpctl(["decode", "--json", "-"], { stdin });
    expect(json.code).toBe(1);
    expect(jsonLines(json.stdout)).toMatchObject([
      { malformed: null, datagramLength: 32, payloadLength: 26 },
      { malformed: expect.stringContaining("(the capture lacks the last 5 octets)"), datagramLength: 7 },
    ]);
    expect((await l2tpctl(["decode", "-"], { stdin })).stdout).toContain(
      "[the capture lacks the last 74 octets]",
    );
  });

  test("a well-formed message that a receiver refuses is shown as that, and is not malformed", async () => {
    const hello = hex("c802 001c 0007 0000 0001 0002  8008 0000 0000 0006  8008 0000 270f beef");
    const { code, stdout } = await l2tpctl(["decode", "-"], { stdin: raw(ipv4(udp(hello))) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/HELLO; AVP IETF\/9999 beef \[refused at octet 20: .*; send StopCCN 2\/8\]$/m);
  });

  test("control characters of a peer do not reach the terminal", async () => {
    const name = hex("1b5b33316d 0a 6c6163");
    const sccrq = Buffer.concat([
      hex("c802 003d 0000 0000 0000 0000  8008 0000 0000 0001  8008 0000 0002 0100  800a 0000 0003 00000003"),
      hex("800f 0000 0007"),
      name,
      hex("8008 0000 0009 0011"),
    ]);
    for (const how of [[], ["-v"]]) {
      const { code, stdout } = await l2tpctl(["decode", ...how, "-"], { stdin: raw(ipv4(udp(sccrq))) });
      expect(code).toBe(0);
      expect(stdout).toContain("lac");
      expect(stdout).not.toMatch(CONTROL_CHARACTER);
      expect(stdout.split("\n")).toHaveLength(how.length === 0 ? 2 : 6);
    }
  });
});

test("frames of link types that cannot be read are counted by type", async () => {
  const stdin = pcapng([
    [105, hex("0800")],
    [105, hex("0800")],
    [195, hex("0000")],
    [101, ipv4(udp(ZLB))],
  ]);
  const { code, stdout, stderr } = await l2tpctl(["decode", "-"], { stdin });
  expect(code).toBe(0);
  expect(stdout.split("\n")).toHaveLength(2);
  expect(stderr).toBe(
    "l2tpctl: standard input: 2 frames of link type 105 passed over: it is not one that can be read here\n" +
      "l2tpctl: standard input: 1 frame of link type 195 passed over: it is not one that can be read here\n",
  );
});

test("a packet without a time has none in text", async () => {
  const packet = ipv4(udp(ZLB));
  const block = Buffer.concat([Buffer.alloc(12), packet, Buffer.alloc(4)]); // Simple Packet Block
  block.writeUInt32LE(3, 0);
  block.writeUInt32LE(block.length, 4);
  block.writeUInt32LE(packet.length, 8);
  block.writeUInt32LE(block.length, block.length - 4);
  const writer = new PcapngWriter();
  const stdin = Buffer.concat([writer.begin(), writer.addInterface({ linkType: 101 }), block]);
  const { stdout } = await l2tpctl(["decode", "-"], { stdin });
  expect(stdout).toMatch(/^ {4}1 {11}- {2}192/);
});

needs({ tool: "tshark" })("tshark sees the same headers in the same frames", () => {
  return (async () => {
    const fields = ["frame.number", "l2tp.tunnel", "l2tp.session", "l2tp.Ns", "l2tp.Nr", "l2tp.avp.type"];
    for (const { name, file } of captures().filter((one) =>
      /^(xl2tpd-challenge|accel-ocrq|l2tpns-challenge)$/.test(one.name),
    )) {
      const args = ["-n", "-r", file, "-Y", "l2tp", "-T", "fields", "-E", "separator=|"];
      const seen = spawnSync("tshark", [...args, ...fields.flatMap((field) => ["-e", field])], {
        encoding: "utf8",
      });
      const { stdout } = await l2tpctl(["decode", "--json", file]);
      const ours = jsonLines(stdout).map((packet) => {
        const header = packet["header"] as Record<string, number>;
        const avps = packet["avps"] as { type: number; vendor: number }[] | undefined;
        const types = (avps ?? []).map(({ type }) => type).join(",");
        return [packet["frame"], header["tunnelId"], header["sessionId"], header["ns"], header["nr"], types]
          .map((value) => value ?? "")
          .join("|");
      });
      expect(ours.length, name).toBeGreaterThan(20);
      expect(seen.stdout.trimEnd().split("\n"), name).toEqual(ours);
    }
  })();
});

needs({ tool: "editcap" })("the same packets in every format that editcap writes give the same", async () => {
  const { file } = captures().find(({ name }) => name === "xl2tpd-ipfrag") ?? { file: "" };
  const expected = await l2tpctl(["decode", file]);
  const directory = mkdtempSync(join(tmpdir(), "l2tpctl-formats-"));
  try {
    for (const format of ["pcap", "nsecpcap", "modpcap", "pcapng"]) {
      const out = join(directory, format);
      expect(spawnSync("editcap", ["-F", format, file, out], { encoding: "utf8" })).toMatchObject({
        status: 0,
      });
      expect(await l2tpctl(["decode", out]), format).toEqual(expected);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
