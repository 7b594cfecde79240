import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/call.ts, and it prints what the README says", () => {
  const readme = readFileSync(here("../README.md"), "utf8");
  const example = readFileSync(here("../examples/call.ts"), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example);
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/call.ts")],
    { encoding: "utf8", cwd: here("../../..") },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(/It prints\n\n```\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(stdout);
});
