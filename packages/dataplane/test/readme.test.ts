import { readFileSync } from "node:fs";
import { type DataPlane, PlaneError } from "@l2tp/dataplane";
import { expect, test, vi } from "vitest";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the example of the README runs and shows the refusal", async () => {
  const shown = /<!-- examples\/ask-before.ts -->\n```ts\n([\s\S]*?)```/.exec(read("../README.md"))?.[1];
  expect(shown).toBe(read("../examples/ask-before.ts"));
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  const { tryToOpen } = await import("../examples/ask-before.ts");
  log.mockRestore();
  expect(lines).toEqual(["invalid-parameters: session 11: cookie has 3 octets; 0, 4 or 8 are allowed"]);

  let closed = 0;
  const local = { family: 4, address: "0.0.0.0", port: 1701 };
  const wire = { local, [Symbol.asyncDispose]: async () => void closed++ };
  expect(await tryToOpen({ open: async () => wire } as unknown as DataPlane)).toBe("listening on port 1701");
  expect(closed).toBe(1);
  const busy = { open: () => Promise.reject(new PlaneError("address-in-use", "bind: in use")) };
  expect(await tryToOpen(busy as unknown as DataPlane)).toBe("somebody else does L2TP here");
});
