import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

test("the example of the README runs, and says what became of the frames", async () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const shown = /<!-- examples\/lossy-tunnel.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/lossy-tunnel.ts"));
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  await import("../examples/lossy-tunnel.ts");
  log.mockRestore();
  const arrived = /^(\d+) of 100 arrived, (\d+) out of order/.exec(lines.at(-2) ?? "");
  expect(Number(arrived?.[1])).toBe(lines.length - 2);
  expect(Number(arrived?.[1])).toBeGreaterThan(50);
  expect(Number(arrived?.[1])).toBeLessThan(100);
  expect(Number(arrived?.[2])).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatch(/createSession: made to fail/);
});
