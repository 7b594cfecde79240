import { bundleForBrowser } from "@l2tp/testing/browser";
import { expect, test } from "vitest";

test("the package bundles for a browser, with no Node built-in", async () => {
  const { warnings, missing, files } = await bundleForBrowser(import.meta.url);
  expect({ warnings, missing }).toEqual({ warnings: [], missing: [] });
  expect(files.filter((path) => path.includes("packages/control/src")).length).toBeGreaterThan(5);
});
