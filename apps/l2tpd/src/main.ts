/** `l2tpd`: everything is in `cli.ts`; this file only runs it and ends the process. */
import { explain, runCli } from "./cli.ts";
import { keepHeapSmall } from "./heap.ts";

keepHeapSmall();

// What nobody caught ends the process with the code for it, and not with Node's 1.
process.on("uncaughtException", (error) => process.exit(explain(error)));

process.exit(await runCli(process.argv.slice(2)));
