/** Ethernet pseudowires on the kernel's data plane, in the virtual machine; what was sent is decoded here, by tshark. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { vmSuite } from "@l2tp/testing/vm";
import { afterAll, describe, expect } from "vitest";
import { combinations, identityOf, nameOf } from "./combinations.ts";
import { CAPTURE_FOLDER } from "./guest/capture.ts";
import suite from "./guest/ethernet.ts";
import { decodeSent } from "./tshark.ts";
import { THREADS } from "./vm.ts";

const LIMIT_MS = 480_000;
const folder = mkdtempSync(join(tmpdir(), "l2tp-captures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

vmSuite("kernel: Ethernet pseudowires", suite, new URL("guest/ethernet.ts", import.meta.url), {
  timeoutMs: LIMIT_MS,
  threads: THREADS,
  // One processor: two let packets overtake one another, and the kernel drops those by their sequence numbers.
  run: ["--cpus", "1", "--share", folder, "--env", `${CAPTURE_FOLDER}=${folder}`],
});

describe("kernel: tshark understands what we send", () => {
  for (const combination of combinations()) {
    needs("vm", { tool: "tshark" })(nameOf(combination), async () => {
      const cookie = Buffer.from(identityOf(combination, "b").cookie).toString("hex");
      const rows = await decodeSent(folder, "eth", combination, [
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
