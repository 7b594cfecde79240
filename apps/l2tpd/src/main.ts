/** `l2tpd`: everything is in `cli.ts`; this file only runs it and ends the process. */
import { runCli } from "./cli.ts";

const exitCode = await runCli(process.argv.slice(2));
process.exit(exitCode);
