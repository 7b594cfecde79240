import { fileURLToPath } from "node:url";
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./conformance-guest.ts";

vmSuite("the data plane of the Linux kernel", suite, new URL("conformance-guest.ts", import.meta.url), {
  timeoutMs: 400_000,
  // One processor: two let messages overtake one another, and order is what many of the tests are about.
  run: ["--cpus", "1"],
  threads: {
    "reactor-thread": fileURLToPath(new URL("../../linux/src/reactor-thread.ts", import.meta.url)),
  },
});
