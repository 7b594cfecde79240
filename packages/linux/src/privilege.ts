/**
 * What this process may do, and where it runs: capabilities(7), user_namespaces(7), the machine's boot ID.
 */
import { readFileSync } from "node:fs";
import { CAPABILITY } from "./abi.ts";
import { UnsupportedError } from "./errors.ts";

/** A capability by its name in `linux/capability.h`. */
export type Capability = keyof typeof CAPABILITY;

/**
 * The effective capabilities of the calling thread, as bits by number. In a user namespace they are those
 * inside it: CAP_NET_ADMIN there is for network namespaces that it owns.
 * @throws {@link UnsupportedError} without /proc.
 */
export function effectiveCapabilities(): bigint {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readProc("/proc/thread-self/status"));
  return BigInt(`0x${line?.[1] ?? "0"}`);
}

/** Whether the calling thread has the capability, see {@link effectiveCapabilities}. */
export function hasCapability(capability: Capability): boolean {
  return ((effectiveCapabilities() >> BigInt(CAPABILITY[capability])) & 1n) === 1n;
}

/** Of the capabilities asked for, those that are missing. */
export function missingCapabilities(...wanted: Capability[]): Capability[] {
  return wanted.filter((capability) => !hasCapability(capability));
}

/**
 * Whether the process is in a user namespace other than the machine's first: root there is not root outside.
 * Told by the map of user IDs, as systemd-detect-virt does.
 */
export function inUserNamespace(): boolean {
  return isPartialMap(readProc("/proc/self/uid_map"));
}

/** The first namespace maps all IDs onto themselves. */
export function isPartialMap(uidMap: string): boolean {
  return uidMap.trim().split(/\s+/).join(" ") !== "0 0 4294967295";
}

/** The ID of this boot of the machine: what was written down before it is about a system that is gone. */
export function bootId(): string {
  return readProc("/proc/sys/kernel/random/boot_id").trim();
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UnsupportedError(`${path} cannot be read: this is not Linux, or /proc is not mounted`, {
      cause,
    });
  }
}
