/** Ethernet pseudowires on the kernel's data plane, in the virtual machine; what was sent is decoded here, by tshark. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { needs } from "@l2tp/testing";
import { vmSuite } from "@l2tp/testing/vm";
import { afterAll, describe, expect } from "vitest";
import { type Combination, combinations, identityOf, nameOf } from "./combinations.ts";
import { CAPTURE_FOLDER } from "./guest/capture.ts";
import suite from "./guest/ethernet.ts";
import { THREADS } from "./vm.ts";

const LIMIT_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), "l2tp-captures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

vmSuite("kernel: Ethernet pseudowires", suite, new URL("guest/ethernet.ts", import.meta.url), {
  timeoutMs: LIMIT_MS,
  threads: THREADS,
  run: ["--share", folder, "--env", `${CAPTURE_FOLDER}=${folder}`],
});

const COOKIES = { 0: "None", 4: "4 Byte Cookie", 8: "8 Byte Cookie" } as const;

/** The frames of one session, as tshark reads them: one row of fields a frame. */
async function decode(combination: Combination, side: "a" | "b", fields: readonly string[]) {
  const { encapsulation, family, cookie, sublayer } = combination;
  const peer = identityOf(combination, side === "a" ? "b" : "a");
  const { stdout } = await promisify(execFile)(
    "tshark",
    [
      ...[
        "-r",
        join(folder, `${encapsulation}-ipv${family}.pcap`),
        "-n",
        "-T",
        "fields",
        "-E",
        "separator=|",
      ],
      ...(encapsulation === "udp" ? ["-d", `udp.port==${identityOf(combination, "a").port},l2tp`] : []),
      ...["-o", `l2tp.cookie_size:${COOKIES[cookie]}`],
      ...["-o", `l2tp.l2_specific:${sublayer ? "Default L2-Specific" : "None"}`],
      ...["-o", "ip.check_checksum:TRUE"],
      ...["-Y", `l2tp.sid == ${peer.sessionId}`],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const text = stdout.trimEnd();
  return text === "" ? [] : text.split("\n").map((line) => line.split("|"));
}

describe("kernel: tshark understands what we send", () => {
  for (const combination of combinations()) {
    needs("vm", { tool: "tshark" })(nameOf(combination), async () => {
      const cookie = Buffer.from(identityOf(combination, "b").cookie).toString("hex");
      const rows = await decode(combination, "a", [
        "_ws.malformed",
        "_ws.expert.message",
        "l2tp.cookie",
        "l2tp.l2_spec_sequence",
        "data.data",
      ]);
      expect(rows.length).toBeGreaterThan(4);
      let sequence = -1;
      for (const [malformed, expert, gotCookie, ns = "", data = ""] of rows) {
        expect([malformed, expert, gotCookie]).toEqual(["", "", cookie]);
        if (combination.sequence) {
          expect(Number(ns)).toBe(sequence + 1);
          sequence = Number(ns);
        }
        // Without control messages tshark does not know the pseudowire: a frame begins with its addresses, then IPv4 or ARP.
        expect(data.slice(24, 28)).toMatch(/^080[06]$/);
      }
    });
  }
});
