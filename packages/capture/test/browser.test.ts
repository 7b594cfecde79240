import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the package bundles for a browser, with no Node built-in, under 20 KB", async () => {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    write: false,
  });
  expect(result.warnings).toEqual([]);
  expect(result.outputFiles[0]?.contents.length).toBeLessThan(20_000);
});
