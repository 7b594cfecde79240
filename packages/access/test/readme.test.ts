import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { expect, test, vi } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const readme = read("README.md");

test("the README shows the example as it is", () => {
  expect(readme).toContain(`\`\`\`ts\n${read("examples/lns.ts")}\`\`\``);
});

test("the example prints what the README says", async () => {
  const lines: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((what: unknown) => void lines.push(typeof what === "string" ? what : inspect(what)));
  await import("../examples/lns.ts");
  log.mockRestore();
  expect(readme).toContain(`\`\`\`text\n${lines.join("\n")}\n\`\`\``);
});
