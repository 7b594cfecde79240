/** PPP sessions of our own data plane that pppd runs, on a pseudo-terminal: against the kernel's, and each other. */
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./guest/pty.ts";
import { THREADS } from "./vm.ts";

vmSuite("pppd on a pseudo-terminal", suite, new URL("guest/pty.ts", import.meta.url), {
  timeoutMs: 600_000,
  threads: THREADS,
});
