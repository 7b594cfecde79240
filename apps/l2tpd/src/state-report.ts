/** SIGUSR1: the state, written to the log. */
import type { LogWriter } from "./log-writer.ts";
import type { DaemonState } from "./state.ts";
import { formatState } from "./state-text.ts";

/** Writes it to the log, as text or as one line of JSON. */
export async function writeState(
  daemon: { state(): Promise<DaemonState> },
  logger: LogWriter,
): Promise<void> {
  try {
    const state = await daemon.state();
    if (logger.format !== "json") logger.raw(formatState(state));
    else {
      const record = { time: new Date().toISOString(), level: "info", message: "state", state };
      logger.raw(JSON.stringify(record));
    }
  } catch (error) {
    logger.error({ error }, "the state could not be read");
  }
}
