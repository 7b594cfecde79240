/** `l2tpd demo`: which demonstration is run, and what is shown where the machine does not let us. */
import { type ExitCode, ExitError } from "../exit-codes.ts";
import { checkMachine } from "./privilege.ts";
import type { DemoOptions } from "./show.ts";

/** Runs a demonstration. @returns 0 only when packets flowed. */
export async function runDemo(scene: "ppp" | "ethernet", options: DemoOptions): Promise<ExitCode> {
  if (scene === "ethernet") {
    checkMachine();
    const { runEthernetDemo } = await import("./ethernet.ts");
    return await runEthernetDemo(options);
  }
  try {
    checkMachine();
    const { runPppDemo } = await import("./ppp/ppp.ts");
    return await runPppDemo(options);
  } catch (error) {
    // No TUN, no namespaces: what needs neither is shown all the same.
    if (!(error instanceof ExitError)) throw error;
    const { runInProcessDemo } = await import("./ppp/in-process.ts");
    return await runInProcessDemo(options, error.message);
  }
}
