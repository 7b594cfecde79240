/** Two hosts with one tunnel between them, contender beside contender: the rounds, and the table of what came of them. */
import type { ResultTable, SuiteOptions } from "../suite.ts";
import type { Contender } from "./contenders.ts";
import { buildReference, Lab } from "./lab.ts";
import { measure, type Sample, UDP_LOADS } from "./measure.ts";
import { Samples } from "./samples.ts";

/** What the kernel does costs no process anything that could be counted. */
export const inKernel = (name: string): boolean => name === "veth" || name === "vxlan";

/** What figures are made of. */
export const gbit = (sample: Sample): number => sample.gbit;
export const cpu = (sample: Sample): number => sample.cpuPerGb;
/** Microseconds for a packet of the smaller size. */
export const small = (sample: Sample): number => sample.microseconds[0] ?? Number.NaN;

/** Measures all of them in each round. */
export async function measurePairs(
  contenders: readonly Contender[],
  { rounds, log }: SuiteOptions,
): Promise<Samples<Sample>> {
  const udpload = buildReference("udpload");
  const samples = new Samples<Sample>();
  using lab = new Lab();
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      const sample = await measure(lab, contender, udpload);
      samples.add(contender.name, sample);
      log(
        `round ${round}/${rounds} ${contender.name}: ${sample.gbit.toFixed(2)} Gbit/s, ${sample.cpuPerGb.toFixed(2)} CPU s/GB`,
      );
    }
  }
  return samples;
}

/** Medians of all rounds, a row for each contender. */
export function pairTable(
  title: string,
  contenders: readonly Contender[],
  samples: Samples<Sample>,
  notes: readonly string[],
): ResultTable {
  return {
    title,
    columns: [
      "",
      "TCP Gbit/s",
      "of veth",
      "CPU s/GB",
      ...UDP_LOADS.flatMap(({ octets }) => [`µs/packet ${octets} B`, "arrived"]),
    ],
    rows: contenders.map(({ name, description }) => [
      description,
      samples.median(name, gbit),
      samples.ratio(name, "veth", gbit),
      inKernel(name) ? "–" : samples.median(name, cpu),
      ...UDP_LOADS.flatMap((_, i) => [
        inKernel(name) ? "–" : samples.median(name, (sample) => sample.microseconds[i] ?? Number.NaN),
        `${(100 * samples.median(name, (sample) => sample.arrived[i] ?? Number.NaN)).toFixed(0)} %`,
      ]),
    ]),
    notes,
  };
}
