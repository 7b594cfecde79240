import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Lab } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the README shows the example as it is", () => {
  const shown = /<!-- examples\/two-ends.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/two-ends.ts"));
});

needs(
  "linux",
  "root",
  "tun",
)("the example runs, and frames pass", async () => {
  using lab = new Lab();
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const file = fileURLToPath(new URL("../examples/two-ends.ts", import.meta.url));
  // In a namespace of its own, with IPv6 on, so that the system has something to send.
  lab.a.enableIpv6();
  const { code, output } = await lab.a.execute(
    process.execPath,
    "--conditions=@l2tp/source",
    "--import",
    tsx,
    file,
  );
  expect(code, output).toBe(0);
  expect(output).toMatch(/udp-gso: /);
  expect(output).toContain("east and west are up with an MTU of 1400");
  expect(output).toMatch(/sent \d+ frames, received [1-9]\d*, 0 errors/);
});
