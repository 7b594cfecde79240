import { Example } from "@l2tp/testing/example";
import { expect, test } from "vitest";

test("the README's example is examples/two-ends.ts, and it delivers five messages through the loss", () => {
  const example = new Example(import.meta.url, "examples/two-ends.ts");
  expect(example.shown).toBe(example.code);
  const { status, stderr, stdout } = example.run();
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.match(/lns {2}message/g)).toHaveLength(5);
  expect(stdout).toContain("{ messagesSent: 5, retransmits: 4, queued: 0 }");
});
