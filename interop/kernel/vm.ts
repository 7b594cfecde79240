/** The threads that programs of ours start, to lie beside their bundle in the virtual machine. */
import { fileURLToPath } from "node:url";

const path = (file: string): string => fileURLToPath(new URL(`../../packages/${file}`, import.meta.url));

/** For `VmOptions.threads`. */
export const THREADS: Readonly<Record<string, string>> = {
  "reactor-thread": path("linux/src/reactor-thread.ts"),
  "packet-thread": path("dataplane-userspace/src/packet-thread.ts"),
};
