import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { IPV4_ZLB, IPV6_ZLB, pcap } from "./octets.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/udp-flows.ts, and it runs", () => {
  const example = readFileSync(here("../examples/udp-flows.ts"), "utf8");
  const [, block] = /```ts\n([\s\S]*?)```/.exec(readFileSync(here("../README.md"), "utf8")) ?? [];
  expect(block).toBe(example);

  const directory = mkdtempSync(join(tmpdir(), "l2tp-capture-"));
  try {
    const file = join(directory, "three.pcap");
    const whole = pcap([IPV4_ZLB, IPV6_ZLB, IPV4_ZLB], { linkType: 101 });
    writeFileSync(file, whole);
    const run = () =>
      spawnSync(
        process.execPath,
        ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/udp-flows.ts"), file],
        { encoding: "utf8", cwd: here("../../..") },
      );
    expect(run()).toMatchObject({
      status: 0,
      stderr: "",
      stdout:
        "192.0.2.1 port 1701 to 192.0.2.2 port 1701: 2\n2001:db8::1 port 1701 to 2001:db8::2 port 1701: 1\n",
    });
    writeFileSync(file, whole.subarray(0, whole.length - 1));
    expect(run().stderr).toMatch(/^truncated: the file is cut short/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
