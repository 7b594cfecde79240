/** What of ours lies beside the tests in the virtual machine: the threads that programs start. */
import { fileURLToPath } from "node:url";

const path = (file: string): string => fileURLToPath(new URL(`../../packages/${file}`, import.meta.url));

/** For `VmOptions.threads`. */
export const THREADS: Readonly<Record<string, string>> = {
  "reactor-thread": path("linux/src/reactor-thread.ts"),
  "packet-thread": path("dataplane-userspace/src/packet-thread.ts"),
};
