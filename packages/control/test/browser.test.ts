import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the package bundles for a browser, with no Node built-in", async () => {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    write: false,
    conditions: ["@l2tp/source"],
    metafile: true,
  });
  expect(result.warnings).toEqual([]);
  const inputs = Object.entries(result.metafile.inputs);
  const own = inputs.filter(([path]) => path.includes("packages/control/src"));
  expect(own.length).toBeGreaterThan(5);
  expect(inputs.flatMap(([, input]) => input.imports.filter(({ external }) => external))).toEqual([]);
});
