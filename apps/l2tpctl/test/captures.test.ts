import { describe, expect, test } from "vitest";
import { captures } from "./corpus.ts";
import { CONTROL_CHARACTER, jsonLines, l2tpctl } from "./harness.ts";

/**
 * What is compared: everything but the names of AVPs, which are another program's, the notes of the
 * converter, and the words that say what is malformed.
 */
function comparable(packet: Record<string, unknown>): Record<string, unknown> {
  const { oracleNotes: _, ...rest } = packet;
  const avps = rest["avps"] as Record<string, unknown>[] | undefined;
  return {
    ...rest,
    malformed: rest["malformed"] !== null,
    ...(avps && { avps: avps.map(({ name: _name, ...avp }) => avp) }),
  };
}

const all = captures();

test("there are captures to walk", () => {
  expect(all.length).toBeGreaterThanOrEqual(37);
});

describe("l2tpctl decode --json gives what is expected, member by member", () => {
  test.each(all)("$name", async ({ file, options, packets }) => {
    const { code, stdout, stderr } = await l2tpctl(["decode", "--json", ...options, file]);
    const got = jsonLines(stdout).slice(0, packets.length).map(comparable);
    expect(got).toEqual(packets.map(comparable));
    expect(code).toBe(packets.some((packet) => packet["malformed"] !== null) ? 1 : 0);
    expect(stderr).toBe("");
  });
});

describe("text has a line for each packet, with every AVP when asked", () => {
  test.each(all)("$name", async ({ file, options, packets }) => {
    const plain = await l2tpctl(["decode", ...options, file]);
    const lines = plain.stdout.trimEnd().split("\n");
    expect(lines.length).toBe(packets.length);
    packets.forEach((packet, i) => {
      expect(lines[i]?.trim().split(/\s+/)[0]).toBe(String(packet["frame"]));
      if (typeof packet["messageName"] === "string") expect(lines[i]).toContain(packet["messageName"]);
    });
    expect(plain.stdout).not.toMatch(/undefined|NaN|\[object/);
    expect(plain.stdout).not.toMatch(CONTROL_CHARACTER);

    const verbose = await l2tpctl(["decode", "-v", ...options, file]);
    // The Message Type is in the message's own line, where it can be read.
    const avps = packets.flatMap((packet) => {
      const all = (packet["avps"] as unknown[] | undefined) ?? [];
      return packet["messageType"] === null ? all : all.slice(1);
    });
    const frames = verbose.stdout.match(/^ +\d+ +-?\d+\.\d{6} /gm) ?? [];
    expect(frames).toHaveLength(packets.length);
    expect(verbose.stdout.match(/^ {2}[M-][H-] \d+\/\d+ \S/gm) ?? []).toHaveLength(avps.length);
    expect(verbose.stdout).not.toMatch(/undefined|NaN|\[object/);
  });
});
