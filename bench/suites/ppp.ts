/**
 * PPP sessions of the userspace data plane, in interleaved rounds: one session between two processes beside bare veth, kernel
 * VXLAN and OpenVPN without crypto in TUN mode; and an LNS with one session and with 1,000 beside l2tpns, too. What is judged
 * is CPU time per unit of work and throughput as ratios of the same round.
 */
import { missing } from "@l2tp/testing";
import { openvpnTun, oursPpp, veth, vxlan } from "../dataplane/contenders.ts";
import { buildReference } from "../dataplane/lab.ts";
import { LnsLab, lnsContenders } from "../dataplane/lns-lab.ts";
import type { Sample } from "../dataplane/measure.ts";
import { type LnsSample, measureLns, SESSIONS, SMALL } from "../dataplane/measure-lns.ts";
import { cpu, gbit, inKernel, measurePairs, pairTable, small } from "../dataplane/pairs.ts";
import { mean, Samples } from "../dataplane/samples.ts";
import type { Figure, ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

const sessionsOf = (count: number): string =>
  count === 1 ? "one session" : `${count.toLocaleString("en-US")} sessions together`;

/** One session, both ends alike. */
async function pairs(options: SuiteOptions): Promise<SuiteResult> {
  const all = [veth, vxlan, openvpnTun, oursPpp("full"), oursPpp("batch")];
  const samples = await measurePairs(all, options);
  const toOpenvpn = (pick: (sample: Sample) => number) => samples.ratio("ours-ppp", "openvpn-tun", pick);
  const table = pairTable("One PPP session between two namespaces", all, samples, [
    "CPU is user and system time of the processes of both ends; the kernel's own is charged to nobody.",
  ]);
  return {
    tables: [table],
    figures: [
      {
        name: "PPP, CPU/GB to OpenVPN without crypto in TUN mode",
        measured: toOpenvpn(cpu),
        unit: "×",
        better: "lower",
        gate: 0.35,
        goal: 0.1,
      },
      {
        name: "PPP, TCP throughput to OpenVPN without crypto in TUN mode",
        measured: toOpenvpn(gbit),
        unit: "×",
        better: "higher",
        gate: 3,
        goal: 10,
      },
      {
        name: "PPP, 64-byte packets, CPU to OpenVPN in TUN mode",
        measured: toOpenvpn(small),
        unit: "×",
        better: "lower",
        gate: 0.8,
        goal: 0.45,
      },
    ],
  };
}

/** An LNS with one subscriber and with many, dialled by the same LAC. */
async function servers({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
  const why = missing({ tool: "l2tpns" });
  const all = lnsContenders(why === undefined);
  const samples = SESSIONS.map(() => new Samples<LnsSample>());
  await using lab = new LnsLab(buildReference("fanload"));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of all) {
      for (const [i, sample] of (await measureLns(lab, contender)).entries()) {
        samples[i]?.add(contender.name, sample);
        const { gbit, cpuPerGb } = sample;
        log(
          `round ${round}/${rounds} ${contender.name}, ${sessionsOf(SESSIONS[i] as number)}: ` +
            `${gbit.down.toFixed(2)} and ${gbit.up.toFixed(2)} Gbit/s, ${mean(cpuPerGb).toFixed(2)} CPU s/GB`,
        );
      }
    }
  }
  return {
    tables: SESSIONS.map((count, i) => serverTable(count, all, samples[i] as Samples<LnsSample>)),
    figures: SESSIONS.flatMap((count, i) => {
      const of = samples[i] as Samples<LnsSample>;
      return [
        ...serverFigures(count, of, "openvpn", [10, 0.1], [3, 0.35]),
        ...serverFigures(count, of, "l2tpns", [1, 1]),
      ];
    }),
    ...(why !== undefined && { missing: [`l2tpns: ${why}`] }),
  };
}

function serverTable(
  count: number,
  contenders: ReturnType<typeof lnsContenders>,
  of: Samples<LnsSample>,
): ResultTable {
  const cpu = (name: string, pick: (sample: LnsSample) => number) =>
    inKernel(name) ? "–" : of.median(name, pick);
  const flows =
    count === 1
      ? "One TCP flow"
      : `${count.toLocaleString("en-US")} TCP flows, one in each session; without sessions all in one tunnel`;
  return {
    title: `An LNS with ${sessionsOf(count)}`,
    columns: [
      "",
      "TCP Gbit/s down",
      "up",
      "CPU s/GB down",
      "up",
      `µs/packet ${SMALL.octets} B down`,
      "arrived",
    ],
    rows: contenders.map(({ name, description }) => [
      description,
      of.median(name, ({ gbit }) => gbit.down),
      of.median(name, ({ gbit }) => gbit.up),
      cpu(name, ({ cpuPerGb }) => cpuPerGb.down),
      cpu(name, ({ cpuPerGb }) => cpuPerGb.up),
      cpu(name, ({ microseconds }) => microseconds),
      `${(100 * of.median(name, ({ arrived }) => arrived)).toFixed(0)} %`,
    ]),
    notes: [
      `CPU is that of the LNS alone. ${flows}. Down is to the subscribers. The LAC is ours, on the same two cores.`,
    ],
  };
}

/** Ours beside another LNS, where that was measured: `goals` and `gates` are of throughput and of CPU. */
function serverFigures(
  count: number,
  of: Samples<LnsSample>,
  reference: string,
  goals: readonly [number, number],
  gates?: readonly [number, number],
): Figure[] {
  if (!of.has(reference)) return [];
  const what = `LNS, ${sessionsOf(count)}`;
  return [
    {
      name: `${what}, TCP throughput to ${reference}`,
      measured: of.ratio("ours", reference, (sample) => mean(sample.gbit)),
      unit: "×",
      better: "higher",
      ...(gates !== undefined && { gate: gates[0] }),
      goal: goals[0],
    },
    {
      name: `${what}, CPU/GB to ${reference}`,
      measured: of.ratio("ours", reference, (sample) => mean(sample.cpuPerGb)),
      unit: "×",
      better: "lower",
      ...(gates !== undefined && { gate: gates[1] }),
      goal: goals[1],
    },
    {
      name: `${what}, CPU of 64-byte packets to ${reference}`,
      measured: of.ratio("ours", reference, ({ microseconds }) => microseconds),
      unit: "×",
      better: "lower",
    },
  ];
}

const suite: Suite = {
  name: "ppp",
  description: "PPP sessions of the userspace data plane beside veth, VXLAN, OpenVPN and l2tpns",
  async run(options) {
    const why = missing("root") ?? missing("tun");
    if (why !== undefined) return { tables: [], figures: [], missing: [`PPP sessions: ${why}`] };
    const parts = [await pairs(options), await servers(options)];
    return {
      tables: parts.flatMap(({ tables }) => tables),
      figures: parts.flatMap(({ figures }) => figures),
      missing: parts.flatMap((part) => part.missing ?? []),
    };
  },
};

export default suite;
