import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/two-ends.ts, and it delivers five messages through the loss", () => {
  const example = readFileSync(here("../examples/two-ends.ts"), "utf8");
  const [, block] = /```ts\n([\s\S]*?)```/.exec(readFileSync(here("../README.md"), "utf8")) ?? [];
  expect(block).toBe(example);
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/two-ends.ts")],
    { encoding: "utf8", cwd: here("../../..") },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.match(/lns {2}message/g)).toHaveLength(5);
  expect(stdout).toContain("{ messagesSent: 5, retransmits: 4, queued: 0 }");
});
