/** The real l2tpd on the kernel's data plane, in the virtual machine. */
import { cpSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleForGuest, vmSuite } from "@l2tp/testing/vm";
import suite, { L2TPD_BUNDLE } from "./guest/daemons.ts";
import { THREADS } from "./vm.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../apps/l2tpd/${file}`, import.meta.url));

const bundle = await bundleForGuest("l2tpd/dist", `import ${JSON.stringify(path("src/main.ts"))};`, THREADS);
// Where l2tpd looks for its version.
cpSync(path("package.json"), `${dirname(dirname(bundle))}/package.json`);

vmSuite("kernel: daemons", suite, new URL("guest/daemons.ts", import.meta.url), {
  timeoutMs: 240_000,
  threads: THREADS,
  run: ["--env", `${L2TPD_BUNDLE}=${bundle}`],
});
