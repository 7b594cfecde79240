/**
 * The userspace data plane beside bare veth, kernel VXLAN, OpenVPN without crypto and the same loops in C:
 * one TCP flow, and small and large UDP packets, in interleaved rounds. What is judged is CPU time of the
 * tunnel's own processes per unit of work, which holds on a noisy machine; throughput is reported.
 */
import { contenders } from "../dataplane/contenders.ts";
import { buildReference } from "../dataplane/lab.ts";
import { type Sample, UDP_LOADS } from "../dataplane/measure.ts";
import { cpu, gbit, measurePairs, pairTable, small } from "../dataplane/pairs.ts";
import type { Samples } from "../dataplane/samples.ts";
import type { Figure, ResultTable, Suite } from "../suite.ts";

/** What is judged: name, the first beside the second, of what, which way is better, gate and goal. */
const JUDGED = [
  ["CPU/GB to OpenVPN without crypto", "ours", "openvpn", cpu, "lower", 0.35, 0.1],
  ["TCP throughput to OpenVPN without crypto", "ours", "openvpn", gbit, "higher", 3, 10],
  ["CPU/GB to C with the same offloads", "ours", "c-offload", cpu, "lower", 2, 1.1],
  ["one TCP flow to bare veth", "ours", "veth", gbit, "higher", 0.25, 0.5],
  ["fallback CPU/GB to C recvmmsg/sendmmsg", "ours-batch", "c-batch", cpu, "lower", 1.5, 1.1],
  ["64-byte packets, CPU to OpenVPN", "ours", "openvpn", small, "lower", 0.8, 0.45],
] as const;

function figures(samples: Samples<Sample>): Figure[] {
  return JUDGED.map(([name, ours, reference, pick, better, gate, goal]) => {
    const measured = samples.ratio(ours, reference, pick);
    return { name, measured, unit: "×", better, gate, goal };
  });
}

function roundByRound(samples: Samples<Sample>, rounds: number): ResultTable {
  return {
    title: "Ratios per round",
    columns: ["", ...Array.from({ length: rounds }, (_, i) => `round ${i + 1}`)],
    rows: JUDGED.map(([name, ours, reference, pick]) => [name, ...samples.ratios(ours, reference, pick)]),
  };
}

const suite: Suite = {
  name: "dataplane",
  description: "the userspace data plane beside veth, VXLAN, OpenVPN and the same loops in C",
  async run(options) {
    if (process.getuid?.() !== 0) {
      return { tables: [], figures: [], missing: ["everything: needs root for network namespaces"] };
    }
    const all = contenders(buildReference("tunnel", "-pthread"));
    const samples = await measurePairs(all, options);
    const table = pairTable("One Ethernet pseudowire between two namespaces", all, samples, [
      "CPU is user and system time of the processes of both ends; what the kernel does for veth and VXLAN is charged to nobody.",
      `UDP loads: ${UDP_LOADS.map((l) => `${l.octets} octets at ${l.packetsPerSecond} packets/s`).join(", ")}.`,
    ]);
    return { tables: [table, roundByRound(samples, options.rounds)], figures: figures(samples) };
  },
};

export default suite;
