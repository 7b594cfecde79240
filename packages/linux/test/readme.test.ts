import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const example = readFileSync(path("examples/tap.ts"), "utf8");

test("the README shows the example as it is", () => {
  const shown = /<!-- example: examples\/tap\.ts -->\n```ts\n([\s\S]*?)```/.exec(
    readFileSync(path("README.md"), "utf8"),
  );
  expect(shown?.[1]).toBe(example);
});

needs("root", "tun")("the example prints what the README says", () => {
  const tsx = fileURLToPath(new URL("../../../node_modules/tsx/dist/cli.mjs", import.meta.url));
  const run = spawnSync(process.execPath, [tsx, "--conditions=@l2tp/source", path("examples/tap.ts")], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect(run.stderr).toBe("");
  const [first, second, third] = run.stdout.split("\n");
  const readme = readFileSync(path("README.md"), "utf8");
  for (const line of [first, third]) expect(readme).toContain(`\n${line}\n`);
  expect(second).toMatch(/^(no frame yet|a frame of \d+ octets)$/);
  expect(run.status).toBe(0);
});
