/** Formatting, lint and types of the whole repository, tests included. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function run(script: string, ...args: string[]): { status: number | null; output: string } {
  const done = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status: done.status, output: done.stdout + done.stderr };
}

test("the formatter and linter have nothing to say", { timeout: 600_000 }, () => {
  const { status, output } = run("@biomejs/biome/bin/biome", "check", ".");
  expect(status, output).toBe(0);
});

test("the packages type-check", { timeout: 600_000 }, () => {
  const { status, output } = run("typescript/bin/tsc", "-b");
  expect(status, output).toBe(0);
});

test("the tests, benchmarks and tools type-check", { timeout: 600_000 }, () => {
  const { status, output } = run("typescript/bin/tsc", "-p", "tsconfig.tests.json");
  expect(status, output).toBe(0);
});
