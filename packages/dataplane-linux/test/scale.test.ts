import { fileURLToPath } from "node:url";
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./scale-guest.ts";

vmSuite("large numbers", suite, new URL("scale-guest.ts", import.meta.url), {
  timeoutMs: 600_000,
  memoryMib: 3072,
  threads: {
    "reactor-thread": fileURLToPath(new URL("../../linux/src/reactor-thread.ts", import.meta.url)),
  },
});
