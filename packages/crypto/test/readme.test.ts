import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("the README's example is examples/nt-response.ts, and prints what the README says", () => {
  const readme = readFileSync(here("../README.md"), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const [, printed] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(code).toBe(readFileSync(here("../examples/nt-response.ts"), "utf8"));
  const run = spawnSync(
    process.execPath,
    ["--conditions=@l2tp/source", "--import", "tsx", here("../examples/nt-response.ts")],
    { encoding: "utf8", cwd: here("../../..") },
  );
  expect(run).toMatchObject({ status: 0, stderr: "", stdout: printed });
});

test("the package bundles for a browser, with no Node built-in", async () => {
  const result = await build({
    entryPoints: [here("../src/index.ts")],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
  });
  expect(result.warnings).toEqual([]);
  expect(Object.keys(result.metafile.inputs).filter((path) => path.startsWith("node:"))).toEqual([]);
});
