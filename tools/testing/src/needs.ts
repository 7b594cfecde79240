/**
 * What a test needs of the machine. Where it is missing the test is skipped and the reason counted at the
 * end of the run; with `L2TP_TEST_REQUIRE_ALL=1` (as `.ci/run` sets) every such skip is a failure instead.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "vitest";

/** One thing a test may need. */
export type Need = "linux" | "root" | "tun" | "user-namespace" | "vm" | { readonly tool: string };

/** Why `need` is not met here, or `undefined` when it is. */
export function missing(need: Need): string | undefined {
  if (typeof need === "object") {
    return find(need.tool)
      ? undefined
      : `needs the program ${need.tool} (tools/setup-test-machine installs it)`;
  }
  switch (need) {
    case "linux":
      return process.platform === "linux" ? undefined : `needs Linux, this is ${process.platform}`;
    case "root":
      return process.getuid?.() === 0 ? undefined : "needs root";
    case "tun":
      return usable("/dev/net/tun") ? undefined : "needs /dev/net/tun";
    case "user-namespace":
      return find("unshare") && spawnSync("unshare", ["-Urn", "true"]).status === 0
        ? undefined
        : "needs unprivileged user namespaces (unshare -Urn)";
    case "vm":
      return existsSync(
        join(process.env["L2TP_VM_CACHE"] ?? `${process.env["HOME"]}/.cache/l2tp-vm`, "kernel.pkg"),
      )
        ? undefined
        : "needs the virtual machine (tools/setup-test-machine prepares it)";
  }
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function find(tool: string): boolean {
  const path = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
  return path.split(delimiter).some((dir) => existsSync(join(dir, tool)));
}

/** Declares a test, as vitest's `test` does: name, body, time limit in milliseconds. */
export type Declare = (
  name: string,
  body: (context: TestContext) => void | Promise<void>,
  timeoutMs?: number,
) => void;

/**
 * vitest's `test`, for tests that need something of the machine:
 * `needs("root", "tun", { tool: "tshark" })("a sentence", async () => { … })`.
 */
export function needs(...all: Need[]): Declare {
  const why = all.map(missing).find((reason) => reason !== undefined);
  if (why === undefined) return (name, body, timeoutMs) => test(name, body, timeoutMs);
  if (process.env["L2TP_TEST_REQUIRE_ALL"] === "1") {
    return (name) =>
      test(name, () => {
        throw new Error(`L2TP_TEST_REQUIRE_ALL is set and this test cannot run here: it ${why}`);
      });
  }
  return (name) => test(name, (context) => context.skip(why));
}
