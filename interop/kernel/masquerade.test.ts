/** The ways of packets from and to PPP sessions of the kernel: default routes and masquerading, by real l2tpd, in the virtual machine. */
import { built } from "@l2tp/testing/built";
import { vmSuite } from "@l2tp/testing/vm";
import { L2TPD_BUNDLE } from "./guest/daemons.ts";
import suite from "./guest/masquerade.ts";
import { THREADS } from "./vm.ts";

vmSuite("kernel: default routes and masquerading", suite, new URL("guest/masquerade.ts", import.meta.url), {
  timeoutMs: 480_000,
  threads: THREADS,
  run: ["--env", `${L2TPD_BUNDLE}=${built("l2tpd")}`],
});
