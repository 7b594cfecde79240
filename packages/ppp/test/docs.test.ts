import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import generatePpp from "../../../tools/generate/ppp.ts";

test("docs/ppp.md is what the tables give (npm run docs)", () => {
  for (const [path, content] of Object.entries(generatePpp())) {
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8"), path).toBe(content);
  }
});
