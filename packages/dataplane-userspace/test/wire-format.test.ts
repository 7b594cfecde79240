/** What goes over the cable, as tshark reads it: every mode decodes to the inner ping, and nothing is amiss. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { UserspaceOptions } from "@l2tp/dataplane-userspace";
import { CABLE, FrameSocket, Lab } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { describe, expect } from "vitest";
import { INNER, Pair, transfer } from "./support/pair.ts";

/** A capture file (pcap, microseconds, Ethernet). */
function pcap(frames: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(24 + frames.reduce((sum, { length }) => sum + 16 + length, 0));
  const view = new DataView(octets.buffer);
  view.setUint32(0, 0xa1b2_c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262_144, true);
  view.setUint32(20, 1, true);
  let at = 24;
  for (const [i, frame] of frames.entries()) {
    view.setUint32(at + 4, i, true);
    view.setUint32(at + 8, frame.length, true);
    view.setUint32(at + 12, frame.length, true);
    octets.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return octets;
}

interface Mode {
  readonly encapsulation: "udp" | "ip";
  readonly family: 4 | 6;
  readonly cookie: 0 | 4 | 8;
  readonly sublayer: boolean;
  readonly offload?: UserspaceOptions["offload"];
}

const COOKIES = { 0: "None", 4: "4 Byte Cookie", 8: "8 Byte Cookie" } as const;
/** One row per frame: these fields, as tshark prints them. */
async function decode(frames: readonly Uint8Array[], fields: readonly string[], ...preferences: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "l2tp-wire-"));
  try {
    const file = join(folder, "cable.pcap");
    writeFileSync(file, pcap(frames));
    const { stdout } = await promisify(execFile)(
      "tshark",
      [
        ...["-r", file, "-n", "-T", "fields", "-E", "separator=|"],
        ...preferences.flatMap((preference) => ["-o", preference]),
        ...fields.flatMap((field) => ["-e", field]),
      ],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    const rows = stdout.trimEnd().split("\n");
    expect(rows.length).toBe(frames.length);
    return rows.map((line) => line.split("|"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MODES: readonly Mode[] = [
  { encapsulation: "udp", family: 4, cookie: 0, sublayer: false },
  { encapsulation: "udp", family: 4, cookie: 4, sublayer: true, offload: "batch" },
  { encapsulation: "udp", family: 6, cookie: 8, sublayer: true },
  { encapsulation: "ip", family: 4, cookie: 0, sublayer: true },
  { encapsulation: "ip", family: 6, cookie: 8, sublayer: false },
];

describe("tshark understands what we send", () => {
  for (const mode of MODES) {
    const { encapsulation, family, cookie, sublayer, offload = "full" } = mode;
    const name = `over ${encapsulation} and IPv${family}, cookie of ${cookie}, ${sublayer ? "with" : "without"} sublayer, offload ${offload}`;
    needs(
      "linux",
      "root",
      "tun",
      { tool: "tshark" },
      { tool: "ping" },
    )(name, async () => {
      using lab = new Lab();
      const octets = Uint8Array.from({ length: cookie }, (_, i) => 0xc0 + i);
      await using pair = await Pair.open(lab, {
        encapsulation,
        family,
        a: { offload },
        b: { offload },
        session: {
          cookie: octets,
          peerCookie: octets,
          l2SpecificSublayer: sublayer ? "default" : "none",
          sendSequence: sublayer,
        },
      });
      expect(pair.a.session.interfaceName).toBeTruthy();
      // A cable with offloads carries batches whole. On this one they are cut before, so that a capture has each datagram by itself,
      // whatever shared a batch with it.
      lab.a.netlink(link.set({ name: CABLE }, { gsoMaxSegments: 1 }));
      await using cable = new FrameSocket(lab.b, CABLE);
      expect((await lab.a.execute("ping", "-c", "5", "-i", "0.02", INNER.b)).code).toBe(0);
      expect(await transfer(lab.a, lab.b, INNER.b, 100_000)).toMatchObject({ intact: true });
      const frames = cable.received.filter((f) => isTunnelled(f, mode));
      // Five echo requests, and what 100,000 octets of TCP come to.
      expect(frames.length).toBeGreaterThan(70);
      expect(Math.max(...frames.map((f) => f.length))).toBeLessThanOrEqual(1_514);
      const outer = await decode(
        frames,
        [
          "_ws.malformed",
          "_ws.expert.message",
          "l2tp.sid",
          "l2tp.cookie",
          "l2tp.l2_spec_sequence",
          "data.data",
        ],
        `l2tp.cookie_size:${COOKIES[cookie]}`,
        `l2tp.l2_specific:${sublayer ? "Default L2-Specific" : "None"}`,
        "ip.check_checksum:TRUE",
      );
      let sequence = 0;
      for (const [malformed, expert, sid, gotCookie, ns] of outer) {
        expect([malformed, expert]).toEqual(["", ""]);
        expect(Number(sid)).toBe(32);
        expect(gotCookie).toBe(Buffer.from(octets).toString("hex"));
        if (sublayer) expect(Number(ns)).toBeGreaterThanOrEqual(sequence);
        sequence = Number(ns);
      }
      // Without control messages tshark does not know the pseudowire: what is inside is looked at by itself.
      const inner = await decode(
        outer.map((row) => Buffer.from(row[5] ?? "", "hex")),
        ["_ws.malformed", "_ws.expert.message", "frame.protocols"],
        "ip.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
      );
      for (const [malformed, expert] of inner) {
        expect(malformed).toBe("");
        expect(expert).not.toMatch(/checksum|malformed|bad|invalid/i);
      }
      expect(inner.some((row) => row[2]?.includes("ip:icmp"))).toBe(true);
      expect(inner.some((row) => row[2]?.includes("ip:tcp"))).toBe(true);
    });
  }
});

/** The outer protocol is UDP or 115. */
function isTunnelled(frame: Uint8Array, { encapsulation, family }: Mode): boolean {
  const protocol = encapsulation === "udp" ? 17 : 115;
  return family === 4
    ? frame[12] === 0x08 && frame[13] === 0 && frame[23] === protocol
    : frame[12] === 0x86 && frame[20] === protocol;
}
