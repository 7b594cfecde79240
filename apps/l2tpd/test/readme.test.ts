import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("the configuration that the README shows is the example that the demonstration runs", () => {
  const shown = /<!-- examples\/l2tpv3-ethernet-a.toml -->\n```toml\n([\s\S]*?)```/.exec(
    read("../README.md"),
  )?.[1];
  expect(shown).toBeDefined();
  const example = read("../../../examples/l2tpv3-ethernet-a.toml");
  expect(example.slice(example.indexOf("[tunnel."))).toBe(shown);
});

test("the manual has every option, and every exit code", async () => {
  const manual = read("../../../docs/man/l2tpd.8.md");
  const cli = read("../src/cli.ts");
  const options = [...cli.matchAll(/"(?:-\w, )?(--[a-z-]+)/g)].map(([, option]) => option ?? "");
  expect(options.length).toBeGreaterThan(8);
  for (const option of options) {
    if (option !== "--until-stdin-ends") expect(manual, option).toContain(`**${option}**`);
  }
  const { EXIT } = await import("../src/exit-codes.ts");
  for (const code of Object.values(EXIT)) expect(manual).toMatch(new RegExp(`^\\*\\*${code}\\*\\*$`, "m"));
});
