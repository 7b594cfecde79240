/** Waiting for what another process or thread does. */
import { setTimeout as delay } from "node:timers/promises";

const LOOK_MS = 5;
/** For what never comes: a busy machine alone is to make no test fail. */
const PATIENCE_MS = 50_000;

/** Waits until it is so. @throws Error that says what never came */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`after ${patienceMs} ms still not so: ${what}`);
    await delay(LOOK_MS);
  }
}
