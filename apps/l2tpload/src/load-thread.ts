/** A worker thread of the generator: one share, and its result, or why there is none, as the only message. */
import { parentPort, workerData } from "node:worker_threads";
import { RunControl } from "./io/control.ts";
import type { Plan } from "./plan.ts";
import { type IoMethod, runShare, type ShareResult } from "./share.ts";

/** What the thread is given. */
export interface ThreadData {
  readonly plan: Plan;
  readonly io: IoMethod;
  readonly shared: Int32Array;
}

/** What it answers. */
export type ThreadAnswer = { readonly result: ShareResult } | { readonly error: string };

const { plan, io, shared } = workerData as ThreadData;
const answer = (message: ThreadAnswer): void => parentPort?.postMessage(message);
runShare(plan, io, new RunControl(shared)).then(
  (result) => answer({ result }),
  (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
);
