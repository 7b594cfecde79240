/** What of ours lies beside the tests in the virtual machine: threads that programs start, and l2tpd. */
import { cpSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleForGuest } from "@l2tp/testing/vm";

const path = (file: string): string => fileURLToPath(new URL(`../../packages/${file}`, import.meta.url));

/** For `VmOptions.threads`. */
export const THREADS: Readonly<Record<string, string>> = {
  "reactor-thread": path("linux/src/reactor-thread.ts"),
  "packet-thread": path("dataplane-userspace/src/packet-thread.ts"),
};

/** Bundles l2tpd. @returns the path of the program in the guest */
export async function l2tpdForGuest(): Promise<string> {
  const path = (file: string): string => fileURLToPath(new URL(`../../apps/l2tpd/${file}`, import.meta.url));
  const entry = `import ${JSON.stringify(path("src/main.ts"))};`;
  const bundle = await bundleForGuest("l2tpd/dist", entry, THREADS);
  // Where l2tpd looks for its version.
  cpSync(path("package.json"), `${dirname(dirname(bundle))}/package.json`);
  return bundle;
}
