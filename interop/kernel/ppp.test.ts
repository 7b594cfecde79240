/** PPP sessions on the kernel's data plane, in the virtual machine; what was sent is decoded here, by tshark. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { needs } from "@l2tp/testing";
import { vmSuite } from "@l2tp/testing/vm";
import { afterAll, describe, expect } from "vitest";
import { identityOf } from "./combinations.ts";
import { CAPTURE_FOLDER } from "./guest/capture.ts";
import suite from "./guest/ppp.ts";
import daemons from "./guest/ppp-l2tpd.ts";
import { idsOf, type PppCombination, pppCombinations, pppNameOf } from "./ppp-combinations.ts";
import { THREADS } from "./vm.ts";

const LIMIT_MS = 480_000;
const folder = mkdtempSync(join(tmpdir(), "l2tp-captures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

vmSuite("kernel: PPP sessions", suite, new URL("guest/ppp.ts", import.meta.url), {
  timeoutMs: LIMIT_MS,
  threads: THREADS,
  run: ["--share", folder, "--env", `${CAPTURE_FOLDER}=${folder}`],
});

vmSuite("kernel: PPP sessions of l2tpd", daemons, new URL("guest/ppp-l2tpd.ts", import.meta.url), {
  timeoutMs: LIMIT_MS,
  threads: { ...THREADS, l2tpd: fileURLToPath(new URL("../../apps/l2tpd/src/main.ts", import.meta.url)) },
});

const COOKIES = { 0: "None", 4: "4 Byte Cookie", 8: "8 Byte Cookie" } as const;
/** Address, Control and the Protocol of what comes first: LCP. */
const LCP = "ff03c021";

/** The messages from A to B, as tshark reads them: one row of fields each. */
async function decode(combination: PppCombination, fields: readonly string[]): Promise<string[][]> {
  const { version, encapsulation, family, cookie, sublayer } = combination;
  const { tunnelId, sessionId } = idsOf(combination, "b");
  const filter = version === 2 ? `l2tp.tunnel == ${tunnelId} && l2tp.type == 0` : `l2tp.sid == ${sessionId}`;
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
      ...["-E", "occurrence=f", "-o", "ip.defragment:TRUE"],
      ...(encapsulation === "udp" ? ["-d", `udp.port==${identityOf(combination, "b").port},l2tp`] : []),
      ...["-o", `l2tp.cookie_size:${COOKIES[cookie]}`],
      ...["-o", `l2tp.l2_specific:${sublayer ? "Default L2-Specific" : "None"}`],
      ...["-Y", filter],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const text = stdout.trimEnd();
  return text === "" ? [] : text.split("\n").map((line) => line.split("|"));
}

describe("kernel: tshark understands the PPP that we send", () => {
  for (const combination of pppCombinations()) {
    const { version, sequence } = combination;
    needs("vm", { tool: "tshark" })(pppNameOf(combination), async () => {
      const cookie = Buffer.from(identityOf(combination, "b").cookie).toString("hex");
      const rows = await decode(combination, [
        "_ws.malformed",
        "l2tp.cookie",
        version === 2 ? "l2tp.Ns" : "l2tp.l2_spec_sequence",
        "data.data",
        "ppp.protocol",
      ]);
      expect(rows.length).toBeGreaterThan(6);
      const first = rows[0] ?? [];
      // Without control messages tshark does not know the pseudowire of L2TPv3.
      if (version === 3) expect(first[3]?.slice(0, LCP.length)).toBe(LCP);
      else expect(first[4]).toBe("0xc021");
      for (const [at, [malformed, gotCookie, ns]] of rows.entries()) {
        expect([malformed, gotCookie]).toEqual(["", cookie]);
        expect(ns ?? "").toBe(sequence ? String(at) : version === 3 && combination.sublayer ? "0" : "");
      }
    });
  }
});
