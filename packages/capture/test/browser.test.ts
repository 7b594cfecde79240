import { bundleForBrowser } from "@l2tp/testing/browser";
import { expect, test } from "vitest";

test("the package bundles for a browser, with no Node built-in, under 20 KB", async () => {
  const { octets, warnings, missing } = await bundleForBrowser(import.meta.url);
  expect({ warnings, missing }).toEqual({ warnings: [], missing: [] });
  expect(octets).toBeLessThan(20_000);
});
