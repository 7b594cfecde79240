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

test.each([
  ["opensesame\n", "opensesame"],
  ["opensesame\r\n", "opensesame"],
  [" with spaces \n", " with spaces "],
  ["ünïcode", "ünïcode"],
])("the text %j is the secret %j", (text, secret) => {
  expect(readSecretFile(file("good", text))).toBe(secret);
});

needs({ tool: "chmod" })(
  "a file that others may read or change is refused, with the command that mends it",
  () => {
    for (const mode of [0o640, 0o604, 0o660, 0o644, 0o602]) {
      const path = file("open", "opensesame", mode);
      expect(() => readSecretFile(path)).toThrow(
        `${path}: others may read or change it (mode 0${mode.toString(8)}); chmod 600 ${path}`,
      );
      expect(exposure(path)).toContain(`chmod 600 ${path}`);
    }
    for (const mode of [0o600, 0o400]) {
      const path = file(`closed-${mode}`, "opensesame", mode);
      expect(readSecretFile(path)).toBe("opensesame");
      expect(exposure(path)).toBeUndefined();
    }
  },
);

test("what systemd hands over is taken with the modes that it has", () => {
  const path = file("credential", "opensesame", 0o440);
  process.env["CREDENTIALS_DIRECTORY"] = folder;
  try {
    expect(readSecretFile(path)).toBe("opensesame");
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
  ["empty", () => file("empty", "\n"), /it is empty/],
  ["of two lines", () => file("lines", "one\ntwo\n"), /several lines/],
  ["too large", () => file("large", "x".repeat(5000)), /5000 octets/],
])("a file that is %s is refused and named", (_, make, message) => {
  const path = make();
  expect(() => readSecretFile(path)).toThrow(message);
  expect(() => readSecretFile(path)).toThrow(path);
});
