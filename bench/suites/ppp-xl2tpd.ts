/**
 * PPP sessions of our LNS on the userspace data plane beside xl2tpd with pppd, in the virtual machine, where pppd works
 * (emulated: ten to forty times slower than a machine): one session's TCP, and how fast many come up.
 */
import { fileURLToPath } from "node:url";
import { missing } from "@l2tp/testing";
import { built } from "@l2tp/testing/built";
import { bundleForGuest, runInGuest } from "@l2tp/testing/guest/run";
import { THREADS } from "../../interop/kernel/vm.ts";
import { mean, Samples } from "../dataplane/samples.ts";
import { PPP_LINE, type PppPath, type PppRound } from "../ppp-round.ts";
import type { Figure, ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

/** For each round, on a busy machine. */
const ROUND_LIMIT_MS = 600_000;

async function run({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
  const why = missing("vm");
  if (why !== undefined) return { tables: [], figures: [], missing: [`xl2tpd with pppd: ${why}`] };
  const bench = await bundleForGuest(
    "bench-ppp",
    `import ${JSON.stringify(fileURLToPath(new URL("../ppp-guest.ts", import.meta.url)))};`,
    THREADS,
  );
  const found = new Samples<PppPath>();
  const rates = new Samples<number>();
  let done = 0;
  const { status, output } = await runInGuest(
    [process.execPath, bench, String(rounds), built("l2tpd"), built("l2tpload")],
    {
      timeoutMs: ROUND_LIMIT_MS * rounds,
      onLine: (line) => {
        if (!line.startsWith(PPP_LINE)) return;
        const round = JSON.parse(line.slice(PPP_LINE.length)) as PppRound;
        const words = (["ours", "xl2tpd"] as const).map((who) => {
          const [path, perSecond] = [round.path[who], round.perSecond[who]];
          found.add(who, path);
          rates.add(who, perSecond);
          return `${who} ${mean(path.gbit).toFixed(3)} Gbit/s and ${perSecond.toFixed(1)} sessions/s`;
        });
        log(`virtual machine, round ${++done}/${rounds}: ${words.join(", ")}`);
      },
    },
  );
  if (done < rounds) {
    throw new Error(
      `the virtual machine ended with ${status} after ${done} rounds:\n${output.slice(-2_000)}`,
    );
  }
  return { tables: tablesOf(found, rates), figures: figuresOf(found, rates) };
}

function tablesOf(found: Samples<PppPath>, rates: Samples<number>): ResultTable[] {
  return [
    {
      title: "One PPP session beside xl2tpd with pppd on a pseudo-terminal (virtual machine)",
      columns: ["", "TCP Gbit/s down", "up", "CPU s/GB down", "up"],
      rows: (
        [
          ["xl2tpd 1.3 and pppd 2.5, without the kernel's L2TP", "xl2tpd"],
          ["l2tpd as LNS, userspace data plane", "ours"],
        ] as const
      ).map(([description, who]) => [
        description,
        found.median(who, ({ gbit }) => gbit.down),
        found.median(who, ({ gbit }) => gbit.up),
        found.median(who, ({ cpuPerGb }) => cpuPerGb.down),
        found.median(who, ({ cpuPerGb }) => cpuPerGb.up),
      ]),
      notes: ["The machine is emulated, so only the ratio counts. CPU is that of the LNS with its pppd."],
    },
    {
      title: "PPP sessions fully up per second beside xl2tpd with pppd (virtual machine)",
      columns: ["LNS", "sessions/s"],
      rows: [
        ["xl2tpd 1.3 and pppd 2.5 on the kernel's L2TP", rates.median("xl2tpd", (rate) => rate)],
        ["l2tpd, userspace data plane", rates.median("ours", (rate) => rate)],
      ],
      notes: [
        "80 sessions on one tunnel, CHAP, an address each, dialled by l2tpload, of an LNS that has had as many before.",
      ],
    },
  ];
}

function figuresOf(found: Samples<PppPath>, rates: Samples<number>): Figure[] {
  return [
    {
      name: "PPP, sessions fully up per second beside xl2tpd with pppd",
      measured: rates.ratio("ours", "xl2tpd", (rate) => rate),
      unit: "×",
      better: "higher",
      gate: 5,
    },
    {
      name: "PPP, TCP throughput to xl2tpd with pppd on a pseudo-terminal",
      measured: found.ratio("ours", "xl2tpd", ({ gbit }) => mean(gbit)),
      unit: "×",
      better: "higher",
      goal: 10,
    },
    {
      name: "PPP, CPU/GB to xl2tpd with pppd on a pseudo-terminal",
      measured: found.ratio("ours", "xl2tpd", ({ cpuPerGb }) => mean(cpuPerGb)),
      unit: "×",
      better: "lower",
      goal: 0.1,
    },
  ];
}

const suite: Suite = {
  name: "ppp-xl2tpd",
  description:
    "PPP sessions beside xl2tpd with pppd: one session's TCP, and how fast many come up (virtual machine)",
  run,
};

export default suite;
