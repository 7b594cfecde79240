import { Example } from "@l2tp/testing/example";
import { expect, test } from "vitest";

test("the README's example is examples/dial.ts, and prints what the README says", () => {
  const example = new Example(import.meta.url, "examples/dial.ts");
  expect(example.shown).toBe(example.code);
  expect(example.run()).toEqual({ status: 0, stderr: "", stdout: example.printed });
});
