import { run } from "./run.ts";

// Whoever reads our output may go away, as in `l2tpload … | head`; what is left of it is then lost.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(handler) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, handler);
    return {
      dispose() {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, handler);
      },
    };
  },
});
