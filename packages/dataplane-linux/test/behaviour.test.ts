import { fileURLToPath } from "node:url";
import { vmSuite } from "@l2tp/testing/vm";
import suite from "./behaviour-guest.ts";

vmSuite("beyond the kit", suite, new URL("behaviour-guest.ts", import.meta.url), {
  timeoutMs: 400_000,
  threads: {
    "reactor-thread": fileURLToPath(new URL("../../linux/src/reactor-thread.ts", import.meta.url)),
  },
});
