import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

test("the example of the README runs: up, down with the reason, and statistics", async () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const shown = /<!-- examples\/two-sites.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/two-sites.ts"));
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...words) => void lines.push(words.join(" ")));
  const info = vi.spyOn(console, "info").mockImplementation(() => {});
  await import("../examples/two-sites.ts");
  log.mockRestore();
  info.mockRestore();
  expect(lines).toEqual([
    expect.stringMatching(/^frames can flow, \d+ octets at most$/),
    expect.stringMatching(
      /^session-down its tunnel to-b is down: the peer is gone: \d+ transmissions of a Hello/,
    ),
    expect.stringMatching(/^tunnel-down the peer is gone: /),
    expect.stringMatching(/^\d+ Hellos were sent$/),
  ]);
});

test("the example of a LAC and an LNS runs: PPP comes up, a hang-up says why", async () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const shown = /<!-- examples\/lac-and-lns.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/lac-and-lns.ts"));
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...words) => void lines.push(words.join(" ")));
  await import("../examples/lac-and-lns.ts");
  log.mockRestore();
  expect(lines.sort()).toEqual([
    expect.stringMatching(/^lac: .*CDN 3\/0 .*"tea time"$/),
    "lac: up to lns.example, my address is 10.0.0.2",
    "lns: 1 call, 1 tunnel up",
    "lns: call on lac.example has 10.0.0.2",
  ]);
});
