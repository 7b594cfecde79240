/** Two real l2tpd with PPP sessions and pppd, in the virtual machine. */
import { fileURLToPath } from "node:url";
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./guest/ppp-l2tpd.ts";
import { THREADS } from "./vm.ts";

vmSuite("kernel: PPP sessions of l2tpd", suite, new URL("guest/ppp-l2tpd.ts", import.meta.url), {
  timeoutMs: 480_000,
  threads: { ...THREADS, l2tpd: fileURLToPath(new URL("../../apps/l2tpd/src/main.ts", import.meta.url)) },
});
