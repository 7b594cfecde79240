/** Switches of the kernel below `/proc/sys/net`, which are those of the calling thread's network namespace. */
import { readFileSync, writeFileSync } from "node:fs";

/** @returns undefined where there is no such switch: no IPv6, or an older kernel. */
export function readSwitch(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/net/${name}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * Sets a switch, if it is not as wanted.
 * @throws Error with `code` as the system has it: EACCES, EROFS (in containers) …
 */
export function writeSwitch(name: string, value: string): void {
  if (readSwitch(name) !== value) writeFileSync(`/proc/sys/net/${name}`, value);
}

/** The same, where it is only better so. */
export function trySwitch(name: string, value: string): void {
  try {
    writeSwitch(name, value);
  } catch {
    // It stays as it is.
  }
}
