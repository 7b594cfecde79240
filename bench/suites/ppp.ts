/**
 * One PPP session of the userspace data plane beside bare veth, kernel VXLAN, OpenVPN without crypto in TUN mode and our own
 * Ethernet path, in interleaved rounds. What is judged is CPU time per unit of work; throughput is reported.
 */
import { openvpnTun, oursPpp, veth, vxlan } from "../dataplane/contenders.ts";
import { buildReference, Lab } from "../dataplane/lab.ts";
import { measure, median, type Sample, UDP_LOADS } from "../dataplane/measure.ts";
import type { Suite } from "../suite.ts";

const suite: Suite = {
  name: "ppp",
  description: "one PPP session of the userspace data plane beside veth, VXLAN and OpenVPN in TUN mode",
  async run({ rounds, log }) {
    if (process.getuid?.() !== 0) {
      return { tables: [], figures: [], missing: ["everything: needs root for network namespaces"] };
    }
    const udpload = buildReference("udpload");
    const all = [veth, vxlan, openvpnTun, oursPpp("full"), oursPpp("batch")];
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
    const ratio = (name: string, reference: string, pick: (sample: Sample) => number) => {
      const references = of(reference, pick);
      return median(of(name, pick).map((value, i) => value / (references[i] ?? Number.NaN)));
    };
    const gbit = (sample: Sample) => sample.gbit;
    const cpu = (sample: Sample) => sample.cpuPerGb;
    const small = (sample: Sample) => sample.microseconds[0] ?? Number.NaN;
    const kernel = (name: string) => name === "veth" || name === "vxlan";
    return {
      tables: [
        {
          title: "One PPP session between two namespaces",
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
            "CPU is user and system time of the processes of both ends; the kernel's own is charged to nobody.",
          ],
        },
      ],
      figures: [
        {
          name: "PPP, CPU/GB to OpenVPN without crypto in TUN mode",
          measured: ratio("ours-ppp", "openvpn-tun", cpu),
          unit: "×",
          better: "lower",
          gate: 0.35,
          goal: 0.1,
        },
        {
          name: "PPP, TCP throughput to OpenVPN without crypto in TUN mode",
          measured: ratio("ours-ppp", "openvpn-tun", gbit),
          unit: "×",
          better: "higher",
          gate: 3,
          goal: 10,
        },
        {
          name: "PPP, 64-byte packets, CPU to OpenVPN in TUN mode",
          measured: ratio("ours-ppp", "openvpn-tun", small),
          unit: "×",
          better: "lower",
          gate: 0.8,
          goal: 0.45,
        },
      ],
    };
  },
};

export default suite;
