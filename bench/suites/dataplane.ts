/**
 * The userspace data plane beside bare veth, kernel VXLAN, OpenVPN without crypto and the same loops in C:
 * one TCP flow, and small and large UDP packets, in interleaved rounds. What is judged is CPU time of the
 * tunnel's own processes per unit of work, which holds on a noisy machine; throughput is reported.
 */

import { contenders } from "../dataplane/contenders.ts";
import { buildReference, Lab } from "../dataplane/lab.ts";
import { measure, median, type Sample, UDP_LOADS } from "../dataplane/measure.ts";
import type { Figure, ResultTable, Suite } from "../suite.ts";

const suite: Suite = {
  name: "dataplane",
  description: "the userspace data plane beside veth, VXLAN, OpenVPN and the same loops in C",
  async run({ rounds, log }) {
    if (process.getuid?.() !== 0) {
      return { tables: [], figures: [], missing: ["everything: needs root for network namespaces"] };
    }
    const udpload = buildReference("udpload");
    const all = contenders(buildReference("tunnel", "-pthread"));
    const samples = new Map<string, Sample[]>(all.map(({ name }) => [name, []]));
    using lab = new Lab();
    for (let round = 1; round <= rounds; round++) {
      for (const contender of all) {
        const sample = await measure(lab, contender, udpload);
        samples.get(contender.name)?.push(sample);
        log(
          `round ${round}/${rounds} ${contender.name}: ${sample.gbit.toFixed(2)} Gbit/s, ${sample.cpuPerGb.toFixed(2)} CPU s/GB`,
        );
      }
    }

    const of = (name: string, pick: (sample: Sample) => number) => (samples.get(name) ?? []).map(pick);
    /** Median over the rounds of one contender's figure to another's in the same round. */
    const ratio = (name: string, reference: string, pick: (sample: Sample) => number) => {
      const references = of(reference, pick);
      return median(of(name, pick).map((value, i) => value / (references[i] ?? Number.NaN)));
    };
    const gbit = (sample: Sample) => sample.gbit;
    const cpu = (sample: Sample) => sample.cpuPerGb;
    const small = (sample: Sample) => sample.microseconds[0] ?? Number.NaN;

    const kernel = (name: string) => name === "veth" || name === "vxlan";
    const table: ResultTable = {
      title: "One Ethernet pseudowire between two namespaces",
      columns: [
        "",
        "TCP Gbit/s",
        "of veth",
        "CPU s/GB",
        ...UDP_LOADS.flatMap(({ octets }) => [`µs/packet ${octets} B`, "arrived"]),
      ],
      rows: all.map(({ name, description }) => [
        description,
        median(of(name, gbit)),
        ratio(name, "veth", gbit),
        kernel(name) ? "–" : median(of(name, cpu)),
        ...UDP_LOADS.flatMap((_, i) => [
          kernel(name) ? "–" : median(of(name, (s) => s.microseconds[i] ?? Number.NaN)),
          `${(100 * median(of(name, (s) => s.arrived[i] ?? Number.NaN))).toFixed(0)} %`,
        ]),
      ]),
      notes: [
        "CPU is user and system time of the processes of both ends; what the kernel does for veth and VXLAN is charged to nobody.",
        `UDP loads: ${UDP_LOADS.map((l) => `${l.octets} octets at ${l.packetsPerSecond} packets/s`).join(", ")}.`,
      ],
    };
    const perRound: ResultTable = {
      title: "Ratios per round",
      columns: ["", ...Array.from({ length: rounds }, (_, i) => `round ${i + 1}`)],
      rows: (
        [
          ["CPU/GB, ours to OpenVPN", "ours", "openvpn", cpu],
          ["TCP throughput, ours to OpenVPN", "ours", "openvpn", gbit],
          ["CPU/GB, ours to C with the same offloads", "ours", "c-offload", cpu],
          ["TCP throughput, ours to veth", "ours", "veth", gbit],
          ["CPU/GB, fallback to C recvmmsg/sendmmsg", "ours-batch", "c-batch", cpu],
          ["CPU/packet at 64 B, ours to OpenVPN", "ours", "openvpn", small],
        ] as const
      ).map(([title, name, reference, pick]) => {
        const references = of(reference, pick);
        return [title, ...of(name, pick).map((value, i) => value / (references[i] ?? Number.NaN))];
      }),
    };
    const figures: Figure[] = [
      {
        name: "CPU/GB to OpenVPN without crypto",
        measured: ratio("ours", "openvpn", cpu),
        unit: "×",
        better: "lower",
        gate: 0.35,
        goal: 0.1,
      },
      {
        name: "TCP throughput to OpenVPN without crypto",
        measured: ratio("ours", "openvpn", gbit),
        unit: "×",
        better: "higher",
        gate: 3,
        goal: 10,
      },
      {
        name: "CPU/GB to C with the same offloads",
        measured: ratio("ours", "c-offload", cpu),
        unit: "×",
        better: "lower",
        gate: 2,
        goal: 1.1,
      },
      {
        name: "one TCP flow to bare veth",
        measured: ratio("ours", "veth", gbit),
        unit: "×",
        better: "higher",
        gate: 0.25,
        goal: 0.5,
      },
      {
        name: "fallback CPU/GB to C recvmmsg/sendmmsg",
        measured: ratio("ours-batch", "c-batch", cpu),
        unit: "×",
        better: "lower",
        gate: 1.5,
        goal: 1.1,
      },
      {
        name: "64-byte packets, CPU to OpenVPN",
        measured: ratio("ours", "openvpn", small),
        unit: "×",
        better: "lower",
        gate: 0.8,
        goal: 0.45,
      },
    ];
    return { tables: [table, perRound], figures };
  },
};

export default suite;
