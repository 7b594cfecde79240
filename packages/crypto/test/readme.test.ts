import { bundleForBrowser } from "@l2tp/testing/browser";
import { Example } from "@l2tp/testing/example";
import { expect, test } from "vitest";

test("the README's example is examples/nt-response.ts, and prints what the README says", () => {
  const example = new Example(import.meta.url, "examples/nt-response.ts");
  expect(example.shown).toBe(example.code);
  expect(example.run()).toEqual({ status: 0, stderr: "", stdout: example.printed });
});

test("the package bundles for a browser, with no Node built-in", async () => {
  expect(await bundleForBrowser(import.meta.url)).toMatchObject({ warnings: [], missing: [] });
});
