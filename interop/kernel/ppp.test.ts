/** PPP pseudowires on the kernel's data plane, in the virtual machine; what was sent is decoded here, by tshark. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { vmSuite } from "@l2tp/testing/vm";
import { afterAll, describe, expect } from "vitest";
import { identityOf, nameOf, pppCombinations } from "./combinations.ts";
import { CAPTURE_FOLDER } from "./guest/capture.ts";
import suite from "./guest/ppp.ts";
import { decodeSent } from "./tshark.ts";
import { THREADS } from "./vm.ts";

const LIMIT_MS = 480_000;
const folder = mkdtempSync(join(tmpdir(), "l2tp-captures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

vmSuite("kernel: PPP pseudowires", suite, new URL("guest/ppp.ts", import.meta.url), {
  timeoutMs: LIMIT_MS,
  threads: THREADS,
  // One processor: two let packets overtake one another, and the kernel drops those by their sequence numbers.
  run: ["--cpus", "1", "--share", folder, "--env", `${CAPTURE_FOLDER}=${folder}`],
});

describe("kernel: tshark understands the PPP that we send", () => {
  for (const combination of pppCombinations()) {
    const { version } = combination;
    needs("vm", { tool: "tshark" })(nameOf(combination), async () => {
      const fields = ["_ws.malformed", "_ws.expert.message", "l2tp.cookie", "data.data", "frame.protocols"];
      const rows = await decodeSent(folder, "ppp", combination, fields);
      expect(rows.length).toBeGreaterThan(8);
      const cookie = Buffer.from(identityOf(combination, "b").cookie).toString("hex");
      for (const [malformed, expert, gotCookie, data = "", protocols] of rows) {
        expect([malformed, expert, gotCookie]).toEqual(["", "", cookie]);
        // In v3 tshark does not know the pseudowire without control messages: Address, Control, then LCP, IPCP or IPv4.
        if (version === 3) expect(data).toMatch(/^ff03(c021|8021|0021)/);
        else expect(protocols).toMatch(/l2tp:ppp:(lcp|ipcp|ip)/);
      }
    });
  }
});
