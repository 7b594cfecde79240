/** One share of a run from its start to its result, in whichever thread. */
import { getRandomValues } from "node:crypto";
import { Engine, type Stage } from "./engine.ts";
import type { RunControl } from "./io/control.ts";
import { driveByNode } from "./io/node-sockets.ts";
import type { Plan } from "./plan.ts";
import type { TallyData } from "./tally.ts";

/** How datagrams are sent and received: by batches with system calls of our own, or by Node. */
export type IoMethod = "batch" | "node";

/** What a share gives. */
export interface ShareResult {
  readonly tally: TallyData;
  /** When each stage began, in milliseconds since the epoch, as threads have clocks of their own. */
  readonly began: Partial<Record<Stage, number>>;
}

/** Runs it. @throws for settings that cannot be and sockets that cannot be opened. */
export async function runShare(plan: Plan, io: IoMethod, control: RunControl): Promise<ShareResult> {
  const engine = new Engine(plan, getRandomValues);
  if (io === "node") await driveByNode(engine, plan.sources, control);
  else {
    // Only here, as it loads koffi.
    const { driveByBatches } = await import("./io/batch-sockets.ts");
    driveByBatches(engine, plan.sources, control);
  }
  const began = Object.entries(engine.began).map(([stage, at]) => [stage, performance.timeOrigin + at]);
  return { tally: engine.finish().data(), began: Object.fromEntries(began) };
}
