import { afterEach, expect, test, vi } from "vitest";
import { runInProcessDemo } from "../src/demo/ppp/in-process.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("where there is no Linux, LNS and LAC meet on a simulated network, and their packets end in the program", async () => {
  vi.stubGlobal("process", Object.create(process, { platform: { value: "darwin" } }));
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await runInProcessDemo({ once: true, seconds: 0.1 }, "this is no Linux");
  vi.restoreAllMocks();
  expect(code, text).toBe(0);
  expect(text).toMatch(/^Without interfaces: this is no Linux\n/);
  expect(text).toContain("joined by a simulated network");
  expect(text).toMatch(/LNS: session .* is up.* for bob/);
  expect(text).toMatch(/ping LAC → LNS \(bob\): 5 sent, 5 received, 0 lost/);
  expect(text).toMatch(/packets LNS → LAC \(alice\): [\d.]+ [GM]bit\/s/);
});
