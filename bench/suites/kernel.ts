/**
 * The kernel's data plane in large numbers, in the virtual machine (emulated: ten to forty times slower than a machine):
 * 1,000 tunnels of 10 Ethernet sessions are created, listed and deleted, beside `ip l2tp` in batch mode in the same rounds.
 */
import { fileURLToPath } from "node:url";
import { missing } from "@l2tp/testing";
import { bundleForGuest, runInGuest } from "@l2tp/testing/guest/run";
import type { LoopReport } from "@l2tp/testing/loop-watch";
import { KERNEL_LINE, type KernelRound, type Steps } from "../kernel-round.ts";
import type { ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
/** For each round, on a busy machine. */
const ROUND_LIMIT_MS = 600_000;
/**
 * As docs/kernel-data-plane.md advises for programs with many sessions: without this V8 collects all garbage each time the
 * heap has doubled, in turns of 45 to 65 ms here.
 */
const V8_OPTIONS = ["--initial-old-space-size=256"];

const median = (values: readonly number[]): number => {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
};
const fixed = (value: number, digits = 0): number => Number(value.toFixed(digits));

async function measure({ rounds, log }: SuiteOptions): Promise<KernelRound[]> {
  const bundle = await bundleForGuest(
    "bench-kernel",
    `import ${JSON.stringify(path("bench/kernel-guest.ts"))};`,
    {
      "reactor-thread": path("packages/linux/src/reactor-thread.ts"),
    },
  );
  const found: KernelRound[] = [];
  const { status, output } = await runInGuest([process.execPath, ...V8_OPTIONS, bundle, String(rounds)], {
    timeoutMs: ROUND_LIMIT_MS * rounds,
    run: ["--mem", "3072"],
    onLine: (line) => {
      if (!line.startsWith(KERNEL_LINE)) return;
      found.push(JSON.parse(line.slice(KERNEL_LINE.length)) as KernelRound);
      log(`round ${found.length} of ${rounds}`);
    },
  });
  if (found.length < rounds) {
    throw new Error(
      `the virtual machine ended with ${status} after ${found.length} rounds:\n${output.slice(-2000)}`,
    );
  }
  return found;
}

const STEPS = ["create", "list", "remove"] as const satisfies readonly (keyof Steps)[];

function report(rounds: readonly KernelRound[]): SuiteResult {
  const [first] = rounds;
  if (first === undefined) throw new Error("no rounds");
  const { tunnels, sessions } = first;
  const objects = tunnels * (sessions + 1);
  const microseconds = (who: "ours" | "ip", step: keyof Steps) =>
    median(rounds.map((round) => (round[who][step] * 1_000) / objects));
  const longest = (whose: "loop" | "ipLoop", what: keyof LoopReport) =>
    median(rounds.map((round) => Math.max(...round[whose].map((report) => report[what]))));
  const ratio = (step: keyof Steps) => median(rounds.map((round) => round.ours[step] / round.ip[step]));
  const table: ResultTable = {
    title: `${tunnels.toLocaleString("en-US")} tunnels of ${sessions} Ethernet sessions in the kernel (virtual machine)`,
    columns: ["", "ours, µs each", "ip -batch, µs each", "ratio"],
    rows: STEPS.map((step) => [
      step,
      fixed(microseconds("ours", step)),
      fixed(microseconds("ip", step)),
      fixed(ratio(step), 2),
    ]),
    notes: [
      "Each: a tunnel or a session. Ours also give each interface its MTU, and each tunnel a socket for control messages.",
      "Removing is over when the kernel has none of them any more.",
      "Own work is the time that the event loop's thread ran between two ticks of 5 ms. Lateness is wall-clock time, and holds the " +
        "wait for one of the machine's two processors as well, which the kernel's own threads have much of the time.",
    ],
  };
  return {
    tables: [table],
    figures: [
      ...STEPS.map((step) => ({
        name: `kernel: ${step}, ours to ip -batch`,
        measured: fixed(ratio(step), 2),
        unit: "times",
        better: "lower" as const,
        goal: 1,
      })),
      {
        name: "kernel: memory of our process for each session",
        measured: fixed(median(rounds.map(({ octetsPerSession }) => octetsPerSession / 1_024)), 1),
        unit: "KiB",
        better: "lower",
      },
      {
        name: "kernel: event loop held up by its own work, at most",
        measured: fixed(longest("loop", "ranLongest")),
        unit: "ms",
        better: "lower",
        goal: 50,
      },
      {
        name: "kernel: event loop held up by its own work, 99 % of the turns",
        measured: fixed(longest("loop", "ranMost")),
        unit: "ms",
        better: "lower",
        goal: 50,
      },
      {
        name: "kernel: event loop late by the clock, at most",
        measured: fixed(longest("loop", "latest")),
        unit: "ms",
        better: "lower",
      },
      {
        name: "kernel: the same of a loop that does nothing while ip works",
        measured: fixed(longest("ipLoop", "latest")),
        unit: "ms",
        better: "lower",
      },
    ],
  };
}

const suite: Suite = {
  name: "kernel",
  description: "the kernel's data plane in large numbers, beside ip l2tp in batch mode (virtual machine)",
  async run(options) {
    const why = missing("vm");
    if (why !== undefined) return { tables: [], figures: [], missing: [`the kernel's data plane: ${why}`] };
    return report(await measure(options));
  },
};
export default suite;
