import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

test("the example of the README runs, and prints what it says", async () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const shown = /<!-- examples\/two-ends.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/two-ends.ts"));
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  await import("../examples/two-ends.ts");
  log.mockRestore();
  expect(lines).toEqual([
    "a control message of 12 octets from 127.0.0.1",
    "session 1 is there, with an MTU of 1458",
  ]);
});
