/** Debian's xl2tpd with pppd in the virtual machine, both ways, on each of our data planes and with either PPP. */
import { built } from "@l2tp/testing/built";
import { vmSuite } from "@l2tp/testing/vm";
import { THREADS } from "../kernel/vm.ts";
import dialled from "./guest/dialled.ts";
import dialling from "./guest/dialling.ts";
import { L2TPD_BUNDLE } from "./guest/stage.ts";

const options = {
  timeoutMs: 1_500_000,
  threads: THREADS,
  run: ["--env", `${L2TPD_BUNDLE}=${built("l2tpd")}`],
};
vmSuite("xl2tpd as LNS", dialled, new URL("guest/dialled.ts", import.meta.url), options);
vmSuite("xl2tpd as LAC", dialling, new URL("guest/dialling.ts", import.meta.url), options);
