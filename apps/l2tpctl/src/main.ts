import { processIo } from "./io.ts";
import { run } from "./run.ts";

// Whoever reads our errors may go away, as in `l2tpctl 2>&1 | head`; what is left of them is then lost.
process.stderr.on("error", () => {});

process.exitCode = await run(process.argv.slice(2), processIo());
