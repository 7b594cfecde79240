/** The real l2tpd on the kernel's data plane, in the virtual machine. */
import { built } from "@l2tp/testing/built";
import { vmSuite } from "@l2tp/testing/vm";
import suite, { L2TPD_BUNDLE } from "./guest/daemons.ts";
import { THREADS } from "./vm.ts";

vmSuite("kernel: daemons", suite, new URL("guest/daemons.ts", import.meta.url), {
  timeoutMs: 600_000,
  threads: THREADS,
  run: ["--env", `${L2TPD_BUNDLE}=${built("l2tpd")}`],
});
