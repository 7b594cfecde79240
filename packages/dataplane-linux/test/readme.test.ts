import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { bundleForGuest, QUEUE_MS, runInGuest } from "@l2tp/testing/vm";
import { expect, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

test("the README shows the example as it is", () => {
  const readme = readFileSync(path("README.md"), "utf8");
  const shown = /<!-- examples\/two-ends.ts -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(readFileSync(path("examples/two-ends.ts"), "utf8"));
});

needs("vm")(
  "the example runs on a real kernel, and leaves nothing there",
  async () => {
    const source = [
      'import { execFileSync } from "node:child_process";',
      'const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8" }).trim();',
      'ip("link", "set", "lo", "up");',
      'process.on("exit", () => console.log("left:", ip("l2tp", "show", "tunnel") || "nothing"));',
      readFileSync(path("examples/two-ends.ts"), "utf8"),
    ].join("\n");
    const bundle = await bundleForGuest("dataplane-linux-readme", source, {
      "reactor-thread": path("../linux/src/reactor-thread.ts"),
    });
    const { status, output } = await runInGuest([process.execPath, bundle], { timeoutMs: 300_000 });
    expect(status, output).toBe(0);
    expect(output).toMatch(/ip-encapsulation: L2TP\/IP sockets/);
    expect(output).toContain("east and west are up with an MTU of 1400");
    expect(output).toMatch(/sent \d+ frames, received [1-9]\d*, 0 errors/);
    expect(output).toContain("left: nothing");
  },
  360_000 + QUEUE_MS,
);
