import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import { exposure, readSecretFile } from "../src/secret-files.ts";

const folder = mkdtempSync(join(tmpdir(), "l2tpd-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

needs({ tool: "chmod" })(
  "a file comes with its mode and owner; what others may read is told of a document",
  () => {
    for (const mode of [0o640, 0o604, 0o660, 0o644, 0o602]) {
      const path = file("open", "opensesame", mode);
      expect(readSecretFile(path)).toEqual({ text: "opensesame", mode, uid: process.getuid?.() });
      expect(exposure(path)).toContain(`chmod 600 ${path}`);
    }
    for (const mode of [0o600, 0o400])
      expect(exposure(file(`closed-${mode}`, "opensesame", mode))).toBeUndefined();
  },
);

test("what systemd hands over is taken whatever its modes are", () => {
  const path = file("credential", "opensesame\n", 0o440);
  process.env["CREDENTIALS_DIRECTORY"] = folder;
  try {
    expect(readSecretFile(path)).toEqual({ text: "opensesame\n" });
  } finally {
    delete process.env["CREDENTIALS_DIRECTORY"];
  }
});

test.each([
  [
    "missing",
    () => join(folder, "missing"),
    /there is no such file; write the secret into it, with mode 0600/,
  ],
  ["a folder", () => folder, /a plain file was expected/],
  ["too large", () => file("large", "x".repeat(5000)), /5000 octets/],
])("a file that is %s is refused", (_, make, message) => {
  const path = make();
  expect(() => readSecretFile(path)).toThrow(message);
});

needs({ tool: "mkfifo" })("a named pipe is not waited for", () => {
  const path = join(folder, "pipe");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  expect(() => readSecretFile(path)).toThrow(/a plain file was expected/);
});
