import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/answer-sccrq.ts, and prints what the README says", () => {
  const readme = readFileSync(here("../README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, printed] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(code).toBe(readFileSync(here("../examples/answer-sccrq.ts"), "utf8"));
  const run = (...more: string[]) =>
    spawnSync(
      process.execPath,
      ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/answer-sccrq.ts"), ...more],
      { encoding: "utf8", cwd: here("../../..") },
    );
  expect(run()).toMatchObject({ status: 0, stderr: "", stdout: printed });
  expect(run("c802").stdout).toMatch(/^refused at octet 2: .*; ignore\n$/);
});
