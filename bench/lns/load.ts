/** Runs l2tpload, as it is built and installed, against an LNS in its namespace. */
import { fileURLToPath } from "node:url";
import type { Report } from "../../apps/l2tpload/src/report.ts";
import { sleep } from "../dataplane/lab.ts";
import type { Program, Space } from "./space.ts";

const program = fileURLToPath(new URL("../../apps/l2tpload/dist/main.js", import.meta.url));

/** What a load gave, and what it cost the LNS. */
export interface Loaded extends Report {
  /** Processor time of the LNS, from the first SCCRQ to the last StopCCN, in seconds. */
  readonly lnsCpu: number;
}

export async function load(space: Space, lns: Program, ...args: string[]): Promise<Loaded> {
  const before = lns.cpu();
  const run = space.start(process.execPath, program, "--json", "--quiet", ...args, "127.0.0.1");
  await run.exited;
  if (lns.hasEnded)
    throw new Error(`${lns.name} ended under load:\n${lns.errors}\n${lns.output.slice(-2_000)}`);
  if (run.output === "") throw new Error(`l2tpload failed: ${run.errors}`);
  return { ...(JSON.parse(run.output) as Report), lnsCpu: lns.cpu() - before };
}

/** A load that is held up meanwhile: `measure` runs while all is up. */
export async function held<T>(
  space: Space,
  args: readonly string[],
  isUp: (progress: string) => boolean,
  measure: () => Promise<T>,
): Promise<T> {
  const run = space.start(process.execPath, program, "--json", ...args, "127.0.0.1");
  for (let n = 0; !isUp(run.errors.trimEnd().split("\n").at(-1) ?? ""); n++) {
    if (run.hasEnded) throw new Error(`l2tpload ended too early: ${run.output} ${run.errors}`);
    if (n === 3_000) throw new Error(`not up after five minutes: ${run.errors.slice(-200)}`);
    await sleep(100);
  }
  const result = await measure();
  await run.stop();
  return result;
}

/** Waits until an LNS brings up one tunnel, at most this long: l2tpns takes 13 s. */
export async function untilReady(
  space: Space,
  lns: Program,
  args: readonly string[],
  limitMs = 40_000,
): Promise<void> {
  for (const until = performance.now() + limitMs; performance.now() < until; await sleep(200)) {
    if (lns.hasEnded) throw new Error(`${lns.name} ended at once:\n${lns.errors}\n${lns.output}`);
    const { tunnels } = await load(space, lns, ...args, "-t", "1", "-s", "0", "--duration", "3");
    if (tunnels.up === 1) return;
  }
  throw new Error(`${lns.name} did not answer:\n${lns.errors}`);
}
