/** A whole run: its shares in threads of their own, and what they give, together. */
import { spawnThread } from "@l2tp/linux";
import type { Progress, Stage } from "./engine.ts";
import { STAGES } from "./engine.ts";
import { UsageError } from "./errors.ts";
import { RunControl } from "./io/control.ts";
import type { ThreadAnswer, ThreadData } from "./load-thread.ts";
import { type Plan, shares } from "./plan.ts";
import { type IoMethod, runShare, type ShareResult } from "./share.ts";
import { Tally } from "./tally.ts";

/** How a run is carried out. */
export interface FleetOptions {
  readonly io: IoMethod;
  readonly threads: number;
  /** No threads at all: the caller's own, which must not block then, so only with Node's sockets. */
  readonly inProcess?: boolean;
}

/** What a run gave. */
export interface RunResult {
  readonly tally: Tally;
  /** Milliseconds that each stage took: from its first begin in any share to its last end. */
  readonly stages: Readonly<Partial<Record<Stage, number>>>;
  readonly wallMs: number;
  readonly cpuSeconds: number;
  /** Resident memory at its most, in octets. */
  readonly memory: number;
}

/** See the file's head. */
export class Fleet {
  readonly #plans: readonly Plan[];
  readonly #controls: readonly RunControl[];
  readonly #options: FleetOptions;

  constructor(plan: Plan, options: FleetOptions) {
    this.#plans = shares(plan, options.threads);
    this.#controls = this.#plans.map(() => new RunControl());
    this.#options = options;
  }

  /** Ends the run in order; called again, at once. */
  stop(): void {
    for (const control of this.#controls) control.stop();
  }

  /** How it goes, in all shares; the stage is that of the slowest. */
  get progress(): Progress {
    const all = this.#controls.map((control) => control.progress);
    const sum = (name: "tunnels" | "sessions" | "failed") => all.reduce((total, one) => total + one[name], 0);
    const stage = Math.min(...all.map((one) => STAGES.indexOf(one.stage)));
    return {
      stage: STAGES[stage] ?? "done",
      tunnels: sum("tunnels"),
      sessions: sum("sessions"),
      failed: sum("failed"),
    };
  }

  /** @throws UsageError when a share cannot begin. */
  async run(): Promise<RunResult> {
    const cpu = process.cpuUsage();
    const from = performance.now();
    const results = await Promise.all(this.#plans.map((plan, n) => this.#share(plan, n)));
    const tally = new Tally();
    for (const result of results) tally.add(result.tally);
    const { user, system } = process.cpuUsage(cpu);
    return {
      tally,
      stages: stageTimes(results),
      wallMs: performance.now() - from,
      cpuSeconds: (user + system) / 1e6,
      memory: process.resourceUsage().maxRSS * 1_024,
    };
  }

  #share(plan: Plan, n: number): Promise<ShareResult> {
    const { io, inProcess } = this.#options;
    const control = this.#controls[n] as RunControl;
    if (inProcess === true) return runShare(plan, io, control);
    const data: ThreadData = { plan, io, shared: control.shared };
    return new Promise((resolve, reject) => {
      const thread = spawnThread(import.meta.url, "load-thread", { workerData: data });
      thread.once("error", reject);
      thread.once("exit", () => reject(new Error("a thread ended without a result")));
      thread.once("message", (answer: ThreadAnswer) => {
        if ("result" in answer) resolve(answer.result);
        else {
          this.stop();
          this.stop();
          reject(new UsageError(answer.error));
        }
      });
    });
  }
}

function stageTimes(results: readonly ShareResult[]): Partial<Record<Stage, number>> {
  const times: Partial<Record<Stage, number>> = {};
  for (const [at, stage] of STAGES.entries()) {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const { began } of results) {
      const from = began[stage];
      if (from === undefined) continue;
      const to = STAGES.slice(at + 1).map((later) => began[later]);
      first = Math.min(first, from);
      last = Math.max(last, Math.min(...to.filter((time) => time !== undefined)));
    }
    if (last > first && Number.isFinite(last)) times[stage] = last - first;
  }
  return times;
}
