import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Example } from "@l2tp/testing/example";
import { expect, test } from "vitest";
import { IPV4_ZLB, IPV6_ZLB, pcap } from "./octets.ts";

test("the README's example is examples/udp-flows.ts, and it runs", () => {
  const example = new Example(import.meta.url, "examples/udp-flows.ts");
  expect(example.shown).toBe(example.code);

  const directory = mkdtempSync(join(tmpdir(), "l2tp-capture-"));
  try {
    const file = join(directory, "three.pcap");
    const whole = pcap([IPV4_ZLB, IPV6_ZLB, IPV4_ZLB], { linkType: 101 });
    writeFileSync(file, whole);
    expect(example.run(file)).toEqual({
      status: 0,
      stderr: "",
      stdout:
        "192.0.2.1 port 1701 to 192.0.2.2 port 1701: 2\n2001:db8::1 port 1701 to 2001:db8::2 port 1701: 1\n",
    });
    writeFileSync(file, whole.subarray(0, whole.length - 1));
    expect(example.run(file).stderr).toMatch(/^truncated: the file is cut short/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
