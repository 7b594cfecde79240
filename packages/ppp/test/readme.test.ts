import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/dial.ts, and prints what the README says", () => {
  const readme = readFileSync(here("../README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, printed] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(code).toBe(readFileSync(here("../examples/dial.ts"), "utf8"));
  const run = spawnSync(
    process.execPath,
    ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/dial.ts")],
    {
      encoding: "utf8",
      cwd: here("../../.."),
    },
  );
  expect(run).toMatchObject({ status: 0, stderr: "", stdout: printed });
});
