/** Debian's xl2tpd with pppd in the virtual machine, both ways, on each of our data planes and with either PPP. */
import { cpSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleForGuest, vmSuite } from "@l2tp/testing/vm";
import { THREADS } from "../kernel/vm.ts";
import dialled from "./guest/dialled.ts";
import dialling from "./guest/dialling.ts";
import { L2TPD_BUNDLE } from "./guest/stage.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../apps/l2tpd/${file}`, import.meta.url));

const bundle = await bundleForGuest(
  "l2tpd-xl2tpd/dist",
  `import ${JSON.stringify(path("src/main.ts"))};`,
  THREADS,
);
// Where l2tpd looks for its version.
cpSync(path("package.json"), `${dirname(dirname(bundle))}/package.json`);

const options = { timeoutMs: 1_500_000, threads: THREADS, run: ["--env", `${L2TPD_BUNDLE}=${bundle}`] };
vmSuite("xl2tpd as LNS", dialled, new URL("guest/dialled.ts", import.meta.url), options);
vmSuite("xl2tpd as LAC", dialling, new URL("guest/dialling.ts", import.meta.url), options);
