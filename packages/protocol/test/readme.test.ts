import { Example } from "@l2tp/testing/example";
import { expect, test } from "vitest";

test("the README's example is examples/answer-sccrq.ts, and prints what the README says", () => {
  const example = new Example(import.meta.url, "examples/answer-sccrq.ts");
  expect(example.shown).toBe(example.code);
  expect(example.run()).toEqual({ status: 0, stderr: "", stdout: example.printed });
  expect(example.run("c802").stdout).toMatch(/^refused at octet 2: .*; ignore\n$/);
});
