/** Faults under contexts on the kernel's data plane, in the virtual machine. */
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./guest/faults.ts";
import { THREADS } from "./vm.ts";

vmSuite("kernel: faults", suite, new URL("guest/faults.ts", import.meta.url), {
  timeoutMs: 480_000,
  threads: THREADS,
});
