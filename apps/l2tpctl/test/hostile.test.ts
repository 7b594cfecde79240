/** Captures of real peers with octets changed at random: whatever is in them, a line or an error comes out. */
import { readFileSync } from "node:fs";
import { seeds } from "@l2tp/testing";
import { expect, test } from "vitest";
import { capture } from "./corpus.ts";
import { CONTROL_CHARACTER, jsonLines, l2tpctl } from "./harness.ts";

const SOURCES = ["accel-ocrq-hidden", "xl2tpd-ipfrag", "made-v3-auth-md5-ip4", "linux-v3-udp6-cookie8-seq"];

/** A linear congruential generator: a seed says all. */
function generator(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2654435761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("mutated captures give lines, in all three forms, and one of the three exit codes", async () => {
  const codes = new Map<number, number>();
  for (const seed of seeds(80)) {
    const random = generator(seed);
    const { file, options } = capture(SOURCES[random(SOURCES.length)] ?? "");
    const octets = readFileSync(file).subarray(0, 20_000);
    for (let n = 1 + random(60); n > 0; n -= 1) octets[24 + random(octets.length - 24)] = random(256);
    for (const how of [["--json"], ["-v"], []]) {
      const { code, stdout } = await l2tpctl(["decode", ...how, ...options, "-"], { stdin: octets });
      expect([0, 1, 2], `L2TP_TEST_SEED=${seed}`).toContain(code);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (how[0] === "--json") {
        for (const packet of jsonLines(stdout)) expect(packet).toHaveProperty("malformed");
      } else {
        expect(stdout, `L2TP_TEST_SEED=${seed}`).not.toMatch(CONTROL_CHARACTER);
        expect(stdout, `L2TP_TEST_SEED=${seed}`).not.toMatch(/undefined|NaN/);
      }
    }
  }
  if (seeds(80).length > 1) expect([...codes.keys()].sort()).toEqual([0, 1, 2]);
});
