/** PPP without pppd on a real kernel: links through /dev/ppp; in the virtual machine. */
import { fileURLToPath } from "node:url";
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./link-guest.ts";

vmSuite("PPP links in the kernel", suite, new URL("link-guest.ts", import.meta.url), {
  timeoutMs: 400_000,
  threads: {
    "reactor-thread": fileURLToPath(new URL("../../../linux/src/reactor-thread.ts", import.meta.url)),
  },
});
